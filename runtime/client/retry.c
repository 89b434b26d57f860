#include "client/retry.h"

#include "base/clock.h"
#include "base/random.h"
#include "client/grpc_status.h"

#define CONTAINER(type, member, at) ((type *)((char *)(at)-offsetof(type, member)))

enum { SECONDS_MAX = 24 * 60 * 60 };

/* What a call with retries has besides, in its pool. */
struct call_retry {
    struct upstream_call *call;
    struct timer pause; /* before the next try */
    struct timer late;  /* per_try_timeout */
    bool is_counted;    /* in share->retries */
    struct body_in in;  /* the request's body: what is kept, and then the source */
    struct body_in *source;
    struct wire kept; /* what has been read of the source, in its queue */
    struct buf *at;   /* where the reader is in it; NULL: behind it */
    uint32_t passed;  /* bytes of that buffer it has read */
    bool is_lost;     /* it was too much to keep */
};

/* ---- the body ---- */

static struct bufs *bufs_of(const struct call_retry *own)
{
    return call_bufs(own->call);
}

static void lose(struct call_retry *own)
{
    own->is_lost = true;
    own->at = NULL;
    wire_forget(&own->kept, bufs_of(own), own->kept.out_len);
}

static enum body_state in_peek(struct body_in *in, struct str *data)
{
    struct call_retry *own = CONTAINER(struct call_retry, in, in);

    if (own->at) {
        *data = (struct str){own->at->bytes + own->at->start + own->passed,
                             buf_len(own->at) - own->passed};
        return BODY_DATA;
    }
    return body_peek_behind(in, own->source, data);
}

/* What has been taken is read again from the source, which lends it until it is consumed. */
static void keep(struct call_retry *own, size_t len)
{
    struct str data;

    if (own->is_lost)
        return;
    if (own->kept.out_len + len > own->call->retry->buffer || bufs_are_full(bufs_of(own)) ||
        own->source->ops->peek(own->source, &data) != BODY_DATA) {
        lose(own);
        return;
    }
    wire_queue(&own->kept, bufs_of(own), str_head(data, len));
}

static void in_consume(struct body_in *in, size_t len)
{
    struct call_retry *own = CONTAINER(struct call_retry, in, in);

    if (own->at) {
        own->passed += (uint32_t)len;
        if (own->passed == buf_len(own->at)) {
            own->at = own->at->next;
            own->passed = 0;
        }
        return;
    }
    keep(own, len);
    own->source->ops->consume(own->source, len);
}

static void in_stop(struct body_in *in)
{
    struct call_retry *own = CONTAINER(struct call_retry, in, in);

    own->source->pump = NULL;
}

static void rewind_body(struct call_retry *own)
{
    own->at = own->kept.out;
    own->passed = 0;
}

/* ---- whether ---- */

bool retry_names_answer(const struct upstream_call *call)
{
    const struct gw_retry *config = call->retry;
    uint16_t status = call->head.status;

    if (config->grpc_statuses != 0 &&
        call->config->grpc->is_one_of(&call->head, config->grpc_statuses))
        return true;
    for (uint32_t i = 0; i < config->status_count; i++)
        if (status >= config->statuses[i].first && status <= config->statuses[i].last)
            return true;
    return false;
}

static bool is_asked_for(const struct upstream_call *call, enum try_end how)
{
    const struct gw_retry *config = call->retry;

    switch (how) {
    case TRY_UNCONNECTED:
        return config->on_connect_failure;
    case TRY_RESET:
        return config->on_reset;
    case TRY_TIMED_OUT:
        return config->on_timeout;
    case TRY_ANSWERED:
        break;
    }
    return retry_names_answer(call);
}

/* RFC 9110 section 9.2.2; an Idempotency-Key makes the service responsible. */
static bool may_be_sent_twice(const struct upstream_call *call)
{
    return (call->retry->methods >> call->method & 1) ||
           (call->retry->idempotency_key && call->has_idempotency_key);
}

static struct upstream_share *share_of_call(const struct upstream_call *call)
{
    return call->upstreams->at[call->config->index].share;
}

/* Retries must not be what keeps a sick upstream down. */
static bool take_budget(struct upstream_call *call)
{
    const struct gw_retry *config = call->retry;
    struct upstream_share *share = share_of_call(call);
    uint64_t most = (uint64_t)SHARE_GET(share->active) * config->budget / 100;

    if (config->budget == 0 || call->again->is_counted)
        return true;
    if (most < config->budget_min)
        most = config->budget_min;
    if (SHARE_ADD(share->retries, 1) > most) {
        SHARE_ADD(share->retries, -1);
        SHARE_ADD(share->total_budget_refused, 1);
        return false;
    }
    call->again->is_counted = true;
    return true;
}

