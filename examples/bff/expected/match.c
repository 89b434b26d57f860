/* Which route takes a request: the tables of the runtime's pathmap, and the methods of each path. One more
 * path may change them all. */
#include "gateway.h"

/* A node looks at one segment; its edges begin at `edges`. */
static const struct pathmap_small_node nodes[] = {
    {.edges = 0, .otherwise = PATHMAP_NONE, .seed = 0, .slots = 2, .segment = 0},
    {.edges = 2, .otherwise = PATHMAP_NONE, .seed = 2, .slots = 2, .segment = 0},
    {.edges = 4, .otherwise = PATHMAP_NONE, .seed = 0, .slots = 1, .segment = 0},
    {.edges = 5, .otherwise = PATHMAP_NONE, .seed = 0, .slots = 2, .segment = 0},
    {.edges = 7, .otherwise = PATHMAP_NONE, .seed = 0, .slots = 1, .segment = 0},
};

static const struct pathmap_small_edge edges[] = {
    /* me */
    {.text = 9, .next = PATHMAP_TO(2)},
    /* products */
    {.text = 0, .next = PATHMAP_TO(0)},
    /* shop */
    {.text = 12, .next = PATHMAP_TO(4)},
    /* products */
    {.text = 0, .next = PATHMAP_TO(1)},
    /* shop */
    {.text = 12, .next = PATHMAP_TO(4)},
    /* me/orders */
    {.text = 17, .next = PATHMAP_TO(3)},
    /* shop */
    {.text = 12, .next = PATHMAP_TO(4)},
    /* shop */
    {.text = 12, .next = PATHMAP_TO(4)},
};

/* The texts of the edges, each behind its length. */
enum { TEXTS = 27 };
static const char texts[TEXTS + PATHMAP_SLACK] = "\010products"
                                                 "\002me"
                                                 "\004shop"
                                                 "\tme/orders";

/* Where paths of 0, 1, 2 … segments begin, without and with a slash at their end. */
static const int32_t roots[] = {
    /* 0 */
    PATHMAP_NONE,
    PATHMAP_NONE,
    /* 1 */
    0,
    PATHMAP_TO(5),
    /* 2 */
    1,
    2,
    /* 3 */
    3,
    2,
    /* 4 */
    2,
    2,
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
    4,
    4,
    /* 3 */
    4,
    4,
    /* 4 */
    4,
    4,
};

/* Paths that are checked from end to end. */
static const struct pathmap_piece pieces[] = {
    /* / */
    {.kind = PATHMAP_SLASH},
    /* shop */
    {.kind = PATHMAP_LITERAL, .len = 4, .text = "shop"},
    /* /{rest} */
    {.kind = PATHMAP_TAIL},
    /* end */
    {.kind = PATHMAP_END},
};

/* Which segments are parameters, a bit for each. */
static const uint32_t shapes[] = {
    /* none */
    0,
    /* segments 3 */
    4,
    /* segments 2 */
    2,
    /* a pattern */
    0 | PATHMAP_PATTERN,
};

/* The shape of each path. */
static const uint16_t paths[] = {
    /* /products */
    0,
    /* /products/{sku} */
    2,
    /* /me */
    0,
    /* /me/orders/{orderId} */
    1,
    /* /shop/{rest} */
    3,
    /* / */
    0,
};

/* Sets of methods, a bit for each of enum method. */
enum {
    DO_GET = 1,
};

static const struct str allows[] = {
    /* Allow: */ STR_INIT("GET, HEAD, OPTIONS"),
};

/* Path by path, for each path in the order of enum method. */
static const struct gw_route *const routes[] = {
    /* GET /products */
    &route_list_products,
    /* GET /products/{sku} */
    &route_get_product,
    /* GET /me */
    &route_get_profile,
    /* GET /me/orders/{orderId} */
    &route_get_my_order,
    /* GET /shop/{rest} */
    &route_old_shop,
    /* GET / */
    &route_home,
};

/* First route, methods, allow; or first variant, GW_VARIANTS, how many. */
static const struct gw_methods path_methods[] = {
    /* /products */
    {.first = 0, .methods = DO_GET, .allow = 0},
    /* /products/{sku} */
    {.first = 1, .methods = DO_GET, .allow = 0},
    /* /me */
    {.first = 2, .methods = DO_GET, .allow = 0},
    /* /me/orders/{orderId} */
    {.first = 3, .methods = DO_GET, .allow = 0},
    /* /shop/{rest} */
    {.first = 4, .methods = DO_GET, .allow = 0},
    /* / */
    {.first = 5, .methods = DO_GET, .allow = 0},
};

static const struct gw_paths all_paths = {
    .map.path_count = 6,
    .map.depth = 4,
    .map.roots = roots,
    .map.odd_roots = odd_roots,
    .map.small_nodes = nodes,
    .map.small_edges = edges,
    .map.texts = texts,
    .map.paths = paths,
    .map.shapes = shapes,
    .map.pieces = pieces,
    .paths = path_methods,
    .allows = allows,
    .routes = routes,
    .allow_all = STR_INIT("GET, HEAD, OPTIONS"),
    .rules.normalize = true,
    .rules.merge_slashes = false,
    .rules.case_sensitive = true,
    .rules.encoded_slash = URLPATH_SLASH_KEEP,
};

enum gw_match gateway_match(struct gw_req *rq)
{
    return gw_match(rq, &all_paths);
}
