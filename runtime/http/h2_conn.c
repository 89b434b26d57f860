#include "http/h2_conn.h"

#include <pthread.h>
#include <stdlib.h>

#include "http/h2_memory.h"

enum {
    OUT_MAX = 64 * 1024, /* made ready for the socket at a time */
    READS_PER_EVENT = 8, /* then others have their turn */
    LAST_CALL_MS = 500,  /* how long a request may be on its way when the gateway leaves */
    END_MS = 2000,       /* how long the last bytes may take */
    ACKS_MAX = 200,      /* answers to PING and SETTINGS that wait for the client */
    RESETS_BURST = 200,
    RESETS_PER_S = 20,
    CONTINUATIONS_MAX = 16,
    SETTINGS_MAX = 32,
    /* Frames that ask for work and carry none (PING, SETTINGS, PRIORITY, empty DATA, what is unknown). */
    CREDIT_MAX = 1000,
    CREDIT_PER_S = 200,
    CREDIT_PER_DATA = 2,
    COST_BAD_FRAME = 20,
    EXTENSIONS_FROM = 0x0a /* types beyond those of RFC 9113 */
};

static pthread_once_t once = PTHREAD_ONCE_INIT;
static nghttp2_session_callbacks *callbacks;
static nghttp2_option *options;

static void run_flush(struct loop_call *call);
static void on_ready(struct stream *stream);

static struct bufs *conn_bufs(const struct h2_conn *conn)
{
    return conn->server->bufs;
}

static void conn_timer(struct h2_conn *conn, enum h2_waits waits, uint64_t ms)
{
    conn->waits = (uint8_t)waits;
    if (ms > 0)
        timer_set(conn->server->loop, &conn->timer, ms);
    else
        timer_clear(conn->server->loop, &conn->timer);
}

/* ---- the end ---- */

static void conn_free(struct h2_conn *conn, bool in_order)
{
    struct h1_server *server = conn->server;
    struct h2_turn *turn;

    while ((turn = conn->turns))
        h2_turn_lost(turn);
    timer_clear(server->loop, &conn->timer);
    loop_unpost(server->loop, &conn->flush);
    nghttp2_session_del(conn->session);
    if (in_order)
        wire_close(&conn->wire, server->bufs);
    else
        wire_reset(&conn->wire, server->bufs);
    *conn->link = conn->next;
    if (conn->next)
        conn->next->link = conn->link;
    server->conn_count--;
    server->closed(server, &conn->peer.any);
    free(conn);
}

/* ---- out ---- */

/* Behind all upstreams that have become ready as well: their answers leave in one send. */
void h2_conn_flush_soon(struct h2_conn *conn)
{
    loop_post_later(conn->server->loop, &conn->flush);
}

/* What nghttp2 has to say, up to a bound. */
static bool make_ready(struct h2_conn *conn)
{
    while (conn->wire.out_len < OUT_MAX) {
        const uint8_t *bytes;
        ssize_t len = nghttp2_session_mem_send(conn->session, &bytes);
        if (len < 0)
            return false;
        if (len == 0 && !nghttp2_session_want_write(conn->session))
            return true;
        if (len == 0 && conn->wire.out_len < OUT_MAX)
            return true;
        wire_queue(&conn->wire, conn_bufs(conn), (struct str){(const char *)bytes, (size_t)len});
    }
    return true;
}

static void tell_sent(struct h2_conn *conn)
{
    struct h2_turn *turn;

    while ((turn = conn->ending)) {
        conn->ending = turn->next_ending;
        h2_turn_sent(turn);
    }
}

/* True when everything has left. */
static bool flush(struct h2_conn *conn)
{
    for (;;) {
        if (!make_ready(conn)) {
            conn->broken = true;
            return true;
        }
        if (!wire_owes(&conn->wire))
            break;
        switch (wire_flush(&conn->wire, conn_bufs(conn))) {
        case WIRE_SENT:
            break;
        case WIRE_BLOCKED:
            return false;
        case WIRE_BROKEN:
            conn->broken = true;
            return true;
        }
    }
    tell_sent(conn);
    return true;
}

