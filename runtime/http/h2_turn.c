#include <stdio.h>

#include "http/h1_head.h"
#include "http/h2_conn.h"

enum {
    EXPECT_MS = 1000, /* then the gateway says 100 itself, for servers that never do */
    QUEUE_MIN = 16 * 1024,
    FIELDS_MAX = 512,
    FRAME_HEAD = 9
};

static const char *const SLOW_BODY = "the body of the request stalled";

static struct bufs *turn_bufs(const struct h2_turn *turn)
{
    return turn->conn->server->bufs;
}

static void turn_timer(struct h2_turn *turn, uint64_t ms)
{
    if (!turn->conn)
        return;
    if (ms > 0)
        timer_set(turn->conn->server->loop, &turn->timer, ms);
    else
        timer_clear(turn->conn->server->loop, &turn->timer);
}

static void lose(struct h2_turn *turn)
{
    if (turn->lost)
        return;
    turn->lost = true;
    if (turn->handed_over && turn->x.gone)
        turn->x.gone(&turn->x);
}

/* ---- head ---- */

static void say_continue(struct h2_turn *turn)
{
    static const nghttp2_nv status = {(uint8_t *)":status", (uint8_t *)"100", 7, 3, 0};

    turn->expect = H2_EXPECT_NOTHING;
    nghttp2_submit_headers(turn->conn->session, 0, turn->id, NULL, &status, 1, NULL);
    h2_conn_flush_soon(turn->conn);
}

static void on_late(struct timer *timer)
{
    struct h2_turn *turn = H2_CONTAINER(struct h2_turn, timer, timer);
    struct exchange *x = &turn->x;

    if (turn->expect == H2_EXPECT_WAITS && !turn->replied) {
        say_continue(turn);
        turn_timer(turn, x->idle_timeout);
        return;
    }
    if (!turn->waiting_in || turn->replied) {
        if (turn->waiting_in || turn->waiting_out)
            lose(turn);
        return;
    }
    x->refused = 408;
    x->refusal = SLOW_BODY;
    turn->in_failed = true;
    turn->waiting_in = false;
    if (x->in.pump)
        pump_turn(x->in.pump);
}

static void turn_in(struct loop_call *call)
{
    struct h2_turn *turn = H2_CONTAINER(struct h2_turn, turn_in, call);

    if (turn->x.in.pump)
        pump_turn(turn->x.in.pump);
}

static void turn_out(struct loop_call *call)
{
    struct h2_turn *turn = H2_CONTAINER(struct h2_turn, turn_out, call);

    if (turn->x.out.pump)
        pump_turn(turn->x.out.pump);
}

static const struct exchange_ops exchange_ops;
static const struct body_in_ops in_ops;
static const struct body_out_ops out_ops;

struct h2_turn *h2_turn_open(struct h2_conn *conn, int32_t id)
{
    struct h1_server *server = conn->server;
    struct pool pool;
    struct h2_turn *turn;

    pool_open(&pool, &server->loop->chunks);
    turn = pool_take(&pool, sizeof *turn);
    memset(turn, 0, offsetof(struct h2_turn, head));
    turn->pool = pool;
    turn->conn = conn;
    turn->id = id;
    turn->body.stream.fd = turn->out.stream.fd = -1;
    turn->timer.fire = on_late;
    turn->turn_in.run = turn_in;
    turn->turn_out.run = turn_out;
    turn->x.ops = &exchange_ops;
    turn->x.in.ops = &in_ops;
    turn->x.out.ops = &out_ops;
    turn->x.head = &turn->head;
    turn->x.pool = &turn->pool;
    turn->x.peer = &conn->peer.any;
    turn->x.stream = &conn->wire.stream;
    turn->x.server_owner = server->owner;
    h2_list_begin(&turn->list, &turn->pool, server->limits);
    turn->next = conn->turns;
    turn->link = &conn->turns;
    if (turn->next)
        turn->next->link = &turn->next;
    conn->turns = turn;
    return turn;
}

