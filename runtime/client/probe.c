#include "client/probe.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/log.h"
#include "base/random.h"
#include "client/call.h"
#include "client/grpc_health.h"

enum { LEAVE_MS = 100 };

#define CONTAINER(type, member, at) ((type *)((char *)(at)-offsetof(type, member)))

/* One target and its checks. A check is a call to an upstream that has this target alone, so that requests,
 * their connections and what is known of them are not touched. */
struct probe {
    struct probes *all;
    struct probe *next_probe;
    const struct gw_health_check *check;
    struct target *subject; /* the one that requests go to; what the checks tell is told of it */
    struct gw_upstream config;
    const struct gw_upstream *configs[1];
    struct gw_target target;
    struct tls_client *clients[1];
    struct upstreams *upstreams; /* it alone */
    struct timer next, late;
    uint64_t began;
    uint32_t contrary; /* checks, one after another, that contradict what it is taken for */

    /* the check that is under way; zeroed there is none */
    struct running {
        struct pool pool;
        struct dial dial;           /* GW_CHECK_TCP */
        struct upstream_call *call; /* the others */
        struct op_waiter answered;
        struct body_text request; /* GW_CHECK_GRPC */
        struct pump drain;        /* the answer's body … */
        struct body_out sink;     /* … goes here */
        char reason[40];
        char message[GRPC_HEALTH_MAX]; /* GW_CHECK_GRPC: the answer's body … */
        size_t message_len;            /* … of this length, though no more than fits is kept */
        struct str grpc_status;        /* empty: it has not come; lives in the pool */
    } at;
};

struct probes {
    struct loop *loop;
    struct upstreams *upstreams; /* whose targets they are */
    struct probe *first;
};

/* ---- what a check has told ---- */

static void become(struct probe *probe, const char *reason)
{
    struct target_share *share = probe->subject->share;
    struct str upstream = probe->config.name, url = probe->target.url;

    probe->contrary = 0;
    if (reason) {
        SHARE_SET(share->is_sick, true);
        log_warn("upstream %.*s: %.*s is sick: %s", STR_ARG(upstream), STR_ARG(url), reason);
        return;
    }
    SHARE_SET(share->well_since, probe->all->loop->now);
    SHARE_SET(share->is_sick, false);
    log_info("upstream %.*s: %.*s is well again", STR_ARG(upstream), STR_ARG(url));
}

static void judge(struct probe *probe, const char *reason)
{
    const struct gw_health_check *check = probe->check;
    struct target_share *share = probe->subject->share;
    bool was_sick = SHARE_GET(share->is_sick);

    SHARE_ADD(share->total_checks, 1);
    if (reason)
        SHARE_ADD(share->failed_checks, 1);
    if (was_sick == (reason != NULL))
        probe->contrary = 0;
    else if (++probe->contrary >=
             (was_sick ? check->healthy_threshold : check->unhealthy_threshold))
        become(probe, reason);
}

/* ---- the end of a check ---- */

/* Not even a connection of HTTP/2 is kept: whether the target takes a new one is part of the question. */
static void let_go(struct probe *probe)
{
    struct running *at = &probe->at;

    timer_clear(probe->all->loop, &probe->late);
    op_leave(&at->answered, true);
    pump_stop(&at->drain);
    if (at->call)
        call_close(at->call);
    dial_cancel(&at->dial);
    if (probe->config.h2)
        probe->config.h2->close(&probe->upstreams->at[0].targets[0]);
    pool_close(&at->pool);
    *at = (struct running){0};
}

/* The interval and at most a tenth more or less, so that the checks of many targets and gateways do not come together. */
static uint64_t jittered(uint32_t interval)
{
    return interval - interval / 10 + random_u64() % (interval / 5 + 1);
}

/* `reason` for a failure; NULL: it has succeeded. */
static void finish(struct probe *probe, const char *reason)
{
    struct loop *loop = probe->all->loop;
    uint64_t due = probe->began + jittered(probe->check->interval);

    judge(probe, reason);
    let_go(probe);
    timer_set(loop, &probe->next, due > loop->now ? due - loop->now : 0);
}

static void on_late(struct timer *timer)
{
    finish(CONTAINER(struct probe, late, timer), "it did not answer in time");
}

/* ---- a connection ---- */

/* In front of TLS the dial has sent it. */
static void greet(struct stream *stream, struct str greeting)
{
    const struct iovec bytes = {(void *)greeting.at, greeting.len};

    if (greeting.len > 0 && !stream->layer)
        stream_socket_write(stream, &bytes, 1);
}

static void on_dialled(struct dial *dial)
{
    struct probe *probe = CONTAINER(struct probe, at.dial, dial);
    struct upstream_conn *conn = dial->conn;

    if (!conn) {
        finish(probe, dial->reason);
        return;
    }
    dial->conn = NULL;
    greet(&conn->wire.stream, dial->greeting);
    target_close(conn);
    finish(probe, NULL);
}

static struct str greeting_of(struct probe *probe)
{
    const struct proxy_protocol_ends nobody = {.known = false};
    char *text;

