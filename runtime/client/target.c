#include "client/target.h"

#include <stdlib.h>

#include "client/balance.h"
#include "client/breaker.h"
#include "client/outlier.h"
#include "io/address.h"

enum { SPARE_MAX = 256 };

#define CONTAINER(type, member, at) ((type *)((char *)(at)-offsetof(type, member)))

/* ---- targets named at start ---- */

static struct override {
    const struct gw_upstream *upstream;
    struct gw_target target;
    struct override *next;
} * overrides;

static const struct gw_target *override_of(const struct gw_upstream *config)
{
    for (const struct override *o = overrides; o; o = o->next)
        if (o->upstream == config)
            return &o->target;
    return NULL;
}

static bool authority_read(struct str authority, bool is_tls, struct gw_target *target)
{
    struct str host = authority, port = is_tls ? STR("443") : STR("80");
    size_t colon = authority.len;
    uint64_t number;

    while (colon > 0 && authority.at[colon - 1] != ':' && authority.at[colon - 1] != ']')
        colon--;
    if (colon > 0 && authority.at[colon - 1] == ':') {
        host = str_head(authority, colon - 1);
        port = str_from(authority, colon);
    }
    if (!h1_host_is_legal(authority) || !str_to_u64(port, &number) || number == 0 ||
        number > UINT16_MAX)
        return false;
    if (host.len > 2 && host.at[0] == '[')
        host = (struct str){host.at + 1, host.len - 2};
    target->authority = authority;
    target->host = host;
    target->port = (uint16_t)number;
    return host.len > 0;
}

static bool url_read(struct str url, bool is_tls, struct gw_target *target)
{
    struct str scheme = is_tls ? STR("https://") : STR("http://");
    struct str rest;
    size_t slash;

    *target = (struct gw_target){.url = url, .weight = 1};
    if (str_starts(url, STR("unix:")) && !is_tls) {
        target->host = str_from(url, 5);
        target->authority = STR("localhost");
        target->is_unix = true;
        return target->host.len > 0;
    }
    if (!str_starts(url, scheme))
        return false;
    rest = str_from(url, scheme.len);
    slash = str_find(rest, '/');
    target->path = str_from(rest, slash);
    while (target->path.len > 0 && target->path.at[target->path.len - 1] == '/')
        target->path.len--;
    for (size_t i = 0; i < target->path.len; i++)
        if (target->path.at[i] <= ' ' || target->path.at[i] >= 0x7f ||
            strchr("?#\"<>\\", target->path.at[i]))
            return false;
    return authority_read(str_head(rest, slash), is_tls, target);
}

bool upstreams_override(const struct gw_upstream *const *configs, size_t count, struct str name,
                        struct str url, struct str *error)
{
    const struct gw_upstream *upstream = NULL;
    struct override *override;
    struct gw_target target;

    for (size_t i = 0; i < count; i++)
        if (str_eq(configs[i]->name, name))
            upstream = configs[i];
    if (!upstream) {
        *error = STR("the document has no upstream of that name");
        return false;
    }
    if (!url_read(url, upstream->tls != NULL, &target)) {
        *error = upstream->tls ? STR("this upstream is called over TLS: https://HOST[:PORT][/PATH]")
                               : STR("an upstream is http://HOST[:PORT][/PATH] or unix:/PATH");
        return false;
    }
    override = pool_xmalloc(sizeof *override);
    *override = (struct override){upstream, target, overrides};
    overrides = override;
    return true;
}

struct tls_client *target_tls(const struct target *target)
{
    const struct gw_upstream *config = target->upstream->config;

    return config->tls ? target->upstream->all->tls.clients[config->index] : NULL;
}

/* ---- connections ---- */

