#include "policy/introspection.h"

#include <stdlib.h>

#include "base/base64.h"
#include "base/cache.h"
#include "base/crypto.h"
#include "base/percent.h"

enum {
    TOKEN_MAX = 8 * 1024,
    ANSWER_MAX = 64 * 1024,
    CACHE_SIZE = 10 * 1000, /* tokens of a scheme that a worker remembers */
    RETRY_AFTER_S = 5,
    SECOND_MS = 1000,
    SECOND_US = 1000 * 1000
};

/* A question that is under way, and all who wait for its answer. */
struct question {
    struct question *next; /* of the desk's; those that are answered are in no list */
    struct desk *desk;     /* NULL: it is answered */
    unsigned users;
    struct fetch fetch;
    struct cached *finding; /* the answer, when it was one */
    const char *why;        /* otherwise */
    char *form;
    unsigned char digest[CRYPTO_SHA256];
};

/* What a worker keeps of one scheme. */
struct desk {
    struct cache *cache;
    struct question *questions;
};

/* What was said of a token; lives in its finding. */
struct said {
    const char *why; /* why it is no good; NULL: it is good */
    struct grant grant;
};

static void close_desk(void *kept)
{
    struct desk *desk = kept;

    cache_free(desk->cache);
    free(desk);
}

static struct desk *desk_of(struct gw_req *rq, const struct gw_introspection *scheme)
{
    void **kept = worker_keep(rq->worker, scheme, close_desk);

    if (!*kept) {
        struct desk *desk = pool_xmalloc(sizeof *desk);
        *desk = (struct desk){.cache = cache_new(CACHE_SIZE, NULL)};
        *kept = desk;
    }
    return *kept;
}

/* ---- the answer ---- */

/* NULL: it is active, and for us, until *until. Otherwise why not. */
static const char *judge(const struct gw_introspection *scheme, const struct data *data,
                         uint64_t wall, uint64_t *until)
{
    bool is_active = false;

    data_truth(data_get(data, "active"), &is_active);
    if (!is_active)
        return "the token is not active";
    return claims_check(data, &scheme->rules, wall, until);
}

/* RFC 7662 section 2.2: an object that says whether the token is active. */
static const struct data *read_answer(struct question *question, struct pool *pool)
{
    const struct fetch *fetch = &question->fetch;
    struct data_problem problem;
    const struct data *data;
    bool is_active;

    if (fetch->op.state != OP_DONE || fetch->status != 200) {
        question->why = "the issuer of tokens does not answer";
        return NULL;
    }
    data = data_read_json(pool, pool_copy(pool, fetch->body), &problem);
    if (data && data->kind == DATA_MAP && data_truth(data_get(data, "active"), &is_active))
        return data;
    question->why = "the issuer of tokens answers what makes no sense";
    return NULL;
}

static void unlink_question(struct question *question)
{
    struct question **link;

    if (!question->desk)
        return;
    link = &question->desk->questions;
    while (*link != question)
        link = &(*link)->next;
    *link = question->next;
    question->desk = NULL;
}

/* The first who is woken reads the answer for all. */
static void conclude(struct gw_req *rq, const struct gw_introspection *scheme,
                     struct question *question)
{
    struct cache *cache = desk_of(rq, scheme)->cache;
    struct cached *finding = cached_new(cache);
    struct said *said = pool_new(&finding->pool, struct said);
    const struct data *data = read_answer(question, &finding->pool);
    uint64_t wall = rq->worker->loop.wall_us / SECOND_US, until = UINT64_MAX, ttl;

    unlink_question(question);
    if (!data) {
        cached_release(finding);
        return;
    }
    *said = (struct said){.why = judge(scheme, data, wall, &until)};
    if (!said->why)
        grant_read(&said->grant, &scheme->claims, data, &finding->pool);
    finding->value = said;
    question->finding = finding;
    ttl = said->why ? scheme->negative_cache : scheme->cache;
    if (!said->why && until - wall < ttl / SECOND_MS)
        ttl = (until - wall) * SECOND_MS;
    if (ttl > 0)
        cache_put(cache, finding, question->digest, rq->worker->loop.now + ttl);
}

/* ---- the question ---- */

static void release(void *arg)
{
    struct question *question = arg;

    if (--question->users > 0)
        return;
    unlink_question(question);
    fetch_close(&question->fetch);
    if (question->finding)
        cached_release(question->finding);
    crypto_wipe(question->form, strlen(question->form));
    free(question->form);
    free(question);
}

static char *put_encoded(char *to, struct str text)
{
    for (size_t i = 0; i < text.len; i++)
        to = percent_put(to, (unsigned char)text.at[i]);
    return to;
}

static char *put(char *to, const char *text)
{
    size_t len = strlen(text);

    memcpy(to, text, len);
    return to + len;
}

static char *form_of(const struct gw_introspection *scheme, struct str token)
{
    char *form = pool_xmalloc(3 * (token.len + scheme->hint.len) + 64), *end;

    end = put_encoded(put(form, "token="), token);
    if (scheme->hint.len > 0)
        end = put_encoded(put(end, "&token_type_hint="), scheme->hint);
    *end = '\0';
    return form;
}

