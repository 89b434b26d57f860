/* upstreams: the named pools of backends. */
#ifndef GEN_POLICY_UPSTREAMS_H
#define GEN_POLICY_UPSTREAMS_H

#include "policy/discovery.h"
#include "policy/mirror.h"

struct upstreams_one {
    struct ir_upstream value;
    struct node *timeouts, *proxy_protocol, *retry; /* values of those policies, or NULL */
    struct mirror mirror;
    struct discovery discovery;
};

struct upstreams {
    VEC(struct upstreams_one) list;
};

/* out: struct upstreams */
extern const struct policy_type upstreams_type, upstreams_pool_type;

#endif
