#include "policy/jwt.h"

#include "base/jws.h"
#include "member.h"
#include "policy/claims.h"
#include "policy/type.h"

enum {
    CACHE_MAX = 1000 * 1000,
    SECOND = 1000,
    REFRESH_MS = 10 * 60 * SECOND,
    STALE_MS = 24 * 60 * 60 * SECOND,
    CACHE_TTL_MS = 60 * SECOND,
    CACHE_SIZE = 10 * 1000
};

/* ---- jwks ---- */

struct raw_jwks {
    struct endpoint_raw at;
    char *file, *refresh, *stale_ok, *initial;
    int refetch_on_unknown_kid;
};

static const cyaml_schema_field_t jwks_fields[] = {
    ENDPOINT_FIELDS(struct raw_jwks, at),
    POLICY_CELL(struct raw_jwks, file, REFERENCE),
    POLICY_CELL(struct raw_jwks, refresh, DURATION),
    POLICY_CELL(struct raw_jwks, stale_ok, DURATION_OR_OFF),
    POLICY_CELL(struct raw_jwks, initial, REFERENCE),
    POLICY_TRUTH(struct raw_jwks, refetch_on_unknown_kid),
    CYAML_FIELD_END,
};
static const cyaml_schema_value_t jwks_schema = POLICY_MAPPING(struct raw_jwks, jwks_fields);

/* {file: /path}, and "/path" alone where a file is what the word says. */
static void read_file(struct policy_reader *r, const struct node *node, const char *what,
                      struct ir_text *out)
{
    struct ir_text file = {0};

    if (node == NULL || !setting_runtime(r->job, node, what, &file))
        return;
    if (file.kind == IR_TEXT_ENV || file.text.len == 0 || file.text.at[0] != '/')
        diag_error(&r->job->diags, node->loc, "wrong-type",
                   "'%s' is {file: /path}, with the whole path", what);
    else
        *out = (struct ir_text){.kind = IR_TEXT_FILE, .text = file.text, .loc = node->loc};
}

static void read_text(struct policy_reader *r, const char *cell, const char *what, struct said *out)
{
    const struct node *node = policy_cell(r, cell);

    if (node != NULL)
        setting_text(r->job, node, what, out);
}

static void read_durations(struct policy_reader *r, const struct raw_jwks *raw,
                           struct ir_jwks *jwks)
{
    const struct node *refresh = policy_cell(r, raw->refresh),
                      *stale = policy_cell(r, raw->stale_ok);

    if (refresh != NULL && setting_duration(r->job, refresh, "refresh", &jwks->refresh) &&
        jwks->refresh < SECOND)
        diag_error(&r->job->diags, refresh->loc, "bad-value",
                   "'refresh' must be a second at the least");
    if (stale != NULL && setting_is_off(stale))
        jwks->stale_ok = 0;
    else if (stale != NULL)
        setting_duration(r->job, stale, "stale_ok", &jwks->stale_ok);
}

static void read_jwks(struct policy_reader *r, const struct node *node, const void *from,
                      size_t count, void *out)
{
    const struct raw_jwks *raw = from;
    struct jwt *jwt = out;
    bool is_file = raw->file != NULL;

    (void)count;
    jwt->value.source = is_file ? IR_JWT_JWKS_FILE : IR_JWT_JWKS_URL;
    jwt->value.jwks.refetch = raw->refetch_on_unknown_kid != NO;
    read_file(r, policy_cell(r, raw->file), "file", &jwt->value.key);
    read_file(r, policy_cell(r, raw->initial), "initial", &jwt->value.key);
    read_durations(r, raw, &jwt->value.jwks);
    if (is_file && (raw->at.url != NULL || raw->at.upstream != NULL))
        diag_error(&r->job->diags, node->loc, "contradiction",
                   "'jwks' has one of 'url', 'upstream' and 'file'");
    else if (!is_file)
        endpoint_read(r, &raw->at, &jwt->keys_at);
    if (is_file && (raw->initial != NULL || raw->refresh != NULL || raw->stale_ok != NULL ||
                    raw->refetch_on_unknown_kid != UNSAID))
        diag_error(&r->job->diags, node->loc, "contradiction",
                   "'jwks' of a file is read again with all files: it has no 'refresh', "
                   "'stale_ok', 'initial' and 'refetch_on_unknown_kid'");
}

const struct policy_type jwt_jwks_type = {"jwt.jwks", &jwks_schema, read_jwks};

/* ---- cache ---- */

struct raw_cache {
    char *size, *ttl;
};

