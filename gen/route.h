/* route: methods and path templates become the matcher's tables. Templates of one shape are one path; a
 * path has variants (hosts, query and other conditions), tried in order; a variant has methods. The tables are those
 * that the generated program walks (base/pathmap.h); `explain` walks them too. */
#ifndef GEN_ROUTE_H
#define GEN_ROUTE_H

#include "base/pathmap.h"
#include "ir.h"
#include "job.h"

struct route_method {
    struct str method;  /* "*": any_method */
    uint32_t operation; /* index */
};

struct route_variant {
    VEC(struct str) hosts;                 /* lower case; empty: any */
    VEC(struct ir_condition) conditions;   /* all hold */
    VEC(struct route_method) methods;      /* served ones: neither internal nor disabled; document order */
    struct str allow;                      /* "GET, HEAD, OPTIONS"; empty when nothing is served */
};

struct route_path {
    struct str pattern;             /* as written, of the first endpoint */
    VEC(uint32_t) endpoints;        /* of this shape, document order */
    VEC(struct route_variant) variants; /* in the order in which they are tried */
    struct loc loc;
    uint32_t param_count;
};

struct route_plan {
    struct pathmap map;            /* path numbers are indexes into paths */
    VEC(struct route_path) paths;  /* document order */
    struct str allow_all;          /* of every path: for OPTIONS * */
};

/* needs: lowered IR. fills: gateway->routes. reports: route-conflict, same-shape and what cannot be matched. */
void route_plan(struct job *job, struct gateway *gateway);

/* The public method set of a path for people, in document order. */
const struct route_method *route_find(const struct route_variant *variant, struct str method);

#endif
