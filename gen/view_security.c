#include "view_security.h"

#include "base/map.h"
#include "view_parts.h"

enum { COLUMNS = 100, INDENT = 12 };

/* One proof, and how wide it is; of a kind that templates/part/security.c names. */
struct proof {
    const char *kind;
    struct str text; /* the symbol of its scheme, or the scopes */
    size_t width;
};

typedef VEC(struct proof) proofs;

static struct proof proof_of(const struct ir_scheme *scheme)
{
    size_t symbol = scheme->symbol.len;

    switch (scheme->proof) {
    case IR_PROOF_CERTIFICATE:
        return (struct proof){"certificate", STR("x"), sizeof "gw_certificate(rq)" - 1};
    case IR_PROOF_KEY:
        return (struct proof){"key", scheme->symbol, sizeof "gw_key(rq, &key_of_)" - 1 + symbol};
    case IR_PROOF_JWT:
        return (struct proof){"jwt", scheme->symbol, sizeof "gw_jwt(rq, &jwt_of_)" - 1 + symbol};
    case IR_PROOF_INTROSPECTION:
        return (struct proof){"introspection", scheme->symbol,
                              sizeof "gw_introspection(rq, &introspection_of_)" - 1 + symbol};
    case IR_PROOF_BASIC:
        return (struct proof){"basic", scheme->symbol,
                              sizeof "gw_basic(rq, &basic_of_)" - 1 + symbol};
    case IR_PROOF_SIGV4:
        return (struct proof){"sigv4", scheme->symbol,
                              sizeof "gw_sigv4(rq, &sigv4_of_)" - 1 + symbol};
    }
    return (struct proof){0};
}

static void list_proofs(struct pool *pool, const struct gateway *gw, const struct ir_way *way,
                        proofs *list)
{
    for (size_t i = 0; i < way->all.count; i++) {
        const struct ir_requirement *r = &way->all.at[i];
        *vec_add(pool, list) = proof_of(&gw->schemes.at[r->scheme]);
        if (r->scopes.len > 0)
            *vec_add(pool, list) = (struct proof){
                "scopes", r->scopes, sizeof "gw_scopes(rq, STR(\"\"))" - 1 + view_width(r->scopes)};
    }
    if (way->all.count == 0)
        *vec_add(pool, list) = (struct proof){"anonymous", STR("x"), sizeof "gw_anonymous(rq)" - 1};
}

/* Each proof and how it stands behind the one before: on the same line as long as that has room, as clang-format has it. */
static struct value *view_proofs(struct pool *pool, const struct gateway *gw,
                                 const struct ir_way *way)
{
    static const char *const kinds[] = {"certificate", "key",   "jwt",    "introspection",
                                        "basic",       "sigv4", "scopes", "anonymous"};
    static const size_t first = INDENT - 4 + sizeof "if (gw_way(rq)" - 1;
    struct value *list = value_list(pool);
    size_t column = first;
    proofs all = {0};

    list_proofs(pool, gw, way, &all);
    for (size_t i = 0; i < all.count; i++) {
        const struct proof *proof = &all.at[i];
        size_t behind = i + 1 < all.count ? sizeof " &&" - 1 : sizeof ")" - 1;
        bool wraps = column + sizeof " && " - 1 + proof->width + behind > COLUMNS;
        struct value *map = value_map(pool);
        for (size_t k = 0; k < sizeof kinds / sizeof *kinds; k++)
            value_set(pool, map, kinds[k],
                      strcmp(kinds[k], proof->kind) != 0   ? value_flag(pool, false)
                      : strcmp(proof->kind, "scopes") == 0 ? value_text(pool, proof->text)
                                                           : value_name(pool, proof->text));
        view_set_flag(pool, map, "wraps", wraps);
        column = wraps ? INDENT + proof->width : column + sizeof " && " - 1 + proof->width;
        value_add(pool, list, map);
    }
    return list;
}

