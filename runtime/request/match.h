/* match: from a request's method, host, path and query to its route. The tables are the generated
 * program's (match.c there); the path is chosen first, then among the variants of that path those whose hosts and
 * conditions hold, then the method. A path without the method is 405, never another path.
 *
 * Also here: the conditions that flows test (gw_header_is …, declared in gw.h). */
#ifndef REQUEST_MATCH_H
#define REQUEST_MATCH_H

#include "base/pathmap.h"
#include "base/urlpath.h"
#include "request/req.h"

enum gw_match {
    GW_MATCH_FOUND,     /* rq->route is set */
    GW_MATCH_NO_PATH,   /* 404 */
    GW_MATCH_NO_METHOD, /* 405 with gw_allow */
    GW_MATCH_OPTIONS,   /* OPTIONS that no operation declares: 204 with gw_allow */
    GW_MATCH_BAD_PATH   /* 400; rq->reason says why */
};

enum gw_condition_kind {
    GW_IF_HOST,   /* any of values, "*.x" allowed */
    GW_IF_HEADER, /* name is any of values; without values: is there */
    GW_IF_QUERY,  /* the same, percent-decoded */
    GW_IF_PARAM,  /* path parameter number `param` */
    GW_IF_PREFIX  /* the path starts with values[0] */
};

struct gw_condition {
    enum gw_condition_kind kind;
    uint32_t param;
    struct str name;
    const struct str *values;
    uint32_t value_count;
};

/* A method beyond enum method. */
struct gw_custom {
    struct str method;
    uint32_t route;
};

#define GW_NO_ROUTE 0xFFFFFFFFu

/* The methods of a path: bit m of `methods` for enum method m, their routes in routes[first …] in the order
 * of the bits. HEAD is answered by GET's route when it is not there itself. */
struct gw_methods {
    uint32_t first;
    uint16_t methods;
    uint16_t allow; /* index into allows */
};

#define GW_VARIANTS 0x8000u /* in gw_methods.methods: first … allow-1 are variants instead */

/* One of several sets of methods of a path, or one that needs more than bits. */
struct gw_variant {
    const struct gw_condition *conditions;
    uint32_t condition_count;
    struct gw_methods methods;
    const struct gw_custom *customs;
    uint32_t custom_count;
    uint32_t any; /* route of any_method, or GW_NO_ROUTE */
};

struct gw_paths {
    struct pathmap map;
    const struct gw_methods *paths;     /* by path number */
    const uint32_t *routes;             /* indexes into gateway.routes */
    const struct str *allows;           /* "GET, HEAD, OPTIONS" */
    const struct gw_variant *variants;
    uint32_t variant_count;
    struct str allow_all; /* for OPTIONS * */
    struct urlpath_rules rules;
};

/* Fills rq->path (in rq->pool when it differs from what was received), rq->params and rq->route. */
enum gw_match gw_match(struct gw_req *rq, const struct gw_paths *paths);

/* The Allow field's value after GW_MATCH_NO_METHOD or GW_MATCH_OPTIONS. */
struct str gw_allow(const struct gw_req *rq);

#endif
