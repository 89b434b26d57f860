#include "client/target.h"

#include <stdlib.h>

#include "client/balance.h"
#include "client/breaker.h"
#include "client/discovery.h"
#include "client/levels.h"
#include "client/outlier.h"

enum { SPARE_MAX = 256 };

#define CONTAINER(type, member, at) ((type *)((char *)(at)-offsetof(type, member)))

struct tls_client *target_tls(const struct target *target)
{
    const struct gw_upstream *config = target->upstream->config;

    return config->tls ? target->upstream->all->tls.clients[config->index] : NULL;
}

/* ---- connections ---- */

bool target_may_connect(const struct upstream *upstream)
{
    const struct gw_breaker *breaker = upstream->config->breaker;

    return !breaker || breaker->max_connections == 0 ||
           SHARE_GET(upstream->share->connections) < breaker->max_connections;
}

void target_connected(struct target *target)
{
    stats_add(&target->stats.connections, 1);
    if (target->upstream->config->breaker)
        SHARE_ADD(target->upstream->share->connections, 1);
}

void target_disconnected(struct target *target)
{
    stats_add(&target->stats.connections, -1);
    if (!target->upstream->config->breaker)
        return;
    SHARE_ADD(target->upstream->share->connections, -1);
    target->upstream->config->breaker->module->wake(target->upstream);
}

struct upstream_conn *target_new_conn(struct target *target)
{
    struct upstreams *all = target->upstream->all;
    struct upstream_conn *conn = all->spare;

    if (conn) {
        all->spare = conn->next;
        all->spare_count--;
    } else {
        conn = pool_xmalloc(sizeof *conn);
    }
    memset(conn, 0, sizeof *conn);
    conn->target = target;
    conn->changes = target->name.changes;
    conn->rest_ms = UINT32_MAX;
    conn->wire.stream.fd = -1;
    target_connected(target);
    return conn;
}

static void pool_unlink(struct upstream_conn *conn)
{
    *conn->link = conn->next;
    if (conn->next)
        conn->next->link = conn->link;
    conn->link = NULL;
    stats_add(&conn->target->stats.idle, -1);
}

static void conn_free(struct upstream_conn *conn)
{
    struct upstreams *all = conn->target->upstream->all;

    timer_clear(all->loop, &conn->timer);
    target_disconnected(conn->target);
    if (all->spare_count >= SPARE_MAX) {
        free(conn);
        return;
    }
    conn->next = all->spare;
    all->spare = conn;
    all->spare_count++;
}

void target_close(struct upstream_conn *conn)
{
    if (conn->link)
        pool_unlink(conn);
    wire_close(&conn->wire, conn->target->upstream->all->bufs);
    conn_free(conn);
}

void target_reset(struct upstream_conn *conn)
{
    wire_reset(&conn->wire, conn->target->upstream->all->bufs);
    conn_free(conn);
}

void target_not_ready(struct stream *stream)
{
    (void)stream;
}

/* The edge for what came along unread may be spent, and an event may speak of what has been read since: only a
 * read can tell whether there is something. */
static bool is_silent(struct upstream_conn *conn)
{
    char byte;

    if (conn->wire.stream.hangup || conn->wire.stream.failed)
        return false;
    return !conn->wire.stream.readable || stream_read(&conn->wire.stream, &byte, 1) == STREAM_AGAIN;
}

/* Whatever an idle connection has to say, it is not an answer: it was closed, or it is out of step. That it is
 * writable again is no word. */
static void idle_ready(struct stream *stream)
{
    struct upstream_conn *conn = CONTAINER(struct upstream_conn, wire.stream, stream);

    if (!is_silent(conn))
        target_close(conn);
}

static void idle_timeout(struct timer *timer)
{
    target_close(CONTAINER(struct upstream_conn, timer, timer));
}

/* False when the name does not lead there any more. */
static bool is_named(struct upstream_conn *conn)
{
    const struct dns_name *name = &conn->target->name;
    struct sockaddr_storage peer = {0};
    socklen_t len = sizeof peer;

    if (conn->changes == name->changes)
        return true;
    if (getpeername(conn->wire.stream.fd, (struct sockaddr *)&peer, &len) != 0 ||
        !dns_has_address(name, (const struct sockaddr *)&peer))
        return false;
    conn->changes = name->changes;
    return true;
}

/* The one that rested last; NULL when none does. */
static struct upstream_conn *pool_pop(struct target *target)
{
    struct upstream_conn *conn = target->idle;

    if (!conn)
        return NULL;
    target->idle = conn->next;
    if (conn->next)
        conn->next->link = &target->idle;
    conn->link = NULL;
    stats_add(&target->stats.idle, -1);
    return conn;
}

struct upstream_conn *target_take_idle(struct target *target)
{
    struct upstream_conn *conn;

