#include "policy/acl.h"

#include "request/reply.h"

static bool is_in_one_of(const struct gw_req *rq, const struct str *groups, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        if (identity_is_in(rq, groups[i]))
            return true;
    return false;
}

static bool is_one_of(const struct data *value, const struct gw_acl_claim *claim)
{
    struct str text;

    if (!data_text(value, &text))
        return false;
    for (uint32_t i = 0; i < claim->value_count; i++)
        if (str_eq(text, claim->values[i]))
            return true;
    return false;
}

static bool is_claimed_by(const struct data *claims, const struct gw_acl_claim *claim)
{
    const struct data *value = data_at(claims, claim->path, claim->path_count);

    if (!value || value->kind != DATA_LIST)
        return is_one_of(value, claim);
    for (const struct data *one = value->first; one; one = one->next)
        if (is_one_of(one, claim))
            return true;
    return false;
}

static bool is_claimed(const struct gw_req *rq, const struct gw_acl_claim *claim)
{
    for (const struct identity_token *t = rq->identity.tokens; t; t = t->next)
        if (is_claimed_by(t->grant->claims, claim))
            return true;
    return false;
}

static enum gw_next refuse(struct gw_req *rq, const char *reason)
{
    rq->identity.denied = GW_DENIED_ACL;
    return reply_error(rq, 403, reason, STR(""));
}

enum gw_next gw_acl(struct gw_req *rq, const struct gw_acl *acl)
{
    if (rq->identity.is_spared)
        return GW_GO;
    if (is_in_one_of(rq, acl->deny, acl->deny_count) ||
        (acl->allow_count > 0 && !is_in_one_of(rq, acl->allow, acl->allow_count)))
        return refuse(rq, "acl: the caller's groups may not call this");
    for (uint32_t i = 0; i < acl->claim_count; i++)
        if (!is_claimed(rq, &acl->claims[i]))
            return refuse(rq, "acl: the caller's claims do not allow this");
    rq->identity.hides_groups = acl->hide_groups_header;
    return GW_GO;
}