/* The enumerators of the challenges by which the schemes can be answered. */
static struct value *asks_of(struct pool *pool, const struct gateway *gw,
                             const struct ir_operation *op)
{
    static const char *const names[] = {[IR_PROOF_CERTIFICATE] = NULL,
                                        [IR_PROOF_JWT] = "GW_ASK_BEARER",
                                        [IR_PROOF_INTROSPECTION] = "GW_ASK_BEARER",
                                        [IR_PROOF_BASIC] = "GW_ASK_BASIC",
                                        [IR_PROOF_KEY] = "GW_ASK_KEY",
                                        [IR_PROOF_SIGV4] = "GW_ASK_SIGV4"};
    struct value *list = value_list(pool);
    struct map seen = {0};

    for (size_t w = 0; w < op->ways.count; w++)
        for (size_t i = 0; i < op->ways.at[w].all.count; i++) {
            const char *name = names[gw->schemes.at[op->ways.at[w].all.at[i].scheme].proof];
            struct value *map = value_map(pool);
            if (name == NULL || map_get(&seen, str_of(name)) != NULL)
                continue;
            map_set(&seen, pool, str_of(name), map);
            view_set_name(pool, map, "ask", str_of(name));
            view_set_flag(pool, map, "first", list->items.count == 0);
            value_add(pool, list, map);
        }
    return list;
}

static bool may_wait(const struct gateway *gw, const struct ir_operation *op)
{
    for (size_t w = 0; w < op->ways.count; w++)
        for (size_t i = 0; i < op->ways.at[w].all.count; i++)
            if (gw->schemes.at[op->ways.at[w].all.at[i].scheme].waits)
                return true;
    return false;
}

struct value *view_hold(struct pool *pool, const struct gateway *gw, const struct ir_operation *op)
{
    for (size_t w = 0; w < op->ways.count && op->limits.buffer > 0; w++)
        for (size_t i = 0; i < op->ways.at[w].all.count; i++)
            if (gw->schemes.at[op->ways.at[w].all.at[i].scheme].takes_body)
                return value_number(pool, op->limits.buffer);
    return value_flag(pool, false);
}

struct value *view_security(struct pool *pool, const struct gateway *gw,
                            const struct ir_operation *op)
{
    struct value *map = value_map(pool), *ways = value_list(pool);

    if (op->ways.count == 0)
        return value_flag(pool, false);
    for (size_t w = 0; w < op->ways.count; w++) {
        struct value *way = value_map(pool);
        value_set(pool, way, "proofs", view_proofs(pool, gw, &op->ways.at[w]));
        value_add(pool, ways, way);
    }
    view_set_text(pool, map, "asked", op->security);
    value_set(pool, map, "ways", ways);
    view_set_flag(pool, map, "parks", may_wait(gw, op));
    value_set(pool, map, "asks", asks_of(pool, gw, op));
    view_set_flag(pool, map, "asks_nothing", asks_of(pool, gw, op)->items.count == 0);
    view_set_text(pool, map, "realm", gw->name);
    return map;
}

static void set_texts(struct pool *pool, struct value *map, const char *has, const char *name,
                      const char *count, const ir_texts *texts)
{
    view_set_flag(pool, map, has, texts->count > 0);
    value_set(pool, map, name, view_texts(pool, texts->at, texts->count));
    view_set_number(pool, map, count, texts->count);
}

static struct value *view_claims(struct pool *pool, const struct ir_acl *acl)
{
    struct value *list = value_list(pool);

    for (size_t i = 0; i < acl->claims.count; i++) {
        const struct ir_claim *claim = &acl->claims.at[i];
        struct value *map = value_map(pool);
        view_set_number(pool, map, "number", i + 1);
        value_set(pool, map, "path", view_texts(pool, claim->path.at, claim->path.count));
        view_set_number(pool, map, "path_count", claim->path.count);
        value_set(pool, map, "values", view_texts(pool, claim->values.at, claim->values.count));
        view_set_number(pool, map, "value_count", claim->values.count);
        value_add(pool, list, map);
    }
    return list;
}

struct value *view_acl(struct pool *pool, const struct ir_acl *acl)
{
    struct value *map = value_map(pool);