static const cyaml_schema_field_t cache_fields[] = {
    POLICY_CELL(struct raw_cache, size, NUMBER),
    POLICY_CELL(struct raw_cache, ttl, DURATION),
    CYAML_FIELD_END,
};
static const cyaml_schema_value_t cache_schema = POLICY_MAPPING(struct raw_cache, cache_fields);

static void read_cache(struct policy_reader *r, const struct node *node, const void *from,
                       size_t count, void *out)
{
    const struct raw_cache *raw = from;
    struct ir_jwt *jwt = &((struct jwt *)out)->value;
    const struct node *ttl = policy_cell(r, raw->ttl);

    (void)node;
    (void)count;
    setting_said_number(r->job, policy_cell(r, raw->size), "size", 1, CACHE_MAX, &jwt->cache_size);
    if (ttl != NULL)
        setting_duration(r->job, ttl, "ttl", &jwt->cache_ttl);
}

const struct policy_type jwt_cache_type = {"jwt.cache", &cache_schema, read_cache};

/* ---- jwt ---- */

struct raw {
    char *issuer, *audiences, *algorithms;
    char *secret, *public_key, *jwks, *key_claim_name;
    char *claims_to_verify, *leeway, *maximum_expiration;
    char *header_names, *cookie_names, *uri_param_names;
    char *consumer_claim, *groups_claim, *scopes_claim, *forward_claims;
    char *cache;
    int secret_is_base64, run_on_preflight;
};

static const cyaml_schema_field_t fields[] = {
    POLICY_CELL(struct raw, issuer, TEXT_OR_TEXTS),
    POLICY_CELL(struct raw, audiences, TEXT_OR_TEXTS),
    POLICY_CELL(struct raw, algorithms, TEXT_OR_TEXTS),
    POLICY_CELL(struct raw, secret, REFERENCE),
    POLICY_TRUTH(struct raw, secret_is_base64),
    POLICY_CELL(struct raw, public_key, REFERENCE),
    POLICY_CELL(struct raw, jwks, TYPED),
    POLICY_CELL(struct raw, key_claim_name, TEXT),
    POLICY_CELL(struct raw, claims_to_verify, TEXT_OR_TEXTS),
    POLICY_CELL(struct raw, leeway, DURATION),
    POLICY_CELL(struct raw, maximum_expiration, DURATION_OR_OFF),
    POLICY_TRUTH(struct raw, run_on_preflight),
    POLICY_CELL(struct raw, header_names, TEXT_OR_TEXTS),
    POLICY_CELL(struct raw, cookie_names, TEXT_OR_TEXTS),
    POLICY_CELL(struct raw, uri_param_names, TEXT_OR_TEXTS),
    POLICY_CELL(struct raw, consumer_claim, TEXT_OR_TEXTS),
    POLICY_CELL(struct raw, groups_claim, TEXT_OR_TEXTS),
    POLICY_CELL(struct raw, scopes_claim, TEXT_OR_TEXTS),
    POLICY_CELL(struct raw, forward_claims, NAMED_TEXTS),
    POLICY_CELL(struct raw, cache, TYPED_OR_OFF),
    CYAML_FIELD_END,
};
static const cyaml_schema_value_t schema = POLICY_MAPPING(struct raw, fields);

static void read_algorithms(struct policy_reader *r, const struct node *node, struct ir_jwt *jwt)
{
    ir_texts names = {0};
    enum jws_algorithm algorithm;

    setting_texts(r->job, node, "algorithms", &names);
    for (size_t i = 0; i < names.count; i++)
        if (jws_algorithm_of(names.at[i], &algorithm))
            jwt->algorithms |= JWS_BIT(algorithm);
        else
            diag_error(&r->job->diags, node->loc, "unknown-value",
                       "'%.*s' is none of the algorithms HS, RS, PS and ES with 256, 384 or 512, "
                       "and EdDSA",
                       STR_SHORT(names.at[i]));
}

static void read_verified(struct policy_reader *r, const struct node *node, struct ir_jwt *jwt)
{
    ir_texts names = {0};

    jwt->need_exp = node == NULL;
    setting_texts(r->job, node, "claims_to_verify", &names);
    for (size_t i = 0; i < names.count; i++) {
        bool is_exp = str_eq(names.at[i], STR("exp")), is_nbf = str_eq(names.at[i], STR("nbf")),
             is_iat = str_eq(names.at[i], STR("iat"));
        jwt->need_exp |= is_exp;
        jwt->need_nbf |= is_nbf;
        jwt->need_iat |= is_iat;
        if (!is_exp && !is_nbf && !is_iat)
            diag_error(&r->job->diags, node->loc, "unknown-value",
                       "'claims_to_verify' lists exp, nbf and iat, and '%.*s' is none of them",
                       STR_SHORT(names.at[i]));
    }
}

