/* Which route takes a request: the tables of the runtime's pathmap, and the methods of each path. One more
 * path may change them all. */
#include "gateway.h"

/* Literals, each behind its length. */
enum { TEXTS = 25 };
static const char texts[TEXTS + PATHMAP_SLACK] = "\010products"
                                                 "\002me"
                                                 "\006orders"
                                                 "\000"
                                                 "\004shop";

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
    {.segment = PATHMAP_NOWHERE},
    /* orders */
    {PATHMAP_AT(13, 6, 1), PATHMAP_TO_PATH(3, 3)},
    /* - */
    {.segment = PATHMAP_NOWHERE},
    /* - */
    {PATHMAP_TO_PATH(2, 0)},
    /* - */
    {.segment = PATHMAP_NOWHERE},
    /* - */
    {PATHMAP_TO_NODE(2, 6, 0, 63)},
    /* - */
    {.segment = PATHMAP_NOWHERE},
    /* - */
    {.segment = PATHMAP_NOWHERE},
    /* - */
    {.segment = PATHMAP_NOWHERE},
    /* - */
    {.segment = PATHMAP_NOWHERE},
    /* - */
    {.segment = PATHMAP_NOWHERE},
    /* - */
    {.segment = PATHMAP_NOWHERE},
    /* - */
    {.segment = PATHMAP_NOWHERE},
    /* - */
    {.segment = PATHMAP_NOWHERE},
    /* - */
    {PATHMAP_TO_PATH(4, 0 | PATHMAP_PATTERN)},
    /* - */
    {PATHMAP_TO_PATH(4, 0 | PATHMAP_PATTERN)},
    /* - */
    {PATHMAP_TO_PATH(4, 0 | PATHMAP_PATTERN)},
    /* - */
    {.segment = PATHMAP_NOWHERE},
    /* shop */
    {PATHMAP_AT(21, 4, 1), PATHMAP_TO_PATH(4, 0 | PATHMAP_PATTERN)},
    /* - */
    {.segment = PATHMAP_NOWHERE},
    /* shop */
    {PATHMAP_AT(21, 4, 1), PATHMAP_TO_PATH(4, 0 | PATHMAP_PATTERN)},
};

/* The first segments; `base` is the slot of a path of 0 segments, those of more follow. */
static const struct pathmap_slot firsts[] = {
    {.size = 0},
    /* me */
    {PATHMAP_AT(10, 2, 1), .base = 7},
    /* products */
    {PATHMAP_AT(1, 8, 1), .base = 0},
    /* shop */
    {PATHMAP_AT(21, 4, 1), .base = 17},
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
    {PATHMAP_TO_PATH(5, 0)},
    {.segment = PATHMAP_NOWHERE},
    {.segment = PATHMAP_NOWHERE},
    /* 2 */
    {.segment = PATHMAP_NOWHERE},
    {PATHMAP_TO_NODE(1, 23, 0, 63)},
    {PATHMAP_TO_NODE(1, 25, 0, 63)},
    {PATHMAP_TO_NODE(1, 25, 0, 63)},
    /* 3 */
    {.segment = PATHMAP_NOWHERE},
    {PATHMAP_TO_NODE(1, 23, 0, 63)},
    {PATHMAP_TO_NODE(1, 25, 0, 63)},
    {PATHMAP_TO_NODE(1, 25, 0, 63)},
    /* 4 */
    {.segment = PATHMAP_NOWHERE},
    {PATHMAP_TO_NODE(1, 23, 0, 63)},
    {PATHMAP_TO_NODE(1, 25, 0, 63)},
    {PATHMAP_TO_NODE(1, 25, 0, 63)},
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

/* Which segments are parameters, 5 bits for each. */
static const uint32_t shapes[] = {
    /* none */
    0,
    /* segments 3 */
    3,
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
    .map.firsts = firsts,
    .map.first_factor = 1070406885,
    .map.first_shift = 58,
    .map.only_firsts = true,
    .map.slots = slots,
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