    if (!acl->on)
        return value_flag(pool, false);
    set_texts(pool, map, "has_allow", "allow", "allow_count", &acl->allow);
    set_texts(pool, map, "has_deny", "deny", "deny_count", &acl->deny);
    value_set(pool, map, "claims", view_claims(pool, acl));
    view_set_flag(pool, map, "has_claims", acl->claims.count > 0);
    view_set_number(pool, map, "claim_count", acl->claims.count);
    view_set_flag(pool, map, "hide_groups_header", acl->hide_groups_header);
    return map;
}

struct value *view_key_schemes(struct pool *pool, const struct gateway *gw)
{
    struct value *list = value_list(pool);

    for (size_t i = 0; i < gw->schemes.count; i++) {
        const struct ir_scheme *scheme = &gw->schemes.at[i];
        struct value *map = value_map(pool);
        if (scheme->proof != IR_PROOF_KEY)
            continue;
        view_set_name(pool, map, "scheme", scheme->symbol);
        value_set(pool, map, "names", view_texts(pool, scheme->names.at, scheme->names.count));
        view_set_number(pool, map, "name_count", scheme->names.count);
        view_set_flag(pool, map, "in_header", scheme->in_header);
        view_set_flag(pool, map, "in_query", scheme->in_query);
        view_set_flag(pool, map, "in_cookie", scheme->in_cookie);
        view_set_flag(pool, map, "hide_credentials", scheme->hide_credentials);
        value_add(pool, list, map);
    }
    return list;
}

struct value *view_basic_schemes(struct pool *pool, const struct gateway *gw)
{
    struct value *list = value_list(pool);

    for (size_t i = 0; i < gw->schemes.count; i++) {
        const struct ir_scheme *scheme = &gw->schemes.at[i];
        struct value *map = value_map(pool);
        if (scheme->proof != IR_PROOF_BASIC)
            continue;
        view_set_name(pool, map, "scheme", scheme->symbol);
        view_set_flag(pool, map, "hide_credentials", scheme->basic.hide_credentials);
        view_set_number(pool, map, "cache_size", scheme->basic.cache_size);
        view_set_number(pool, map, "cache_ttl", scheme->basic.cache_ttl);
        value_add(pool, list, map);
    }
    return list;
}

static bool uses(const struct gateway *gw, enum ir_proof proof)
{
    for (size_t i = 0; i < gw->schemes.count; i++)
        if (gw->schemes.at[i].proof == proof)
            return true;
    return false;
}

bool view_uses_keys(const struct gateway *gw)
{
    return uses(gw, IR_PROOF_KEY);
}

bool view_uses_passwords(const struct gateway *gw)
{
    return uses(gw, IR_PROOF_BASIC);
}

bool view_uses_crypto(const struct gateway *gw)
{
    for (size_t i = 0; i < gw->schemes.count; i++)
        if (gw->schemes.at[i].proof != IR_PROOF_CERTIFICATE)
            return true;
    return false;
}

bool view_uses_consumers(const struct gateway *gw)
{
    for (size_t i = 0; i < gw->schemes.count; i++)
        if (gw->schemes.at[i].asks_consumers)
            return true;
    return false;
}

struct value *view_identity_fields(struct pool *pool, const struct gateway *gw)
{
    struct value *map = value_map(pool);

    if (gw->identity_fields.count == 0)
        return value_flag(pool, false);
    value_set(pool, map, "names",
              view_texts(pool, gw->identity_fields.at, gw->identity_fields.count));
    view_set_number(pool, map, "name_count", gw->identity_fields.count);
    return map;
}

struct value *view_key_names(struct pool *pool, const struct gateway *gw)
{
    ir_texts names = {0};
    struct value *map = value_map(pool);

