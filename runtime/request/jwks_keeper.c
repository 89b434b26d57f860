#include <stdio.h>
#include <stdlib.h>

#include "base/backoff.h"
#include "base/clock.h"
#include "base/crypto.h"
#include "base/data.h"
#include "base/log.h"
#include "client/fetch.h"
#include "client/target_url.h"
#include "request/jwks_board.h"

#define CONTAINER(type, member, at) ((type *)(void *)((char *)(at)-offsetof(type, member)))

struct jwks_keeper {
    const struct gw_jwt *scheme;
    struct worker *worker;
    struct loop_call wanted;
    struct timer next;
    struct fetch fetch;
    struct op_waiter answered;
    struct gw_endpoint keys_at;          /* what the provider's configuration says */
    char *path;                          /* the memory of keys_at.path */
    bool is_configuration;               /* it is that which is asked for */
    uint64_t backoff;                    /* 0: the last question was answered */
    uint64_t good_ms;                    /* clock_ms: the last good answer; 0: none yet */
    unsigned char digest[CRYPTO_SHA256]; /* of the last good answer */
};

static const struct gw_jwks *config_of(const struct jwks_keeper *keeper)
{
    return keeper->scheme->jwks;
}

/* ---- the end of a question ---- */

static void let_go(struct jwks_keeper *keeper)
{
    op_leave(&keeper->answered, true);
    fetch_close(&keeper->fetch);
}

static void again(struct jwks_keeper *keeper, uint64_t ms)
{
    let_go(keeper);
    timer_set(&keeper->worker->loop, &keeper->next, ms);
}

static bool is_stale(const struct jwks_keeper *keeper)
{
    return keeper->good_ms > 0 && clock_ms() - keeper->good_ms > config_of(keeper)->stale_ok;
}

static void fail(struct jwks_keeper *keeper, const char *why)
{
    bool keeps = !is_stale(keeper);

    log_warn("the keys of %.*s: %s%s", STR_ARG(keeper->scheme->name), why,
             keeper->good_ms == 0 ? ""
             : keeps              ? "; the last ones hold"
                                  : "; the last ones are older than stale_ok, and hold no longer");
    if (!keeps)
        memset(keeper->digest, 0, sizeof keeper->digest);
    again(keeper, backoff_pause(&keeper->backoff));
    jwks_board_answer(jwks_board_of(keeper->scheme), NULL, keeps, false);
}

static void succeed(struct jwks_keeper *keeper, struct jwk_set *set)
{
    if (set)
        log_info("the keys of %.*s: %zu came%s", STR_ARG(keeper->scheme->name), set->count,
                 set->skipped > 0 ? ", others are not for verifying" : "");
    keeper->backoff = 0;
    keeper->good_ms = clock_ms();
    again(keeper, backoff_jittered(config_of(keeper)->refresh));
    jwks_board_answer(jwks_board_of(keeper->scheme), set, !set, true);
}

/* ---- answers ---- */

static void read_keys(struct jwks_keeper *keeper)
{
    unsigned char digest[CRYPTO_SHA256];
    char error[JWK_ERROR];
    struct jwk_set *set = NULL;

    crypto_sha256(keeper->fetch.body, digest);
    if (memcmp(digest, keeper->digest, sizeof digest) != 0) {
        set = jwk_set_of_json(keeper->fetch.body, error);
        if (!set) {
            fail(keeper, error);
            return;
        }
        memcpy(keeper->digest, digest, sizeof digest);
    }
    succeed(keeper, set);
}

static void ask(struct jwks_keeper *keeper, const struct gw_endpoint *endpoint);

static bool is_issuer(const struct gw_jwt *scheme, struct str issuer)
{
    for (size_t i = 0; i < scheme->rules.claims.issuer_count; i++)
        if (str_eq(scheme->rules.claims.issuers[i], issuer))
            return true;
    return false;
}

