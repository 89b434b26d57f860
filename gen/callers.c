#include "callers.h"

#include "base/text.h"

static bool is_among(const ir_texts *list, struct str text)
{
    for (size_t i = 0; i < list->count; i++)
        if (str_eq(list->at[i], text))
            return true;
    return false;
}

static bool share(const ir_texts *a, const ir_texts *b)
{
    for (size_t i = 0; i < a->count; i++)
        if (is_among(b, a->at[i]))
            return true;
    return false;
}

bool callers_groups_pass(const struct ir_acl *acl, const ir_texts *groups)
{
    return !acl->on ||
           (!share(&acl->deny, groups) && (acl->allow.count == 0 || share(&acl->allow, groups)));
}

static bool has_credential(const struct ir_consumer *consumer, enum ir_credential_kind kind)
{
    for (size_t i = 0; i < consumer->credentials.count; i++)
        if (consumer->credentials.at[i].kind == kind)
            return true;
    return false;
}

/* Its proof is somebody's own credentials: nobody but consumers has any. */
static bool needs_consumer(const struct ir_scheme *scheme)
{
    return scheme->proof == IR_PROOF_KEY || scheme->proof == IR_PROOF_BASIC ||
           scheme->proof == IR_PROOF_SIGV4 ||
           (scheme->proof == IR_PROOF_JWT && scheme->jwt.source == IR_JWT_CONSUMERS);
}

static bool can_prove(const struct ir_scheme *scheme, const struct ir_consumer *consumer)
{
    switch (scheme->proof) {
    case IR_PROOF_KEY:
        return consumer->keys.count > 0;
    case IR_PROOF_BASIC:
        return has_credential(consumer, IR_CREDENTIAL_BASIC);
    case IR_PROOF_SIGV4:
        return has_credential(consumer, IR_CREDENTIAL_AWS);
    case IR_PROOF_JWT:
        return !needs_consumer(scheme) || has_credential(consumer, IR_CREDENTIAL_JWT);
    case IR_PROOF_INTROSPECTION:
    case IR_PROOF_CERTIFICATE:
        break;
    }
    return true;
}

static bool way_needs_consumer(const struct gateway *gw, const struct ir_way *way)
{
    for (size_t i = 0; i < way->all.count; i++)
        if (needs_consumer(&gw->schemes.at[way->all.at[i].scheme]))
            return true;
    return false;
}

static bool can_come(const struct gateway *gw, const struct ir_way *way,
                     const struct ir_consumer *consumer)
{
    for (size_t i = 0; i < way->all.count; i++)
        if (!can_prove(&gw->schemes.at[way->all.at[i].scheme], consumer))
            return false;
    return way_needs_consumer(gw, way);
}

static bool can_call(const struct gateway *gw, const struct ir_operation *op,
                     const struct ir_consumer *consumer)
{
    for (size_t w = 0; w < op->ways.count; w++)
        if (can_come(gw, &op->ways.at[w], consumer))
            return callers_groups_pass(&op->acl, &consumer->groups);
    return false;
}

static void add_file(struct text *out, const struct gateway *gw, const struct ir_acl *acl)
{
    if (gw->consumers_file.len == 0)
        return;
    text_printf(out, "%sthose of %.*s", out->len > 0 ? " and " : "", STR_ARG(gw->consumers_file));
    for (size_t i = 0; acl->on && i < acl->allow.count; i++)
        text_printf(out, "%s%.*s", i > 0 ? " or " : " in ", STR_ARG(acl->allow.at[i]));
    for (size_t i = 0; acl->on && i < acl->deny.count; i++)
        text_printf(out, "%s%.*s", i > 0 ? " or " : ", not in ", STR_ARG(acl->deny.at[i]));
}

struct str callers_known(struct pool *pool, const struct gateway *gw, const struct ir_operation *op)
{
    struct text out = {.pool = pool};
    bool needs = false, takes_others = false;

    for (size_t w = 0; w < op->ways.count; w++) {
        bool needed = way_needs_consumer(gw, &op->ways.at[w]);
        needs |= needed;
        takes_others |= !needed && op->ways.at[w].all.count > 0;
    }
    if (!needs)
        return STR("");
    for (size_t i = 0; i < gw->consumers.count; i++)
        if (can_call(gw, op, &gw->consumers.at[i]))
            text_printf(&out, "%s%.*s", out.len > 0 ? ", " : "", STR_ARG(gw->consumers.at[i].name));
    add_file(&out, gw, &op->acl);
    if (takes_others)
        text_add(&out, out.len > 0 ? STR("; others by the other schemes")
                                   : STR("others by the other schemes"));
    return out.len > 0 ? text_str(&out) : STR("none");
}
