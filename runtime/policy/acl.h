/* acl: which groups of consumers may call. */
#ifndef POLICY_ACL_H
#define POLICY_ACL_H

#include "request/identity.h"

struct gw_acl {
    const struct str *allow, *deny; /* groups; no `allow`: all */
    uint32_t allow_count, deny_count;
    bool hide_groups_header; /* the upstream is not told of the groups */
};

/* GW_GO: the consumer may. Nobody in particular is in no group. */
enum gw_next gw_acl(struct gw_req *rq, const struct gw_acl *acl);

#endif
