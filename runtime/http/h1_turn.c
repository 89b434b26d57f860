#include "http/h1_conn.h"

enum {
    EXPECT_MS = 1000, /* then the gateway says 100 itself, for servers that never do */
    SHORT_BODY_MAX =
        64 * 1024 /* an unread body up to this size is read away to keep the connection */
};

static const char *const SLOW_BODY = "the body of the request stalled";

static struct bufs *turn_bufs(const struct h1_turn *turn)
{
    return turn->conn->server->bufs;
}

static void turn_timer(struct h1_turn *turn, uint64_t ms)
{
    if (ms > 0)
        timer_set(turn->conn->server->loop, &turn->conn->timer, ms);
    else
        timer_clear(turn->conn->server->loop, &turn->conn->timer);
}

void h1_turn_lost(struct h1_turn *turn)
{
    if (turn->lost)
        return;
    turn->lost = true;
    if (turn->x.gone)
        turn->x.gone(&turn->x);
}

static void say_continue(struct h1_turn *turn)
{
    turn->expect = EXPECT_NOTHING;
    wire_queue(&turn->conn->wire, turn_bufs(turn), STR("HTTP/1.1 100 Continue\r\n\r\n"));
    if (wire_flush(&turn->conn->wire, turn_bufs(turn)) == WIRE_BROKEN)
        h1_turn_lost(turn);
}

void h1_turn_late(struct h1_turn *turn)
{
    struct exchange *x = &turn->x;

    if (turn->expect == EXPECT_WAITS && !turn->replied) {
        say_continue(turn);
        turn_timer(turn, x->idle_timeout);
        return;
    }
    if (!turn->waiting_in || turn->replied) {
        h1_turn_lost(turn);
        return;
    }
    x->refused = 408;
    x->refusal = SLOW_BODY;
    turn->reader.failure = SLOW_BODY;
    turn->reader.run.len = 0;
    turn->waiting_in = false;
    if (x->in.pump)
        pump_turn(x->in.pump);
}

/* ---- the request's body ---- */

static enum body_state in_failed(struct h1_turn *turn, uint16_t status, const char *reason)
{
    struct exchange *x = &turn->x;

    if (x->refused == 0) {
        x->refused = status;
        x->refusal = reason;
    }
    x->in.failure = x->refusal;
    turn->reader.failure = x->refusal;
    turn->reader.run.len = 0;
    turn->close = true;
    return BODY_FAILED;
}

/* The client is the obstacle. It is told to go on if it waits for that. */
static enum body_state in_wait(struct h1_turn *turn)
{
    struct exchange *x = &turn->x;
    bool passed_on = turn->expect == EXPECT_WAITS && x->expect_passed_on;

    if (turn->expect == EXPECT_WAITS && !passed_on && !turn->replied)
        say_continue(turn);
    turn->waiting_in = x->idle_timeout > 0 || passed_on;
    if (passed_on)
        turn_timer(turn, EXPECT_MS);
    else if (x->idle_timeout > 0)
        turn_timer(turn, x->idle_timeout);
    return BODY_WAIT;
}

static enum body_state in_peek(struct body_in *in, struct str *data)
{
    struct h1_turn *turn = CONTAINER(struct h1_turn, x.in, in);
    enum body_state state;

    turn->reader.trailers.pool = turn->x.pool;
    turn->reader.lazy = in->lazy;
    state = h1_reader_peek(&turn->reader, &turn->conn->wire, turn_bufs(turn), data);

    if (state == BODY_WAIT)
        return in_wait(turn);
    turn->waiting_in = false;
    turn->expect = EXPECT_NOTHING;
    if (state == BODY_FAILED)
        return in_failed(turn, 400,
                         turn->reader.bad ? turn->reader.failure
                                          : "the body of the request ended early");
    if (state == BODY_DATA && turn->x.body_limit > 0 &&
        turn->taken + data->len > turn->x.body_limit)
        return in_failed(turn, 413, "the body of the request is too large");
    if (state == BODY_END)
        in->trailers = text_str(&turn->reader.trailers);
    return state;
}

static void in_consume(struct body_in *in, size_t len)
{
    struct h1_turn *turn = CONTAINER(struct h1_turn, x.in, in);

    h1_reader_consume(&turn->reader, len);
    turn->taken += len;
}

static struct stream *in_spliceable(struct body_in *in, uint64_t *len)
{
    struct h1_turn *turn = CONTAINER(struct h1_turn, x.in, in);

    return h1_reader_spliceable(&turn->reader, &turn->conn->wire, len);
}

static void in_spliced(struct body_in *in, uint64_t len)
{
    struct h1_turn *turn = CONTAINER(struct h1_turn, x.in, in);

    h1_reader_spliced(&turn->reader, len);
    turn->taken += len;
    turn->expect = EXPECT_NOTHING;
    turn->waiting_in = false;
}