static bool is_over(const struct h2_conn *conn)
{
    return !nghttp2_session_want_read(conn->session) && !nghttp2_session_want_write(conn->session);
}

void h2_conn_flush(struct h2_conn *conn)
{
    flush(conn);
    h2_conn_flush_soon(conn);
}

/* Sends; may free the connection, and then returns false. */
static bool flush_or_end(struct h2_conn *conn)
{
    bool sent = flush(conn);

    if (conn->broken) {
        conn_free(conn, false);
        return false;
    }
    if (sent && is_over(conn) && (!conn->turns || conn->condemned)) {
        conn_free(conn, true);
        return false;
    }
    if (!sent && conn->leaving && !conn->turns && conn->waits != H2_WAITS_END)
        conn_timer(conn, H2_WAITS_END, END_MS);
    return true;
}

static void run_flush(struct loop_call *call)
{
    struct h2_conn *conn = H2_CONTAINER(struct h2_conn, flush, call);

    /* What was left in the socket so that others had their turn: no event tells of it again. */
    if (flush_or_end(conn) && conn->wire.stream.readable)
        on_ready(&conn->wire.stream);
}

static void rest(struct h2_conn *conn)
{
    const struct h1_server *server = conn->server;

    if (conn->turns || conn->in_head || conn->leaving)
        return;
    conn_timer(conn, H2_WAITS_REQUEST, server->idle_timeout);
}

void h2_conn_settle(struct h2_conn *conn)
{
    rest(conn);
    h2_conn_flush_soon(conn);
}

void h2_conn_leave(struct h2_conn *conn)
{
    if (conn->leaving)
        return;
    conn->leaving = true;
    nghttp2_submit_shutdown_notice(conn->session);
    conn_timer(conn, H2_WAITS_LAST_CALL, LAST_CALL_MS);
    h2_conn_flush_soon(conn);
}

/* The last word: what has begun is finished, nothing else. */
static void say_last(struct h2_conn *conn, uint32_t error)
{
    conn->leaving = true;
    nghttp2_submit_goaway(conn->session, NGHTTP2_FLAG_NONE,
                          nghttp2_session_get_last_proc_stream_id(conn->session), error, NULL, 0);
    conn_timer(conn, H2_WAITS_END, conn->turns ? 0 : END_MS);
    h2_conn_flush_soon(conn);
}

/* RFC 9113 section 10.5: what a client makes us do is out of all proportion. */
static void calm_down(struct h2_conn *conn)
{
    conn->leaving = true;
    nghttp2_session_terminate_session(conn->session, NGHTTP2_ENHANCE_YOUR_CALM);
    conn_timer(conn, H2_WAITS_END, END_MS);
    h2_conn_flush_soon(conn);
}

/* ---- what frames cost ---- */

static void earn(struct h2_conn *conn, uint64_t credit)
{
    credit += conn->credit;
    conn->credit = credit < CREDIT_MAX ? (uint32_t)credit : CREDIT_MAX;
}

static void pay(struct h2_conn *conn, uint32_t cost)
{
    uint64_t now = conn->server->loop->now;
    uint64_t earned = (now - conn->credit_at) * CREDIT_PER_S / 1000;

    if (earned > 0) {
        earn(conn, earned);
        conn->credit_at = now;
    }
    if (conn->credit >= cost) {
        conn->credit -= cost;
        return;
    }
    conn->credit = 0;
    if (conn->waits != H2_WAITS_END)
        calm_down(conn);
}

static int on_begin_frame(nghttp2_session *session, const nghttp2_frame_hd *head, void *arg)
{
    (void)session;
    switch (head->type) {
    case NGHTTP2_HEADERS:
    case NGHTTP2_CONTINUATION:
    case NGHTTP2_DATA: /* see on_frame */
        break;
    default:
        pay(arg, 1);
    }
    return 0;
}

static int on_invalid_frame(nghttp2_session *session, const nghttp2_frame *frame, int error,
                            void *arg)
{
    (void)session;
    (void)frame;
    (void)error;
    pay(arg, COST_BAD_FRAME);
    return 0;
}

/* ---- what comes in ---- */

static struct h2_turn *turn_of(nghttp2_session *session, int32_t id)
{
    return nghttp2_session_get_stream_user_data(session, id);
}