void h2_turn_head(struct h2_turn *turn, bool ends)
{
    struct h1_server *server = turn->conn->server;

    turn->in_ended = ends;
    if (!h2_list_request(&turn->list, ends, &turn->head)) {
        struct h1_parser none;
        if (turn->list.refused == 0)
            turn->list.refused = 400;
        h1_parse_begin(&none, H1_REQUEST, server->limits, &turn->pool, &turn->head);
        turn->head.is_http2 = true;
        turn->x.refused = turn->list.refused;
        turn->x.refusal = turn->list.refusal;
        turn->in_failed = true;
    } else if (turn->head.expect_continue && !ends) {
        turn->expect = H2_EXPECT_WAITS;
    }
    turn->handed_over = true;
    server->busy_count++;
    server->request(server, &turn->x);
}

/* ---- the request's content ---- */

static void fail_in(struct h2_turn *turn, uint16_t status, const char *reason)
{
    if (turn->x.refused == 0) {
        turn->x.refused = status;
        turn->x.refusal = reason;
    }
    turn->x.in.failure = turn->x.refusal;
    turn->in_failed = true;
}

void h2_turn_trailers(struct h2_turn *turn)
{
    turn->trailers_in.pool = turn->x.pool;
    if (turn->handed_over && !h2_list_trailers(&turn->list, &turn->trailers_in))
        fail_in(turn, 400, turn->list.refusal);
}

void h2_turn_data(struct h2_turn *turn, const char *bytes, size_t len)
{
    turn->expect = H2_EXPECT_NOTHING;
    if (turn->in_failed || turn->lost) {
        nghttp2_session_consume_stream(turn->conn->session, turn->id, len);
        return;
    }
    if (bufs_are_full(turn_bufs(turn)))
        fail_in(turn, 503, "too much is kept for slow receivers");
    else
        wire_queue(&turn->body, turn_bufs(turn), (struct str){bytes, len});
    loop_post(turn->conn->server->loop, &turn->turn_in);
}

void h2_turn_data_end(struct h2_turn *turn)
{
    turn->in_ended = true;
    loop_post(turn->conn->server->loop, &turn->turn_in);
}

/* The client is the obstacle. It is told to go on if it waits for that. */
static enum body_state in_wait(struct h2_turn *turn)
{
    struct exchange *x = &turn->x;
    bool passed_on = turn->expect == H2_EXPECT_WAITS && x->expect_passed_on;

    if (turn->expect == H2_EXPECT_WAITS && !passed_on && !turn->replied)
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
    struct h2_turn *turn = H2_CONTAINER(struct h2_turn, x.in, in);
    struct buf *first = turn->body.out;

    if (!turn->in_failed && turn->lost)
        fail_in(turn, 400, "the body of the request ended early");
    if (turn->in_failed)
        return BODY_FAILED;
    if (turn->body.out_len == 0) {
        if (!turn->in_ended)
            return in_wait(turn);
        turn->waiting_in = false;
        in->trailers = text_str(&turn->trailers_in);
        return BODY_END;
    }
    turn->waiting_in = false;
    *data = (struct str){first->bytes + first->start, buf_len(first)};
    if (turn->x.body_limit > 0 && turn->taken + data->len > turn->x.body_limit) {
        fail_in(turn, 413, "the body of the request is too large");
        return BODY_FAILED;
    }
    return BODY_DATA;
}

/* What was taken is granted to the client again. */
static void in_consume(struct body_in *in, size_t len)
{
    struct h2_turn *turn = H2_CONTAINER(struct h2_turn, x.in, in);

    if (!turn->conn)
        return;
    wire_forget(&turn->body, turn_bufs(turn), len);
    turn->taken += len;
    if (!turn->closed && nghttp2_session_consume_stream(turn->conn->session, turn->id, len) == 0)
        h2_conn_flush_soon(turn->conn);
}

static const struct body_in_ops in_ops = {.peek = in_peek, .consume = in_consume};

/* ---- the answer ---- */

