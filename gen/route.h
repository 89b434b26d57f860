/* route: methods and path templates become the matcher's tables. Templates of one shape are one path; a
 * path has variants (hosts, query and other conditions), tried in order; a variant has methods. The tables are those
 * that the generated program walks (base/pathmap.h); `explain` walks them too. */
#ifndef GEN_ROUTE_H
#define GEN_ROUTE_H

#include "ir.h"
#include "job.h"
#include "pathtree.h"

struct route_method {
    struct str method;  /* "*": any_method */
    uint32_t operation; /* index */
};

/* What holds under the same hosts and conditions. */
struct route_variant {
    struct str *hosts; /* lower case, sorted; none: any */
    size_t host_count;
    VEC(struct ir_condition) conditions; /* all hold; beyond hosts */
    VEC(struct route_method)
    methods;          /* served ones: neither internal nor disabled; document order */
    struct str allow; /* "GET, HEAD, OPTIONS"; empty when nothing is served */
};

struct route_path {
    struct str pattern;                 /* as written, of the first endpoint */
    VEC(uint32_t) endpoints;            /* of this shape, document order */
    VEC(struct route_variant) variants; /* in the order in which they are tried */
    bool conflict;                      /* reported */
};

struct route_plan {
    struct pathtree tree;         /* path numbers are indexes into paths */
    VEC(struct route_path) paths; /* document order */
    struct str allow_all;         /* of every path: for OPTIONS * */
};

/* needs: lowered IR. fills: gateway->routes. reports: route-conflict, same-shape and what cannot be matched. */
void route_plan(struct job *job, struct gateway *gateway);

/* The entry for a method, or NULL: what is declared, then GET for HEAD, then any_method. */
const struct route_method *route_find(const struct route_variant *variant, struct str method);

/* A request path that a template takes, for messages: parameters become their names. */
struct str route_example(struct pool *pool, const struct ir_endpoint *endpoint);

#endif
