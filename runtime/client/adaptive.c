#include "client/adaptive.h"

#include <math.h>

enum {
    ENOUGH = 10,  /* latencies that say something of an interval */
    PROBE = 5,    /* intervals with half the limit */
    SUB_BITS = 3, /* buckets are an eighth of a power of two */
    SUBS = 1 << SUB_BITS,
};

/* ---- latencies ---- */

uint32_t adaptive_bucket(uint64_t us)
{
    uint32_t top, bucket;

    if (us < SUBS)
        return (uint32_t)us;
    top = 63 - (uint32_t)__builtin_clzll(us);
    bucket = (top - SUB_BITS + 1) * SUBS + (uint32_t)(us >> (top - SUB_BITS) & (SUBS - 1));
    return bucket < ADAPTIVE_BUCKETS ? bucket : ADAPTIVE_BUCKETS - 1;
}

/* The largest latency of a bucket. */
static uint64_t bucket_us(uint32_t bucket)
{
    uint32_t shift;

    if (bucket < SUBS)
        return bucket;
    shift = bucket / SUBS - 1;
    return ((uint64_t)(SUBS + bucket % SUBS) + 1) * (UINT64_C(1) << shift) - 1;
}

static uint64_t sum_of(const uint32_t counts[ADAPTIVE_BUCKETS])
{
    uint64_t sum = 0;

    for (uint32_t i = 0; i < ADAPTIVE_BUCKETS; i++)
        sum += SHARE_GET(counts[i]);
    return sum;
}

uint64_t adaptive_percentile(const uint32_t counts[ADAPTIVE_BUCKETS], uint32_t percent)
{
    uint64_t left = (sum_of(counts) * percent + 99) / 100;

    for (uint32_t i = 0; left > 0 && i < ADAPTIVE_BUCKETS; i++) {
        uint32_t count = SHARE_GET(counts[i]);
        if (count >= left)
            return bucket_us(i);
        left -= count;
    }
    return 0;
}

/* ---- the limit ---- */

static const struct gw_adaptive *config_of(const struct upstream_share *share)
{
    return share->config->breaker->adaptive;
}

static uint32_t bounded(const struct upstream_share *share, double limit)
{
    const struct gw_adaptive *config = config_of(share);

    return limit < config->min_concurrency   ? config->min_concurrency
           : limit > config->max_concurrency ? config->max_concurrency
                                             : (uint32_t)limit;
}

static void set_limit(struct upstream_share *share, double limit)
{
    SHARE_SET(share->adaptive->limit, bounded(share, limit));
}

static void forget_latencies(struct adaptive *at)
{
    for (uint32_t i = 0; i < ADAPTIVE_BUCKETS; i++)
        SHARE_SET(at->counts[i], 0);
}

/* The least latency is `us`, unless less was known; until it is learnt anew. */
static void learn_least(struct upstream_share *share, uint64_t now, uint64_t us)
{
    struct adaptive *at = share->adaptive;
    uint64_t *least = at->probe > 0 ? &at->probed_us : &at->least_us;

    if (*least == 0 || us < *least)
        *least = us;
    if (at->probe == 0 || --at->probe > 0)
        return;
    at->least_us = at->probed_us;
    at->probe_at = now + config_of(share)->min_rtt_interval;
    set_limit(share, at->resume);
}

static void begin_probe(struct upstream_share *share)
{
    struct adaptive *at = share->adaptive;

    at->probe = PROBE;
    at->probed_us = 0;
    at->resume = at->limit;
    set_limit(share, (double)at->limit / 2);
}

static void follow(struct upstream_share *share, uint64_t us)
{
    struct adaptive *at = share->adaptive;
    double gradient = (double)at->least_us * (100 + config_of(share)->tolerance) / 100 / (double)us,
           limit;

    gradient = gradient < 0.5 ? 0.5 : gradient > 1 ? 1 : gradient;
    limit = at->limit * gradient;
    set_limit(share, limit + sqrt(limit));
}

/* Under the lock. Intervals in which next to nothing was answered say nothing. */
static void look(struct upstream_share *share, uint64_t now)
{
    struct adaptive *at = share->adaptive;
    bool probed = at->probe > 0;
    uint64_t us;

    SHARE_SET(at->next, now + config_of(share)->interval);
    if (at->probe_at == 0)
        at->probe_at = now + config_of(share)->min_rtt_interval;
    if (sum_of(at->counts) < ENOUGH)
        return;
    us = adaptive_percentile(at->counts, config_of(share)->percentile);
    forget_latencies(at);
    learn_least(share, now, us > 0 ? us : 1);
    if (probed)
        return;
    if (now >= at->probe_at)
        begin_probe(share);
    else
        follow(share, us > 0 ? us : 1);
}

static void observe(struct upstream_share *share, uint64_t now, uint64_t us)
{
    struct adaptive *at = share->adaptive;

    SHARE_ADD(at->counts[adaptive_bucket(us)], 1);
    if (now < SHARE_GET(at->next) || pthread_mutex_trylock(&share->lock) != 0)
        return;
    if (now >= at->next)
        look(share, now);
    pthread_mutex_unlock(&share->lock);
}

const struct adaptive_module adaptive_module = {observe};