    if (!probe->config.proxy_protocol)
        return STR("");
    text = pool_take(&probe->at.pool, PROXY_PROTOCOL_LINE);
    return (struct str){text, probe->config.proxy_protocol(&nobody, text)};
}

static void dial(struct probe *probe)
{
    probe->at.dial.greeting = greeting_of(probe);
    dial_start(&probe->at.dial, &probe->upstreams->at[0].targets[0], &probe->at.pool, 0,
               on_dialled);
}

/* ---- an answer ---- */

static const char *judge_status(struct probe *probe)
{
    const struct gw_health_check *check = probe->check;
    unsigned status = probe->at.call->head.status;

    if (check->kind == GW_CHECK_GRPC && status == 200)
        return NULL;
    for (uint32_t i = 0; check->kind == GW_CHECK_HTTP && i < check->status_count; i++)
        if (status >= check->statuses[i].first && status <= check->statuses[i].last)
            return NULL;
    snprintf(probe->at.reason, sizeof probe->at.reason, "it answered %u", status);
    return probe->at.reason;
}

static const char *judge_grpc(struct probe *probe)
{
    struct running *at = &probe->at;
    uint64_t status;

    if (!str_to_u64(at->grpc_status, &status))
        return "its answer has no grpc-status";
    if (status != 0) {
        snprintf(at->reason, sizeof at->reason, "grpc-status %llu", (unsigned long long)status);
        return at->reason;
    }
    if (at->message_len > sizeof at->message)
        return "its answer is too long";
    switch (grpc_health_read((struct str){at->message, at->message_len})) {
    case GRPC_SERVING:
        return NULL;
    case GRPC_NOT_SERVING:
        return "it is not serving";
    case GRPC_NO_HEALTH:
        break;
    }
    return "its answer is no HealthCheckResponse";
}

static ssize_t sink_write(struct body_out *sink, struct str data)
{
    struct running *at = &CONTAINER(struct probe, at.sink, sink)->at;
    size_t room = at->message_len < sizeof at->message ? sizeof at->message - at->message_len : 0;

    memcpy(at->message + sizeof at->message - room, data.at, str_head(data, room).len);
    at->message_len += data.len;
    return (ssize_t)data.len;
}

static void sink_flush(struct body_out *sink)
{
    (void)sink;
}

static enum body_state sink_end(struct body_out *sink, struct str trailers)
{
    struct running *at = &CONTAINER(struct probe, at.sink, sink)->at;
    struct str status = trailers_find(trailers, STR("grpc-status"));

    if (status.at)
        at->grpc_status = status;
    return BODY_END;
}

static void on_drained(struct pump *drain, bool complete)
{
    struct probe *probe = CONTAINER(struct probe, at.drain, drain);

    if (!complete)
        finish(probe, "its answer was cut off");
    else
        finish(probe, probe->check->kind == GW_CHECK_GRPC ? judge_grpc(probe) : NULL);
}

/* Trailers of an answer without a body are its head. */
static void keep_grpc_status(struct probe *probe)
{
    const struct field *field =
        fields_named(&probe->at.call->head.fields, STR("grpc-status"), NULL);

    if (field)
        probe->at.grpc_status = pool_copy(&probe->at.pool, field_value(field));
}

static void on_answered(struct loop_call *wake)
{
    static const struct body_out_ops sink_ops = {
        .write = sink_write, .flush = sink_flush, .end = sink_end};
    struct probe *probe = CONTAINER(struct probe, at.answered.wake, wake);
    struct upstream_call *call = probe->at.call;
    const char *reason = call->op.state == OP_DONE ? judge_status(probe) : call->reason;

    if (reason) {
        finish(probe, reason);
        return;
    }
    keep_grpc_status(probe);
    probe->at.sink.ops = &sink_ops;
    probe->at.drain.loop = probe->all->loop;
    probe->at.drain.done = on_drained;
    pump_start(&probe->at.drain, &call->in, &probe->at.sink);
}

/* ---- a request ---- */

static void put_host(struct head_text *text, const struct probe *probe)
{
    head_put(text, STR(" HTTP/1.1\r\nHost: "));
    head_put(text, probe->check->host.len > 0 ? probe->check->host : probe->target.authority);
    head_put(text, STR("\r\nUser-Agent: apigw-gen health check\r\n"));
}

static void write_get(struct upstream_call *call, struct head_text *text)
{
    const struct probe *probe = call->owner;

    head_put(text, STR("GET "));
    head_put(text, probe->check->path);
    put_host(text, probe);
    head_put(text, STR("Connection: close\r\n\r\n"));
}

static void write_grpc(struct upstream_call *call, struct head_text *text)
{
    head_put(text, STR("POST /grpc.health.v1.Health/Check"));
    put_host(text, call->owner);
    head_put(text, STR("Content-Type: application/grpc\r\nTE: trailers\r\n\r\n"));
}

static void on_interim(struct upstream_call *call)
{
    (void)call;
}

