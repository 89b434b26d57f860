#include "http/h1_conn.h"

#include <stdlib.h>

#include "http/h2.h"

enum {
    SPARE_MAX = 256,
    DRAIN_MS = 5000,
    LINGER_MS = 5000,
    LINGER_BYTES = 16 * 1024 * 1024,
    DRAINING_IDLE_MS = 500, /* how long a request may be on its way when the gateway drains */
};

static struct h1_conn *conn_new(struct h1_server *server)
{
    struct h1_conn *conn = server->spare;

    if (conn) {
        server->spare = conn->next;
        server->spare_count--;
    } else {
        conn = pool_xmalloc(sizeof *conn);
    }
    memset(conn, 0, sizeof *conn);
    conn->server = server;
    conn->next = server->conns;
    conn->link = &server->conns;
    if (conn->next)
        conn->next->link = &conn->next;
    server->conns = conn;
    server->conn_count++;
    return conn;
}

/* Its memory, for the next one. */
static void conn_release(struct h1_conn *conn)
{
    struct h1_server *server = conn->server;

    timer_clear(server->loop, &conn->timer);
    *conn->link = conn->next;
    if (conn->next)
        conn->next->link = conn->link;
    server->conn_count--;
    if (server->spare_count >= SPARE_MAX) {
        free(conn);
        return;
    }
    conn->next = server->spare;
    server->spare = conn;
    server->spare_count++;
}

/* The socket is closed already. */
static void conn_free(struct h1_conn *conn)
{
    conn->server->closed(conn->server, &conn->peer.any);
    conn_release(conn);
}

static void conn_close(struct h1_conn *conn)
{
    if (conn->turn) {
        struct pool pool = conn->turn->pool;
        conn->turn = NULL;
        pool_close(&pool);
    }
    wire_close(&conn->wire, conn->server->bufs);
    conn_free(conn);
}

static void conn_timer(struct h1_conn *conn, uint64_t ms)
{
    if (ms > 0)
        timer_set(conn->server->loop, &conn->timer, ms);
    else
        timer_clear(conn->server->loop, &conn->timer);
}

/* ---- heads ---- */

static struct h1_turn *turn_open(struct h1_conn *conn)
{
    struct h1_server *server = conn->server;
    struct pool pool;
    struct h1_turn *turn;

    pool_open(&pool, &server->loop->chunks);
    turn = pool_take(&pool, sizeof *turn);
    memset(turn, 0, offsetof(struct h1_turn, head));
    turn->pool = pool;
    turn->conn = conn;
    turn->x.ops = &h1_exchange_ops;
    turn->x.in.ops = &h1_in_ops;
    turn->x.out.ops = &h1_out_ops;
    turn->x.head = &turn->head;
    turn->x.pool = &turn->pool;
    turn->x.peer = &conn->peer.any;
    turn->x.stream = &conn->wire.stream;
    turn->x.server_owner = server->owner;
    h1_parse_begin(&turn->parser, H1_REQUEST, server->limits, &turn->pool, &turn->head);
    conn->turn = turn;
    conn->state = CONN_HEAD;
    return turn;
}

static void hand_over(struct h1_conn *conn)
{
    conn->state = CONN_BUSY;
    conn->requests++;
    conn->server->busy_count++;
    conn->server->request(conn->server, &conn->turn->x);
}

/* A head that cannot be served, now or ever: what follows it cannot be told from a body. */
static void refuse(struct h1_conn *conn, uint16_t status, const char *reason)
{
    struct h1_turn *turn = conn->turn;

    turn->x.refused = status;
    turn->x.refusal = reason;
    turn->close = true;
    turn->reader.framing = FRAMING_CLOSE;
    hand_over(conn);
}

static void head_complete(struct h1_conn *conn)
{
    struct h1_turn *turn = conn->turn;
    struct buf *buf = conn->wire.in;

    buf->start += (uint32_t)turn->head.head_len;
    buf->keep = buf->start;
    h1_reader_open(&turn->reader, &turn->head, &turn->pool);
    /* RFC 9110 section 10.1.1: an expectation of HTTP/1.0 is ignored, one without a body is void. */
    if (turn->head.expect_continue && turn->head.minor > 0 && !turn->reader.ended &&
        buf_len(buf) == 0)
        turn->expect = EXPECT_WAITS;
    hand_over(conn);
}

/* Looks at what the buffer holds; true when more is wanted. */
static bool parse_head(struct h1_conn *conn)
{
    struct buf *buf = conn->wire.in;
    struct h1_turn *turn = conn->turn;

    if (!turn)
        turn = turn_open(conn);
    switch (h1_parse(&turn->parser, buf->bytes + buf->start, buf_len(buf))) {
    case H1_DONE:
        head_complete(conn);
        return false;
    case H1_BAD:
        refuse(conn, turn->parser.status, turn->parser.reason);
        return false;
    case H1_MORE:
        break;
    }
    return true;
}

