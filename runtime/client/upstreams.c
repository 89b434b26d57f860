/* All upstreams of a worker: who their targets are, and what is known of them. */
#include <stdlib.h>

#include "client/balance.h"
#include "client/breaker.h"
#include "client/discovery.h"
#include "client/levels.h"
#include "client/target_url.h"
#include "io/address.h"

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
    if (!target_url_read(url, upstream->tls != NULL, &target)) {
        *error = upstream->tls ? STR("this upstream is called over TLS: https://HOST[:PORT][/PATH]")
                               : STR("an upstream is http://HOST[:PORT][/PATH] or unix:/PATH");
        return false;
    }
    override = pool_xmalloc(sizeof *override);
    *override = (struct override){upstream, target, overrides};
    overrides = override;
    return true;
}

/* ---- where the gateway stands ---- */

static struct str own_zone;

struct str upstreams_zone(void)
{
    return own_zone;
}

void upstreams_stand_in(struct str zone)
{
    own_zone = zone;
}

/* ---- the places of targets ---- */

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

void target_open(struct upstream *upstream, uint32_t index, const struct gw_target *config)
{
    struct target *target = &upstream->targets[index];

    *target = (struct target){
        .config = config,
        .upstream = upstream,
        .share = &upstream->share->targets[index],
        .seed = balance_hash_of(config->url),
        .name = {.host = config->host, .port = config->port},
    };
    if (config->is_unix)
        unix_address(&target->name);
}

static void close_all(struct target *target)
{
    const struct upstream *upstream = target->upstream;

    target_close_idle(target);
    if (upstream->config->h2)
        upstream->config->h2->close(target);
    if (upstream->config->tls)
        upstream->all->tls.module->sessions_close(&target->sessions);
}

/* Others may be reading what was counted; for them it begins anew. */
void target_forget(struct target *target)
{
    close_all(target);
    *target = (struct target){0};
}

/* ---- all of them ---- */

/* So that other workers can call this one. */
static void join_share(struct upstream *upstream)
{
    struct upstream_share *share = upstream->share;

    if (upstream->config->breaker)
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

    pthread_mutex_lock(&share->lock);
    while (*at != upstream)
        at = &(*at)->next_member;
    *at = upstream->next_member;
    pthread_mutex_unlock(&share->lock);
    loop_unpost(upstream->all->loop, &upstream->wake);
}

/* Always the same ones: the document's, or the one that was named at start. */
static void open_fixed(struct upstream *upstream, const struct gw_target *targets, uint32_t count)
{
    upstream->share = share_of(upstream->config, targets, count);
    upstream->targets = pool_xmalloc(count * sizeof *upstream->targets);
    upstream->count = count;
    for (uint32_t i = 0; i < count; i++)
        target_open(upstream, i, &targets[i]);
    if (upstream->config->levels)
        upstream->config->levels->set(upstream);
}

static void upstream_init(struct upstreams *all, struct upstream *upstream,
                          const struct gw_upstream *config)
{
    const struct gw_target *named = override_of(config);

    *upstream = (struct upstream){.config = config, .all = all, .is_named = named != NULL};
    if (named)
        open_fixed(upstream, named, 1);
    else if (config->discovery)
        config->discovery->module->join(upstream);
    else
        open_fixed(upstream, config->targets, config->target_count);
    join_share(upstream);
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
            if (upstream->targets[t].config)
                close_all(&upstream->targets[t]);
        if (upstream->found)
            upstream->config->discovery->module->leave(upstream);
        free(upstream->targets);
    }
    while ((conn = all->spare)) {
        all->spare = conn->next;
        free(conn);
    }
    free(all->at);
    free(all);
}

void upstreams_add_stats(const struct upstreams *all, uint32_t upstream, uint32_t target,
                         struct upstream_stats *sum)
{
    const struct upstream_stats *live;

    if (target >= SHARE_GET(all->at[upstream].count))
        return;
    live = &all->at[upstream].targets[target].stats;
    sum->requests += SHARE_GET(live->requests);
    sum->failures += SHARE_GET(live->failures);
    sum->connects += SHARE_GET(live->connects);
    sum->connect_failures += SHARE_GET(live->connect_failures);
    sum->connections += SHARE_GET(live->connections);
    sum->idle += SHARE_GET(live->idle);
    sum->answers += SHARE_GET(live->answers);
    sum->answer_us += SHARE_GET(live->answer_us);
}