const struct body_in_ops h1_in_ops = {
    .peek = in_peek,
    .consume = in_consume,
    .spliceable = in_spliceable,
    .spliced = in_spliced,
};

/* ---- the answer ---- */

/* Nobody has read the body to its end: can what is left be passed over, so that the connection lives on? */
static bool body_is_passable(struct h1_turn *turn)
{
    struct h1_reader *reader = &turn->reader;

    if (reader->ended && reader->run.len == 0)
        return true;
    /* RFC 9110 section 10.1.1: who was not told to go on may send the body all the same, or not. */
    if (reader->failure || turn->expect == EXPECT_WAITS)
        return false;
    if (turn->x.in.pump)
        return true; /* still being read; finish decides */
    if (h1_reader_skip(reader, &turn->conn->wire))
        return true;
    return reader->framing == FRAMING_LENGTH && reader->left <= SHORT_BODY_MAX;
}

/* Whatever comes from now on is none of HTTP. */
static void open_tunnel(struct h1_turn *turn)
{
    turn->writer.framing = FRAMING_CLOSE;
    turn->reader = (struct h1_reader){.framing = FRAMING_CLOSE};
    turn->close = turn->is_tunnel = true;
}

static void x_reply(struct exchange *x, const struct head_out *head)
{
    struct h1_turn *turn = CONTAINER(struct h1_turn, x, x);
    struct h1_conn *conn = turn->conn;
    const struct h1_server *server = conn->server;

    if (turn->replied)
        return;
    turn->answer = *head;
    turn->replied = turn->staged = true;
    turn->writer = (struct h1_writer){head->framing, .left = head->length, .limit = x->buffer};
    if (head->framing == FRAMING_CHUNKED || head->framing == FRAMING_CLOSE)
        turn->writer.framing = turn->head.minor > 0 ? FRAMING_CHUNKED : FRAMING_CLOSE;
    if (head->status == 101) {
        open_tunnel(turn);
        return;
    }
    turn->close =
        turn->close || server->draining || *server->winding_down || !turn->head.keep_alive ||
        turn->writer.framing == FRAMING_CLOSE ||
        (server->keep_alive_requests > 0 && conn->requests >= server->keep_alive_requests) ||
        !body_is_passable(turn);
}

static struct str connection_line(const struct h1_turn *turn)
{
    if (turn->is_tunnel)
        return STR("");
    if (turn->close)
        return STR("Connection: close\r\n");
    return turn->head.minor > 0 ? STR("") : STR("Connection: keep-alive\r\n");
}

/* An answer that could have content and has none must say so, whatever protocol it came by: the client would wait for
 * the end of the connection (RFC 9112 section 6.3). */
static void say_that_nothing_comes(struct h1_turn *turn)
{
    unsigned status = turn->answer.status;

    if (turn->writer.framing != FRAMING_NONE || turn->head.method == METHOD_HEAD || status < 200 ||
        status == 204 || status == 304)
        return;
    turn->writer = (struct h1_writer){FRAMING_LENGTH, .left = 0};
    turn->answer.length = 0;
}

/* The staged head, written into the scratch buffer; empty when it has left. */
static struct str take_head(struct h1_turn *turn)
{
    struct h1_server *server = turn->conn->server;
    struct bufs *bufs = server->bufs;
    struct head_text text = {.at = bufs->scratch, .room = bufs->scratch_size};

    if (!turn->staged)
        return STR("");
    turn->staged = false;
    say_that_nothing_comes(turn);
    h1_head_answer(&text, &(struct h1_answer){
                              .head = &turn->answer,
                              .framing = turn->writer.framing,
                              .date = h1_date_line(&server->date, server->loop->wall_us),
                              .connection = connection_line(turn),
                          });
    /* RFC 9110 section 9.3.2: as if it were GET, without the body. */
    if (turn->head.method == METHOD_HEAD)
        turn->writer.framing = FRAMING_NONE;
    return head_text_str(&text);
}

static void out_blocked(struct h1_turn *turn)
{
    if (!turn->waiting_out && turn->x.idle_timeout > 0)
        turn_timer(turn, turn->x.idle_timeout);
    turn->waiting_out = true;
}

static ssize_t out_write(struct body_out *out, struct str data)
{
    struct h1_turn *turn = CONTAINER(struct h1_turn, x.out, out);
    struct wire *wire = &turn->conn->wire;
    bool staged = turn->staged;
    struct str head = take_head(turn);
    ssize_t taken = -1;

    if (!staged || head.len > 0)
        taken = h1_writer_write(&turn->writer, wire, turn_bufs(turn), head, data);
    if (taken < 0)
        h1_turn_lost(turn);
    else if (!wire->stream.writable && (wire_owes(wire) || taken == 0))
        out_blocked(turn);
    return taken;
}

