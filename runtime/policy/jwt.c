#include "policy/jwt.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/base64.h"
#include "base/cache.h"
#include "base/crypto.h"
#include "prometheus.h"
#include "request/jwks.h"

enum { RETRY_AFTER_S = 5, SECOND_MS = 1000, SECOND_US = 1000 * 1000 };

/* What a worker keeps of one scheme. */
struct desk {
    struct cache *cache;
    uint64_t keys; /* the number of the keys by which the findings were made */
};

/* A token that was verified; lives in its finding. */
struct verified {
    struct grant grant;
    const struct consumer *consumer; /* whose keys they are, or NULL */
};

/* Browsers send preflights without credentials (Fetch Standard, section 3.2.2). */
static bool is_preflight(const struct gw_req *rq)
{
    return rq->head.method == METHOD_OPTIONS &&
           fields_named(&rq->head.fields, STR("Origin"), NULL) &&
           fields_named(&rq->head.fields, STR("Access-Control-Request-Method"), NULL);
}

/* ---- what it is verified with ---- */

/* Where the keys are in what was read, and the number of that reading. */
static const struct jwk_set *keys_of(struct gw_req *rq, const struct gw_jwt *scheme,
                                     uint64_t *number)
{
    const struct live *live = rq->worker->live;

    if (scheme->source == GW_JWT_JWKS_URL)
        return jwks_now(rq->worker, scheme, number);
    *number = live->number;
    return scheme->source == GW_JWT_CONSUMERS ? NULL : live->jwt_keys[scheme->index];
}

/* Whose token it says it is; a key's id, as other products have it, may stand in the header alone. */
static const struct credential *credential_of(struct gw_req *rq, const struct gw_jwt *scheme,
                                              const struct jwt_token *token)
{
    const struct data *claim = data_at(token->claims, &scheme->key_claim, 1);
    struct str id;

    if (!claim)
        claim = data_at(token->header, &scheme->key_claim, 1);
    if (!claim || claim->kind != DATA_TEXT || !data_text(claim, &id))
        return NULL;
    return identity_consumers(rq)->credential(identity_all(rq), GW_CREDENTIAL_JWT, id);
}

/* ---- what is remembered ---- */

static void close_desk(void *kept)
{
    struct desk *desk = kept;

    cache_free(desk->cache);
    free(desk);
}

static struct desk *desk_of(struct gw_req *rq, const struct gw_jwt *scheme)
{
    void **kept = worker_keep(rq->worker, scheme, close_desk);

    if (!*kept) {
        /* One that is off keeps its last finding, which counts no more at once. */
        size_t size = scheme->cache_size > 0 ? scheme->cache_size : 1;
        struct desk *desk = pool_xmalloc(sizeof *desk);
        *desk = (struct desk){.cache = cache_new(size, NULL)};
        *kept = desk;
    }
    return *kept;
}

static uint64_t wall(const struct gw_req *rq)
{
    return rq->worker->loop.wall_us / SECOND_US;
}

static void let_go(void *finding)
{
    cached_release(finding);
}

/* What was found lasts as long as the request. */
static bool take(struct gw_req *rq, const struct gw_jwt *scheme, struct cached *finding)
{
    const struct verified *verified = finding->value;

    pool_defer(&rq->pool, let_go, cached_hold(finding));
    if (verified->consumer && !identity_claim(rq, verified->consumer))
        return false;
    return identity_add_token(rq, &verified->grant, &scheme->claims.told);
}

static struct cached *recall(struct gw_req *rq, const struct gw_jwt *scheme, uint64_t keys,
                             const unsigned char *digest)
{
    struct desk *desk = desk_of(rq, scheme);

    if (desk->keys != keys)
        cache_clear(desk->cache);
    desk->keys = keys;
    return cache_find(desk->cache, digest, rq->worker->loop.now);
}