static void x_reply(struct exchange *x, const struct head_out *head)
{
    struct h2_turn *turn = H2_CONTAINER(struct h2_turn, x, x);
    uint16_t status = head->status;

    if (turn->replied)
        return;
    turn->answer = *head;
    /* RFC 8441 section 4: a success would be a tunnel. */
    if (turn->head.is_extended_connect && status >= 200 && status < 300) {
        turn->answer = (struct head_out){.status = 501};
        status = 501;
    }
    head = &turn->answer;
    turn->replied = turn->staged = true;
    turn->has_length = head->framing == FRAMING_LENGTH;
    turn->left = head->length;
    turn->no_content =
        status != 101 && (turn->head.method == METHOD_HEAD || status == 204 || status == 304 ||
                          head->framing == FRAMING_NONE || (turn->has_length && head->length == 0));
    if (turn->conn && (*turn->conn->server->winding_down || turn->conn->server->draining))
        h2_conn_leave(turn->conn);
}

static size_t make_fields(struct h2_turn *turn, const struct head_out *head, bool is_final,
                          nghttp2_nv *fields, char status[4])
{
    struct h1_server *server = turn->conn->server;
    struct head_text text = {.at = server->bufs->scratch, .room = server->bufs->scratch_size};
    struct h2_field own[FIELDS_MAX];
    size_t count, lines;
    bool length = is_final && head->framing == FRAMING_LENGTH;

    h1_head_answer(
        &text, &(struct h1_answer){
                   .head = head,
                   .framing = length ? FRAMING_LENGTH : FRAMING_NONE,
                   .date = is_final ? h1_date_line(&server->date, server->loop->wall_us) : STR(""),
               });
    if (text.full)
        return 0;
    snprintf(status, 4, "%u", head->status == 101 ? 200u : head->status % 1000u);
    fields[0] = (nghttp2_nv){(uint8_t *)":status", (uint8_t *)status, 7, 3, 0};
    lines = (size_t)((char *)memchr(text.at, '\n', text.len) + 1 - text.at);
    count = h2_fields_of(text.at + lines, text.len - lines, own, FIELDS_MAX - 1);
    if (count == SIZE_MAX)
        return 0;
    for (size_t i = 0; i < count; i++)
        fields[i + 1] = (nghttp2_nv){(uint8_t *)own[i].name.at, (uint8_t *)own[i].value.at,
                                     own[i].name.len, own[i].value.len, 0};
    return count + 1;
}

/* The staged head; false when the client is gone. */
static bool submit(struct h2_turn *turn)
{
    nghttp2_data_provider content = {.source.ptr = turn, .read_callback = h2_turn_read};
    nghttp2_nv fields[FIELDS_MAX];
    char status[4];
    size_t count;

    if (turn->lost || turn->closed)
        return false;
    if (!turn->staged)
        return true;
    turn->staged = false;
    count = make_fields(turn, &turn->answer, true, fields, status);
    if (count == 0 || nghttp2_submit_response(turn->conn->session, turn->id, fields, count,
                                              turn->no_content ? NULL : &content) != 0) {
        lose(turn);
        return false;
    }
    h2_conn_flush_soon(turn->conn);
    return true;
}

static void resume(struct h2_turn *turn)
{
    if (turn->deferred)
        nghttp2_session_resume_data(turn->conn->session, turn->id);
    turn->deferred = false;
    h2_conn_flush_soon(turn->conn);
}

static void out_blocked(struct h2_turn *turn)
{
    if (!turn->waiting_out && turn->x.idle_timeout > 0)
        turn_timer(turn, turn->x.idle_timeout);
    turn->waiting_out = true;
}

static size_t queue_room(const struct h2_turn *turn)
{
    size_t limit = turn->x.buffer > QUEUE_MIN ? turn->x.buffer : QUEUE_MIN;

    if (turn->out.out_len >= limit || (turn->out.out_len > 0 && bufs_are_full(turn_bufs(turn))))
        return 0;
    return limit - turn->out.out_len;
}