enum speaks { SPEAKS_HTTP1, SPEAKS_HTTP2, SPEAKS_UNCLEAR };

/* RFC 9113 sections 3.2 and 3.3: what was agreed on in TLS, or the preface where there is none. */
static enum speaks speaks(const struct h1_conn *conn)
{
    static const char preface[] = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
    struct str expected = {preface, sizeof preface - 1};
    struct str said = {conn->wire.in->bytes, buf_len(conn->wire.in)};

    if (conn->wire.stream.layer)
        return str_eq(stream_protocol(&conn->wire.stream), STR("h2")) ? SPEAKS_HTTP2 : SPEAKS_HTTP1;
    if (!conn->server->h2c || !str_eq(str_head(said, expected.len), str_head(expected, said.len)))
        return SPEAKS_HTTP1;
    return said.len < expected.len ? SPEAKS_UNCLEAR : SPEAKS_HTTP2;
}

static void hand_to_h2(struct h1_conn *conn)
{
    struct h1_server *server = conn->server;
    struct buf *in = conn->wire.in;

    conn->wire.in = NULL;
    server->h2->take(server, &conn->wire.stream, in, &conn->peer.any);
    conn_release(conn);
}

static void read_head(struct h1_conn *conn)
{
    struct h1_server *server = conn->server;

    for (;;) {
        struct buf *buf = conn->wire.in;
        ssize_t len;

        if (buf && buf_len(buf) > 0) {
            enum speaks what =
                server->h2 && conn->requests == 0 && !conn->turn ? speaks(conn) : SPEAKS_HTTP1;
            if (what == SPEAKS_HTTP2) {
                hand_to_h2(conn);
                return;
            }
            if (what == SPEAKS_HTTP1 && !parse_head(conn))
                return;
        }
        len = conn->turn ? wire_fill_more(&conn->wire, server->bufs)
                         : wire_fill(&conn->wire, server->bufs);
        if (len > 0)
            continue;
        if (len != STREAM_AGAIN) {
            conn_close(conn);
            return;
        }
        /* The time for a head counts from its first byte, whatever trickles in later. */
        if (conn->turn && !conn->late_armed) {
            conn->late_armed = true;
            conn_timer(conn, server->header_timeout);
        }
        if (conn->wire.in && buf_len(conn->wire.in) == 0)
            wire_drop_in(&conn->wire, server->bufs);
        return;
    }
}

/* ---- behind an answer ---- */

/* Reads and forgets; true when more is to come. */
static bool read_away(struct h1_conn *conn)
{
    for (;;) {
        struct buf *buf = conn->wire.in;
        ssize_t len;

        if (buf) {
            uint32_t cut =
                (uint32_t)buf_len(buf) < conn->left ? (uint32_t)buf_len(buf) : conn->left;
            buf->start += cut;
            conn->left -= cut;
        }
        if (conn->left == 0)
            return false;
        len = wire_fill(&conn->wire, conn->server->bufs);
        if (len > 0)
            continue;
        wire_drop_in(&conn->wire, conn->server->bufs);
        if (len == STREAM_AGAIN)
            return true;
        conn->left = UINT32_MAX; /* the client left first */
        return false;
    }
}

static void next_request(struct h1_conn *conn)
{
    struct h1_server *server = conn->server;
    struct buf *buf = conn->wire.in;

    conn->state = CONN_IDLE;
    conn->late_armed = false;
    if (buf && buf_len(buf) == 0) {
        wire_drop_in(&conn->wire, server->bufs);
    } else if (buf) {
        /* What was pipelined moves to the front, where its head has room in any case. */
        memmove(buf->bytes, buf->bytes + buf->start, buf_len(buf));
        buf->end = (uint32_t)buf_len(buf);
        buf->start = 0;
    }
    conn_timer(conn, server->draining ? DRAINING_IDLE_MS : server->idle_timeout);
    if (conn->wire.in || conn->wire.stream.readable)
        read_head(conn);
}

static void drain_body(struct h1_conn *conn)
{
    if (read_away(conn))
        return;
    if (conn->left == 0)
        next_request(conn);
    else
        conn_close(conn);
}

static void linger(struct h1_conn *conn)
{
    if (!read_away(conn))
        conn_close(conn);
}

void h1_conn_next(struct h1_conn *conn, enum conn_next next)
{
    struct h1_server *server = conn->server;

    conn->turn = NULL;
    server->busy_count--;
    if (conn->wire.in)
        conn->wire.in->keep = 0;
    switch (next) {
    case NEXT_REQUEST:
        next_request(conn);
        return;
    case NEXT_DRAIN:
        conn->state = CONN_DRAIN;
        conn_timer(conn, DRAIN_MS);
        drain_body(conn);
        return;
    case NEXT_LINGER:
        conn->state = CONN_LINGER;
        conn->left = LINGER_BYTES;
        stream_shutdown(&conn->wire.stream);
        conn_timer(conn, LINGER_MS);
        linger(conn);
        return;
    case NEXT_RESET:
        wire_reset(&conn->wire, server->bufs);
        conn_free(conn);
        return;
    case NEXT_CLOSE:
        conn_close(conn);
        return;
    }
}