/* `until` is the token's end, in seconds of the wall clock. */
static void remember(struct gw_req *rq, const struct gw_jwt *scheme, struct cached *finding,
                     const unsigned char *digest, uint64_t until)
{
    uint64_t left = until - wall(rq), ttl = scheme->cache_ttl;

    if (left < ttl / SECOND_MS)
        ttl = left * SECOND_MS;
    cache_put(desk_of(rq, scheme)->cache, finding, digest, rq->worker->loop.now + ttl);
}

/* ---- the proof ---- */

/* With the keys of now, or those of the consumer that it names. NULL: it is good until *until; otherwise why not. */
static const char *verify(struct gw_req *rq, const struct gw_jwt *scheme,
                          const struct jwk_set *keys, const struct jwt_token *token,
                          struct verified *verified, uint64_t *until, bool *is_key_unknown)
{
    enum jwt_verdict verdict;
    const char *why;

    if (scheme->source == GW_JWT_CONSUMERS) {
        const struct credential *credential = credential_of(rq, scheme, token);
        if (!credential)
            return "the token names no key that is known";
        keys = credential->made;
        verified->consumer = credential->consumer;
    }
    worker_count_up(&rq->worker->tokens_verified);
    verdict = jwt_verify(token, keys, scheme->algorithms);
    /* A token that names no key may be of one that has come since. */
    *is_key_unknown = verdict == JWT_NO_KEY || (verdict == JWT_BAD_SIGNATURE && !token->kid.at);
    why = jwt_verdict_text(verdict);
    return why ? why : jwt_check(token, &scheme->rules, wall(rq), until);
}

/* A token that is not remembered. */
static bool judge(struct gw_req *rq, const struct gw_jwt *scheme, struct str text,
                  const struct jwk_set *keys, const unsigned char *digest)
{
    struct cached *finding = cached_new(desk_of(rq, scheme)->cache);
    struct verified *verified = pool_new(&finding->pool, struct verified);
    struct jwt_token token;
    bool is_key_unknown = false, is_good;
    uint64_t until;
    const char *why = jwt_read(&finding->pool, text, JWT_SIZE, &token);

    *verified = (struct verified){0};
    finding->value = verified;
    if (!why)
        why = verify(rq, scheme, keys, &token, verified, &until, &is_key_unknown);
    if (why) {
        cached_release(finding);
        if (is_key_unknown && scheme->jwks && jwks_wait(rq, scheme, true))
            return false;
        return identity_is_wrong_token(rq, why);
    }
    grant_read(&verified->grant, &scheme->claims, token.claims, &finding->pool);
    remember(rq, scheme, finding, digest, until);
    is_good = take(rq, scheme, finding);
    cached_release(finding);
    return is_good;
}

bool gw_jwt(struct gw_req *rq, const struct gw_jwt *scheme)
{
    struct carried token = carried_token(rq, &scheme->places);
    unsigned char digest[CRYPTO_SHA256];
    const struct jwk_set *keys;
    struct cached *finding;
    uint64_t number;

    if (token.text.len == 0 && !scheme->run_on_preflight && is_preflight(rq)) {
        rq->identity.is_spared = true;
        return true;
    }
    if (token.text.len == 0)
        return identity_lacks(rq, "a token is needed");
    if (token.is_twice)
        return identity_is_wrong_token(rq, "there are two tokens");
    if (token.text.len > JWT_SIZE)
        return identity_is_wrong_token(rq, "the token is too long");
    keys = keys_of(rq, scheme, &number);
    if (scheme->jwks && !keys) {
        if (jwks_wait(rq, scheme, false))
            return false;
        return identity_is_unknown(rq, "the keys of tokens are not known yet", RETRY_AFTER_S);
    }
    crypto_sha256(token.text, digest);
    finding = recall(rq, scheme, number, digest);
    if (!finding)
        return judge(rq, scheme, token.text, keys, digest);
    worker_count_up(&rq->worker->tokens_recalled);
    return take(rq, scheme, finding);
}

/* ---- the module ---- */