/* ---- when ---- */

uint32_t retry_backoff(const struct gw_retry *config, uint32_t retry, uint64_t random)
{
    uint64_t pause = config->base;

    for (uint32_t i = 1; i < retry && pause < config->max; i++)
        pause *= 2;
    if (pause > config->max)
        pause = config->max;
    return (uint32_t)(config->jitter ? random % (pause + 1) : pause);
}

uint32_t retry_after_seconds(struct str value, uint64_t wall)
{
    uint64_t seconds, then;
    size_t digits = 0;

    while (digits < value.len && value.at[digits] >= '0' && value.at[digits] <= '9')
        digits++;
    if (digits > 0 && digits == value.len) { /* more than a number can tell is long, too */
        if (!str_to_u64(value, &seconds))
            seconds = SECONDS_MAX;
    } else {
        if (!clock_read_http_date(value, &then))
            return 0;
        seconds = then > wall ? then - wall : 0;
    }
    return (uint32_t)(seconds < SECONDS_MAX ? seconds : SECONDS_MAX);
}

/* ms that this target asks for; another one may be asked before. */
static uint64_t asked_pause(const struct upstream_call *call)
{
    const struct field *field;

    if (target_count(call->at->upstream, call->subset) > 1)
        return 0;
    field = fields_named(&call->head.fields, STR("Retry-After"), NULL);
    return field ? 1000ull * retry_after_seconds(field_value(field),
                                                 call->upstreams->loop->wall_us / 1000000)
                 : 0;
}

/* ---- the module ---- */

static void on_pause_over(struct timer *timer)
{
    call_try(CONTAINER(struct call_retry, pause, timer)->call);
}

static void on_late(struct timer *timer)
{
    struct upstream_call *call = CONTAINER(struct call_retry, late, timer)->call;

    call_try_failed(call, call->wrote ? TRY_TIMED_OUT : TRY_UNCONNECTED, 504,
                    "the upstream did not answer in time");
}

/* The breaker has the last word: nothing is tried again, or beside another try, where nothing new may begin. */
static bool is_circuit_closed(const struct upstream_call *call)
{
    return SHARE_GET(share_of_call(call)->circuit) == CIRCUIT_CLOSED;
}

static bool open_call(struct upstream_call *call)
{
    static const struct body_in_ops ops = {.peek = in_peek, .consume = in_consume, .stop = in_stop};
    struct call_retry *own = pool_new(call->pool, struct call_retry);

    own->call = call;
    own->pause.fire = on_pause_over;
    own->late.fire = on_late;
    call->again = own;
    if (call->is_hedge)
        return is_circuit_closed(call) && take_budget(call);
    if (!call->body || call->retry->attempts < 2)
        return true;
    own->in.ops = &ops;
    own->source = call->body;
    call->body = &own->in;
    return true;
}

static void begin_try(struct upstream_call *call)
{
    if (call->retry->per_try_timeout > 0)
        timer_set(call->upstreams->loop, &call->again->late, call->retry->per_try_timeout);
}

static bool again(struct upstream_call *call, enum try_end how)
{
    struct call_retry *own = call->again;
    const struct gw_retry *config = call->retry;
    uint64_t pause = 0, asked = 0;

    timer_clear(call->upstreams->loop, &own->late);
    if (call->is_hedge || !is_circuit_closed(call))
        return false;
    if (call->tries + call->beside >= config->attempts || own->is_lost ||
        !is_asked_for(call, how) || (how != TRY_UNCONNECTED && !may_be_sent_twice(call)))
        return false;
    /* Nothing was sent, and another target is there: that adds to nobody's load. */
    if (how != TRY_UNCONNECTED || call->tries >= target_count(call->at->upstream, call->subset))
        pause = retry_backoff(config, call->tries, random_u64());
    if (how == TRY_ANSWERED)
        asked = asked_pause(call);
    if (asked > config->max || (how != TRY_UNCONNECTED && !take_budget(call)))
        return false;
    SHARE_ADD(share_of_call(call)->total_retries, 1);
    call_let_go(call);
    rewind_body(own);
    timer_set(call->upstreams->loop, &own->pause, pause > asked ? pause : asked);
    return true;
}

static void close_call(struct upstream_call *call)
{
    struct call_retry *own = call->again;
    struct loop *loop = call->upstreams->loop;

    timer_clear(loop, &own->pause);
    timer_clear(loop, &own->late);
    if (own->is_counted)
        SHARE_ADD(share_of_call(call)->retries, -1);
    own->is_counted = false;
    lose(own);
}

const struct retry_module retry_module = {open_call, begin_try, again, close_call};
