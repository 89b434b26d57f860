/* acl: who of those that are known may call: by groups of the consumer and of its tokens, and by what tokens claim. */
#ifndef POLICY_ACL_H
#define POLICY_ACL_H

#include "request/identity.h"

/* A claim that some token must make: one of these values, or an array with one of them. */
struct gw_acl_claim {
    const struct str *path;
    const struct str *values;
    uint32_t path_count, value_count;
};

struct gw_acl {
    const struct str *allow, *deny; /* groups; no `allow`: all */
    const struct gw_acl_claim *claims;
    uint32_t allow_count, deny_count, claim_count;
    bool hide_groups_header; /* the upstream is not told of the groups */
};

/* GW_GO: the caller may. Nobody in particular is in no group and claims nothing. */
enum gw_next gw_acl(struct gw_req *rq, const struct gw_acl *acl);

#endif