/* The keys stand where the configuration does; a URL to another place would be a target that nobody has reviewed. */
static bool read_place(struct jwks_keeper *keeper, struct str url)
{
    const struct gw_upstream *upstream = config_of(keeper)->from->upstream;
    struct gw_target target;

    if (!target_url_read(url, upstream->tls != NULL, &target) || target.path.len == 0 ||
        !str_eq_nocase(target.authority, upstream->targets[0].authority))
        return false;
    free(keeper->path);
    keeper->path = pool_xmalloc(target.path.len + 1);
    memcpy(keeper->path, target.path.at, target.path.len);
    keeper->keys_at = *config_of(keeper)->from;
    keeper->keys_at.path = (struct str){keeper->path, target.path.len};
    return true;
}

/* OpenID Connect Discovery 1.0, sections 4.2 and 4.3. */
static void read_configuration(struct jwks_keeper *keeper)
{
    struct data_problem problem;
    struct pool pool;
    struct str issuer, url;
    const struct data *data;
    const char *why = NULL;

    pool_open(&pool, NULL);
    data = data_read_json(&pool, keeper->fetch.body, &problem);
    if (!data)
        why = problem.what;
    else if (!data_text(data_get(data, "issuer"), &issuer) || !is_issuer(keeper->scheme, issuer))
        why = "the provider's configuration is another issuer's";
    else if (!data_text(data_get(data, "jwks_uri"), &url) || !read_place(keeper, url))
        why = "jwks_uri of the provider's configuration is no URL of the same place: say jwks.url";
    pool_close(&pool);
    if (why) {
        fail(keeper, why);
        return;
    }
    let_go(keeper);
    ask(keeper, &keeper->keys_at);
}

static void on_answered(struct loop_call *wake)
{
    struct jwks_keeper *keeper = CONTAINER(struct jwks_keeper, answered.wake, wake);
    char why[64];

    if (keeper->fetch.op.state != OP_DONE) {
        fail(keeper, keeper->fetch.reason);
    } else if (keeper->fetch.status != 200) {
        snprintf(why, sizeof why, "the provider answers %u", keeper->fetch.status);
        fail(keeper, why);
    } else if (keeper->is_configuration) {
        read_configuration(keeper);
    } else {
        read_keys(keeper);
    }
}

/* ---- questions ---- */

static void ask(struct jwks_keeper *keeper, const struct gw_endpoint *endpoint)
{
    keeper->is_configuration = config_of(keeper)->is_discovery && endpoint != &keeper->keys_at;
    keeper->fetch = (struct fetch){
        .upstreams = keeper->worker->upstreams,
        .endpoint = endpoint,
        .timeout = JWKS_TIMEOUT_MS,
        .max = JWK_TEXT_MAX,
        .method = METHOD_GET,
        .is_idempotent = true,
        .lines = STR("Accept: application/json\r\nUser-Agent: apigw-gen jwks\r\n"),
    };
    fetch_start(&keeper->fetch);
    op_wait(&keeper->fetch.op, &keeper->answered, on_answered);
}

/* One at a time: who wants an answer gets that of the question that is under way. */
static void begin(struct jwks_keeper *keeper)
{
    if (keeper->answered.op || keeper->answered.wake.queued)
        return;
    timer_clear(&keeper->worker->loop, &keeper->next);
    ask(keeper, config_of(keeper)->from);
}

static void on_next(struct timer *timer)
{
    struct jwks_keeper *keeper = CONTAINER(struct jwks_keeper, next, timer);
    struct jwks_board *board = jwks_board_of(keeper->scheme);

    pthread_mutex_lock(&board->lock);
    board->is_asking = true;
    pthread_mutex_unlock(&board->lock);
    begin(keeper);
}

static void on_wanted(struct loop_call *call)
{
    begin(CONTAINER(struct jwks_keeper, wanted, call));
}

void jwks_keeper_want(struct jwks_keeper *keeper)
{
    loop_mail(&keeper->worker->loop, &keeper->wanted);
}

struct jwks_keeper *jwks_keeper_open(const struct gw_jwt *scheme, struct worker *worker)
{
    struct jwks_keeper *keeper = pool_xmalloc(sizeof *keeper);

    *keeper = (struct jwks_keeper){
        .scheme = scheme, .worker = worker, .wanted.run = on_wanted, .next.fire = on_next};
    return keeper;
}

void jwks_keeper_close(struct jwks_keeper *keeper)
{
    timer_clear(&keeper->worker->loop, &keeper->next);
    let_go(keeper);
    free(keeper->path);
    free(keeper);
}
