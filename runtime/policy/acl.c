#include "policy/acl.h"

#include "request/reply.h"

static bool has_one_of(const struct consumer *consumer, const struct str *groups, uint32_t count)
{
    for (size_t g = 0; consumer && g < consumer->group_count; g++)
        for (uint32_t i = 0; i < count; i++)
            if (str_eq(consumer->groups[g], groups[i]))
                return true;
    return false;
}

enum gw_next gw_acl(struct gw_req *rq, const struct gw_acl *acl)
{
    const struct consumer *consumer = rq->identity.consumer;

    if (has_one_of(consumer, acl->deny, acl->deny_count) ||
        (acl->allow_count > 0 && !has_one_of(consumer, acl->allow, acl->allow_count))) {
        rq->identity.denied = GW_DENIED_ACL;
        return reply_error(rq, 403, "acl: the consumer's groups may not call this", STR(""));
    }
    rq->identity.hides_groups = acl->hide_groups_header;
    return GW_GO;
}
