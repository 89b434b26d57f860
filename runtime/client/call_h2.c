#include "client/call_h2.h"

#include "client/grpc_status.h"
#include "http/h2_client.h"

enum {
    QUEUE_MAX = 64 * 1024,
    LINKS_MAX = 1024, /* of one target, in each worker */
    BROKEN_OFF = 503  /* what an answer without its end counts as, where that says how it went */
};

#define CONTAINER(type, member, at) ((type *)((char *)(at)-offsetof(type, member)))

/* The HTTP/2 part of a call, in the call's pool. */
struct call_h2 {
    struct h2_stream stream;
    struct upstream_call *call;
    struct timer timer;
    bool waits;    /* in its target's queue */
    bool dials;    /* for all of that */
    bool stalled;  /* the answer's content did not come in time */
    bool is_timed; /* the timer counts */
};

static struct loop *loop_of(const struct upstream_call *call)
{
    return call->upstreams->loop;
}

static void wait_for(struct upstream_call *call, uint32_t ms)
{
    call->h2->is_timed = ms > 0;
    if (ms > 0)
        timer_set(loop_of(call), &call->h2->timer, ms);
    else
        timer_clear(loop_of(call), &call->h2->timer);
}

/* ---- waiting for a link ---- */

static void join_queue(struct upstream_call *call)
{
    struct target *target = call->at;

    if (target->waiting)
        target->last_waiting->next_waiting = call;
    else
        target->waiting = call;
    target->last_waiting = call;
    call->next_waiting = NULL;
    call->h2->waits = true;
    /* As long as a dial and the SETTINGS behind it may take. */
    wait_for(call, 2 * call->timeouts->connect);
}

static void leave_queue(struct upstream_call *call)
{
    struct target *target = call->at;
    struct upstream_call **at = &target->waiting, *before = NULL;

    while (*at && *at != call) {
        before = *at;
        at = &(*at)->next_waiting;
    }
    if (*at)
        *at = call->next_waiting;
    if (target->last_waiting == call)
        target->last_waiting = before;
    wait_for(call, 0);
    call->next_waiting = NULL;
    call->h2->waits = false;
}

static struct h2_link *find_link(const struct target *target)
{
    for (struct h2_link *link = target->links; link; link = link->next)
        if (h2_link_has_room(link))
            return link;
    return NULL;
}

static void dial(struct upstream_call *call)
{
    call->h2->dials = call->at->is_dialled = true;
    call_dial(call);
}

/* The first of those that wait dials when nobody does. */
static void dial_for_waiting(struct target *target)
{
    if (!target->waiting || target->is_dialled || target->opening ||
        target->link_count >= LINKS_MAX || !target_may_connect(target->upstream))
        return;
    dial(target->waiting);
}

static void begin(struct upstream_call *call, struct h2_link *link);

static void serve_waiting(struct target *target)
{
    struct h2_link *link;

    while (target->waiting && (link = find_link(target))) {
        struct upstream_call *call = target->waiting;
        leave_queue(call);
        if (call->h2->dials) {
            dial_cancel(&call->dial);
            call->h2->dials = target->is_dialled = false;
        }
        begin(call, link);
    }
    dial_for_waiting(target);
}

/* Those that waited for the same dial share its outcome; each may try another target. */
static void fail_waiting(struct target *target, uint16_t status, const char *reason)
{
    struct upstream_call *waiting = target->waiting;

    target->waiting = target->last_waiting = NULL;
    while (waiting) {
        struct upstream_call *call = waiting;
        waiting = call->next_waiting;
        call->next_waiting = NULL;
        call->h2->waits = false;
        wait_for(call, 0);
        call_undialled(call, status, reason);
    }
}

static void on_link_room(struct h2_link *link)
{
    struct target *target = link->owner;

    if (target->opening == link)
        target->opening = NULL;
    serve_waiting(target);
}

static void on_link_closed(struct h2_link *link)
{
    struct target *target = link->owner;

    target->link_count--;
    *link->at = link->next;
    if (link->next)
        link->next->at = link->at;
    target_disconnected(target);
    if (target->opening == link) {
        target->opening = NULL;
        fail_waiting(target, 502, "the upstream does not speak HTTP/2");
    }
}

