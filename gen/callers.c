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

/* Whether the consumer has what the scheme looks up. */
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
    case IR_PROOF_INTROSPECTION:
    case IR_PROOF_CERTIFICATE:
        break;
    }
    return true;
}

static bool asks_consumers(const struct gateway *gw, const struct ir_way *way)
{
    for (size_t i = 0; i < way->all.count; i++)
        if (gw->schemes.at[way->all.at[i].scheme].asks_consumers)
            return true;
    return false;
}

static bool can_come(const struct gateway *gw, const struct ir_way *way,
                     const struct ir_consumer *consumer)
{
    for (size_t i = 0; i < way->all.count; i++) {
        const struct ir_scheme *scheme = &gw->schemes.at[way->all.at[i].scheme];
        if (scheme->asks_consumers && !can_prove(scheme, consumer))
            return false;
    }
    return asks_consumers(gw, way);
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
    bool asks = false;

    for (size_t w = 0; w < op->ways.count; w++)
        asks |= asks_consumers(gw, &op->ways.at[w]);
    if (!asks)
        return STR("");
    for (size_t i = 0; i < gw->consumers.count; i++)
        if (can_call(gw, op, &gw->consumers.at[i]))
            text_printf(&out, "%s%.*s", out.len > 0 ? ", " : "", STR_ARG(gw->consumers.at[i].name));
    add_file(&out, gw, &op->acl);
    return out.len > 0 ? text_str(&out) : STR("none");
}