/* From the one place that is said, or from the consumers. */
static void read_source(struct policy_reader *r, const struct node *node, const struct raw *raw,
                        struct jwt *out)
{
    struct ir_jwt *jwt = &out->value;
    const struct node *secret = policy_cell(r, raw->secret),
                      *public_key = policy_cell(r, raw->public_key);
    struct node *jwks = policy_cell(r, raw->jwks);
    struct said claim = {0};

    jwt->source = secret ? IR_JWT_SECRET : public_key ? IR_JWT_PUBLIC_KEY : IR_JWT_JWKS_URL;
    read_text(r, raw->key_claim_name, "key_claim_name", &claim);
    if ((secret != NULL) + (public_key != NULL) + (jwks != NULL) + (claim.text.len > 0) > 1)
        diag_error(&r->job->diags, node->loc, "contradiction",
                   "'jwt' has its keys from one of 'secret', 'public_key', 'jwks', or with "
                   "'key_claim_name' from the consumers");
    if (secret != NULL)
        setting_secret(r->job, secret, "secret", &jwt->key);
    if (public_key != NULL)
        setting_runtime(r->job, public_key, "public_key", &jwt->key);
    if (jwks != NULL)
        r->load(r, jwks, &jwt_jwks_type, out);
    if (claim.text.len > 0)
        jwt->source = IR_JWT_CONSUMERS;
    jwt->key_claim = claim.text;
    jwt->secret_is_base64 = raw->secret_is_base64 == YES;
    if (jwt->secret_is_base64 && secret == NULL && claim.text.len == 0)
        diag_error(&r->job->diags, node->loc, "contradiction",
                   "'secret_is_base64' is about a secret, and there is none");
}

static void read_times(struct policy_reader *r, const struct raw *raw, struct ir_jwt *jwt)
{
    const struct node *leeway = policy_cell(r, raw->leeway),
                      *most = policy_cell(r, raw->maximum_expiration);

    if (leeway != NULL)
        setting_duration(r->job, leeway, "leeway", &jwt->leeway);
    if (most != NULL && !setting_is_off(most) &&
        setting_duration(r->job, most, "maximum_expiration", &jwt->maximum_expiration) &&
        jwt->maximum_expiration < SECOND)
        diag_error(&r->job->diags, most->loc, "bad-value",
                   "'maximum_expiration' must be a second at the least");
}

static void read_jwt(struct policy_reader *r, const struct node *node, const void *from,
                     size_t count, void *out)
{
    const struct raw *raw = from;
    struct ir_jwt *jwt = &((struct jwt *)out)->value;
    struct node *cache = policy_cell(r, raw->cache);

    (void)count;
    *(struct jwt *)out = (struct jwt){.keys_at = {.loc = node->loc}};
    *jwt = (struct ir_jwt){
        .jwks = {.refresh = REFRESH_MS, .stale_ok = STALE_MS, .refetch = true},
        .run_on_preflight = raw->run_on_preflight == YES,
        .cache_size = CACHE_SIZE,
        .cache_ttl = CACHE_TTL_MS,
        .loc = node->loc,
    };
    setting_texts(r->job, policy_cell(r, raw->issuer), "issuer", &jwt->issuers);
    setting_texts(r->job, policy_cell(r, raw->audiences), "audiences", &jwt->audiences);
    read_algorithms(r, policy_cell(r, raw->algorithms), jwt);
    read_source(r, node, raw, out);
    read_verified(r, policy_cell(r, raw->claims_to_verify), jwt);
    read_times(r, raw, jwt);
    claims_read_places(r->job,
                       &(struct token_places_said){
                           policy_cell(r, raw->header_names), policy_cell(r, raw->cookie_names),
                           policy_cell(r, raw->uri_param_names), node, "jwt"},
                       &jwt->headers, &jwt->cookies, &jwt->params);
    claims_read(r->job,
                &(struct claims_said){
                    policy_cell(r, raw->consumer_claim), policy_cell(r, raw->groups_claim),
                    policy_cell(r, raw->scopes_claim), policy_cell(r, raw->forward_claims)},
                &jwt->claims);
    if (cache != NULL && setting_is_off(cache))
        jwt->cache_size = jwt->cache_ttl = 0;
    else if (cache != NULL)
        r->load(r, cache, &jwt_cache_type, out);
}

const struct policy_type jwt_type = {"jwt", &schema, read_jwt};
