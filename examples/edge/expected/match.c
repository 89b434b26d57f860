/* Which route takes a request: the tables of the runtime's pathmap, and the methods of each path. One more
 * path may change them all. */
#include "gateway.h"

/* Literals, each behind its length. */
enum { TEXTS = 8 };
static const char texts[TEXTS + PATHMAP_SLACK] = "\000"
                                                 "\006orders";

/* A literal, and behind it the node that looks at a segment, or a leaf: the path's number and its shape. */
static const struct pathmap_slot slots[] = {
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
    {PATHMAP_TO_PATH(0, 2)},
    /* - */
    {.segment = PATHMAP_NOWHERE},
};

/* The first segments; `base` is the slot of a path of 0 segments, those of more follow. */
static const struct pathmap_slot firsts[] = {
    {.size = 0},
    /* orders */
    {PATHMAP_AT(2, 6, 1), .base = 4},
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
    {PATHMAP_TO_PATH(1, 0)},
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
    /* /orders/{orderId} */
    1,
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
    /* GET /orders/{orderId} */
    &route_get_order,
    /* GET / */
    &route_home,
};

/* First route, methods, allow; or first variant, GW_VARIANTS, how many. */
static const struct gw_methods path_methods[] = {
    /* /orders/{orderId} */
    {.first = 0, .methods = DO_GET, .allow = 0},
    /* / */
    {.first = 1, .methods = DO_GET, .allow = 0},
};

static const struct gw_paths all_paths = {
    .map.path_count = 2,
    .map.depth = 3,
    .map.roots = roots,
    .map.firsts = firsts,
    .map.first_factor = 2654435761,
    .map.first_shift = 59,
    .map.only_firsts = true,
    .map.slots = slots,
    .map.texts = texts,
    .map.paths = paths,
    .map.shapes = shapes,
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