    for (size_t i = 0; i < gw->schemes.count; i++) {
        const struct ir_scheme *scheme = &gw->schemes.at[i];
        for (size_t n = 0; scheme->in_query && n < scheme->names.count; n++)
            *vec_add(pool, &names) = scheme->names.at[n];
        for (size_t n = 0; n < scheme->jwt.params.count; n++)
            *vec_add(pool, &names) = scheme->jwt.params.at[n];
        for (size_t n = 0; n < scheme->introspection.params.count; n++)
            *vec_add(pool, &names) = scheme->introspection.params.at[n];
    }
    if (names.count == 0)
        return value_flag(pool, false);
    value_set(pool, map, "names", view_texts(pool, names.at, names.count));
    view_set_number(pool, map, "name_count", names.count);
    return map;
}

static const char *const credential_kinds[] = {[IR_CREDENTIAL_JWT] = "GW_CREDENTIAL_JWT",
                                               [IR_CREDENTIAL_BASIC] = "GW_CREDENTIAL_BASIC",
                                               [IR_CREDENTIAL_AWS] = "GW_CREDENTIAL_AWS"};

static struct value *view_credentials(struct pool *pool, const struct ir_consumer *consumer)
{
    struct value *list = value_list(pool);

    for (size_t i = 0; i < consumer->credentials.count; i++) {
        const struct ir_credential *credential = &consumer->credentials.at[i];
        struct value *map = value_map(pool);
        view_set_name(pool, map, "kind", str_of(credential_kinds[credential->kind]));
        view_set_text(pool, map, "id", credential->id);
        value_set(pool, map, "algorithm", value_text_or_false(pool, credential->algorithm));
        value_set(pool, map, "secret", view_text(pool, &credential->secret));
        value_add(pool, list, map);
    }
    return list;
}

static struct value *one_consumer(struct pool *pool, const struct ir_consumer *consumer,
                                  size_t index)
{
    struct value *map = value_map(pool), *keys = value_list(pool);

    view_set_number(pool, map, "number", index);
    view_set_text(pool, map, "name", consumer->name);
    view_set_text(pool, map, "id", consumer->id);
    set_texts(pool, map, "has_groups", "groups", "group_count", &consumer->groups);
    for (size_t i = 0; i < consumer->keys.count; i++)
        value_add(pool, keys, view_text(pool, &consumer->keys.at[i]));
    view_set_flag(pool, map, "has_keys", consumer->keys.count > 0);
    value_set(pool, map, "keys", keys);
    view_set_number(pool, map, "key_count", consumer->keys.count);
    view_set_flag(pool, map, "has_credentials", consumer->credentials.count > 0);
    value_set(pool, map, "credentials", view_credentials(pool, consumer));
    view_set_number(pool, map, "credential_count", consumer->credentials.count);
    return map;
}

/* What the schemes make of the consumers' secrets. */
static struct value *view_kinds(struct pool *pool, const struct gateway *gw)
{
    struct value *list = value_list(pool);

    for (size_t i = 0; i < sizeof credential_kinds / sizeof *credential_kinds; i++) {
        struct value *map = value_map(pool);
        if (!(gw->credential_kinds & 1U << i))
            continue;
        view_set_name(pool, map, "kind", str_of(credential_kinds[i]));
        view_set_flag(pool, map, "jwt", i == IR_CREDENTIAL_JWT);
        view_set_flag(pool, map, "basic", i == IR_CREDENTIAL_BASIC);
        view_set_flag(pool, map, "aws", i == IR_CREDENTIAL_AWS);
        value_add(pool, list, map);
    }
    return list;
}

struct value *view_consumers(struct pool *pool, const struct gateway *gw)
{
    struct value *map = value_map(pool), *list = value_list(pool);

    if (!view_uses_consumers(gw))
        return value_flag(pool, false);
    for (size_t i = 0; i < gw->consumers.count; i++)
        value_add(pool, list, one_consumer(pool, &gw->consumers.at[i], i));
    view_set_flag(pool, map, "has_list", gw->consumers.count > 0);
    value_set(pool, map, "list", list);
    view_set_number(pool, map, "count", gw->consumers.count);
    value_set(pool, map, "file", value_text_or_false(pool, gw->consumers_file));
    value_set(pool, map, "kinds", view_kinds(pool, gw));
    return map;
}