static ssize_t out_write(struct body_out *out, struct str data)
{
    struct h2_turn *turn = H2_CONTAINER(struct h2_turn, x.out, out);
    size_t room;

    if (!submit(turn))
        return -1;
    if (turn->no_content)
        return (ssize_t)data.len;
    room = queue_room(turn);
    if (room == 0) {
        out_blocked(turn);
        return 0;
    }
    data = str_head(data, room);
    if (turn->has_length && data.len > turn->left)
        data = str_head(data, (size_t)turn->left);
    if (data.len == 0) /* more than was announced */
        return -1;
    wire_queue(&turn->out, turn_bufs(turn), data);
    turn->left -= turn->has_length ? data.len : 0;
    resume(turn);
    return (ssize_t)data.len;
}

static void out_flush(struct body_out *out)
{
    submit(H2_CONTAINER(struct h2_turn, x.out, out));
}

static enum body_state out_end(struct body_out *out, struct str trailers)
{
    struct h2_turn *turn = H2_CONTAINER(struct h2_turn, x.out, out);

    if (turn->sent_end && !turn->is_ending)
        return BODY_END;
    if (turn->out_ended)
        return turn->lost || turn->closed ? BODY_FAILED : BODY_WAIT;
    if (!submit(turn) || (!turn->no_content && turn->has_length && turn->left > 0))
        return BODY_FAILED;
    turn->out_ended = true;
    turn->trailers_out = trailers;
    resume(turn);
    out_blocked(turn);
    return BODY_WAIT;
}

static const struct body_out_ops out_ops = {.write = out_write, .flush = out_flush, .end = out_end};

static void submit_trailers(struct h2_turn *turn)
{
    struct h2_field fields[FIELDS_MAX];
    nghttp2_nv pairs[FIELDS_MAX];
    struct str lines = pool_copy(turn->x.pool, turn->trailers_out);
    size_t count = h2_fields_of((char *)lines.at, lines.len, fields, FIELDS_MAX);

    for (size_t i = 0; count != SIZE_MAX && i < count; i++)
        pairs[i] = (nghttp2_nv){(uint8_t *)fields[i].name.at, (uint8_t *)fields[i].value.at,
                                fields[i].name.len, fields[i].value.len, 0};
    if (count != SIZE_MAX)
        nghttp2_submit_trailer(turn->conn->session, turn->id, pairs, count);
}

ssize_t h2_turn_read(nghttp2_session *session, int32_t id, uint8_t *to, size_t room,
                     uint32_t *flags, nghttp2_data_source *source, void *arg)
{
    struct h2_turn *turn = source->ptr;
    size_t len = turn->out.out_len < room ? turn->out.out_len : room;

    (void)session;
    (void)id;
    (void)to;
    (void)arg;
    if (len == 0 && !turn->out_ended) {
        turn->deferred = true;
        return NGHTTP2_ERR_DEFERRED;
    }
    *flags |= NGHTTP2_DATA_FLAG_NO_COPY;
    if (turn->out_ended && len == turn->out.out_len) {
        *flags |= NGHTTP2_DATA_FLAG_EOF;
        if (turn->trailers_out.len > 0) {
            *flags |= NGHTTP2_DATA_FLAG_NO_END_STREAM;
            submit_trailers(turn);
        }
    }
    return (ssize_t)len;
}

/* From the stream's queue into the connection's, behind the frame's head. */
int h2_turn_send(nghttp2_session *session, nghttp2_frame *frame, const uint8_t *frame_head,
                 size_t len, nghttp2_data_source *source, void *arg)
{
    struct h2_turn *turn = source->ptr;
    struct h2_conn *conn = arg;
    struct bufs *bufs = conn->server->bufs;

    (void)session;
    (void)frame;
    wire_queue(&conn->wire, bufs, (struct str){(const char *)frame_head, FRAME_HEAD});
    while (len > 0) {
        struct buf *first = turn->out.out;
        struct str part = str_head((struct str){first->bytes + first->start, buf_len(first)}, len);
        wire_queue(&conn->wire, bufs, part);
        wire_forget(&turn->out, bufs, part.len);
        len -= part.len;
    }
    if (turn->waiting_out && !turn->out_ended) {
        turn->waiting_out = false;
        loop_post(conn->server->loop, &turn->turn_out);
    } else if (turn->waiting_out) {
        turn_timer(turn, turn->x.idle_timeout);
    }
    return 0;
}

