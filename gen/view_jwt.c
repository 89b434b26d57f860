#include "view_jwt.h"

#include "base/jws.h"
#include "view_parts.h"
#include "view_resilience.h"

enum { SECOND = 1000, COLUMNS = 100, ALGORITHMS_AT = sizeof "    .algorithms = " - 1 };

static void set_list(struct pool *pool, struct value *map, const char *key, const ir_texts *texts)
{
    struct value *list = value_map(pool);

    value_set(pool, list, "texts", view_texts(pool, texts->at, texts->count));
    view_set_number(pool, list, "count", texts->count);
    value_set(pool, map, key, texts->count > 0 ? list : value_flag(pool, false));
}

void view_set_claims(struct pool *pool, struct value *map, const struct ir_claims *claims)
{
    struct value *told = value_list(pool), *all = value_map(pool);

    for (size_t i = 0; i < claims->fields.count; i++) {
        struct value *field = value_map(pool);
        view_set_number(pool, field, "number", i + 1);
        view_set_text(pool, field, "field", claims->fields.at[i].name);
        set_list(pool, field, "path", &claims->fields.at[i].path);
        value_add(pool, told, field);
    }
    set_list(pool, map, "consumer_claim", &claims->consumer);
    set_list(pool, map, "groups_claim", &claims->groups);
    set_list(pool, map, "scopes_claim", &claims->scopes);
    value_set(pool, all, "fields", told);
    view_set_number(pool, all, "count", claims->fields.count);
    value_set(pool, map, "told", claims->fields.count > 0 ? all : value_flag(pool, false));
}

/* The enumerators of a set of algorithms, as many on a line as clang-format puts there. */
static struct value *view_algorithms(struct pool *pool, uint32_t set)
{
    struct value *list = value_list(pool);
    size_t column = ALGORITHMS_AT;

    for (unsigned i = 0; i < JWS_ALGORITHMS; i++) {
        struct value *map = value_map(pool);
        struct str name = i == JWS_EDDSA ? STR("EDDSA") : jws_algorithm_name((enum jws_algorithm)i);
        size_t width = sizeof "JWS_BIT(JWS_)" - 1 + name.len;
        bool is_last = set >> i == 1, is_first = list->items.count == 0, wraps;
        if (!(set & JWS_BIT(i)))
            continue;
        wraps = !is_first && column + 3 + width + (is_last ? 1 : 2) > COLUMNS;
        column = wraps || is_first ? ALGORITHMS_AT + width : column + 3 + width;
        view_set_name(pool, map, "algorithm", pool_printf(pool, "JWS_%.*s", STR_ARG(name)));
        view_set_flag(pool, map, "more", !is_first);
        view_set_flag(pool, map, "wraps", wraps);
        value_add(pool, list, map);
    }
    return list;
}

static struct value *view_jwks(struct pool *pool, const struct gateway *gw,
                               const struct ir_scheme *scheme)
{
    const struct ir_jwt *jwt = &scheme->jwt;
    struct str name = pool_printf(pool, "keys_of_%.*s", STR_ARG(scheme->symbol));
    struct value *map = value_map(pool);

    if (jwt->source != IR_JWT_JWKS_URL)
        return value_flag(pool, false);
    value_set(pool, map, "from", view_endpoint(pool, gw, name, &jwt->jwks.from));
    view_set_number(pool, map, "refresh", jwt->jwks.refresh);
    view_set_number(pool, map, "stale_ok", jwt->jwks.stale_ok);
    view_set_flag(pool, map, "refetch", jwt->jwks.refetch);
    view_set_flag(pool, map, "is_discovery", jwt->jwks.is_discovery);
    return map;
}

