/* Which route takes a request: the tables of the runtime's pathmap, and the methods of each path. One more
 * path may change them all. */
#include "gateway.h"

/* Literals, each behind its length. */
enum { TEXTS = 30 };
static const char texts[TEXTS + PATHMAP_SLACK] = "\006health"
                                                 "\002v1"
                                                 "\004pets"
                                                 "\006orders"
                                                 "\007animals";

/* A literal, and behind it the node that looks at a segment, or a leaf: the path's number and its shape. */
static const struct pathmap_slot slots[] = {
    /* - */
    {.segment = PATHMAP_NOWHERE},
    /* - */
    {PATHMAP_TO_PATH(0, 0)},
    /* - */
    {.segment = PATHMAP_NOWHERE},
    /* - */
    {.segment = PATHMAP_NOWHERE},
    /* - */
    {.segment = PATHMAP_NOWHERE},
    /* - */
    {.segment = PATHMAP_NOWHERE},
    /* pets */
    {PATHMAP_AT(11, 4, 1), PATHMAP_TO_PATH(1, 0)},
    /* - */
    {.segment = PATHMAP_NOWHERE},
    /* - */
    {.segment = PATHMAP_NOWHERE},
    /* orders */
    {PATHMAP_AT(16, 6, 1), PATHMAP_TO_PATH(3, 3)},
    /* animals */
    {PATHMAP_AT(23, 7, 1), PATHMAP_TO_PATH(4, 3)},
    /* pets */
    {PATHMAP_AT(11, 4, 1), PATHMAP_TO_PATH(2, 3)},
    /* - */
    {.segment = PATHMAP_NOWHERE},
    /* - */
    {.segment = PATHMAP_NOWHERE},
    /* - */
    {PATHMAP_TO_NODE(2, 6, 0, 63)},
    /* - */
    {PATHMAP_TO_NODE(2, 8, 2027808453, 58)},
    /* - */
    {.segment = PATHMAP_NOWHERE},
};

/* The first segments; `base` is the slot of a path of 0 segments, those of more follow. */
static const struct pathmap_slot firsts[] = {
    /* health */
    {PATHMAP_AT(1, 6, 1), .base = 0},
    /* v1 */
    {PATHMAP_AT(8, 2, 1), .base = 12},
};

/* Where other paths of 0, 1, 2 … segments begin: without and with a slash at their end; the same for paths with
 * an empty segment before it. */
static const struct pathmap_slot roots[] = {
    /* 0 */
    {.segment = PATHMAP_NOWHERE},
    {.segment = PATHMAP_NOWHERE},
    {.segment = PATHMAP_NOWHERE},
    {.segment = PATHMAP_NOWHERE},
    /* 1 */
    {.segment = PATHMAP_NOWHERE},
    {.segment = PATHMAP_NOWHERE},
    {.segment = PATHMAP_NOWHERE},
    {.segment = PATHMAP_NOWHERE},
    /* 2 */
    {.segment = PATHMAP_NOWHERE},
    {.segment = PATHMAP_NOWHERE},
    {.segment = PATHMAP_NOWHERE},
    {.segment = PATHMAP_NOWHERE},
    /* 3 */
    {.segment = PATHMAP_NOWHERE},
    {.segment = PATHMAP_NOWHERE},
    {.segment = PATHMAP_NOWHERE},
    {.segment = PATHMAP_NOWHERE},
    /* 4 */
    {.segment = PATHMAP_NOWHERE},
    {.segment = PATHMAP_NOWHERE},
    {.segment = PATHMAP_NOWHERE},
    {.segment = PATHMAP_NOWHERE},
};

/* Which segments are parameters, 5 bits for each. */
static const uint32_t shapes[] = {
    /* none */
    0,
    /* segments 3 */
    3,
};

/* The shape of each path. */
static const uint16_t paths[] = {
    /* /health */
    0,
    /* /v1/pets */
    0,
    /* /v1/pets/{petId} */
    1,
    /* /v1/orders/{orderId} */
    1,
    /* /v1/animals/{petId} */
    1,
};

/* Sets of methods, a bit for each of enum method. */
enum {
    DO_GET = 1,
    DO_GET_POST = 5,
    DO_GET_DELETE = 17,
};

static const struct str allows[] = {
    /* Allow: */ STR_INIT("GET, HEAD, OPTIONS"),
    /* Allow: */ STR_INIT("GET, HEAD, POST, OPTIONS"),
    /* Allow: */ STR_INIT("GET, HEAD, DELETE, OPTIONS"),
};

/* Path by path, for each path in the order of enum method. */
static const struct gw_route *const routes[] = {
    /* GET /health */
    &route_health,
    /* GET /v1/pets */
    &route_list_pets,
    /* POST /v1/pets */
    &route_create_pet,
    /* GET /v1/pets/{petId} */
    &route_get_pet,
    /* DELETE /v1/pets/{petId} */
    &route_delete_pet,
    /* GET /v1/orders/{orderId} */
    &route_get_order,
    /* GET /v1/animals/{petId} */
    &route_get_animal,
};

/* First route, methods, allow; or first variant, GW_VARIANTS, how many. */
static const struct gw_methods path_methods[] = {
    /* /health */
    {.first = 0, .methods = DO_GET, .allow = 0},
    /* /v1/pets */
    {.first = 1, .methods = DO_GET_POST, .allow = 1},
    /* /v1/pets/{petId} */
    {.first = 3, .methods = DO_GET_DELETE, .allow = 2},
    /* /v1/orders/{orderId} */
    {.first = 5, .methods = DO_GET, .allow = 0},
    /* /v1/animals/{petId} */
    {.first = 6, .methods = DO_GET, .allow = 0},
};

static const struct gw_paths all_paths = {
    .map.path_count = 5,
    .map.depth = 4,
    .map.roots = roots,
    .map.firsts = firsts,
    .map.first_factor = 3668339987,
    .map.first_shift = 59,
    .map.only_firsts = true,
    .map.slots = slots,
    .map.texts = texts,
    .map.paths = paths,
    .map.shapes = shapes,
    .paths = path_methods,
    .allows = allows,
    .routes = routes,
    .allow_all = STR_INIT("GET, HEAD, POST, DELETE, OPTIONS"),
    .rules.normalize = true,
    .rules.merge_slashes = false,
    .rules.case_sensitive = true,
    .rules.encoded_slash = URLPATH_SLASH_KEEP,
};

enum gw_match gateway_match(struct gw_req *rq)
{
    return gw_match(rq, &all_paths);
}