static int on_begin_headers(nghttp2_session *session, const nghttp2_frame *frame, void *arg)
{
    struct h2_conn *conn = arg;
    struct h2_turn *turn = turn_of(session, frame->hd.stream_id);

    conn->in_head = true;
    if (frame->headers.cat == NGHTTP2_HCAT_REQUEST) {
        turn = h2_turn_open(conn, frame->hd.stream_id);
        nghttp2_session_set_stream_user_data(session, frame->hd.stream_id, turn);
        if (!conn->leaving)
            timer_clear(conn->server->loop, &conn->timer);
    } else if (turn) {
        h2_list_begin(&turn->list, turn->x.pool, conn->server->limits);
    }
    return 0;
}

/* NOLINTNEXTLINE(readability-function-size): the signature is nghttp2's */
static int on_header(nghttp2_session *session, const nghttp2_frame *frame, const uint8_t *name,
                     size_t name_len, const uint8_t *value, size_t value_len, uint8_t flags,
                     void *arg)
{
    struct h2_turn *turn = turn_of(session, frame->hd.stream_id);

    (void)flags;
    (void)arg;
    if (turn)
        h2_list_add(&turn->list, (struct str){(const char *)name, name_len},
                    (struct str){(const char *)value, value_len});
    return 0;
}

/* What nghttp2 would leave out of a list makes the whole list malformed (RFC 9113 section 8.2.1). */
/* NOLINTNEXTLINE(readability-function-size): the signature is nghttp2's */
static int on_invalid_header(nghttp2_session *session, const nghttp2_frame *frame,
                             const uint8_t *name, size_t name_len, const uint8_t *value,
                             size_t value_len, uint8_t flags, void *arg)
{
    (void)session;
    (void)frame;
    (void)name;
    (void)name_len;
    (void)value;
    (void)value_len;
    (void)flags;
    pay(arg, COST_BAD_FRAME);
    return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
}

static void head_complete(struct h2_conn *conn, struct h2_turn *turn, const nghttp2_frame *frame)
{
    const struct h1_server *server = conn->server;
    bool ends = frame->hd.flags & NGHTTP2_FLAG_END_STREAM;

    conn->in_head = conn->late_armed = false;
    if (!turn)
        return;
    if (turn->handed_over) {
        h2_turn_trailers(turn);
        h2_turn_data_end(turn);
        return;
    }
    conn->requests++;
    if (server->keep_alive_requests > 0 && conn->requests >= server->keep_alive_requests &&
        !conn->leaving)
        say_last(conn, NGHTTP2_NO_ERROR);
    h2_turn_head(turn, ends);
}

static int on_frame(nghttp2_session *session, const nghttp2_frame *frame, void *arg)
{
    struct h2_turn *turn = turn_of(session, frame->hd.stream_id);

    if (frame->hd.type == NGHTTP2_HEADERS)
        head_complete(arg, turn, frame);
    if (frame->hd.type != NGHTTP2_DATA)
        return 0;
    if (turn && (frame->hd.flags & NGHTTP2_FLAG_END_STREAM))
        h2_turn_data_end(turn);
    else if (frame->hd.length == 0)
        pay(arg, 1);
    return 0;
}

/* The connection's window is open at once: only the stream's own waits for its reader. */
static int on_data(nghttp2_session *session, uint8_t flags, int32_t id, const uint8_t *bytes,
                   size_t len, void *arg)
{
    struct h2_turn *turn = turn_of(session, id);

    (void)flags;
    (void)arg;
    nghttp2_session_consume_connection(session, len);
    if (turn)
        h2_turn_data(turn, (const char *)bytes, len);
    else
        nghttp2_session_consume_stream(session, id, len);
    return 0;
}

static int on_closed(nghttp2_session *session, int32_t id, uint32_t error, void *arg)
{
    struct h2_turn *turn = turn_of(session, id);

    (void)error;
    (void)arg;
    if (turn)
        h2_turn_closed(turn);
    return 0;
}

