#include "client/retry.h"

#define CONTAINER(type, member, at) ((type *)((char *)(at)-offsetof(type, member)))

void call_conn_waits(struct upstream_conn *conn, enum conn_wait waits, uint32_t ms)
{
    struct loop *loop = conn->target->upstream->all->loop;

    conn->waits = (uint8_t)waits;
    if (waits == CONN_WAITS_NOT)
        return;
    if (ms > 0)
        timer_set(loop, &conn->timer, ms);
    else
        timer_clear(loop, &conn->timer);
}

void call_drop(struct upstream_call *call)
{
    dial_cancel(&call->dial);
    pump_stop(&call->upload);
    if (call->h2)
        call->config->h2->drop(call);
    if (call->conn)
        target_reset(call->conn);
    call->conn = NULL;
    call_leave(call);
}

void call_fail(struct upstream_call *call, uint16_t status, const char *reason)
{
    if (call->op.state != OP_RUNNING)
        return;
    if (call->at)
        stats_add(&call->at->stats.failures, 1);
    call_drop(call);
    call->status = status;
    call->reason = reason;
    op_end(&call->op, OP_FAILED);
}

static void on_cancel(struct op *op)
{
    struct upstream_call *call = CONTAINER(struct upstream_call, op, op);

    call->status = 504;
    call->reason = "the request took too long";
    call_drop(call);
}

/* ---- sending ---- */

static struct str take_head(struct upstream_call *call)
{
    struct bufs *bufs = call_bufs(call);
    struct head_text text = {.at = bufs->scratch, .room = bufs->scratch_size};

    if (!call->staged)
        return STR("");
    call->staged = false;
    if (!call->conn->wire.stream.layer) /* else it has gone before the handshake */
        head_put(&text, call->greeting);
    call->write_head(call, &text);
    return head_text_str(&text);
}

static void sending_blocked(struct upstream_call *call)
{
    if (call->conn->waits != CONN_WAITS_SEND)
        call_conn_waits(call->conn, CONN_WAITS_SEND, call->is_tunnel ? 0 : call->timeouts->send);
}

static ssize_t out_write(struct body_out *out, struct str data)
{
    struct upstream_call *call = CONTAINER(struct upstream_call, out, out);
    struct wire *wire = &call->conn->wire;
    bool staged = call->staged;
    struct str head = take_head(call);
    ssize_t taken = -1;

    if (!staged || head.len > 0)
        taken = h1_writer_write(&call->writer, wire, call_bufs(call), head, data);
    if (taken < 0)
        return -1;
    call->wrote = true;
    if (!wire->stream.writable && (wire_owes(wire) || taken == 0))
        sending_blocked(call);
    else
        call_conn_waits(call->conn, CONN_WAITS_NOT, 0);
    return taken;
}

static ssize_t out_splice(struct body_out *out, struct stream *from, uint64_t len)
{
    struct upstream_call *call = CONTAINER(struct upstream_call, out, out);
    struct wire *wire = &call->conn->wire;
    ssize_t moved;

    if (call->staged)
        return BODY_NOT_SPLICED;
    moved = h1_writer_splice(&call->writer, wire, call_bufs(call), from, len);
    if (moved >= 0 && !wire->stream.writable)
        sending_blocked(call);
    return moved;
}

static void out_flush(struct body_out *out)
{
    struct upstream_call *call = CONTAINER(struct upstream_call, out, out);
    struct wire *wire = &call->conn->wire;

    if (call->staged)
        wire_queue(wire, call_bufs(call), take_head(call));
    if (wire_flush(wire, call_bufs(call)) == WIRE_BLOCKED)
        sending_blocked(call);
    call->wrote = call->wrote || !wire->stream.failed;
}

static enum body_state out_end(struct body_out *out, struct str trailers)
{
    struct upstream_call *call = CONTAINER(struct upstream_call, out, out);
    bool staged = call->staged;
    struct str head = take_head(call);
    enum body_state state = BODY_FAILED;

    if (!staged || head.len > 0)
        state = h1_writer_end(&call->writer, &call->conn->wire, call_bufs(call), head, trailers);
    call->wrote = call->wrote || state != BODY_FAILED;
    if (state == BODY_WAIT)
        sending_blocked(call);
    return state;
}

static void request_sent(struct upstream_call *call)
{
    call->sent = true;
    call->sent_at = call->upstreams->loop->now;
    if (call->conn && (call->op.state == OP_RUNNING || call->starved))
        call_conn_waits(call->conn, CONN_WAITS_READ, call->timeouts->read);
    else if (call->conn)
        call_conn_waits(call->conn, CONN_WAITS_NOT, 0);
}

/* ---- the answer's head ---- */

static bool begins_again(const struct upstream_call *call)
{
    return call->body_again && !call->again;
}

static bool is_replayable(const struct upstream_call *call)
{
    return (call->upload.moved == 0 || begins_again(call)) && (call->idempotent || !call->wrote);
}