static void ask(struct probe *probe)
{
    /* One time limit holds for all of it: `late`. */
    static const struct gw_timeouts timeouts = {0};
    struct running *at = &probe->at;
    struct upstream_call *call = at->call = call_new(&at->pool);

    call->upstreams = probe->upstreams;
    call->config = &probe->config;
    call->timeouts = &timeouts;
    call->framing = FRAMING_NONE;
    call->method = METHOD_GET;
    call->write_head = write_get;
    call->interim = on_interim;
    call->greeting = greeting_of(probe);
    call->owner = probe;
    if (probe->check->kind == GW_CHECK_GRPC) {
        body_text_open(&at->request, grpc_health_request(&at->pool, probe->check->service));
        call->body = &at->request.in;
        call->framing = FRAMING_LENGTH;
        call->length = at->request.left.len;
        call->method = METHOD_POST;
        call->write_head = write_grpc;
    }
    call_start(call);
    op_wait(&call->op, &at->answered, on_answered);
}

static void on_next(struct timer *timer)
{
    struct probe *probe = CONTAINER(struct probe, next, timer);
    struct loop *loop = probe->all->loop;

    probe->began = loop->now;
    timer_set(loop, &probe->late, probe->check->timeout);
    pool_open(&probe->at.pool, &loop->chunks);
    if (probe->check->kind == GW_CHECK_TCP)
        dial(probe);
    else
        ask(probe);
}

/* ---- all of them ---- */

/* What guards and spreads requests is not for checks: a target is asked whatever its weight. */
static void set_up(struct probe *probe, struct target *subject)
{
    const struct gw_upstream *config = subject->upstream->config;

    probe->subject = subject;
    probe->check = config->check;
    probe->target = *subject->config;
    probe->target.weight = 1;
    if (probe->check->port > 0)
        probe->target.port = probe->check->port;
    probe->config = *config;
    probe->config.index = 0;
    probe->config.targets = &probe->target;
    probe->config.target_count = 1;
    probe->config.discovery = NULL;
    probe->config.balance = NULL;
    probe->config.observe = NULL;
    probe->config.levels = NULL;
    probe->config.sticky = NULL;
    probe->config.mirror = NULL;
    probe->config.check = NULL;
    probe->config.outlier = NULL;
    probe->config.breaker = NULL;
    probe->config.slow_start = 0;
    probe->config.pool_max_idle = 0;
    probe->next.fire = on_next;
    probe->late.fire = on_late;
}

/* `ms`: when it is asked for the first time. */
static void add(struct probes *all, struct target *subject, uint64_t ms)
{
    struct upstreams *upstreams = all->upstreams;
    const struct gw_upstream *config = subject->upstream->config;
    struct probe *probe = pool_xmalloc(sizeof *probe);

    *probe = (struct probe){.all = all, .next_probe = all->first};
    all->first = probe;
    set_up(probe, subject);
    probe->configs[0] = &probe->config;
    probe->clients[0] = config->tls ? upstreams->tls.clients[config->index] : NULL;
    probe->upstreams = upstreams_new(probe->configs, 1, upstreams->loop, upstreams->dns,
                                     upstreams->bufs, upstreams->limits,
                                     (struct upstreams_tls){upstreams->tls.module, probe->clients});
    timer_set(all->loop, &probe->next, ms);
}

static void probe_free(struct probe *probe)
{
    struct probe **at = &probe->all->first;

    while (*at != probe)
        at = &(*at)->next_probe;
    *at = probe->next_probe;
    timer_clear(probe->all->loop, &probe->next);
    let_go(probe);
    upstreams_free(probe->upstreams);
    share_drop(&probe->config);
    free(probe);
}

static struct probes *probes_open(struct upstreams *upstreams)
{
    struct probes *all = pool_xmalloc(sizeof *all);

    *all = (struct probes){.loop = upstreams->loop, .upstreams = upstreams};
    upstreams->probes = all;
    for (size_t i = 0; i < upstreams->count; i++) {
        const struct gw_health_check *check = upstreams->at[i].config->check;
        for (uint32_t t = 0; check && t < upstreams->at[i].count; t++)
            add(all, &upstreams->at[i].targets[t], random_u64() % check->interval);
    }
    return all;
}

/* A target that has just come is asked at once. */
static void probes_watch(struct probes *all, struct target *target)
{
    add(all, target, 0);
}

/* A name that is still being looked up has to stay where it is. */
static void on_left(struct timer *timer)
{
    struct probe *probe = CONTAINER(struct probe, next, timer);

    if (probe->upstreams->at[0].targets[0].name.pending)
        timer_set(probe->all->loop, timer, LEAVE_MS);
    else
        probe_free(probe);
}

static void probes_unwatch(struct probes *all, struct target *target)
{
    struct probe *probe = all->first;

    while (probe && probe->subject != target)
        probe = probe->next_probe;
    if (!probe)
        return;
    let_go(probe);
    probe->subject = NULL;
    probe->next.fire = on_left;
    timer_set(all->loop, &probe->next, 0);
}

static void probes_close(struct probes *all)
{
    all->upstreams->probes = NULL;
    while (all->first)
        probe_free(all->first);
    free(all);
}

const struct probe_module probe_module = {probes_open, probes_close, probes_watch, probes_unwatch};