static int on_sent(nghttp2_session *session, const nghttp2_frame *frame, void *arg)
{
    struct h2_conn *conn = arg;
    struct h2_turn *turn;

    if (frame->hd.type == NGHTTP2_GOAWAY && frame->goaway.error_code != NGHTTP2_NO_ERROR)
        conn->condemned = true;
    if (frame->hd.type == NGHTTP2_DATA)
        earn(conn, CREDIT_PER_DATA);
    if ((frame->hd.type != NGHTTP2_DATA && frame->hd.type != NGHTTP2_HEADERS) ||
        !(frame->hd.flags & NGHTTP2_FLAG_END_STREAM))
        return 0;
    turn = turn_of(session, frame->hd.stream_id);
    if (!turn || turn->sent_end)
        return 0;
    turn->sent_end = turn->is_ending = true;
    turn->next_ending = conn->ending;
    conn->ending = turn;
    return 0;
}

/* Frames of unknown types are passed over (RFC 9113 section 4.1); they are asked for to be counted. */
static int on_extension(nghttp2_session *session, void **payload, const nghttp2_frame_hd *head,
                        void *arg)
{
    (void)session;
    (void)payload;
    (void)head;
    (void)arg;
    return NGHTTP2_ERR_CANCEL;
}

/* False: the connection is gone. */
static bool read_some(struct h2_conn *conn)
{
    for (int i = 0; i < READS_PER_EVENT; i++) {
        ssize_t len = 1, used;
        if (!conn->wire.in || buf_len(conn->wire.in) == 0)
            len = wire_fill(&conn->wire, conn_bufs(conn));
        if (len == STREAM_AGAIN)
            break;
        if (len <= 0) {
            conn_free(conn, false);
            return false;
        }
        used = nghttp2_session_mem_recv(conn->session,
                                        (uint8_t *)conn->wire.in->bytes + conn->wire.in->start,
                                        buf_len(conn->wire.in));
        if (used == NGHTTP2_ERR_FLOODED) {
            calm_down(conn);
        } else if (used < 0) {
            conn->broken = true;
            break;
        }
        wire_drop_in(&conn->wire, conn_bufs(conn));
        if (conn->waits == H2_WAITS_END && !conn->turns)
            break;
    }
    if (conn->wire.in && buf_len(conn->wire.in) == 0)
        wire_drop_in(&conn->wire, conn_bufs(conn));
    return true;
}

static void on_ready(struct stream *stream)
{
    struct h2_conn *conn = H2_CONTAINER(struct h2_conn, wire.stream, stream);
    const struct h1_server *server = conn->server;

    if (stream->failed) {
        conn_free(conn, false);
        return;
    }
    if (stream->readable && !read_some(conn))
        return;
    /* The time for a header block counts from its first byte. */
    if (conn->in_head && !conn->late_armed && !conn->leaving) {
        conn->late_armed = true;
        conn_timer(conn, H2_WAITS_HEAD, server->header_timeout);
    } else if (!conn->in_head && conn->waits == H2_WAITS_HEAD && conn->requests > 0) {
        conn_timer(conn, H2_WAITS_REQUEST, 0);
    }
    if (conn->broken)
        flush(conn); /* GOAWAY says what was wrong */
    h2_conn_flush_soon(conn);
}

static void on_timer(struct timer *timer)
{
    struct h2_conn *conn = H2_CONTAINER(struct h2_conn, timer, timer);

    switch ((enum h2_waits)conn->waits) {
    case H2_WAITS_HEAD:
        calm_down(conn);
        return;
    case H2_WAITS_REQUEST:
    case H2_WAITS_LAST_CALL:
        say_last(conn, NGHTTP2_NO_ERROR);
        return;
    case H2_WAITS_END:
        conn_free(conn, false);
        return;
    }
}

/* ---- connections ---- */

