/* Which route takes a request: the tables of the runtime's pathmap, and the methods of each path. One more
 * path may change them all. */
#include "gateway.h"

/* Literals, each behind its length. */
enum { TEXTS = 9 };
static const char texts[TEXTS + PATHMAP_SLACK] = "\004pets"
                                                 "\001r"
                                                 "\001s";

/* A literal, and behind it the node that looks at a segment, or a leaf: the path's number and its shape. */
static const struct pathmap_slot slots[] = {
    /* - */
    {.segment = PATHMAP_NOWHERE},
    /* - */
    {PATHMAP_TO_PATH(0, 0)},
    /* - */
    {PATHMAP_TO_PATH(1, 2)},
    /* - */
    {.segment = PATHMAP_NOWHERE},
    /* - */
    {.segment = PATHMAP_NOWHERE},
    /* - */
    {PATHMAP_TO_PATH(2, 0)},
    /* - */
    {.segment = PATHMAP_NOWHERE},
    /* - */
    {.segment = PATHMAP_NOWHERE},
    /* - */
    {.segment = PATHMAP_NOWHERE},
    /* - */
    {PATHMAP_TO_PATH(3, 0)},
    /* - */
    {.segment = PATHMAP_NOWHERE},
    /* - */
    {.segment = PATHMAP_NOWHERE},
};

/* The first segments; `base` is the slot of a path of 0 segments, those of more follow. */
static const struct pathmap_slot firsts[] = {
    {.size = 0},
    /* r */
    {PATHMAP_AT(6, 1, 1), .base = 4},
    /* s */
    {PATHMAP_AT(8, 1, 1), .base = 8},
    /* pets */
    {PATHMAP_AT(1, 4, 1), .base = 0},
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
};

/* Which segments are parameters, 5 bits for each. */
static const uint32_t shapes[] = {
    /* none */
    0,
    /* segments 2 */
    2,
};

/* The shape of each path. */
static const uint16_t paths[] = {
    /* /pets */
    0,
    /* /pets/{id} */
    1,
    /* /r */
    0,
    /* /s */
    0,
};

/* Sets of methods, a bit for each of enum method. */
enum {
    DO_GET_POST = 5,
    DO_GET_PUT = 9,
    DO_GET = 1,
};

static const struct str allows[] = {
    /* Allow: */ STR_INIT("GET, HEAD, POST, OPTIONS"),
    /* Allow: */ STR_INIT("GET, HEAD, PUT, OPTIONS"),
    /* Allow: */ STR_INIT("GET, HEAD, OPTIONS"),
};

/* Path by path, for each path in the order of enum method. */
static const struct gw_route *const routes[] = {
    /* GET /pets */
    &route_list_pets,
    /* POST /pets */
    &route_add_pet,
    /* GET /pets/{id} */
    &route_get_pet,
    /* PUT /pets/{id} */
    &route_put_pet,
    /* GET /r */
    &route_r,
    /* GET /s */
    &route_s,
};

/* First route, methods, allow; or first variant, GW_VARIANTS, how many. */
static const struct gw_methods path_methods[] = {
    /* /pets */
    {.first = 0, .methods = DO_GET_POST, .allow = 0},
    /* /pets/{id} */
    {.first = 2, .methods = DO_GET_PUT, .allow = 1},
    /* /r */
    {.first = 4, .methods = DO_GET, .allow = 2},
    /* /s */
    {.first = 5, .methods = DO_GET, .allow = 2},
};

static const struct gw_paths all_paths = {
    .map.path_count = 4,
    .map.depth = 3,
    .map.roots = roots,
    .map.firsts = firsts,
    .map.first_factor = 2027808453,
    .map.first_shift = 58,
    .map.only_firsts = true,
    .map.slots = slots,
    .map.texts = texts,
    .map.paths = paths,
    .map.shapes = shapes,
    .paths = path_methods,
    .allows = allows,
    .routes = routes,
    .allow_all = STR_INIT("GET, HEAD, POST, PUT, OPTIONS"),
    .rules.normalize = true,
    .rules.merge_slashes = false,
    .rules.case_sensitive = true,
    .rules.encoded_slash = URLPATH_SLASH_KEEP,
};

enum gw_match gateway_match(struct gw_req *rq)
{
    return gw_match_present(rq, &all_paths);
}
