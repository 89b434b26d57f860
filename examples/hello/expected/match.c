/* Which route takes a request: the tables of the runtime's pathmap, and the methods of each path. One more
 * path may change them all. */
#include "gateway.h"

/* A node looks at one segment; its edges begin at `edges`. */
static const struct pathmap_small_node nodes[] = {
    {.edges = 0, .otherwise = PATHMAP_NONE, .seed = 0, .slots = 2, .segment = 0},
};

static const struct pathmap_small_edge edges[] = {
    /* hello */
    {.text = 0, .next = PATHMAP_TO(0)},
    /* hi */
    {.text = 6, .next = PATHMAP_TO(1)},
};

/* The texts of the edges, each behind its length. */
enum { TEXTS = 9 };
static const char texts[TEXTS + PATHMAP_SLACK] = "\005hello"
                                                 "\002hi";

/* Where paths of 0, 1, 2 … segments begin, without and with a slash at their end. */
static const int32_t roots[] = {
    /* 0 */
    PATHMAP_NONE,
    PATHMAP_NONE,
    /* 1 */
    PATHMAP_NONE,
    PATHMAP_NONE,
    /* 2 */
    0,
    PATHMAP_NONE,
    /* 3 */
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
};

/* Which segments are parameters, a bit for each. */
static const uint32_t shapes[] = {
    /* segments 2 */
    2,
};

/* The shape of each path. */
static const uint16_t paths[] = {
    /* /hello/{name} */
    0,
    /* /hi/{name} */
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
    /* GET /hello/{name} */
    &route_say_hello,
    /* GET /hi/{name} */
    &route_say_hi,
};

/* First route, methods, allow; or first variant, GW_VARIANTS, how many. */
static const struct gw_methods path_methods[] = {
    /* /hello/{name} */
    {.first = 0, .methods = DO_GET, .allow = 0},
    /* /hi/{name} */
    {.first = 1, .methods = DO_GET, .allow = 0},
};

static const struct gw_paths all_paths = {
    .map.path_count = 2,
    .map.depth = 3,
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