void call_lost(struct upstream_call *call, const char *reason)
{
    struct upstream_conn *conn = call->conn;
    bool stale = conn && conn->reused && !call->heard && !call->retried;

    if (!stale || !is_replayable(call)) {
        call_try_failed(call, TRY_RESET, 502, reason);
        return;
    }
    pump_stop(&call->upload);
    if (call->upload.moved > 0)
        call->body_again(call);
    call->upload.moved = 0;
    call->sent = false;
    target_close(conn);
    call->conn = NULL;
    call->retried = true;
    call->tries++;
    call_dial(call);
}

/* ---- the answer's body ---- */

/* What came after the request's last byte is the answer and nothing but: the connection is as new. */
static bool is_reusable(const struct upstream_call *call)
{
    return call->sent && call->over && call->head.keep_alive &&
           call->reader.framing != FRAMING_CLOSE;
}

static void release(struct upstream_call *call)
{
    struct upstream_conn *conn = call->conn;

    if (call->h2)
        call->config->h2->drop(call);
    if (!conn)
        return;
    call_end_try(call);
    call->conn = NULL;
    call->head.fields.count = 0; /* they went with the buffer */
    call->reader.run.len = 0;
    if (is_reusable(call))
        target_pool(conn);
    else if (call->sent && call->over)
        target_close(conn);
    else
        target_reset(conn);
}

void call_finish(struct upstream_call *call)
{
    release(call);
    call_leave(call);
}

static enum body_state in_peek(struct body_in *in, struct str *data)
{
    struct upstream_call *call = CONTAINER(struct upstream_call, in, in);
    struct upstream_conn *conn = call->conn;
    enum body_state state;

    if (call->over)
        return BODY_END;
    if (!conn)
        return BODY_FAILED;
    call->reader.lazy = in->lazy;
    state = h1_reader_peek(&call->reader, &conn->wire, call_bufs(call), data);
    call->starved = state == BODY_WAIT;
    if (state == BODY_WAIT) {
        if (conn->waits != CONN_WAITS_SEND)
            call_conn_waits(conn, CONN_WAITS_READ, call->is_tunnel ? 0 : call->timeouts->read);
        return state;
    }
    if (conn->waits == CONN_WAITS_READ)
        call_conn_waits(conn, CONN_WAITS_NOT, 0);
    if (state == BODY_END) {
        call->over = true;
        in->trailers = text_str(&call->reader.trailers);
    }
    if (state == BODY_FAILED)
        in->failure = call->reader.failure;
    return state;
}

static void in_consume(struct body_in *in, size_t len)
{
    h1_reader_consume(&CONTAINER(struct upstream_call, in, in)->reader, len);
}

static struct stream *in_spliceable(struct body_in *in, uint64_t *len)
{
    struct upstream_call *call = CONTAINER(struct upstream_call, in, in);

    if (!call->conn)
        return NULL;
    return h1_reader_spliceable(&call->reader, &call->conn->wire, len);
}

static void in_spliced(struct body_in *in, uint64_t len)
{
    struct upstream_call *call = CONTAINER(struct upstream_call, in, in);

    h1_reader_spliced(&call->reader, len);
    if (call->conn->waits == CONN_WAITS_READ)
        call_conn_waits(call->conn, CONN_WAITS_NOT, 0);
}

/* The head and the body have been passed on: the connection is free, however slow the client is. */
static void in_stop(struct body_in *in)
{
    struct upstream_call *call = CONTAINER(struct upstream_call, in, in);

    if (call->over && call->sent && !call->is_tunnel)
        call_finish(call);
}

/* ---- the request's body ---- */

static void start_sending(struct upstream_call *call)
{
    if (call->body) {
        pump_start(&call->upload, call->body, &call->out);
        return;
    }
    switch (call->out.ops->end(&call->out, STR(""))) {
    case BODY_END:
        request_sent(call);
        return;
    case BODY_WAIT:
        return;
    case BODY_DATA:
    case BODY_FAILED:
        break;
    }
    call_lost(call, "the upstream closed the connection before it took the request");
}

static void upload_done(struct pump *pump, bool complete)
{
    struct upstream_call *call = CONTAINER(struct upstream_call, upload, pump);

    if (complete) {
        request_sent(call);
        if (call->over)
            call_finish(call);
        return;
    }
    if (pump->in_failed) {
        call->body_failed(call);
        return;
    }
    if (!call->conn || call->op.state != OP_RUNNING)
        return;
    /* It takes no more: an answer may be there that says why. */
    call->conn->wire.stream.readable = true;
    call_read_head(call);
}

struct body_out *call_tunnel(struct upstream_call *call)
{
    call->is_tunnel = true;
    call->writer = (struct h1_writer){.framing = FRAMING_CLOSE};
    return &call->out;
}

void call_stop_sending(struct upstream_call *call)
{
    if (call_is_sending(call))
        pump_stop(&call->upload);
}

/* ---- connections ---- */