    if (!target->idle)
        return NULL;
    dns_refresh(target->upstream->all->dns, &target->name);
    while ((conn = pool_pop(target)) && !is_named(conn))
        target_close(conn);
    if (!conn)
        return NULL;
    conn->reused = true;
    conn->waits = CONN_WAITS_NOT;
    return conn;
}

void target_pool(struct upstream_conn *conn)
{
    struct target *target = conn->target;
    const struct gw_upstream *config = target->upstream->config;
    struct upstreams *all = target->upstream->all;
    uint32_t rest;

    /* A connection that was introduced as one client's is nobody else's. */
    if (config->proxy_protocol || target->is_leaving || conn->rest_ms == 0 ||
        target->stats.idle >= config->pool_max_idle || wire_owes(&conn->wire) ||
        (conn->wire.in && buf_len(conn->wire.in) > 0) || !is_silent(conn)) {
        target_close(conn);
        return;
    }
    wire_drop_in(&conn->wire, all->bufs);
    conn->call = NULL;
    conn->wire.stream.ready = idle_ready;
    conn->timer.fire = idle_timeout;
    rest = config->pool_idle_timeout > 0 && config->pool_idle_timeout < conn->rest_ms
               ? config->pool_idle_timeout
               : conn->rest_ms;
    if (rest < UINT32_MAX)
        timer_set(all->loop, &conn->timer, rest);
    else
        timer_clear(all->loop, &conn->timer);
    conn->next = target->idle;
    conn->link = &target->idle;
    if (conn->next)
        conn->next->link = &conn->next;
    target->idle = conn;
    stats_add(&target->stats.idle, 1);
    if (config->breaker)
        config->breaker->module->wake(target->upstream);
}

void target_close_idle(struct target *target)
{
    struct upstream_conn *conn;

    while ((conn = pool_pop(target)))
        target_close(conn);
    if (target->upstream->config->h2)
        target->upstream->config->h2->close_idle(target);
}

bool target_has_idle(const struct upstream *upstream)
{
    for (uint32_t i = 0; i < upstream->count; i++)
        if (upstream->targets[i].idle)
            return true;
    return false;
}

bool target_evict_idle(struct upstream *upstream)
{
    for (uint32_t i = 0; i < upstream->count; i++) {
        struct upstream_conn *conn = pool_pop(&upstream->targets[i]);
        if (!conn)
            continue;
        target_close(conn);
        return true;
    }
    return false;
}

/* ---- the choice ---- */

/* Of those that may be taken at all, fewer are well than panic_threshold says. What ejected one has passed may
 * come back here. */
static bool is_panic(struct upstream *upstream, uint64_t others, uint64_t now)
{
    const struct gw_upstream *config = upstream->config;
    uint64_t in = 0, well = 0;

    for (uint32_t i = 0; i < upstream->count; i++) {
        struct target *target = &upstream->targets[i];
        if (!target->config || target->is_leaving)
            continue;
        if (config->outlier)
            config->outlier->module->look(target, now);
        if (SHARE_GET(target->share->weight) == 0 || SHARE_GET(target->share->is_drained) ||
            (i < 64 && others >> i & 1))
            continue;
        in++;
        well += target_is_well(target->share);
    }
    return well * 100 < in * config->panic_threshold;
}

/* Targets that may not be taken, by bit: those outside of the subset. */
static uint64_t others_of(const struct upstream *upstream, uint64_t subset)
{
    if (subset == 0 || upstream->is_named)
        return 0;
    return ~(upstream->found ? upstream->config->discovery->module->subset(upstream, subset)
                             : subset);
}

uint32_t target_count(const struct upstream *upstream, uint64_t subset)
{
    if (subset && !upstream->is_named)
        return (uint32_t)__builtin_popcountll(~others_of(upstream, subset));
    return SHARE_GET(upstream->share->live);
}

static struct target *choose(struct upstream *upstream, struct pick *pick)
{
    gw_balance *balance = upstream->config->balance ? upstream->config->balance : balance_in_turn;

    if (upstream->has_levels)
        pick->level = upstream->config->levels->choose(upstream, pick);
    return balance(upstream, pick);
}

struct target *target_choose(struct upstream *upstream, struct pick pick)
{
    uint64_t others = others_of(upstream, pick.subset);
    struct target *best;

    pick.now = upstream->all->loop->now;
    pick.panic = (upstream->config->check || upstream->config->outlier) &&
                 is_panic(upstream, others, pick.now);
    pick.tried |= others;
    if (pick.wanted && (best = upstream->config->sticky->find(upstream, &pick)))
        return best;
    best = choose(upstream, &pick);
    if (best || pick.tried == others)
        return best;
    pick.tried = others;
    return choose(upstream, &pick);
}