static struct value *view_jwt(struct pool *pool, const struct gateway *gw,
                              const struct ir_scheme *scheme, size_t index)
{
    static const char *const sources[] = {
        [IR_JWT_SECRET] = "GW_JWT_SECRET",       [IR_JWT_PUBLIC_KEY] = "GW_JWT_PUBLIC_KEY",
        [IR_JWT_JWKS_FILE] = "GW_JWT_JWKS_FILE", [IR_JWT_JWKS_URL] = "GW_JWT_JWKS_URL",
        [IR_JWT_CONSUMERS] = "GW_JWT_CONSUMERS",
    };
    const struct ir_jwt *jwt = &scheme->jwt;
    struct value *map = value_map(pool);

    view_set_name(pool, map, "scheme", scheme->symbol);
    view_set_text(pool, map, "name", scheme->name);
    view_set_number(pool, map, "index", index);
    view_set_flag(pool, map, "later", index > 0);
    view_set_name(pool, map, "source", str_of(sources[jwt->source]));
    value_set(pool, map, "key",
              jwt->key.kind == IR_TEXT_NONE ? value_flag(pool, false) : view_text(pool, &jwt->key));
    view_set_flag(pool, map, "secret_is_base64", jwt->secret_is_base64);
    value_set(pool, map, "key_claim", value_text_or_false(pool, jwt->key_claim));
    value_set(pool, map, "jwks", view_jwks(pool, gw, scheme));
    set_list(pool, map, "issuers", &jwt->issuers);
    set_list(pool, map, "audiences", &jwt->audiences);
    set_list(pool, map, "headers", &jwt->headers);
    set_list(pool, map, "cookies", &jwt->cookies);
    set_list(pool, map, "params", &jwt->params);
    value_set(pool, map, "algorithms", view_algorithms(pool, jwt->algorithms));
    view_set_flag(pool, map, "need_exp", jwt->need_exp);
    view_set_flag(pool, map, "need_nbf", jwt->need_nbf);
    view_set_flag(pool, map, "need_iat", jwt->need_iat);
    view_set_number(pool, map, "leeway", jwt->leeway / SECOND);
    view_set_number(pool, map, "maximum_expiration", jwt->maximum_expiration / SECOND);
    view_set_flag(pool, map, "run_on_preflight", jwt->run_on_preflight);
    view_set_number(pool, map, "cache_size", jwt->cache_size);
    view_set_number(pool, map, "cache_ttl", jwt->cache_ttl);
    view_set_claims(pool, map, &jwt->claims);
    return map;
}

struct value *view_jwts(struct pool *pool, const struct gateway *gw)
{
    struct value *list = value_list(pool);

    for (size_t i = 0; i < gw->schemes.count; i++)
        if (gw->schemes.at[i].proof == IR_PROOF_JWT)
            value_add(pool, list, view_jwt(pool, gw, &gw->schemes.at[i], list->items.count));
    return list;
}

static struct value *view_introspection(struct pool *pool, const struct gateway *gw,
                                        const struct ir_scheme *scheme, size_t index)
{
    const struct ir_introspection *i = &scheme->introspection;
    struct value *map = value_map(pool);
    struct str name = pool_printf(pool, "issuer_of_%.*s", STR_ARG(scheme->symbol));

    view_set_name(pool, map, "scheme", scheme->symbol);
    view_set_text(pool, map, "name", scheme->name);
    view_set_number(pool, map, "index", index);
    view_set_flag(pool, map, "later", index > 0);
    value_set(pool, map, "from", view_endpoint(pool, gw, name, &i->from));
    value_set(pool, map, "client_id",
              i->client_id.kind == IR_TEXT_NONE ? value_flag(pool, false)
                                                : view_text(pool, &i->client_id));
    value_set(pool, map, "client_secret",
              i->client_secret.kind == IR_TEXT_NONE ? value_flag(pool, false)
                                                    : view_text(pool, &i->client_secret));
    value_set(pool, map, "hint", value_text_or_false(pool, i->hint));
    set_list(pool, map, "issuers", &i->issuers);
    set_list(pool, map, "audiences", &i->audiences);
    set_list(pool, map, "headers", &i->headers);
    set_list(pool, map, "cookies", &i->cookies);
    set_list(pool, map, "params", &i->params);
    view_set_number(pool, map, "timeout", i->timeout);
    view_set_number(pool, map, "cache", i->cache);
    view_set_number(pool, map, "negative_cache", i->negative_cache);
    view_set_claims(pool, map, &i->claims);
    return map;
}

struct value *view_introspections(struct pool *pool, const struct gateway *gw)
{
    struct value *list = value_list(pool);

    for (size_t i = 0; i < gw->schemes.count; i++)
        if (gw->schemes.at[i].proof == IR_PROOF_INTROSPECTION)
            value_add(pool, list,
                      view_introspection(pool, gw, &gw->schemes.at[i], list->items.count));
    return list;
}
