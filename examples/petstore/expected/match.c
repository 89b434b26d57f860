/* Which route takes a request: the tables of the runtime's pathmap, and the methods of each path. One more
 * path may change them all. */
#include "gateway.h"

/* A node looks at one segment; its edges begin at `edges`. */
static const struct pathmap_small_node nodes[] = {
    {.edges = 0, .otherwise = PATHMAP_NONE, .seed = 0, .slots = 1, .segment = 0},
    {.edges = 1, .otherwise = PATHMAP_NONE, .seed = 0, .slots = 1, .segment = 0},
    {.edges = 2, .otherwise = PATHMAP_NONE, .seed = 0, .slots = 3, .segment = 1},
    {.edges = 5, .otherwise = PATHMAP_NONE, .seed = 0, .slots = 1, .segment = 0},
};

static const struct pathmap_small_edge edges[] = {
    /* health */
    {.text = 0, .next = PATHMAP_TO(0)},
    /* v1/pets */
    {.text = 7, .next = PATHMAP_TO(1)},
    /* animals */
    {.text = 27, .next = PATHMAP_TO(4)},
    /* orders */
    {.text = 20, .next = PATHMAP_TO(3)},
    /* pets */
    {.text = 15, .next = PATHMAP_TO(2)},
    /* v1 */
    {.text = 35, .next = 2},
};

/* The texts of the edges, each behind its length. */
enum { TEXTS = 38 };
static const char texts[TEXTS + PATHMAP_SLACK] = "\006health"
                                                 "\007v1/pets"
                                                 "\004pets"
                                                 "\006orders"
                                                 "\007animals"
                                                 "\002v1";

/* Where paths of 0, 1, 2 … segments begin, without and with a slash at their end. */
static const int32_t roots[] = {
    /* 0 */
    PATHMAP_NONE,
    PATHMAP_NONE,
    /* 1 */
    0,
    PATHMAP_NONE,
    /* 2 */
    1,
    PATHMAP_NONE,
    /* 3 */
    3,
    PATHMAP_NONE,
    /* 4 */
    PATHMAP_NONE,
    PATHMAP_NONE,
};

/* The same for paths with an empty segment. */
static const int32_t odd_roots[] = {
    /* 0 */
    PATHMAP_NONE,
    PATHMAP_NONE,
    /* 1 */
    PATHMAP_NONE,
    PATHMAP_NONE,
    /* 2 */
    PATHMAP_NONE,
    PATHMAP_NONE,
    /* 3 */
    PATHMAP_NONE,
    PATHMAP_NONE,
    /* 4 */
    PATHMAP_NONE,
    PATHMAP_NONE,
};

/* Which segments are parameters, a bit for each. */
static const uint32_t shapes[] = {
    /* none */
    0,
    /* segments 3 */
    4,
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
    .map.odd_roots = odd_roots,
    .map.small_nodes = nodes,
    .map.small_edges = edges,
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
