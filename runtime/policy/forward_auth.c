#include "policy/forward_auth.h"

#include "base/cache.h"
#include "base/crypto.h"
#include "request/forwarded.h"
#include "request/hold.h"
#include "request/reply.h"
#include "request/taken.h"

enum {
    ANSWER_MAX = 64 * 1024,
    CACHE_SIZE = 4096, /* answers that a worker remembers */
    LINES_MAX = 16 * 1024
};

/* What is under way for one request; in its pool. */
struct asking {
    struct fetch fetch;
    bool is_asked, is_let_in;
    unsigned char digest[CACHE_DIGEST];
};

/* ---- what is remembered ---- */

static void close_cache(void *cache)
{
    cache_free(cache);
}

/* One for all routes: a worker's memory must not grow with their number. */
static struct cache *cache_of(struct gw_req *rq)
{
    static const char key;
    void **kept = worker_keep(rq->worker, &key, close_cache);

    if (!*kept)
        *kept = cache_new(CACHE_SIZE, NULL);
    return *kept;
}

/* All that the answer may depend on. */
static void digest(struct gw_req *rq, const struct gw_forward_auth *config, struct asking *asking)
{
    const struct fetch *fetch = &asking->fetch;
    struct text all = {.pool = &rq->pool};

    text_add(&all, (struct str){(const char *)&config, sizeof config});
    text_add(&all, fetch->method_text.at ? fetch->method_text : method_name(fetch->method));
    text_printf(&all, " %zu\r\n", fetch->lines.len);
    text_add(&all, fetch->lines);
    if (fetch->content.at)
        text_add(&all, fetch->content);
    crypto_sha256(text_str(&all), asking->digest);
}

static void remember(struct gw_req *rq, const struct gw_forward_auth *config,
                     const struct asking *asking, struct str lines)
{
    struct cached *cached =
        cache_add(cache_of(rq), asking->digest, rq->worker->loop.now + config->cache);
    struct str *kept = pool_new(&cached->pool, struct str);

    *kept = pool_copy(&cached->pool, lines);
    cached->value = kept;
}

/* ---- the question ---- */

static void put(struct text *lines, struct str name, struct str value)
{
    text_add(lines, name);
    text_add(lines, STR(": "));
    text_add(lines, value);
    text_add(lines, STR("\r\n"));
}

static struct str uri_of(struct gw_req *rq)
{
    if (!rq->head.query.at)
        return rq->path;
    return pool_printf(&rq->pool, "%.*s?%.*s", STR_ARG(rq->path), STR_ARG(rq->head.query));
}

static void put_forwarded(struct gw_req *rq, const struct gw_forward_auth *config,
                          struct text *lines)
{
    struct str uri = uri_of(rq);

    put(lines, STR("X-Forwarded-Method"), rq->head.method_text);
    put(lines, STR("X-Forwarded-Proto"), forwarded_is_https(rq) ? STR("https") : STR("http"));
    put(lines, STR("X-Forwarded-Host"), rq->head.authority);
    put(lines, STR("X-Forwarded-Uri"), uri);
    if (rq->client_address.len > 0)
        put(lines, STR("X-Forwarded-For"), rq->client_address);
    if (config->uri_header.len > 0)
        put(lines, config->uri_header, uri);
}

static void put_named(const struct fields *fields, const struct str *names, uint32_t count,
                      struct text *lines)
{
    for (uint32_t i = 0; i < count; i++)
        for (const struct field *field = fields_named(fields, names[i], NULL); field;
             field = fields_named(fields, names[i], field))
            put(lines, names[i], field_value(field));
}

/* What a client says of itself in fields by which upstreams are told who calls is not passed on here either. */
static void set_lines(struct gw_req *rq, const struct gw_forward_auth *config, struct fetch *fetch)
{
    struct text lines = {.pool = &rq->pool};

    fields_drop_alike(&rq->head.fields, rq->listener->identity_fields,
                      rq->listener->identity_field_count);
    put_named(&rq->head.fields, config->request_headers, config->request_header_count, &lines);
    if (fetch->content.at && config->forwards_body) {
        static const struct str type = STR_INIT("Content-Type");
        put_named(&rq->head.fields, &type, 1, &lines);
    }
    put_forwarded(rq, config, &lines);
    fetch->lines = text_str(&lines);
}

static enum gw_next too_long(struct gw_req *rq)
{
    return reply_error(rq, 413, "forward_auth: the content is longer than what may be held of it",
                       STR(""));
}

/* GW_GO: the content is there as a whole, or none is asked for. */
static enum gw_next take_content(struct gw_req *rq, const struct gw_forward_auth *config,
                                 struct fetch *fetch)
{
    if (!config->forwards_body || rq->head.framing == FRAMING_NONE)
        return GW_GO;
    if (rq->head.framing == FRAMING_LENGTH && rq->head.length > config->body_max)
        return too_long(rq);
    if (!rq->hold)
        rq->hold = hold_start(rq, taken_body(rq), config->body_max);
    if (rq->hold->op.state == OP_RUNNING)
        return req_park(rq, &rq->hold->op);
    if (rq->hold->op.state != OP_DONE)
        return reply_error(rq, taken_status(rq), taken_reason(rq), STR(""));
    if (rq->hold->full)
        return too_long(rq);
    fetch->content = hold_text(rq->hold, &rq->pool);
    return GW_GO;
}

static void on_pool_close(void *arg)
{
    fetch_close(&((struct asking *)arg)->fetch);
}

