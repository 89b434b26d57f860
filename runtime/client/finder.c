#include "client/finder.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/log.h"
#include "base/text.h"

enum {
    AGAIN_MS = 1000, /* when some have found no place */
    NAMED_MAX = 8    /* targets that one line of the log names */
};

#define CONTAINER(type, member, at) ((type *)((char *)(at)-offsetof(type, member)))

struct finders {
    size_t count;
    struct finder each[];
};

/* ---- a target that lasts ---- */

static char *put(char *at, struct str *text)
{
    if (text->len > 0)
        memcpy(at, text->at, text->len);
    text->at = at;
    return at + text->len;
}

/* In one piece: free() is its end. */
static struct gw_target *keep(const struct gw_target *target)
{
    struct str texts[] = {target->url,  target->host,        target->authority,
                          target->path, target->server_name, target->zone};
    size_t size = sizeof *target;
    struct gw_target *kept;
    char *at;

    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        size += texts[i].len;
    kept = pool_xmalloc(size);
    *kept = *target;
    at = (char *)(kept + 1);
    at = put(at, &kept->url);
    at = put(at, &kept->host);
    at = put(at, &kept->authority);
    at = put(at, &kept->path);
    at = put(at, &kept->server_name);
    put(at, &kept->zone);
    return kept;
}

/* But for the weight, which may change. */
static bool is_same(const struct gw_target *a, const struct gw_target *b)
{
    return str_eq(a->url, b->url) && str_eq(a->host, b->host) &&
           str_eq(a->authority, b->authority) && str_eq(a->path, b->path) &&
           str_eq(a->server_name, b->server_name) && str_eq(a->zone, b->zone) &&
           a->subsets == b->subsets && a->port == b->port && a->priority == b->priority &&
           a->is_unix == b->is_unix;
}

/* ---- one answer ---- */

void finder_begin(struct finder *finder)
{
    timer_clear(finder_loop(finder), &finder->again);
    pool_close(&finder->pool);
    pool_open(&finder->pool, NULL);
    finder->targets.at = NULL;
    finder->targets.count = finder->targets.cap = 0;
}

static bool is_in(const struct gw_subset *subset, const struct gw_label *labels, size_t count)
{
    for (uint32_t i = 0; i < subset->label_count; i++) {
        const struct gw_label *wanted = &subset->labels[i];
        bool has = false;
        for (size_t l = 0; l < count && !has; l++)
            has = str_eq(labels[l].name, wanted->name) && str_eq(labels[l].value, wanted->value);
        if (!has)
            return false;
    }
    return true;
}

/* "host", "host:port", with brackets around what has colons. */
static struct str authority_of(struct finder *finder, struct str host, uint16_t port, bool always)
{
    bool is_v6 = str_find(host, ':') < host.len;
    bool is_default = !always && port == (finder->config->is_https ? 443 : 80);
    struct str text = pool_printf(&finder->pool, is_v6 ? "[%.*s]" : "%.*s", STR_ARG(host));

    return is_default ? text : pool_printf(&finder->pool, "%.*s:%u", STR_ARG(text), port);
}

void finder_add(struct finder *finder, struct gw_target target, const struct gw_label *labels,
                size_t label_count)
{
    const struct gw_discovery *config = finder->config;

    if (target.url.len == 0)
        target.url = pool_printf(&finder->pool, "%s://%.*s", config->is_https ? "https" : "http",
                                 STR_ARG(authority_of(finder, target.host, target.port, true)));
    if (target.authority.len == 0)
        target.authority = authority_of(finder, target.host, target.port, false);
    for (uint32_t s = 0; s < config->subset_count; s++)
        if (is_in(&config->subsets[s], labels, label_count))
            target.subsets |= UINT64_C(1) << s;
    for (size_t i = 0; i < finder->targets.count; i++)
        if (is_same(&finder->targets.at[i], &target))
            return;
    *vec_add(&finder->pool, &finder->targets) = target;
}

/* ---- what all go by ---- */

