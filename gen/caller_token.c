#include "base/base64.h"
#include "base/jwt.h"
#include "caller_proof.h"
#include "token.h"
#include "token_print.h"

enum { SECOND = 1000 };

/* Keys for one question; `set` is NULL when there are none. */
struct keys {
    struct jwk_set *set;
    struct str missing; /* why: cannot be read here */
    struct str wrong;   /* or: are no keys, at which the gateway would not start */
    struct str consumer;
    uint32_t algorithms;
    bool may_be_stale; /* the gateway may have younger ones */
};

/* ---- where the token stands ---- */

static void add_bearer(struct carried *found, struct str value, bool needs_scheme)
{
    bool has_scheme =
        value.len > 7 && value.at[6] == ' ' && str_eq_nocase(str_head(value, 6), STR("Bearer"));

    if (has_scheme)
        value = str_trim(str_from(value, 7), " ");
    if (has_scheme || !needs_scheme)
        carried_add(found, value);
}

static struct carried search(const struct caller_request *request, const struct ir_jwt *jwt)
{
    struct carried found = {0};

    for (size_t n = 0; n < jwt->headers.count; n++)
        for (size_t i = 0; i < request->header_count; i++)
            if (str_eq_nocase(request->headers[i].name, jwt->headers.at[n]))
                add_bearer(&found, request->headers[i].value,
                           str_eq_nocase(jwt->headers.at[n], STR("Authorization")));
    for (size_t n = 0; n < jwt->cookies.count; n++)
        carried_in_cookies(request, jwt->cookies.at[n], &found);
    for (size_t n = 0; n < jwt->params.count; n++)
        carried_in_query(request, jwt->params.at[n], &found);
    return found;
}

bool caller_has_token(const struct caller_request *request, const struct ir_scheme *scheme)
{
    return search(request, &scheme->jwt).count > 0;
}

static bool has_header(const struct caller_request *request, const char *name)
{
    for (size_t i = 0; i < request->header_count; i++)
        if (str_eq_nocase(request->headers[i].name, str_of(name)))
            return true;
    return false;
}

static bool is_preflight(const struct caller_request *request)
{
    return str_eq(request->method, STR("OPTIONS")) && has_header(request, "Origin") &&
           has_header(request, "Access-Control-Request-Method");
}

/* ---- keys ---- */

static void read_keys(struct keys *keys, struct pool *pool, struct str text, bool is_secret,
                      bool is_base64)
{
    char wrong[JWK_ERROR] = "the secret is no base64";
    struct str trimmed = str_trim(text, " \t\r\n");

    if (!is_secret && trimmed.len > 0 && trimmed.at[0] == '{')
        keys->set = jwk_set_of_json(trimmed, wrong);
    else if (!is_secret)
        keys->set = jwk_set_of_pem(trimmed, wrong);
    else if (!is_base64 || base64_read_either(pool, text, &text))
        keys->set = jwk_set_of_secret(text, wrong);
    if (!keys->set)
        keys->wrong = pool_copy(pool, str_of(wrong));
}

static const struct ir_credential *credential_of(const struct caller_request *request,
                                                 const struct ir_jwt *jwt,
                                                 const struct jwt_token *token,
                                                 struct str *consumer)
{
    const struct data *claim = data_at(token->claims, &jwt->key_claim, 1);
    struct str id;

    if (!claim)
        claim = data_at(token->header, &jwt->key_claim, 1);
    if (!claim || claim->kind != DATA_TEXT || !data_text(claim, &id))
        return NULL;
    for (size_t c = 0; c < request->gw->consumers.count; c++) {
        const struct ir_consumer *one = &request->gw->consumers.at[c];
        *consumer = one->name;
        for (size_t i = 0; i < one->credentials.count; i++)
            if (one->credentials.at[i].kind == IR_CREDENTIAL_JWT &&
                str_eq(one->credentials.at[i].id, id))
                return &one->credentials.at[i];
    }
    return NULL;
}

static void keys_of_consumer(struct keys *keys, const struct caller_request *request,
                             const struct ir_jwt *jwt, const struct jwt_token *token,
                             struct pool *secrets)
{
    const struct ir_credential *credential = credential_of(request, jwt, token, &keys->consumer);
    enum jws_algorithm algorithm;
    struct str text;

    if (!credential && request->gw->consumers_file.len > 0)
        keys->missing =
            pool_printf(secrets, "the token's key is nobody's here, and %.*s is not looked at",
                        STR_ARG(request->gw->consumers_file));
    else if (!credential)
        keys->wrong = STR("the token names no key that is known");
    if (!credential || !jws_algorithm_of(credential->algorithm, &algorithm) ||
        !caller_secret(&credential->secret, secrets, &text, &keys->missing))
        return;
    keys->algorithms &= JWS_BIT(algorithm);
    read_keys(keys, secrets, text, (JWS_BIT(algorithm) & JWS_ALL_HS) != 0, false);
}

/* The file of --jwks for a scheme whose keys are fetched; empty: none. */
static struct str given_file(const struct caller_request *request, const struct ir_scheme *scheme)
{
    struct str found = {0};

    for (size_t i = 0; i < request->jwks_count; i++)
        if (request->jwks[i].scheme.len == 0 || str_eq(request->jwks[i].scheme, scheme->name))
            found = request->jwks[i].file;
    return found;
}