static void add_link(struct target *target, struct h2_link *link)
{
    link->owner = target;
    link->closed = on_link_closed;
    link->room = on_link_room;
    link->next = target->links;
    link->at = &target->links;
    if (link->next)
        link->next->at = &link->next;
    target->links = target->opening = link;
    target->link_count++;
    target_connected(target);
}

/* ---- what happens on a stream ---- */

static struct upstream_call *call_of(struct h2_stream *stream)
{
    return CONTAINER(struct call_h2, stream, stream)->call;
}

static void on_head(struct h2_stream *stream)
{
    struct upstream_call *call = call_of(stream);

    call->heard = true;
    if (stream->list.refused) {
        call_fail(call, 502, stream->list.refusal);
        return;
    }
    if (call->head.status < 200) {
        if (++call->interims > CALL_INTERIMS_MAX)
            call_fail(call, 502, "the upstream sent too many interim answers");
        else
            call->interim(call);
        return;
    }
    wait_for(call, 0);
    if (call->method == METHOD_HEAD || call->head.status == 204 || call->head.status == 304)
        call->head.framing = FRAMING_NONE;
    call_answered(call);
}

/* gRPC: the end says how it went. Who tries a circuit that is half open is not kept from telling by a stream that goes on
 * for ever: what it sends says that the upstream is there. */
static void judge_rest(struct upstream_call *call)
{
    const struct h2_stream *stream = &call->h2->stream;

    if (stream->in_ended)
        call_judge(call, call->config->grpc->of_trailers(text_str(&stream->trailers_in)));
    else if (call->trial != 0)
        call_judge(call, call->head.status);
}

static void on_readable(struct h2_stream *stream)
{
    struct upstream_call *call = call_of(stream);

    if (call->config->grpc)
        judge_rest(call);
    if (call->in.pump)
        pump_turn(call->in.pump);
}

static void on_writable(struct h2_stream *stream)
{
    struct upstream_call *call = call_of(stream);

    if (call->out.pump)
        pump_turn(call->out.pump);
}

static void on_lost(struct h2_stream *stream, bool unprocessed)
{
    struct upstream_call *call = call_of(stream);
    /* As over HTTP/1.1: only a connection that has served before may have been closed for being idle. */
    bool is_stale = call->idempotent && !call->heard && stream->id > 1;
    bool is_safe = call->upload.moved == 0 && (unprocessed || is_stale);

    wait_for(call, 0);
    if (call->op.state != OP_RUNNING) {
        call_judge(call, BROKEN_OFF);
        if (call->in.pump)
            pump_turn(call->in.pump);
        return;
    }
    if (is_safe && !call->retried) {
        call->retried = true;
        call->tries++;
        pump_stop(&call->upload);
        h2_stream_drop(stream);
        call_h2_module.start(call);
        return;
    }
    call_try_failed(call, TRY_RESET, 502, "the upstream closed the stream without an answer");
}

static void on_timer(struct timer *timer)
{
    struct call_h2 *own = CONTAINER(struct call_h2, timer, timer);
    struct upstream_call *call = own->call;

    if (call->op.state == OP_RUNNING) {
        call_try_failed(call, TRY_TIMED_OUT, 504, "the upstream did not answer in time");
        return;
    }
    own->stalled = true;
    if (call->in.pump)
        pump_turn(call->in.pump);
}

/* ---- bodies ---- */

static ssize_t out_write(struct body_out *out, struct str data)
{
    struct upstream_call *call = CONTAINER(struct upstream_call, out, out);
    ssize_t taken = h2_stream_write(&call->h2->stream, data);

    call->wrote = true;
    wait_for(call, taken == 0 ? call->timeouts->send : 0);
    return taken;
}

static void out_flush(struct body_out *out)
{
    (void)out; /* at the end of the turn of the loop */
}

static enum body_state out_end(struct body_out *out, struct str trailers)
{
    struct upstream_call *call = CONTAINER(struct upstream_call, out, out);
    enum body_state state = h2_stream_end(&call->h2->stream, trailers);

    call->wrote = true;
    if (state == BODY_WAIT)
        wait_for(call, call->timeouts->send);
    else if (call->op.state == OP_RUNNING)
        wait_for(call, call->timeouts->read);
    return state;
}

static enum body_state in_peek(struct body_in *in, struct str *data)
{
    struct upstream_call *call = CONTAINER(struct upstream_call, in, in);
    struct call_h2 *own = call->h2;
    enum body_state state;

