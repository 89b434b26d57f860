#include "client/outlier.h"

#include <math.h>

#include "base/log.h"

static const struct gw_outlier *config_of(const struct target *target)
{
    return target->upstream->config->outlier;
}

/* ---- in and out ---- */

/* One more may go: at least one, and else no more than the percentage. */
static bool may_eject(const struct upstream_share *all, const struct gw_outlier *config)
{
    uint32_t most = (uint32_t)((uint64_t)all->live * config->max_ejection_percent / 100);

    return config->max_ejection_percent > 0 && all->ejected < (most > 0 ? most : 1);
}

static uint64_t ejection_time(const struct gw_outlier *config, uint32_t ejections)
{
    uint64_t time = (uint64_t)config->base_ejection_time * (ejections + 1);

    return time < config->max_ejection_time ? time : config->max_ejection_time;
}

static void forget_failures(struct target_share *share)
{
    SHARE_SET(share->failures_in_row, 0);
    SHARE_SET(share->window_failures, 0);
    SHARE_SET(share->window_at, 0);
}

static void eject(struct target *target, uint64_t now, const char *why)
{
    const struct gw_outlier *config = config_of(target);
    struct upstream_share *all = target->upstream->share;
    struct target_share *share = target->share;
    uint64_t time = 0;

    pthread_mutex_lock(&all->lock);
    if (share->ejected_until == 0 && !share->is_gone && may_eject(all, config)) {
        time = ejection_time(config, share->ejections);
        SHARE_SET(share->ejected_until, now + time);
        share->ejections++;
        SHARE_ADD(share->total_ejections, 1);
        all->ejected++;
    }
    forget_failures(share);
    pthread_mutex_unlock(&all->lock);
    if (time > 0)
        log_warn("upstream %.*s: %.*s is ejected for %llu ms: %s",
                 STR_ARG(target->upstream->config->name), STR_ARG(target->config->url),
                 (unsigned long long)time, why);
}

static void bring_back(struct target *target, uint64_t now)
{
    struct upstream_share *all = target->upstream->share;
    struct target_share *share = target->share;
    bool is_back = false;

    pthread_mutex_lock(&all->lock);
    if (share->ejected_until != 0 && now >= share->ejected_until) {
        is_back = true;
        all->ejected--;
        forget_failures(share);
        SHARE_SET(share->well_since, now);
        SHARE_SET(share->ejected_until, 0);
    }
    pthread_mutex_unlock(&all->lock);
    if (is_back)
        log_info("upstream %.*s: %.*s is back from its ejection",
                 STR_ARG(target->upstream->config->name), STR_ARG(target->config->url));
}

/* ---- rates of success ---- */

struct rates {
    double sum, squares;
    uint32_t count;
};

static bool has_volume(const struct target_share *share, const struct gw_outlier *config)
{
    return SHARE_GET(share->ejected_until) == 0 &&
           SHARE_GET(share->requests) >= config->success_rate_request_volume;
}

static double rate_of(const struct target_share *share)
{
    return (double)SHARE_GET(share->successes) / SHARE_GET(share->requests);
}

static struct rates measure(const struct upstream_share *all, const struct gw_outlier *config)
{
    struct rates rates = {0};

    for (uint32_t i = 0; i < all->count; i++) {
        if (!has_volume(&all->targets[i], config))
            continue;
        double rate = rate_of(&all->targets[i]);
        rates.sum += rate;
        rates.squares += rate * rate;
        rates.count++;
    }
    return rates;
}

static void judge_rates(struct upstream *upstream, uint64_t now)
{
    const struct gw_outlier *config = upstream->config->outlier;
    struct rates rates = measure(upstream->share, config);
    double mean, deviation, least;

    if (config->success_rate_stdev_factor == 0 || rates.count < config->success_rate_minimum_hosts)
        return;
    mean = rates.sum / rates.count;
    deviation = sqrt(fmax(0, rates.squares / rates.count - mean * mean));
    /* Less than a rounding error is no difference. */
    least = mean - deviation * config->success_rate_stdev_factor / 1000 - 1e-9;
    for (uint32_t i = 0; i < upstream->count; i++)
        if (upstream->targets[i].config && has_volume(upstream->targets[i].share, config) &&
            rate_of(upstream->targets[i].share) < least)
            eject(&upstream->targets[i], now, "it succeeds less often than the others");
}

/* Once in each interval; whoever comes first does it. Who was well throughout is trusted a little more again. */
static void look_at_rates(struct upstream *upstream, uint64_t now)
{
    struct upstream_share *all = upstream->share;
    uint64_t next = SHARE_GET(all->next_look);

    if (now < next || !__atomic_compare_exchange_n(&all->next_look, &next,
                                                   now + upstream->config->outlier->interval, false,
                                                   __ATOMIC_RELAXED, __ATOMIC_RELAXED))
        return;
    if (next != 0)
        judge_rates(upstream, now);
    pthread_mutex_lock(&all->lock);
    for (uint32_t i = 0; i < all->count; i++) {
        struct target_share *share = &all->targets[i];
        SHARE_SET(share->requests, 0);
        SHARE_SET(share->successes, 0);
        if (share->ejected_until == 0 && share->ejections > 0 && next != 0 &&
            now >= share->well_since + upstream->config->outlier->interval)
            share->ejections--;
    }
    pthread_mutex_unlock(&all->lock);
}

/* ---- the module ---- */

/* True when these were too many within fail_timeout of the first one. */
static bool fails_too_often(struct target_share *share, const struct gw_outlier *config,
                            uint64_t now)
{
    uint64_t at = SHARE_GET(share->window_at);

    if (at == 0 || now - at >= config->fail_timeout) {
        SHARE_SET(share->window_at, now);
        SHARE_SET(share->window_failures, 0);
    }
    return SHARE_ADD(share->window_failures, 1) >= config->max_fails;
}

static void note_failure(struct target *target, uint64_t now)
{
    const struct gw_outlier *config = config_of(target);
    struct target_share *share = target->share;

    if (config->consecutive_5xx > 0 &&
        SHARE_ADD(share->failures_in_row, 1) >= config->consecutive_5xx)
        eject(target, now, "failures one after another");
    else if (config->max_fails > 0 && fails_too_often(share, config, now))
        eject(target, now, "too many failures within fail_timeout");
}

static void note(struct target *target, uint16_t status, uint64_t now)
{
    struct target_share *share = target->share;
    bool failed = status == 0 || status >= 500;

    SHARE_ADD(share->requests, 1);
    if (!failed)
        SHARE_ADD(share->successes, 1);
    if (SHARE_GET(share->ejected_until) == 0) {
        if (failed)
            note_failure(target, now);
        else if (SHARE_GET(share->failures_in_row) != 0)
            SHARE_SET(share->failures_in_row, 0);
    }
    look_at_rates(target->upstream, now);
}

static void look(struct target *target, uint64_t now)
{
    uint64_t until = SHARE_GET(target->share->ejected_until);

    if (until != 0 && now >= until)
        bring_back(target, now);
}

const struct outlier_module outlier_module = {note, look};