static void send_ready(struct upstream_call *call)
{
    struct wire *wire = &call->conn->wire;

    switch (wire_flush(wire, call_bufs(call))) {
    case WIRE_BROKEN:
        wire->stream.readable = true; /* the reading side tells */
        return;
    case WIRE_BLOCKED:
        call_conn_waits(call->conn, CONN_WAITS_SEND, call->is_tunnel ? 0 : call->timeouts->send);
        return;
    case WIRE_SENT:
        call_conn_waits(call->conn, CONN_WAITS_NOT, 0);
        break;
    }
    if (call->out.pump)
        pump_turn(call->out.pump);
    else if (!call->body)
        request_sent(call);
}

static void on_ready(struct stream *stream)
{
    struct upstream_conn *conn = CONTAINER(struct upstream_conn, wire.stream, stream);
    struct upstream_call *call = conn->call;

    if (conn->waits == CONN_WAITS_SEND && stream->writable)
        send_ready(call);
    if (call->conn != conn || !stream->readable)
        return;
    if (call->op.state == OP_RUNNING)
        call_read_head(call);
    else if (call->in.pump)
        pump_turn(call->in.pump);
}

static void on_timer(struct timer *timer)
{
    struct upstream_conn *conn = CONTAINER(struct upstream_conn, timer, timer);
    struct upstream_call *call = conn->call;

    if (conn->waits == CONN_WAITS_NOT)
        return;
    if (call->op.state == OP_RUNNING) {
        call_try_failed(call, TRY_TIMED_OUT, 504,
                        conn->waits == CONN_WAITS_SEND
                            ? "the upstream did not take the request in time"
                            : "the upstream did not answer in time");
        return;
    }
    if (conn->waits == CONN_WAITS_SEND) {
        call_stop_sending(call);
        conn->waits = CONN_WAITS_NOT;
        return;
    }
    call->reader.failure = "the upstream stalled";
    call->reader.run.len = 0;
    if (call->in.pump)
        pump_turn(call->in.pump);
}

void call_use(struct upstream_call *call, struct upstream_conn *conn)
{
    call->conn = conn;
    conn->call = call;
    conn->wire.stream.ready = on_ready;
    conn->timer.fire = on_timer;
    call->staged = true;
    call->sent_at = call->upstreams->loop->now;
    call->writer = (struct h1_writer){call->framing, .left = call->length};
    h1_parse_begin(&call->parser, H1_RESPONSE, call->upstreams->limits, call->pool, &call->head);
    start_sending(call);
}

/* A target that takes no connection was sent nothing, so another one may serve. */
static void on_dialled(struct dial *dial)
{
    struct upstream_call *call = CONTAINER(struct upstream_call, dial, dial);
    struct upstream_conn *conn = dial->conn;

    dial->conn = NULL;
    if (call->h2 && call->config->h2->dialled(call, conn))
        return;
    if (conn && !call->h2)
        call_use(call, conn);
    else
        call_undialled(call, dial->status, dial->reason);
}

void call_begin_sending(struct upstream_call *call)
{
    start_sending(call);
}

void call_dial(struct upstream_call *call)
{
    call->dial.greeting = call->greeting;
    dial_start(&call->dial, call->at, call->pool, call->timeouts->connect, on_dialled);
}

void call_let_go(struct upstream_call *call)
{
    struct upstream_conn *conn = call->conn;

    dial_cancel(&call->dial);
    pump_stop(&call->upload);
    if (conn && call->is_answered)
        call->over = h1_reader_skip(&call->reader, &conn->wire);
    release(call);
    call_end_try(call);
    call->is_answered = call->retried = call->wrote = call->heard = call->sent = call->over = false;
    call->upload.moved = 0;
}

/* ---- public ---- */

struct upstream_call *call_new(struct pool *pool)
{
    struct upstream_call *call = pool_take(pool, sizeof *call);

    memset(call, 0, offsetof(struct upstream_call, head));
    call->pool = pool;
    return call;
}

struct upstream_call *call_copy(const struct upstream_call *call)
{
    struct upstream_call *copy = call_new(call->pool);

    memcpy(copy, call, offsetof(struct upstream_call, op));
    return copy;
}

void call_start(struct upstream_call *call)
{
    static const struct body_in_ops in_ops = {
        .peek = in_peek,
        .consume = in_consume,
        .stop = in_stop,
        .spliceable = in_spliceable,
        .spliced = in_spliced,
    };
    static const struct body_out_ops out_ops = {
        .write = out_write,
        .flush = out_flush,
        .end = out_end,
        .splice = out_splice,
    };

    call->in.ops = &in_ops;
    call->out.ops = &out_ops;
    call->upload.loop = call->upstreams->loop;
    call->upload.done = upload_done;
    op_open(&call->op, call->upstreams->loop, call_time(call), on_cancel);
    if (call->retry && !call->retry->module->open(call))
        call_fail(call, 503, "the budget of retries is spent");
    else
        call_begin(call);
}

void call_close(struct upstream_call *call)
{
    op_cancel(&call->op);
    pump_stop(&call->upload);
    call_finish(call);
    call_name(call, NULL);
}
