/* match: from a request's method, host, path and query to its route. The tables are the generated
 * program's (match.c there). The path is chosen first, then, among the variants of that path whose hosts and
 * conditions hold, the first that has the method. A path without the method is 405, never another path.
 *
 * Also here: the conditions that flows test. */
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
    GW_IF_HOST,   /* any of values; "*.x" is every name below x */
    GW_IF_HEADER, /* a field `name` is any of values; without values: it is there */
    GW_IF_QUERY,  /* the same for a query parameter, percent-decoded */
    GW_IF_PARAM,  /* path parameter number `param` is any of values */
    GW_IF_PREFIX  /* the path is one of values or lies below it */
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
    const struct gw_route *route;
};

/* The methods of a path: bit m of `methods` for enum method m, their routes in routes[first …] in the order
 * of the bits. HEAD is answered by GET's route when it has none of its own. */
struct gw_methods {
    uint32_t first;
    uint16_t methods;
    uint16_t allow; /* index into allows */
};

#define GW_METHOD(method) (1u << METHOD_##method)
#define GW_VARIANTS                                                                                \
    0x8000u /* in methods: `allow` variants from number `first` stand for the path instead */

/* One of several sets of methods of a path, or one that bits cannot tell. */
struct gw_variant {
    const struct gw_condition *conditions; /* all hold */
    uint32_t condition_count;
    uint32_t custom_count;
    const struct gw_custom *customs;
    struct gw_methods methods;
    const struct gw_route *any; /* any_method, or NULL */
};

struct gw_paths {
    struct pathmap map;
    const struct gw_methods *paths; /* by path number */
    const struct gw_route *const *routes;
    const struct str *allows; /* "GET, HEAD, OPTIONS" */
    const struct gw_variant *variants;
    struct str allow_all; /* for OPTIONS * */
    struct urlpath_rules rules;
};

/* Fills rq->path (in rq->pool when it differs from what was received), rq->params and rq->route. */
enum gw_match gw_match(struct gw_req *rq, const struct gw_paths *paths);

/* The same where some routes may be switched off (gw_route.disabled): those are not there for it. */
enum gw_match gw_match_present(struct gw_req *rq, const struct gw_paths *paths);

/* The Allow field's value after GW_MATCH_NO_METHOD or GW_MATCH_OPTIONS. */
struct str gw_allow(const struct gw_req *rq);

/* Conditions: true when any of the values equals; without values, when there is such a field or parameter. Hosts may
 * be "*.x", every name below x; a path starts with a prefix when it is the prefix or lies below it. */
bool gw_header_is(const struct gw_req *rq, struct str name, const struct str *values, size_t count);
bool gw_query_is(const struct gw_req *rq, struct str name, const struct str *values, size_t count);
bool gw_host_is(struct gw_req *rq, const struct str *hosts, size_t count);
bool gw_param_is(const struct gw_req *rq, unsigned param, const struct str *values, size_t count);
bool gw_path_starts(const struct gw_req *rq, struct str prefix);

#endif
