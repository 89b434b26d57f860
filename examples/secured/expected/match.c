/* Which route takes a request: the tables of the runtime's pathmap, and the methods of each path. One more
 * path may change them all. */
#include "gateway.h"

/* Literals, each behind its length. */
enum { TEXTS = 29 };
static const char texts[TEXTS + PATHMAP_SLACK] = "\005books"
                                                 "\005loans"
                                                 "\007reports"
                                                 "\010settings";

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
    {PATHMAP_TO_PATH(1, 0)},
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
    {PATHMAP_TO_PATH(3, 0)},
    /* - */
    {.segment = PATHMAP_NOWHERE},
};

/* The first segments; `base` is the slot of a path of 0 segments, those of more follow. */
static const struct pathmap_slot firsts[] = {
    /* books */
    {PATHMAP_AT(1, 5, 1), .base = 0},
    /* loans */
    {PATHMAP_AT(7, 5, 1), .base = 3},
    /* reports */
    {PATHMAP_AT(13, 7, 1), .base = 6},
    /* settings */
    {PATHMAP_AT(21, 8, 1), .base = 9},
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
};

/* Which segments are parameters, 5 bits for each. */
static const uint32_t shapes[] = {
    /* none */
    0,
};

/* The shape of each path. */
static const uint16_t paths[] = {
    /* /books */
    0,
    /* /loans */
    0,
    /* /reports */
    0,
    /* /settings */
    0,
};

/* Sets of methods, a bit for each of enum method. */
enum {
    DO_GET = 1,
    DO_GET_POST = 5,
    DO_POST = 4,
};

static const struct str allows[] = {
    /* Allow: */ STR_INIT("GET, HEAD, OPTIONS"),
    /* Allow: */ STR_INIT("GET, HEAD, POST, OPTIONS"),
    /* Allow: */ STR_INIT("POST, OPTIONS"),
};

/* Path by path, for each path in the order of enum method. */
static const struct gw_route *const routes[] = {
    /* GET /books */
    &route_list_books,
    /* GET /loans */
    &route_list_loans,
    /* POST /loans */
    &route_lend,
    /* POST /reports */
    &route_report,
    /* GET /settings */
    &route_settings,
};

/* First route, methods, allow; or first variant, GW_VARIANTS, how many. */
static const struct gw_methods path_methods[] = {
    /* /books */
    {.first = 0, .methods = DO_GET, .allow = 0},
    /* /loans */
    {.first = 1, .methods = DO_GET_POST, .allow = 1},
    /* /reports */
    {.first = 3, .methods = DO_POST, .allow = 2},
    /* /settings */
    {.first = 4, .methods = DO_GET, .allow = 0},
};

static const struct gw_paths all_paths = {
    .map.path_count = 4,
    .map.depth = 2,
    .map.roots = roots,
    .map.firsts = firsts,
    .map.first_factor = 4055616905,
    .map.first_shift = 58,
    .map.only_firsts = true,
    .map.slots = slots,
    .map.texts = texts,
    .map.paths = paths,
    .map.shapes = shapes,
    .paths = path_methods,
    .allows = allows,
    .routes = routes,
    .allow_all = STR_INIT("GET, HEAD, POST, OPTIONS"),
    .rules.normalize = true,
    .rules.merge_slashes = false,
    .rules.case_sensitive = true,
    .rules.encoded_slash = URLPATH_SLASH_KEEP,
};

enum gw_match gateway_match(struct gw_req *rq)
{
    return gw_match(rq, &all_paths);
}