/* ---- events ---- */

/* False: nothing was taken, so that a reset would go unnoticed. */
static bool read_on(struct pump *pump)
{
    uint64_t before = pump->moved;

    pump_turn(pump);
    return pump->moved > before;
}

static void busy_ready(struct h1_conn *conn)
{
    struct h1_turn *turn = conn->turn;
    struct wire *wire = &conn->wire;

    /* Nobody reads now, and yet there is something: the next request, a half close, or a reset. */
    if (wire->stream.failed ||
        (wire->stream.readable && !turn->x.in.pump && stream_is_broken(&wire->stream))) {
        h1_turn_lost(turn);
        return;
    }
    if (turn->waiting_out && wire->stream.writable) {
        size_t before = wire->out_len;
        if (wire_flush(wire, conn->server->bufs) == WIRE_BROKEN) {
            h1_turn_lost(turn);
            return;
        }
        turn->waiting_out = wire_owes(wire);
        if (turn->waiting_out && wire->out_len < before)
            conn_timer(conn, turn->x.idle_timeout);
        if (turn->x.out.pump)
            pump_turn(turn->x.out.pump);
    }
    if (wire->stream.readable && turn->x.in.pump && !read_on(turn->x.in.pump) &&
        wire->stream.readable && stream_is_broken(&wire->stream))
        h1_turn_lost(turn);
}

static void on_ready(struct stream *stream)
{
    struct h1_conn *conn = CONTAINER(struct h1_conn, wire.stream, stream);

    switch ((enum conn_state)conn->state) {
    case CONN_IDLE:
    case CONN_HEAD:
        read_head(conn);
        return;
    case CONN_BUSY:
        busy_ready(conn);
        return;
    case CONN_DRAIN:
        drain_body(conn);
        return;
    case CONN_LINGER:
        linger(conn);
        return;
    }
}

static void on_timer(struct timer *timer)
{
    struct h1_conn *conn = CONTAINER(struct h1_conn, timer, timer);

    switch ((enum conn_state)conn->state) {
    case CONN_HEAD:
        refuse(conn, 408, "the head of the request took too long");
        return;
    case CONN_BUSY:
        if (conn->turn->waiting_in || conn->turn->waiting_out)
            h1_turn_late(conn->turn);
        return;
    case CONN_IDLE:
    case CONN_DRAIN:
    case CONN_LINGER:
        conn_close(conn);
        return;
    }
}

/* ---- the server ---- */

void h1_server_open(struct h1_server *server)
{
    server->conns = server->spare = NULL;
    server->h2_conns = NULL;
    server->conn_count = server->busy_count = server->spare_count = 0;
    server->draining = false;
    server->date.second = UINT64_MAX;
}

void h1_accept(struct h1_server *server, int fd, const struct sockaddr *peer)
{
    struct h1_conn *conn = conn_new(server);

    conn->peer.any.sa_family = peer->sa_family;
    if (peer->sa_family == AF_INET)
        memcpy(&conn->peer.in, peer, sizeof conn->peer.in);
    else if (peer->sa_family == AF_INET6)
        memcpy(&conn->peer.in6, peer, sizeof conn->peer.in6);
    conn->timer.fire = on_timer;
    conn->wire.stream.ready = on_ready;
    if (!stream_open(&conn->wire.stream, server->loop, fd)) {
        conn_free(conn);
        return;
    }
    if (server->secure && !server->secure(server, &conn->wire.stream)) {
        conn_close(conn);
        return;
    }
    conn_timer(conn, server->draining ? DRAINING_IDLE_MS : server->header_timeout);
    read_head(conn);
}

void h1_drain(struct h1_server *server)
{
    server->draining = true;
    for (struct h1_conn *conn = server->conns; conn; conn = conn->next)
        if (conn->state == CONN_IDLE)
            conn_timer(conn, DRAINING_IDLE_MS);
    if (server->h2)
        server->h2->drain(server);
}

void h1_server_close(struct h1_server *server)
{
    struct h1_conn *conn, *next;

    if (server->h2)
        server->h2->close(server);
    for (conn = server->conns; conn; conn = next) {
        next = conn->next;
        if (conn->state == CONN_BUSY)
            h1_turn_lost(conn->turn);
        else
            conn_close(conn);
    }
    while ((conn = server->spare)) {
        server->spare = conn->next;
        free(conn);
    }
    server->spare_count = SPARE_MAX; /* what is still busy is freed, not kept */
}