static ssize_t out_splice(struct body_out *out, struct stream *from, uint64_t len)
{
    struct h1_turn *turn = CONTAINER(struct h1_turn, x.out, out);
    struct wire *wire = &turn->conn->wire;
    ssize_t moved;

    if (turn->staged)
        return BODY_NOT_SPLICED; /* a first read takes the head along */
    moved = h1_writer_splice(&turn->writer, wire, turn_bufs(turn), from, len);
    if (moved == -1)
        h1_turn_lost(turn);
    else if (!wire->stream.writable)
        out_blocked(turn);
    return moved;
}

static void out_flush(struct body_out *out)
{
    struct h1_turn *turn = CONTAINER(struct h1_turn, x.out, out);
    struct wire *wire = &turn->conn->wire;

    if (turn->staged)
        wire_queue(wire, turn_bufs(turn), take_head(turn));
    switch (wire_flush(wire, turn_bufs(turn))) {
    case WIRE_SENT:
        break;
    case WIRE_BLOCKED:
        out_blocked(turn);
        break;
    case WIRE_BROKEN:
        h1_turn_lost(turn);
        break;
    }
}

static enum body_state out_end(struct body_out *out, struct str trailers)
{
    struct h1_turn *turn = CONTAINER(struct h1_turn, x.out, out);
    bool staged = turn->staged;
    struct str head = take_head(turn);
    enum body_state state = BODY_FAILED;

    if (!staged || head.len > 0)
        state = h1_writer_end(&turn->writer, &turn->conn->wire, turn_bufs(turn), head, trailers);
    if (state == BODY_WAIT)
        out_blocked(turn);
    turn->complete = state == BODY_END;
    return state;
}

const struct body_out_ops h1_out_ops = {
    .write = out_write,
    .flush = out_flush,
    .end = out_end,
    .splice = out_splice,
};

/* RFC 9110 section 15.2: never to HTTP/1.0; 100 only to who asked for it. Who does not read gets no more hints
 * than are kept of an answer. */
static void x_interim(struct exchange *x, const struct head_out *head)
{
    struct h1_turn *turn = CONTAINER(struct h1_turn, x, x);
    struct bufs *bufs = turn_bufs(turn);
    struct head_text text = {.at = bufs->scratch, .room = bufs->scratch_size};

    if (turn->replied || turn->head.minor == 0)
        return;
    if (head->status == 100 && turn->expect != EXPECT_WAITS)
        return;
    if (turn->conn->wire.out_len > 0 && turn->conn->wire.out_len >= x->buffer)
        return;
    h1_head_answer(&text, &(struct h1_answer){.head = head, .framing = FRAMING_NONE});
    wire_queue(&turn->conn->wire, bufs, head_text_str(&text));
    if (wire_flush(&turn->conn->wire, bufs) == WIRE_BROKEN)
        h1_turn_lost(turn);
    if (head->status == 100) {
        turn->expect = EXPECT_NOTHING;
        if (turn->waiting_in)
            in_wait(turn);
    }
}

static enum conn_next what_next(struct h1_turn *turn)
{
    struct h1_reader *reader = &turn->reader;
    struct wire *wire = &turn->conn->wire;
    bool read = reader->ended && reader->run.len == 0;

    if (!read && turn->expect == EXPECT_WAITS)
        turn->close = true;
    if (turn->lost)
        return NEXT_RESET;
    /* A length or chunks that stay out say enough; an end by close must be a hard one. */
    if (!turn->complete)
        return turn->writer.framing == FRAMING_CLOSE ? NEXT_RESET : NEXT_CLOSE;
    if (!read)
        read = !reader->failure && h1_reader_skip(reader, wire);
    if (!turn->close && !read && reader->framing == FRAMING_LENGTH &&
        reader->left <= SHORT_BODY_MAX && !reader->failure) {
        turn->conn->left = (uint32_t)reader->left;
        return NEXT_DRAIN;
    }
    if (!turn->close && read)
        return NEXT_REQUEST;
    /* Who is too slow has nothing under way that could cost it the answer, and is not waited for again. */
    if (turn->x.refused == 408)
        return NEXT_CLOSE;
    /* With unread bytes about, close would be a reset, which can overtake the answer. The client that
     * asked for the end sends no more; one that did not may. */
    if (!read || turn->head.keep_alive || (wire->in && buf_len(wire->in) > 0))
        return NEXT_LINGER;
    return NEXT_CLOSE;
}

static void x_finish(struct exchange *x, struct pool *pool)
{
    struct h1_turn *turn = CONTAINER(struct h1_turn, x, x);
    struct h1_conn *conn = turn->conn;
    enum conn_next next = what_next(turn);
    struct pool own = *pool;

    pool_close(&own);
    h1_conn_next(conn, next);
}

const struct exchange_ops h1_exchange_ops = {x_reply, x_interim, x_finish};