static struct question *ask(struct gw_req *rq, const struct gw_introspection *scheme,
                            struct str token, const unsigned char *digest)
{
    struct desk *desk = desk_of(rq, scheme);
    struct question *question = pool_xmalloc(sizeof *question);

    *question = (struct question){.desk = desk, .next = desk->questions};
    desk->questions = question;
    memcpy(question->digest, digest, sizeof question->digest);
    question->form = form_of(scheme, token);
    question->fetch = (struct fetch){
        .upstreams = rq->worker->upstreams,
        .endpoint = scheme->endpoint,
        .timeout = scheme->timeout,
        .max = ANSWER_MAX,
        .method = METHOD_POST,
        .is_idempotent = true, /* a question changes nothing */
        .lines = rq->worker->live->introspection_lines[scheme->index],
        .content = str_of(question->form),
    };
    fetch_start(&question->fetch);
    return question;
}

static struct question *find(const struct desk *desk, const unsigned char *digest)
{
    struct question *question = desk->questions;

    while (question && memcmp(question->digest, digest, sizeof question->digest) != 0)
        question = question->next;
    return question;
}

/* ---- the proof ---- */

static void let_go_finding(void *finding)
{
    cached_release(finding);
}

static void let_go_live(void *live)
{
    live_release(live);
}

static bool take(struct gw_req *rq, const struct gw_introspection *scheme, struct cached *finding)
{
    const struct said *said = finding->value;

    if (said->why)
        return identity_is_wrong_token(rq, said->why);
    pool_defer(&rq->pool, let_go_finding, cached_hold(finding));
    return identity_add_token(rq, &said->grant, &scheme->claims.told);
}

static bool collect(struct gw_req *rq, const struct gw_introspection *scheme,
                    struct question *question)
{
    if (question->fetch.op.state == OP_RUNNING) {
        req_park(rq, &question->fetch.op);
        return false;
    }
    if (!question->finding && !question->why)
        conclude(rq, scheme, question);
    if (!question->finding)
        return identity_is_unknown(rq, question->why, RETRY_AFTER_S);
    return take(rq, scheme, question->finding);
}

/* Its own question, or another one's for the same token. */
static struct question *join(struct gw_req *rq, const struct gw_introspection *scheme,
                             struct str token, const unsigned char *digest)
{
    struct question *question = find(desk_of(rq, scheme), digest);

    if (!question)
        question = ask(rq, scheme, token, digest);
    question->users++;
    pool_defer(&rq->pool, release, question);
    pool_defer(&rq->pool, let_go_live, live_hold(rq->worker->live)); /* its lines */
    return question;
}

bool gw_introspection(struct gw_req *rq, const struct gw_introspection *scheme)
{
    void **memo = identity_memo(rq, scheme);
    unsigned char digest[CRYPTO_SHA256];
    struct carried token;
    struct cached *finding;

    if (*memo)
        return collect(rq, scheme, *memo);
    token = carried_token(rq, &scheme->places);
    if (token.text.len == 0)
        return identity_lacks(rq, "a token is needed");
    if (token.is_twice)
        return identity_is_wrong_token(rq, "there are two tokens");
    if (token.text.len > TOKEN_MAX)
        return identity_is_wrong_token(rq, "the token is too long");
    crypto_sha256(token.text, digest);
    finding = cache_find(desk_of(rq, scheme)->cache, digest, rq->worker->loop.now);
    if (finding)
        return take(rq, scheme, finding);
    *memo = join(rq, scheme, token.text, digest);
    return collect(rq, scheme, *memo);
}

/* ---- the module ---- */

/* RFC 6749 section 2.3.1: both encoded as in a form, then as Basic has them. */
static struct str basic_line(struct pool *pool, struct str id, struct str secret)
{
    char *both = pool_take(pool, 3 * (id.len + secret.len) + 2), *end;
    struct str coded;

    end = put_encoded(both, id);
    *end++ = ':';
    end = put_encoded(end, secret);
    coded = base64_write(pool, (struct str){both, (size_t)(end - both)});
    return pool_printf(pool, "Authorization: Basic %.*s\r\n", STR_ARG(coded));
}

static bool read_line(const struct gw_introspection *scheme, struct pool *pool, struct str *line,
                      struct str *error)
{
    static const char usual[] = "Accept: application/json\r\n"
                                "Content-Type: application/x-www-form-urlencoded\r\n"
                                "User-Agent: apigw-gen introspection\r\n";
    struct str id, secret, why;

    *line = str_of(usual);
    if (scheme->client_id.kind == GW_TEXT_NONE)
        return true;
    if (!reference_read(&scheme->client_id, pool, &id, &why) ||
        !reference_read(&scheme->client_secret, pool, &secret, &why)) {
        *error =
            pool_printf(pool, "introspection of %.*s: %.*s", STR_ARG(scheme->name), STR_ARG(why));
        return false;
    }
    *line = pool_printf(pool, "%s%s", usual, basic_line(pool, id, secret).at);
    return true;
}

const struct introspection_module introspection_module = {read_line};