static bool read_keys(const struct gw_jwt *scheme, struct pool *pool, struct jwk_set **set,
                      struct str *error)
{
    struct pool secret;
    struct str text, why_not;
    const char *why = NULL;

    *set = NULL;
    if (scheme->source == GW_JWT_CONSUMERS || scheme->key.kind == GW_TEXT_NONE)
        return true;
    pool_open(&secret, NULL);
    if (reference_read(&scheme->key, &secret, &text, &why_not))
        *set = jwt_keys_of(scheme->source, text, scheme->secret_is_base64, pool, &why);
    else
        why = pool_copy(pool, why_not).at;
    pool_close_wiped(&secret);
    if (!*set)
        *error = pool_printf(pool, "the keys of %.*s: %s", STR_ARG(scheme->name), why);
    return *set != NULL;
}

static void metrics(const struct gw_jwts *jwts, struct text *text)
{
    uint64_t verified = 0, recalled = 0;

    for (unsigned i = 0; i < worker_count; i++) {
        verified += __atomic_load_n(&workers[i].tokens_verified, __ATOMIC_RELAXED);
        recalled += __atomic_load_n(&workers[i].tokens_recalled, __ATOMIC_RELAXED);
    }
    prom_number(text, "apigw_jwt_verified_total", "counter",
                "Tokens whose signature was verified, or was not good.", verified);
    prom_number(text, "apigw_jwt_recalled_total", "counter",
                "Tokens that were known from the cache.", recalled);
    jwks_metrics(jwts, text);
}

const struct jwt_module jwt_module = {
    .read = read_keys,
    .free = jwk_set_free,
    .open = jwks_open,
    .close = jwks_close,
    .is_ready = jwks_are_ready,
    .refresh = jwks_refresh,
    .metrics = metrics,
};

/* ---- keys as texts ---- */

struct jwk_set *jwt_keys_of(enum gw_jwt_source source, struct str text, bool is_base64,
                            struct pool *pool, const char **why)
{
    char error[JWK_ERROR] = "";
    struct jwk_set *set = NULL;
    struct str bytes = text, trimmed = str_trim(text, " \t\r\n");

    if (source == GW_JWT_SECRET && is_base64 && !base64_read_either(pool, text, &bytes))
        snprintf(error, sizeof error, "the secret is no base64");
    else if (source == GW_JWT_SECRET)
        set = jwk_set_of_secret(bytes, error);
    else if (trimmed.len > 0 && trimmed.at[0] == '{')
        set = jwk_set_of_json(trimmed, error);
    else
        set = jwk_set_of_pem(trimmed, error);
    if (source == GW_JWT_SECRET && bytes.at != text.at && bytes.at)
        explicit_bzero((char *)bytes.at, bytes.len);
    if (!set)
        *why = pool_copy(pool, str_of(error)).at;
    return set;
}

/* The algorithm is the credential's own: its key is for that one alone. */
static const char *make_credential(struct credential *credential, struct pool *pool)
{
    enum jws_algorithm algorithm;
    const char *why = NULL;
    struct jwk_set *set;
    bool is_secret;

    if (!jws_algorithm_of(credential->algorithm, &algorithm))
        return "its algorithm is none that is known";
    is_secret = (JWS_BIT(algorithm) & JWS_ALL_HS) != 0;
    set = jwt_keys_of(is_secret ? GW_JWT_SECRET : GW_JWT_PUBLIC_KEY, credential->secret, false,
                      pool, &why);
    if (!set)
        return why;
    if (!(set->algorithms & JWS_BIT(algorithm))) {
        jwk_set_free(set);
        return "its key is not for its algorithm";
    }
    for (size_t i = 0; i < set->count; i++)
        jws_key_bind(set->keys[i].key, JWS_BIT(algorithm));
    credential->made = set;
    return NULL;
}

static void unmake_credential(struct credential *credential)
{
    jwk_set_free(credential->made);
}

const struct credential_kind jwt_credentials = {make_credential, unmake_credential};