    if (call->over)
        return BODY_END;
    state = own->stalled ? BODY_FAILED : h2_stream_peek(&own->stream, data);
    if (state != BODY_WAIT)
        wait_for(call, 0);
    else if (!own->is_timed)
        wait_for(call, call->timeouts->read);
    if (state == BODY_END) {
        call->over = true;
        in->trailers = text_str(&own->stream.trailers_in);
    }
    if (state == BODY_FAILED)
        in->failure = own->stalled ? "the upstream stalled" : "the upstream reset the stream";
    return state;
}

static void in_consume(struct body_in *in, size_t len)
{
    struct upstream_call *call = CONTAINER(struct upstream_call, in, in);

    h2_stream_consume(&call->h2->stream, len);
}

static void in_stop(struct body_in *in)
{
    struct upstream_call *call = CONTAINER(struct upstream_call, in, in);

    if (call->over && call->sent)
        call_finish(call);
}

/* ---- the module ---- */

static struct call_h2 *own_of(struct upstream_call *call)
{
    static const struct h2_stream_events events = {on_head, on_readable, on_writable, on_lost};
    static const struct body_in_ops in_ops = {
        .peek = in_peek, .consume = in_consume, .stop = in_stop};
    static const struct body_out_ops out_ops = {
        .write = out_write, .flush = out_flush, .end = out_end};

    if (!call->h2) {
        call->h2 = pool_new(call->pool, struct call_h2);
        call->h2->call = call;
        call->h2->timer.fire = on_timer;
        call->in.ops = &in_ops;
        call->out.ops = &out_ops;
    }
    call->h2->stream = (struct h2_stream){
        .events = &events, .pool = call->pool, .head = &call->head, .queue_max = QUEUE_MAX};
    return call->h2;
}

static void begin(struct upstream_call *call, struct h2_link *link)
{
    struct bufs *bufs = call->upstreams->bufs;
    struct head_text head = {.at = bufs->scratch, .room = bufs->scratch_size};

    call->write_head(call, &head);
    call->sent_at = loop_of(call)->now;
    if (!h2_stream_begin(&call->h2->stream, link, &head, !call->body)) {
        call_fail(call, 502, "the request's head does not fit into HTTP/2");
        return;
    }
    call_begin_sending(call);
}

static void h2_start(struct upstream_call *call)
{
    struct target *target = call->at;
    struct h2_link *link = find_link(target);

    own_of(call);
    if (link) {
        begin(call, link);
        return;
    }
    join_queue(call);
    dial_for_waiting(target);
}

static bool h2_dialled(struct upstream_call *call, struct upstream_conn *conn)
{
    struct target *target = call->at;
    struct gw_upstream const *config = call->config;
    struct h2_link *link = NULL;

    call->h2->dials = target->is_dialled = false;
    if (conn) {
        bool agreed =
            !conn->wire.stream.layer || str_eq(stream_protocol(&conn->wire.stream), STR("h2"));
        if (agreed)
            link = h2_link_open(&conn->wire.stream, loop_of(call), call->upstreams->bufs,
                                call->upstreams->limits, config->max_streams,
                                config->pool_idle_timeout);
        target_close(conn);
        if (link) {
            add_link(target, link);
            return true;
        }
        call->dial.status = 502;
        call->dial.reason =
            agreed ? "no memory for the upstream" : "the upstream does not speak HTTP/2";
    }
    leave_queue(call);
    fail_waiting(target, call->dial.status, call->dial.reason);
    return false;
}

static void h2_drop(struct upstream_call *call)
{
    struct target *target = call->at;

    if (!call->h2)
        return;
    wait_for(call, 0);
    if (call->h2->waits)
        leave_queue(call);
    h2_stream_drop(&call->h2->stream);
    if (call->h2->dials) {
        call->h2->dials = target->is_dialled = false;
        dial_for_waiting(target);
    }
}

static void h2_close(struct target *target)
{
    while (target->links)
        h2_link_close(target->links);
}

static void h2_close_idle(struct target *target)
{
    struct h2_link *link = target->links, *next;

    for (; link; link = next) {
        next = link->next;
        if (!link->streams)
            h2_link_close(link);
    }
}

const struct call_h2_module call_h2_module = {h2_start,      h2_dialled, h2_drop,
                                              serve_waiting, h2_close,   h2_close_idle};
