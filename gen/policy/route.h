/* route: several upstreams behind one operation; the first branch whose conditions hold takes the request. */
#ifndef GEN_POLICY_ROUTE_H
#define GEN_POLICY_ROUTE_H

#include "setting.h"

struct route_branch {
    struct node *match, *upstream, *rewrite; /* values of policies of their own; may be NULL */
    struct loc loc;
};

struct route {
    VEC(struct route_branch) branches;
    struct loc loc;
};

extern const struct policy_type route_type; /* out: struct route */

#endif