/* What one publication changes, for the log. */
struct change {
    struct pool pool;
    struct text came, went;
    unsigned came_count, went_count, left_out;
    bool weights;
};

static void name_one(struct text *text, unsigned count, struct str url)
{
    if (count <= NAMED_MAX)
        text_printf(text, "%s%.*s", count > 1 ? ", " : "", STR_ARG(url));
}

/* Under the lock, as what follows. Each worker goes on asking it until it goes by the others as well. */
static void lose(struct upstream_share *share, struct target_share *target, struct change *change)
{
    SHARE_SET(target->is_gone, true);
    if (target->ejected_until != 0) {
        SHARE_SET(target->ejected_until, 0);
        share->ejected--;
    }
    SHARE_SET(share->live, share->live - 1);
    name_one(&change->went, ++change->went_count, target->config->url);
}

static struct target_share *free_place(struct upstream_share *share, uint32_t places)
{
    for (uint32_t i = 0; i < share->count; i++)
        if (!share->targets[i].config ||
            (share->targets[i].is_gone && share->targets[i].holders == 0))
            return &share->targets[i];
    return share->count < places ? &share->targets[share->count++] : NULL;
}

static void gain(struct finder *finder, const struct gw_target *found, struct change *change)
{
    struct upstream_share *share = finder->upstream->share;
    struct target_share *place = share->live < DISCOVERY_TARGETS
                                     ? free_place(share, discovery_places(finder->config))
                                     : NULL;

    if (!place) {
        change->left_out++;
        return;
    }
    free((void *)place->config);
    *place = (struct target_share){
        .config = keep(found),
        .weight = found->weight,
        .well_since = share->found->good_at > 0 ? finder_loop(finder)->now : 0,
    };
    SHARE_SET(share->live, share->live + 1);
    name_one(&change->came, ++change->came_count, found->url);
}

/* A weight that the operator has set stays until the source tells another one than before. */
static void weigh(struct target_share *target, uint16_t weight, struct change *change)
{
    struct gw_target *config = (struct gw_target *)target->config;

    if (config->weight == weight)
        return;
    config->weight = weight;
    SHARE_SET(target->weight, weight);
    change->weights = true;
}

static void compare(struct finder *finder, struct change *change)
{
    struct upstream_share *share = finder->upstream->share;
    bool *known = pool_alloc(&change->pool, finder->targets.count + 1);

    for (uint32_t i = 0; i < share->count; i++) {
        struct target_share *target = &share->targets[i];
        size_t f = 0;
        if (!target->config || target->is_gone)
            continue;
        while (f < finder->targets.count && !is_same(&finder->targets.at[f], target->config))
            f++;
        if (f == finder->targets.count) {
            lose(share, target, change);
        } else {
            known[f] = true;
            weigh(target, finder->targets.at[f].weight, change);
        }
    }
    for (size_t f = 0; f < finder->targets.count; f++)
        if (!known[f])
            gain(finder, &finder->targets.at[f], change);
}

static void say_some(const struct finder *finder, const char *what, unsigned count,
                     const struct text *names)
{
    struct str text = text_str(names);

    if (count > 0)
        log_info("upstream %.*s: %u %s: %.*s%s", STR_ARG(finder->upstream->config->name), count,
                 what, STR_ARG(text), count > NAMED_MAX ? " …" : "");
}

static void say(const struct finder *finder, const struct change *change)
{
    struct str name = finder->upstream->config->name;

    say_some(finder, change->came_count == 1 ? "target comes" : "targets come", change->came_count,
             &change->came);
    say_some(finder, change->went_count == 1 ? "target goes" : "targets go", change->went_count,
             &change->went);
    if (change->weights)
        log_info("upstream %.*s: weights change", STR_ARG(name));
    if (change->left_out > 0)
        log_warn("upstream %.*s: %u targets are left out: there is no place for them",
                 STR_ARG(name), change->left_out);
}