static void make_shared(void)
{
    nghttp2_session_callbacks_new(&callbacks);
    nghttp2_session_callbacks_set_on_begin_frame_callback(callbacks, on_begin_frame);
    nghttp2_session_callbacks_set_on_invalid_frame_recv_callback(callbacks, on_invalid_frame);
    nghttp2_session_callbacks_set_on_begin_headers_callback(callbacks, on_begin_headers);
    nghttp2_session_callbacks_set_on_header_callback(callbacks, on_header);
    nghttp2_session_callbacks_set_on_invalid_header_callback(callbacks, on_invalid_header);
    nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, on_frame);
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, on_data);
    nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, on_closed);
    nghttp2_session_callbacks_set_on_frame_send_callback(callbacks, on_sent);
    nghttp2_session_callbacks_set_send_data_callback(callbacks, h2_turn_send);
    nghttp2_session_callbacks_set_unpack_extension_callback(callbacks, on_extension);
    nghttp2_option_new(&options);
    nghttp2_option_set_no_auto_window_update(options, 1);
    nghttp2_option_set_no_closed_streams(options, 1);
    nghttp2_option_set_max_outbound_ack(options, ACKS_MAX);
    nghttp2_option_set_max_settings(options, SETTINGS_MAX);
    for (unsigned type = EXTENSIONS_FROM; type <= UINT8_MAX; type++)
        nghttp2_option_set_user_recv_extension_type(options, (uint8_t)type);
    nghttp2_option_set_max_continuations(options, CONTINUATIONS_MAX);
    nghttp2_option_set_stream_reset_rate_limit(options, RESETS_BURST, RESETS_PER_S);
}

static bool open_session(struct h2_conn *conn)
{
    const struct h2_settings *config = conn->server->h2_settings;
    const struct h1_limits *limits = conn->server->limits;
    nghttp2_settings_entry settings[] = {
        {NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, config->max_concurrent_streams},
        {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, config->initial_stream_window_size},
        {NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, limits->fields + limits->line},
        {NGHTTP2_SETTINGS_ENABLE_CONNECT_PROTOCOL, 1},
    };

    pthread_once(&once, make_shared);
    if (nghttp2_session_server_new3(&conn->session, callbacks, conn, options, &h2_memory) != 0)
        return false;
    nghttp2_submit_settings(conn->session, NGHTTP2_FLAG_NONE, settings,
                            sizeof settings / sizeof *settings);
    nghttp2_session_set_local_window_size(conn->session, NGHTTP2_FLAG_NONE, 0,
                                          (int32_t)config->initial_connection_window_size);
    return true;
}

static struct h2_conn *new_conn(struct h1_server *server, const struct sockaddr *peer)
{
    struct h2_conn *conn = pool_xmalloc(sizeof *conn);

    memset(conn, 0, sizeof *conn);
    conn->server = server;
    conn->peer.any.sa_family = peer->sa_family;
    if (peer->sa_family == AF_INET)
        memcpy(&conn->peer.in, peer, sizeof conn->peer.in);
    else if (peer->sa_family == AF_INET6)
        memcpy(&conn->peer.in6, peer, sizeof conn->peer.in6);
    conn->wire.stream.fd = -1;
    conn->wire.stream.ready = on_ready;
    conn->timer.fire = on_timer;
    conn->flush.run = run_flush;
    conn->credit = CREDIT_MAX;
    conn->credit_at = server->loop->now;
    conn->next = server->h2_conns;
    conn->link = &server->h2_conns;
    if (conn->next)
        conn->next->link = &conn->next;
    server->h2_conns = conn;
    server->conn_count++;
    return conn;
}

static void h2_take(struct h1_server *server, struct stream *from, struct buf *in,
                    const struct sockaddr *peer)
{
    struct h2_conn *conn = new_conn(server, peer);

    conn->wire.in = in;
    if (!stream_move(&conn->wire.stream, from) || !open_session(conn)) {
        conn_free(conn, false);
        return;
    }
    conn_timer(conn, H2_WAITS_HEAD, server->header_timeout);
    conn->wire.stream.readable = true;
    on_ready(&conn->wire.stream);
}

static void h2_drain(struct h1_server *server)
{
    for (struct h2_conn *conn = server->h2_conns; conn; conn = conn->next)
        h2_conn_leave(conn);
}

static void h2_close(struct h1_server *server)
{
    struct h2_conn *next;

    for (struct h2_conn *conn = server->h2_conns; conn; conn = next) {
        next = conn->next;
        conn_free(conn, true);
    }
}

const struct h2_module h2_module = {h2_take, h2_drain, h2_close};