static struct asking *asking_of(struct gw_req *rq, const struct gw_forward_auth *config)
{
    void **memo = identity_memo(rq, config);

    if (!*memo) {
        *memo = pool_new(&rq->pool, struct asking);
        pool_defer(&rq->pool, on_pool_close, *memo);
    }
    return *memo;
}

static struct str host_of(const struct gw_req *rq, const struct gw_forward_auth *config)
{
    if (config->host.len > 0 || config->endpoint->upstream->host_header != GW_HOST_PRESERVE)
        return config->host;
    return rq->head.authority;
}

static void ask(struct gw_req *rq, const struct gw_forward_auth *config, struct fetch *fetch)
{
    fetch->upstreams = rq->worker->upstreams;
    fetch->endpoint = config->endpoint;
    fetch->timeout = config->timeout;
    fetch->max = ANSWER_MAX;
    fetch->host = host_of(rq, config);
    fetch->is_idempotent = true; /* a question changes nothing */
    fetch_start(fetch);
}

/* ---- the answer ---- */

/* Goes on to the upstream, behind what was there. */
static enum gw_next let_in(struct gw_req *rq, struct asking *asking, struct str lines)
{
    struct text all = {.pool = &rq->pool};

    text_add(&all, rq->added_request);
    text_add(&all, lines);
    rq->added_request = text_str(&all);
    asking->is_let_in = true;
    return GW_GO;
}

static enum gw_next refuse(struct gw_req *rq, unsigned status, const char *reason, struct str lines)
{
    rq->identity.denied = GW_DENIED_FORWARD_AUTH;
    return reply_error(rq, status, reason, lines);
}

static enum gw_next no_answer(struct gw_req *rq, const struct gw_forward_auth *config,
                              struct asking *asking, const char *why)
{
    if (!config->admits_on_error)
        return refuse(rq, 503, pool_printf(&rq->pool, "forward_auth: %s", why).at, STR(""));
    rq->reason = pool_printf(&rq->pool, "forward_auth: let in without an answer: %s", why).at;
    rq->identity.is_unasked = true;
    return let_in(rq, asking, STR(""));
}

static enum gw_next pass_on(struct gw_req *rq, unsigned status, struct str lines)
{
    rq->identity.denied = GW_DENIED_FORWARD_AUTH;
    rq->status = (uint16_t)status;
    rq->reason = "forward_auth: sent elsewhere";
    return reply_lines(rq, status, lines);
}

static bool is_redirect(unsigned status)
{
    return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
}

static struct str named_lines(struct gw_req *rq, const struct fetch *fetch, const struct str *names,
                              uint32_t count)
{
    struct text lines = {.pool = &rq->pool};

    put_named(&fetch->fields, names, count, &lines);
    return text_str(&lines);
}

static enum gw_next judge(struct gw_req *rq, const struct gw_forward_auth *config,
                          struct asking *asking)
{
    const struct fetch *fetch = &asking->fetch;
    unsigned status = fetch->status;
    struct str lines;

    if (status >= 200 && status <= 299) {
        lines = named_lines(rq, fetch, config->response_headers, config->response_header_count);
        if (lines.len > LINES_MAX)
            return no_answer(rq, config, asking, "the answer's fields are too long");
        if (config->cache > 0)
            remember(rq, config, asking, lines);
        return let_in(rq, asking, lines);
    }
    lines = named_lines(rq, fetch, config->client_headers, config->client_header_count);
    if (status == 401)
        return refuse(rq, 401, "forward_auth: who calls is not known", lines);
    if (status == 403)
        return refuse(rq, 403, "forward_auth: this caller may not", lines);
    if (is_redirect(status) && fetch_field(fetch, STR("Location")).len > 0)
        return pass_on(rq, status, lines);
    return no_answer(rq, config, asking, pool_printf(&rq->pool, "the answer is %u", status).at);
}

static enum gw_next collect(struct gw_req *rq, const struct gw_forward_auth *config,
                            struct asking *asking)
{
    enum gw_next next;

    if (asking->fetch.op.state == OP_RUNNING)
        return req_park(rq, &asking->fetch.op);
    if (asking->fetch.op.state == OP_DONE)
        next = judge(rq, config, asking);
    else
        next = no_answer(rq, config, asking,
                         asking->fetch.reason ? asking->fetch.reason : "nobody answered");
    fetch_close(&asking->fetch);
    return next;
}

/* ---- the step ---- */

static enum gw_next begin(struct gw_req *rq, const struct gw_forward_auth *config,
                          struct asking *asking)
{
    struct fetch *fetch = &asking->fetch;
    enum gw_next next = take_content(rq, config, fetch);
    const struct cached *cached = NULL;

    if (next != GW_GO)
        return next;
    fetch->method = config->is_original ? rq->head.method : config->method;
    fetch->method_text = config->is_original ? rq->head.method_text : fetch->method_text;
    set_lines(rq, config, fetch);
    if (config->cache > 0) {
        digest(rq, config, asking);
        cached = cache_find(cache_of(rq), asking->digest, rq->worker->loop.now);
    }
    if (cached)
        return let_in(rq, asking, *(const struct str *)cached->value);
    asking->is_asked = true;
    ask(rq, config, fetch);
    return req_park(rq, &fetch->op);
}

enum gw_next gw_forward_auth(struct gw_req *rq, const struct gw_forward_auth *config)
{
    struct asking *asking = asking_of(rq, config);

    if (asking->is_let_in)
        return GW_GO;
    return asking->is_asked ? collect(rq, config, asking) : begin(rq, config, asking);
}