/* Returns how many have found no place. */
static unsigned settle(struct finder *finder, bool is_good)
{
    struct upstream_share *share = finder->upstream->share;
    struct found *found = share->found;
    struct change change = {0};

    pool_open(&change.pool, NULL);
    change.came.pool = change.went.pool = &change.pool;
    pthread_mutex_lock(&share->lock);
    compare(finder, &change);
    if (is_good) {
        found->is_asked = true;
        found->good_at = finder_loop(finder)->now;
        found->reason[0] = 0;
    }
    found->total_updates += change.came_count > 0 || change.went_count > 0 || change.weights;
    discovery_tell(share);
    pthread_mutex_unlock(&share->lock);
    say(finder, &change);
    pool_close(&change.pool);
    return change.left_out;
}

static void publish(struct finder *finder)
{
    if (settle(finder, true) > 0)
        timer_set(finder_loop(finder), &finder->again, AGAIN_MS);
}

void finder_publish(struct finder *finder)
{
    if (finder->targets.count == 0) {
        finder_fail(finder, "the answer has no target");
        return;
    }
    publish(finder);
    if (finder->config->max_age > 0)
        timer_set(finder_loop(finder), &finder->aged, (uint64_t)finder->config->max_age * 1000);
}

static void on_again(struct timer *timer)
{
    publish(CONTAINER(struct finder, again, timer));
}

/* No answer for so long that those who were there may be anybody by now. */
static void on_aged(struct timer *timer)
{
    struct finder *finder = CONTAINER(struct finder, aged, timer);

    log_error("upstream %.*s: the last good answer is older than max_age",
              STR_ARG(finder->upstream->config->name));
    finder_begin(finder);
    settle(finder, false);
}

void finder_fail(struct finder *finder, const char *format, ...)
{
    struct upstream_share *share = finder->upstream->share;
    struct found *found = share->found;
    char reason[DISCOVERY_REASON] = {0};
    bool is_news;
    va_list args;

    va_start(args, format);
    vsnprintf(reason, sizeof reason, format, args);
    va_end(args);
    pthread_mutex_lock(&share->lock);
    is_news = strcmp(found->reason, reason) != 0;
    memcpy(found->reason, reason, sizeof reason);
    found->is_asked = true;
    found->total_failures++;
    discovery_tell(share);
    pthread_mutex_unlock(&share->lock);
    if (is_news)
        log_warn("upstream %.*s: discovery by %.*s: %s", STR_ARG(finder->upstream->config->name),
                 STR_ARG(finder->config->kind), reason);
}

bool finder_host_is_legal(struct finder *finder, struct str host)
{
    bool is_v6 = str_find(host, ':') < host.len;

    return host.len > 0 &&
           h1_host_is_legal(is_v6 ? pool_printf(&finder->pool, "[%.*s]", STR_ARG(host)) : host);
}

/* ---- all of them ---- */

struct finders *finders_open(struct upstreams *upstreams)
{
    size_t count = 0;
    struct finders *all;

    for (size_t i = 0; i < upstreams->count; i++)
        count += upstreams->at[i].found != NULL;
    all = pool_xmalloc(sizeof *all + count * sizeof all->each[0]);
    all->count = 0;
    for (size_t i = 0; i < upstreams->count; i++) {
        struct finder *finder = &all->each[all->count];
        if (!upstreams->at[i].found)
            continue;
        *finder = (struct finder){.upstream = &upstreams->at[i],
                                  .config = upstreams->at[i].config->discovery,
                                  .aged.fire = on_aged,
                                  .again.fire = on_again};
        pool_open(&finder->pool, NULL);
        all->count++;
    }
    for (size_t i = 0; i < all->count; i++)
        all->each[i].config->source->open(&all->each[i]);
    return all;
}

void finders_close(struct finders *all)
{
    for (size_t i = 0; i < all->count; i++) {
        struct finder *finder = &all->each[i];
        finder->config->source->close(finder);
        timer_clear(finder_loop(finder), &finder->aged);
        timer_clear(finder_loop(finder), &finder->again);
        pool_close(&finder->pool);
    }
    free(all);
}
