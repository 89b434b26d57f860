#include "client/dial.h"

#include <errno.h>

#include "base/log.h"

#define CONTAINER(type, member, at) ((type *)((char *)(at)-offsetof(type, member)))

static struct loop *dial_loop(const struct dial *dial)
{
    return dial->target->upstream->all->loop;
}

static void on_tell(struct loop_call *call)
{
    struct dial *dial = CONTAINER(struct dial, tell, call);

    dial->done(dial);
}

/* The connection, if there is one, is the caller's from now on. */
static void tell(struct dial *dial)
{
    timer_clear(dial_loop(dial), &dial->late);
    dial->tell.run = on_tell;
    loop_post(dial_loop(dial), &dial->tell);
}

static void fail(struct dial *dial, uint16_t status, const char *reason)
{
    if (dial->conn)
        target_close(dial->conn);
    dial->conn = NULL;
    dial->status = status;
    dial->reason = reason;
    stats_add(&dial->target->stats.connect_failures, 1);
    tell(dial);
}

static void fail_refused(struct dial *dial, int error)
{
    switch (error) {
    case ETIMEDOUT:
        fail(dial, 504, "the upstream did not accept the connection in time");
        return;
    case EMFILE:
    case ENFILE:
    case ENOBUFS:
    case ENOMEM:
        fail(dial, 503, "the gateway is out of descriptors or memory");
        return;
    case EADDRNOTAVAIL:
        fail(dial, 503, "the gateway has no local port left for the upstream");
        return;
    case ENETUNREACH:
    case EHOSTUNREACH:
        fail(dial, 502, "the upstream cannot be reached");
        return;
    default:
        fail(dial, 502, "the upstream refuses connections");
        return;
    }
}

/* What failed is for the log; the client is told no more than that. */
static void fail_handshake(struct dial *dial, const char *reason)
{
    log_warn("upstream %.*s, %.*s: TLS: %s", STR_ARG(dial->target->upstream->config->name),
             STR_ARG(dial->target->config->url), reason ? reason : "out of memory");
    fail(dial, 502, "the upstream's TLS handshake failed");
}

static void shake_hands(struct stream *stream)
{
    struct upstream_conn *conn = CONTAINER(struct upstream_conn, wire.stream, stream);
    struct dial *dial = conn->dial;
    const struct tls_module *tls = dial->target->upstream->all->tls.module;
    const char *reason = NULL;

    switch (tls->handshake(stream, &reason)) {
    case 0:
        conn->wire.stream.ready = target_not_ready;
        conn->wire.stream.readable = true; /* tickets, or the end, may have come along */
        tell(dial);
        return;
    case STREAM_AGAIN:
        return;
    default:
        fail_handshake(dial, reason);
        return;
    }
}

/* In front of TLS; a new socket takes a few bytes at once. */
static bool greet(struct dial *dial)
{
    const struct iovec greeting = {(void *)dial->greeting.at, dial->greeting.len};

    return greeting.iov_len == 0 ||
           stream_socket_write(&dial->conn->wire.stream, &greeting, 1) == (ssize_t)greeting.iov_len;
}

/* Whom its certificate has to name. */
static struct str server_name(const struct target *target)
{
    const struct gw_target *config = target->config;

    return config->server_name.len > 0 ? config->server_name : config->host;
}

/* The connection stands: over TLS it is good for something only behind the handshake. */
static void connected(struct dial *dial)
{
    struct tls_client *client = target_tls(dial->target);
    struct stream *stream = &dial->conn->wire.stream;

    if (!client) {
        tell(dial);
        return;
    }
    if (!greet(dial)) {
        fail(dial, 502, "the upstream closed the connection at once");
        return;
    }
    dial->shaking = true;
    stream->ready = shake_hands;
    dial->conn->dial = dial;
    if (dial->target->upstream->all->tls.module->connect(client, stream, server_name(dial->target),
                                                         &dial->target->sessions))
        shake_hands(stream);
    else
        fail_handshake(dial, NULL);
}

static void on_connecting(struct stream *stream)
{
    struct upstream_conn *conn = CONTAINER(struct upstream_conn, wire.stream, stream);
    struct dial *dial = conn->dial;
    int error = stream_connected(stream);

    if (error == EINPROGRESS)
        return;
    conn->wire.stream.ready = target_not_ready;
    if (error)
        fail_refused(dial, error);
    else
        connected(dial);
}

static void connect_one(struct dial *dial)
{
    const struct dns_address *address = &dial->target->name.addresses[0];
    struct upstream_conn *conn = target_new_conn(dial->target);

    dial->conn = conn;
    conn->dial = dial;
    conn->wire.stream.ready = on_connecting;
    if (!stream_connect(&conn->wire.stream, dial_loop(dial), (const struct sockaddr *)&address->at,
                        address->len))
        fail_refused(dial, errno);
    else if (stream_connected(&conn->wire.stream) == 0)
        connected(dial); /* unix sockets are, at once */
}

static void on_connected(struct connector *connector)
{
    struct dial *dial = connector->owner;
    struct upstream_conn *conn;

    dial->connector = NULL;
    if (connector->fd < 0) {
        fail_refused(dial, connector->error);
        return;
    }
    conn = dial->conn = target_new_conn(dial->target);
    conn->wire.stream.ready = target_not_ready;
    if (stream_open(&conn->wire.stream, dial_loop(dial), connector->fd))
        connected(dial);
    else
        fail_refused(dial, errno);
}

static void connect_any(struct dial *dial)
{
    const struct dns_name *name = &dial->target->name;

    stats_add(&dial->target->stats.connects, 1);
    if (name->count == 0) {
        fail(dial, 503, "the name of the upstream has no address");
        return;
    }
    if (name->count == 1) {
        connect_one(dial);
        return;
    }
    dial->connector = pool_new(dial->pool, struct connector);
    connect_start(dial->connector, dial_loop(dial), name->addresses, name->count, 0, on_connected);
    dial->connector->owner = dial;
}

static void on_resolved(struct loop_call *wake)
{
    connect_any(CONTAINER(struct dial, resolved.wake, wake));
}

static void on_late(struct timer *timer)
{
    struct dial *dial = CONTAINER(struct dial, late, timer);
    bool resolving = dial->resolved.op != NULL, shaking = dial->shaking;

    dial_cancel(dial);
    fail(dial, 504,
         resolving ? "the name of the upstream was not resolved in time"
         : shaking ? "the upstream's TLS handshake took too long"
                   : "the upstream did not accept the connection in time");
}

void dial_start(struct dial *dial, struct target *target, struct pool *pool, uint32_t timeout_ms,
                void (*done)(struct dial *dial))
{
    *dial = (struct dial){.target = target,
                          .pool = pool,
                          .done = done,
                          .late.fire = on_late,
                          .greeting = dial->greeting};
    if (timeout_ms > 0)
        timer_set(dial_loop(dial), &dial->late, timeout_ms);
    if (target->config->is_unix || dns_resolve(target->upstream->all->dns, &target->name))
        connect_any(dial);
    else
        op_wait(&target->name.op, &dial->resolved, on_resolved);
}

void dial_cancel(struct dial *dial)
{
    if (!dial->target)
        return;
    op_leave(&dial->resolved, true);
    timer_clear(dial_loop(dial), &dial->late);
    loop_unpost(dial_loop(dial), &dial->tell);
    if (dial->connector)
        connect_cancel(dial->connector);
    dial->connector = NULL;
    if (dial->conn)
        target_close(dial->conn);
    dial->conn = NULL;
}