bool target_may_connect(const struct target *target)
{
    const struct gw_breaker *breaker = target->upstream->config->breaker;

    return !breaker || breaker->max_connections == 0 ||
           SHARE_GET(target->upstream->share->connections) < breaker->max_connections;
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
    if (config->proxy_protocol || conn->rest_ms == 0 ||
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

uint32_t target_count(const struct upstream *upstream, uint64_t subset)
{
    return subset && !upstream->is_named ? (uint32_t)__builtin_popcountll(subset) : upstream->count;
}

struct target *target_choose(struct upstream *upstream, struct pick pick)
{
    gw_balance *balance = upstream->config->balance ? upstream->config->balance : balance_in_turn;
    uint64_t others = pick.subset && !upstream->is_named ? ~pick.subset : 0;
    struct target *best;

    pick.now = upstream->all->loop->now;
    pick.panic = (upstream->config->check || upstream->config->outlier) &&
                 is_panic(upstream, others, pick.now);
    pick.tried |= others;
    if (pick.wanted && (best = upstream->config->sticky->find(upstream, &pick)))
        return best;
    best = balance(upstream, &pick);
    if (best || pick.tried == others)
        return best;
    pick.tried = others;
    return balance(upstream, &pick);
}

/* ---- all of them ---- */

/* A path is its own address, for ever. */
static void unix_address(struct dns_name *name)
{
    struct address address;

    if (!address_unix(&address, name->host))
        return;
    name->addresses[0] = (struct dns_address){address.at, address.len};
    name->count = 1;
    name->refresh_at = name->keep_until = UINT64_MAX;
}

/* So that other workers can call this one. */
static void join_share(struct upstream *upstream)
{
    struct upstream_share *share = upstream->share;

    if (!upstream->config->breaker)
        return;
    upstream->wake.run = upstream->config->breaker->module->serve;
    pthread_mutex_lock(&share->lock);
    upstream->next_member = share->members;
    share->members = upstream;
    pthread_mutex_unlock(&share->lock);
}

static void leave_share(struct upstream *upstream)
{
    struct upstream_share *share = upstream->share;
    struct upstream **at = &share->members;

    if (!upstream->config->breaker)
        return;
    pthread_mutex_lock(&share->lock);
    while (*at != upstream)
        at = &(*at)->next_member;
    *at = upstream->next_member;
    pthread_mutex_unlock(&share->lock);
    loop_unpost(upstream->all->loop, &upstream->wake);
}

static void upstream_init(struct upstreams *all, struct upstream *upstream,
                          const struct gw_upstream *config)
{
    const struct gw_target *named = override_of(config);

    *upstream = (struct upstream){.config = config, .all = all};
    upstream->count = named ? 1 : config->target_count;
    upstream->is_named = named != NULL;
    upstream->share = share_of(config, named ? named : config->targets, upstream->count);
    join_share(upstream);
    upstream->targets = pool_xmalloc(upstream->count * sizeof *upstream->targets);
    for (uint32_t i = 0; i < upstream->count; i++) {
        const struct gw_target *target = named ? named : &config->targets[i];
        upstream->targets[i] = (struct target){
            .config = target,
            .upstream = upstream,
            .share = &upstream->share->targets[i],
            .seed = balance_hash_of(target->url),
            .name = {.host = target->host, .port = target->port},
            .stats = {.upstream = config->name, .target = target->url},
        };
        if (target->is_unix)
            unix_address(&upstream->targets[i].name);
    }
}

struct upstreams *upstreams_new(const struct gw_upstream *const *configs, size_t count,
                                struct loop *loop, struct dns *dns, struct bufs *bufs,
                                const struct h1_limits *limits, struct upstreams_tls tls)
{
    struct upstreams *all = pool_xmalloc(sizeof *all);

    *all = (struct upstreams){
        .loop = loop, .dns = dns, .bufs = bufs, .limits = limits, .tls = tls, .count = count};
    all->at = pool_xmalloc(count * sizeof *all->at);
    for (size_t i = 0; i < count; i++)
        upstream_init(all, &all->at[i], configs[i]);
    return all;
}

void upstreams_free(struct upstreams *all)
{
    struct upstream_conn *conn;

    for (size_t i = 0; i < all->count; i++) {
        struct upstream *upstream = &all->at[i];
        leave_share(upstream);
        for (uint32_t t = 0; t < upstream->count; t++)
            while ((conn = pool_pop(&upstream->targets[t])))
                target_close(conn);
        if (upstream->config->h2)
            for (uint32_t t = 0; t < upstream->count; t++)
                upstream->config->h2->close(&upstream->targets[t]);
        if (upstream->config->tls)
            for (uint32_t t = 0; t < upstream->count; t++)
                all->tls.module->sessions_close(&upstream->targets[t].sessions);
        free(upstream->targets);
    }
    while ((conn = all->spare)) {
        all->spare = conn->next;
        free(conn);
    }
    free(all->at);
    free(all);
}

void upstreams_visit(const struct upstreams *all,
                     void (*each)(void *arg, const struct upstream_stats *stats), void *arg)
{
    for (size_t i = 0; i < all->count; i++) {
        for (uint32_t t = 0; t < all->at[i].count; t++) {
            const struct upstream_stats *live = &all->at[i].targets[t].stats;
            struct upstream_stats copy = {.upstream = live->upstream, .target = live->target};
            copy.requests = __atomic_load_n(&live->requests, __ATOMIC_RELAXED);
            copy.failures = __atomic_load_n(&live->failures, __ATOMIC_RELAXED);
            copy.connects = __atomic_load_n(&live->connects, __ATOMIC_RELAXED);
            copy.connect_failures = __atomic_load_n(&live->connect_failures, __ATOMIC_RELAXED);
            copy.connections = __atomic_load_n(&live->connections, __ATOMIC_RELAXED);
            copy.idle = __atomic_load_n(&live->idle, __ATOMIC_RELAXED);
            copy.answers = __atomic_load_n(&live->answers, __ATOMIC_RELAXED);
            copy.answer_us = __atomic_load_n(&live->answer_us, __ATOMIC_RELAXED);
            each(arg, &copy);
        }
    }
}
