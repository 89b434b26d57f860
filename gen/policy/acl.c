#include "policy/acl.h"

#include "member.h"
#include "policy/claims.h"
#include "policy/type.h"

struct raw {
    char *allow, *deny, *claims;
    int hide_groups_header;
};

static const cyaml_schema_field_t fields[] = {
    POLICY_CELL(struct raw, allow, TEXT_OR_TEXTS),
    POLICY_CELL(struct raw, deny, TEXT_OR_TEXTS),
    POLICY_CELL(struct raw, claims, NAMED_TEXTS),
    POLICY_TRUTH(struct raw, hide_groups_header),
    CYAML_FIELD_END,
};
static const cyaml_schema_value_t schema = POLICY_MAPPING(struct raw, fields);

static bool stands_in(const ir_texts *list, struct str group)
{
    for (size_t i = 0; i < list->count; i++)
        if (str_eq(list->at[i], group))
            return true;
    return false;
}

static void read_claims(struct policy_reader *r, const struct node *node, struct ir_acl *acl)
{
    if (node == NULL || !member_is(r->job, node, NODE_MAP, "claims"))
        return;
    for (size_t i = 0; i < node->member_count; i++) {
        const struct member *m = &node->members[i];
        struct ir_claim claim = {0};
        claims_split(&r->job->pool, m->key, &claim.path);
        setting_texts(r->job, m->value, "claims", &claim.values);
        if (claim.values.count == 0 || claim.path.count == 0)
            diag_error(&r->job->diags, m->key_loc, "bad-value",
                       "the claim '%.*s' lists no value that it may have", STR_SHORT(m->key));
        else
            *vec_add(&r->job->pool, &acl->claims) = claim;
    }
}

static void read_acl(struct policy_reader *r, const struct node *node, const void *from,
                     size_t count, void *out)
{
    const struct raw *raw = from;
    struct ir_acl *acl = out;

    (void)count;
    *acl = (struct ir_acl){
        .on = true, .hide_groups_header = raw->hide_groups_header == YES, .loc = node->loc};
    setting_texts(r->job, policy_cell(r, raw->allow), "allow", &acl->allow);
    setting_texts(r->job, policy_cell(r, raw->deny), "deny", &acl->deny);
    read_claims(r, policy_cell(r, raw->claims), acl);
    if (acl->allow.count + acl->deny.count == 0 && policy_cell(r, raw->claims) == NULL)
        diag_error(&r->job->diags, node->loc, "bad-value",
                   "'acl' names no group to allow or deny, and no claim");
    for (size_t i = 0; i < acl->allow.count; i++)
        if (stands_in(&acl->deny, acl->allow.at[i]))
            diag_error(&r->job->diags, node->loc, "contradiction",
                       "'acl' both allows and denies the group '%.*s'",
                       STR_SHORT(acl->allow.at[i]));
}

const struct policy_type acl_type = {"acl", &schema, read_acl};