void h2_turn_sent(struct h2_turn *turn)
{
    turn->is_ending = false;
    turn->waiting_out = false;
    if (turn->conn)
        loop_post(turn->conn->server->loop, &turn->turn_out);
}

static void x_interim(struct exchange *x, const struct head_out *head)
{
    struct h2_turn *turn = H2_CONTAINER(struct h2_turn, x, x);
    nghttp2_nv fields[FIELDS_MAX];
    char status[4];
    size_t count;

    if (turn->replied || turn->lost || turn->closed)
        return;
    if (head->status == 100 && turn->expect != H2_EXPECT_WAITS)
        return;
    if (turn->conn->wire.out_len >= QUEUE_MIN)
        return;
    count = make_fields(turn, head, false, fields, status);
    if (count > 0)
        nghttp2_submit_headers(turn->conn->session, 0, turn->id, NULL, fields, count, NULL);
    h2_conn_flush_soon(turn->conn);
    if (head->status == 100) {
        turn->expect = H2_EXPECT_NOTHING;
        if (turn->waiting_in)
            in_wait(turn);
    }
}

/* ---- the end ---- */

static void unlink_ending(struct h2_turn *turn)
{
    struct h2_turn **at = &turn->conn->ending;

    while (turn->is_ending && *at && *at != turn)
        at = &(*at)->next_ending;
    if (turn->is_ending && *at)
        *at = turn->next_ending;
    turn->is_ending = false;
}

/* Off its connection, whatever state it is in. */
static void detach(struct h2_turn *turn)
{
    struct h2_conn *conn = turn->conn;
    struct h1_server *server = conn->server;

    unlink_ending(turn);
    *turn->link = turn->next;
    if (turn->next)
        turn->next->link = turn->link;
    timer_clear(server->loop, &turn->timer);
    loop_unpost(server->loop, &turn->turn_in);
    loop_unpost(server->loop, &turn->turn_out);
    wire_forget(&turn->body, server->bufs, turn->body.out_len);
    wire_forget(&turn->out, server->bufs, turn->out.out_len);
    if (turn->handed_over)
        server->busy_count--;
    turn->conn = NULL;
}

static void free_turn(struct h2_turn *turn)
{
    struct pool own = turn->pool;

    detach(turn);
    pool_close(&own);
}

/* RFC 9113 section 8.1: an answer that is complete before the request is ends it without an error. */
static void end_stream(struct h2_turn *turn)
{
    nghttp2_session *session = turn->conn->session;

    if (turn->closed)
        return;
    /* What has come so far is the client's: a reset would throw it away. */
    if (!turn->sent_end && !turn->lost)
        h2_conn_flush(turn->conn);
    if (turn->closed)
        return;
    nghttp2_session_set_stream_user_data(session, turn->id, NULL);
    if (!turn->sent_end)
        nghttp2_submit_rst_stream(session, 0, turn->id,
                                  turn->x.refused == 408 ? NGHTTP2_CANCEL : NGHTTP2_INTERNAL_ERROR);
    else if (!turn->in_ended)
        nghttp2_submit_rst_stream(session, 0, turn->id, NGHTTP2_NO_ERROR);
    h2_conn_flush_soon(turn->conn);
}

static void x_finish(struct exchange *x, struct pool *pool)
{
    struct h2_turn *turn = H2_CONTAINER(struct h2_turn, x, x);
    struct h2_conn *conn = turn->conn;
    struct pool own = *pool;

    if (conn) {
        end_stream(turn);
        detach(turn);
    }
    pool_close(&own);
    if (conn)
        h2_conn_settle(conn);
}

static const struct exchange_ops exchange_ops = {x_reply, x_interim, x_finish};

void h2_turn_closed(struct h2_turn *turn)
{
    turn->closed = true;
    if (!turn->handed_over) {
        free_turn(turn);
        return;
    }
    if (!turn->sent_end)
        lose(turn);
}

void h2_turn_lost(struct h2_turn *turn)
{
    if (!turn->handed_over) {
        free_turn(turn);
        return;
    }
    detach(turn);
    turn->closed = true;
    lose(turn);
}