static void keys_of_scheme(struct keys *keys, const struct caller_request *request,
                           const struct ir_scheme *scheme, struct pool *secrets)
{
    const struct ir_jwt *jwt = &scheme->jwt;
    struct ir_text place = jwt->key;
    struct str text;

    if (jwt->source == IR_JWT_JWKS_URL) {
        struct str file = given_file(request, scheme);
        keys->may_be_stale = file.len == 0;
        if (file.len > 0)
            place = (struct ir_text){.kind = IR_TEXT_FILE, .text = file};
        else if (place.kind == IR_TEXT_NONE)
            keys->missing = STR("the gateway fetches the keys: --jwks FILE gives them here");
    }
    if (keys->missing.len == 0 && caller_secret(&place, secrets, &text, &keys->missing))
        read_keys(keys, secrets, text, jwt->source == IR_JWT_SECRET, jwt->secret_is_base64);
}

/* ---- the verdict ---- */

static const char *check(const struct caller_request *request, const struct ir_jwt *jwt,
                         const struct jwt_token *token)
{
    struct jwt_rules rules = {
        .claims = {.issuers = jwt->issuers.at,
                   .issuer_count = jwt->issuers.count,
                   .audiences = jwt->audiences.at,
                   .audience_count = jwt->audiences.count,
                   .exp = jwt->need_exp,
                   .nbf = jwt->need_nbf,
                   .iat = jwt->need_iat,
                   .leeway = (uint32_t)(jwt->leeway / SECOND),
                   .maximum_expiration = (uint32_t)(jwt->maximum_expiration / SECOND)}};
    uint64_t until;

    return jwt_check(token, &rules, request->now, &until);
}

static const struct grant *grant_of(struct pool *pool, const struct ir_claims *claims,
                                    const struct jwt_token *token)
{
    struct gw_claims config = {.consumer = claims->consumer.at,
                               .consumer_count = (uint32_t)claims->consumer.count,
                               .groups = claims->groups.at,
                               .group_count = (uint32_t)claims->groups.count,
                               .scopes = claims->scopes.at,
                               .scope_count = (uint32_t)claims->scopes.count};
    struct grant *grant = pool_new(pool, struct grant);

    grant_read(grant, &config, token->claims, pool);
    return grant;
}

static struct str granted(struct pool *pool, const struct grant *grant)
{
    struct text out = {.pool = pool};

    text_add(&out, STR("a good token"));
    if (grant->scopes.len > 0)
        text_printf(&out, ", scopes %.*s", STR_ARG(token_printable(pool, grant->scopes)));
    for (size_t i = 0; i < grant->group_count; i++)
        text_printf(&out, "%s%.*s", i > 0 ? " " : ", groups ",
                    STR_ARG(token_printable(pool, grant->groups[i])));
    return text_str(&out);
}

static struct proof judge(const struct caller_request *request, const struct ir_scheme *scheme,
                          const struct jwt_token *token, const struct keys *keys)
{
    enum jwt_verdict verdict;
    const char *why;

    if (keys->missing.len > 0)
        return (struct proof){.kind = PROOF_UNKNOWN,
                              .words = pool_printf(request->pool, "cannot be told here: %.*s",
                                                   STR_ARG(keys->missing))};
    if (!keys->set)
        return (struct proof){.kind = PROOF_WRONG, .words = pool_copy(request->pool, keys->wrong)};
    verdict = jwt_verify(token, keys->set, keys->algorithms);
    if (verdict == JWT_NO_KEY && keys->may_be_stale)
        return (struct proof){.kind = PROOF_UNKNOWN,
                              .words = STR("the keys to begin with have not the token's kid: the "
                                           "gateway would fetch younger ones")};
    why = jwt_verdict_text(verdict);
    why = why ? why : check(request, &scheme->jwt, token);
    if (why)
        return (struct proof){.kind = PROOF_WRONG, .words = str_of(why)};
    const struct grant *grant = grant_of(request->pool, &scheme->jwt.claims, token);
    return (struct proof){.kind = PROOF_HOLDS,
                          .words = granted(request->pool, grant),
                          .consumer = keys->consumer,
                          .grant = grant};
}

static struct proof look_at(const struct caller_request *request, const struct ir_scheme *scheme,
                            struct str text)
{
    struct keys keys = {.algorithms = scheme->jwt.algorithms};
    struct pool secrets;
    struct jwt_token token;
    const char *why = jwt_read(request->pool, text, JWT_SIZE, &token);

    if (why)
        return (struct proof){.kind = PROOF_WRONG, .words = str_of(why)};
    pool_open(&secrets, NULL);
    if (scheme->jwt.source == IR_JWT_CONSUMERS)
        keys_of_consumer(&keys, request, &scheme->jwt, &token, &secrets);
    else
        keys_of_scheme(&keys, request, scheme, &secrets);
    struct proof proof = judge(request, scheme, &token, &keys);
    jwk_set_free(keys.set);
    pool_close_wiped(&secrets);
    return proof;
}

struct proof caller_token(const struct caller_request *request, const struct ir_scheme *scheme)
{
    struct carried found = search(request, &scheme->jwt);
    struct proof proof;
    struct token token;
    struct str error;

    if (found.count == 0 && !scheme->jwt.run_on_preflight && is_preflight(request))
        return (struct proof){.kind = PROOF_HOLDS, .words = STR("a preflight needs no token")};
    if (found.count == 0)
        return (struct proof){.kind = PROOF_LACKS, .words = STR("a token is needed")};
    if (found.count > 1)
        return (struct proof){.kind = PROOF_WRONG, .words = STR("there are two tokens")};
    proof = look_at(request, scheme, found.text);
    if (token_read(request->pool, found.text, &token, &error))
        proof.says = token_says(&token, (int64_t)request->now);
    return proof;
}
