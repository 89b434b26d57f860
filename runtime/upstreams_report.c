#include "upstreams_report.h"

#include <stdio.h>

#include "base/log.h"
#include "base/urlpath.h"
#include "base/vec.h"
#include "client/discovery.h"
#include "gw.h"
#include "prometheus.h"
#include "request/worker.h"

enum { WEIGHT_MAX = 65535 };

/* ---- the sums ---- */

/* One target, of all workers. */
struct target_sum {
    struct str url;
    uint32_t index; /* its place among the upstream's */
    struct upstream_stats stats;
    const struct gw_upstream *config;
    struct target_share *share;
};

typedef VEC(struct target_sum) sums;

/* Under the lock: a target that is found now may be lost in the next moment. */
static void add_targets(struct pool *pool, sums *all, uint32_t upstream,
                        const struct upstream_share *share)
{
    for (uint32_t t = 0; t < share->count; t++) {
        struct target_share *target = &share->targets[t];
        struct target_sum *sum;
        if (!target->config || target->is_gone)
            continue;
        sum = vec_add(pool, all);
        sum->url = pool_copy(pool, target->config->url);
        sum->index = t;
        sum->config = gateway.upstreams[upstream];
        sum->share = target;
        for (unsigned w = 0; w < worker_count; w++)
            upstreams_add_stats(workers[w].upstreams, upstream, t, &sum->stats);
    }
}

static sums sum_up(struct pool *pool)
{
    sums all = {0};

    for (uint32_t u = 0; u < gateway.upstream_count; u++) {
        struct upstream_share *share = share_of(gateway.upstreams[u], NULL, 0);
        pthread_mutex_lock(&share->lock);
        add_targets(pool, &all, u, share);
        pthread_mutex_unlock(&share->lock);
    }
    return all;
}

static uint64_t in_use(const struct upstream_stats *stats)
{
    return stats->connections > stats->idle ? stats->connections - stats->idle : 0;
}

/* ---- metrics of targets ---- */

static void target_line(struct text *text, const char *name, const struct target_sum *sum,
                        const char *more, uint64_t value)
{
    text_printf(text, "%s{", name);
    prom_label(text, "upstream", sum->config->name);
    text_byte(text, ',');
    prom_label(text, "target", sum->url);
    text_printf(text, "%s} %llu\n", more, (unsigned long long)value);
}

static void counters_of_all(struct text *text, const sums *all_sums)
{
    static const struct {
        const char *name, *help;
        size_t offset;
    } counters[] = {
        {"apigw_upstream_requests_total", "Requests sent to an upstream, every try counted.",
         offsetof(struct upstream_stats, requests)},
        {"apigw_upstream_failures_total", "Tries that brought no answer.",
         offsetof(struct upstream_stats, failures)},
        {"apigw_upstream_connects_total", "Connections begun to an upstream.",
         offsetof(struct upstream_stats, connects)},
        {"apigw_upstream_connect_failures_total", "Connections that did not come about.",
         offsetof(struct upstream_stats, connect_failures)},
    };

    for (size_t c = 0; c < sizeof counters / sizeof *counters; c++) {
        prom_family(text, counters[c].name, "counter", counters[c].help);
        for (size_t i = 0; i < all_sums->count; i++) {
            const char *stats = (const char *)&all_sums->at[i].stats;
            target_line(text, counters[c].name, &all_sums->at[i], "",
                        *(const uint64_t *)(const void *)(stats + counters[c].offset));
        }
    }
    prom_family(text, "apigw_upstream_connections", "gauge",
                "Connections to an upstream that are open.");
    for (size_t i = 0; i < all_sums->count; i++) {
        const struct target_sum *sum = &all_sums->at[i];
        target_line(text, "apigw_upstream_connections", sum, ",state=\"active\"",
                    in_use(&sum->stats));
        target_line(text, "apigw_upstream_connections", sum, ",state=\"idle\"", sum->stats.idle);
    }
}

static bool is_watched(const struct gw_upstream *config)
{
    return config->check || config->outlier;
}

static bool has_check(const struct gw_upstream *config)
{
    return config->check != NULL;
}

static bool has_outlier(const struct gw_upstream *config)
{
    return config->outlier != NULL;
}

/* ms; an ejection that is over is noticed by the next request. */
static uint64_t ejected_for(const struct target_share *share)
{
    uint64_t until = SHARE_GET(share->ejected_until), now = worker_here->loop.now;

    return until > now ? until - now : 0;
}

static uint64_t healthy(const struct target_share *share)
{
    return !SHARE_GET(share->is_sick) && !SHARE_GET(share->is_drained) && ejected_for(share) == 0;
}

static uint64_t ejections(const struct target_share *share)
{
    return SHARE_GET(share->total_ejections);
}

static uint64_t checks(const struct target_share *share)
{
    return SHARE_GET(share->total_checks);
}

static uint64_t failed_checks(const struct target_share *share)
{
    return SHARE_GET(share->failed_checks);
}

/* What only some upstreams have. */
static void metrics_of_health(struct text *text, const sums *all_sums)
{
    static const struct {
        const char *name, *type, *help;
        bool (*has)(const struct gw_upstream *config);
        uint64_t (*value)(const struct target_share *share);
    } all[] = {
        {"apigw_upstream_healthy", "gauge",
         "1 when nothing speaks against a target: no health check, ejection or operator.",
         is_watched, healthy},
        {"apigw_upstream_ejections_total", "counter", "Ejections of a target as an outlier.",
         has_outlier, ejections},
        {"apigw_upstream_health_checks_total", "counter", "Health checks of a target.", has_check,
         checks},
        {"apigw_upstream_health_check_failures_total", "counter", "Those of them that failed.",
         has_check, failed_checks},
    };

    for (size_t m = 0; m < sizeof all / sizeof *all; m++) {
        bool named = false;
        for (size_t i = 0; i < all_sums->count; i++) {
            const struct target_sum *sum = &all_sums->at[i];
            if (!all[m].has(sum->config))
                continue;
            if (!named)
                prom_family(text, all[m].name, all[m].type, all[m].help);
            named = true;
            target_line(text, all[m].name, sum, "", all[m].value(sum->share));
        }
    }
}

/* ---- metrics of upstreams ---- */

static const char *const circuit_words[] = {"closed", "open", "half_open"};

static void upstream_line(struct text *text, const char *name, struct str upstream,
                          const char *more, uint64_t value)
{
    text_printf(text, "%s{", name);
    prom_label(text, "upstream", upstream);
    text_printf(text, "%s} %llu\n", more, (unsigned long long)value);
}

static void circuits(struct text *text)
{
    static const char name[] = "apigw_upstream_circuit";
    bool named = false;

    for (uint32_t u = 0; u < gateway.upstream_count; u++) {
        const struct gw_upstream *config = gateway.upstreams[u];
        struct upstream_share *share = share_of(config, NULL, 0);
        if (!config->breaker || config->breaker->threshold == 0)
            continue;
        if (!named)
            prom_family(text, name, "gauge", "1 for the state that the circuit is in.");
        named = true;
        for (unsigned c = 0; c < sizeof circuit_words / sizeof *circuit_words; c++) {
            char more[32];
            snprintf(more, sizeof more, ",state=\"%s\"", circuit_words[c]);
            upstream_line(text, name, config->name, more, SHARE_GET(share->circuit) == c);
        }
    }
}

/* What is there for every upstream with a breaker; retries show when there were some. */
static void metrics_of_adaptive(struct text *text)
{
    static const char name[] = "apigw_upstream_concurrency_limit";
    bool named = false;

    for (uint32_t u = 0; u < gateway.upstream_count; u++) {
        const struct gw_upstream *config = gateway.upstreams[u];
        const struct upstream_share *share = share_of(config, NULL, 0);
        if (!share->adaptive)
            continue;
        if (!named)
            prom_family(text, name, "gauge",
                        "Requests that adaptive_concurrency lets be under way.");
        named = true;
        upstream_line(text, name, config->name, "", SHARE_GET(share->adaptive->limit));
    }
}

static void metrics_of_upstreams(struct text *text)
{
    static const struct {
        const char *name, *type, *help;
        size_t offset;
        bool wide, of_breaker;
    } all[] = {
        {"apigw_upstream_requests_active", "gauge", "Requests under way at an upstream.",
         offsetof(struct upstream_share, active), false, true},
        {"apigw_upstream_requests_pending", "gauge", "Requests that wait for a place there.",
         offsetof(struct upstream_share, pending), false, true},
        {"apigw_upstream_circuit_opened_total", "counter", "How often the circuit has opened.",
         offsetof(struct upstream_share, total_opened), true, true},
        {"apigw_upstream_circuit_refused_total", "counter",
         "Requests that an open circuit refused.", offsetof(struct upstream_share, total_refused),
         true, true},
        {"apigw_upstream_overflows_total", "counter",
         "Requests refused because too many were under way and waiting.",
         offsetof(struct upstream_share, total_overflowed), true, true},
        {"apigw_upstream_retries_total", "counter", "Tries after the first one, by retry.",
         offsetof(struct upstream_share, total_retries), true, false},
        {"apigw_upstream_retries_over_budget_total", "counter",
         "Tries that the budget of retry did not allow.",
         offsetof(struct upstream_share, total_budget_refused), true, false},
        {"apigw_upstream_hedges_total", "counter", "Tries beside one whose answer was late.",
         offsetof(struct upstream_share, total_hedges), true, false},
        {"apigw_upstream_hedges_won_total", "counter", "Those of them whose answer was passed on.",
         offsetof(struct upstream_share, total_hedges_won), true, false},
        {"apigw_upstream_mirrored_total", "counter", "Copies of requests that were sent there.",
         offsetof(struct upstream_share, total_mirrored), true, false},
        {"apigw_upstream_mirror_failures_total", "counter",
         "Copies of requests without an answer, or without its end.",
         offsetof(struct upstream_share, total_mirror_failed), true, false},
        {"apigw_upstream_mirror_left_out_total", "counter",
         "Requests that were not copied: too many were under way, or their content was too long.",
         offsetof(struct upstream_share, total_mirror_left_out), true, false},
    };

    for (size_t m = 0; m < sizeof all / sizeof *all; m++) {
        bool named = false;
        for (uint32_t u = 0; u < gateway.upstream_count; u++) {
            const struct gw_upstream *config = gateway.upstreams[u];
            const char *share = (const char *)share_of(config, NULL, 0);
            const void *at = share + all[m].offset;
            uint64_t value =
                all[m].wide ? SHARE_GET(*(const uint64_t *)at) : SHARE_GET(*(const uint32_t *)at);
            if (all[m].of_breaker ? !config->breaker : value == 0)
                continue;
            if (!named)
                prom_family(text, all[m].name, all[m].type, all[m].help);
            named = true;
            upstream_line(text, all[m].name, config->name, "", value);
        }
    }
}

/* What is known of the looking, as it is at one moment. */
static struct found found_of(struct upstream_share *share)
{
    struct found found;

    pthread_mutex_lock(&share->lock);
    found = *share->found;
    pthread_mutex_unlock(&share->lock);
    return found;
}

static uint64_t age_of(const struct found *found)
{
    uint64_t now = worker_here->loop.now;

    return now > found->good_at ? (now - found->good_at) / 1000 : 0;
}

static uint64_t targets_of(struct upstream_share *share)
{
    return SHARE_GET(share->live);
}

static uint64_t updates_of(struct upstream_share *share)
{
    return found_of(share).total_updates;
}

static uint64_t failures_of(struct upstream_share *share)
{
    return found_of(share).total_failures;
}

static uint64_t seconds_of(struct upstream_share *share)
{
    struct found found = found_of(share);

    return found.good_at > 0 ? age_of(&found) : 0;
}

static void metrics_of_discovery(struct text *text)
{
    static const struct {
        const char *name, *type, *help;
        uint64_t (*value)(struct upstream_share *share);
    } all[] = {
        {"apigw_upstream_targets", "gauge", "Targets that discovery has found.", targets_of},
        {"apigw_upstream_discovery_updates_total", "counter",
         "Answers of discovery that have changed the targets.", updates_of},
        {"apigw_upstream_discovery_failures_total", "counter",
         "Answers of discovery that were missing, empty or wrong.", failures_of},
        {"apigw_upstream_discovery_age_seconds", "gauge",
         "Since the last good answer of discovery.", seconds_of},
    };

    for (size_t m = 0; m < sizeof all / sizeof *all; m++) {
        bool named = false;
        for (uint32_t u = 0; u < gateway.upstream_count; u++) {
            struct upstream_share *share = share_of(gateway.upstreams[u], NULL, 0);
            if (!share->found)
                continue;
            if (!named)
                prom_family(text, all[m].name, all[m].type, all[m].help);
            named = true;
            upstream_line(text, all[m].name, gateway.upstreams[u]->name, "", all[m].value(share));
        }
    }
}

void upstreams_report_metrics(struct text *text)
{
    sums all = sum_up(text->pool);

    counters_of_all(text, &all);
    metrics_of_health(text, &all);
    metrics_of_upstreams(text);
    metrics_of_adaptive(text);
    metrics_of_discovery(text);
    circuits(text);
}

/* ---- JSON ---- */

static void json_text(struct text *text, const char *name, struct str value)
{
    text_printf(text, "\"%s\":", name);
    text_json(text, value);
}

static void json_number(struct text *text, const char *name, uint64_t value)
{
    text_printf(text, ",\"%s\":%llu", name, (unsigned long long)value);
}

static struct str state_of(const struct target_share *share)
{
    if (SHARE_GET(share->is_drained))
        return STR("drained");
    if (SHARE_GET(share->is_sick))
        return STR("sick");
    return ejected_for(share) > 0 ? STR("ejected") : STR("well");
}

static void target_json(struct text *text, const struct target_sum *sum)
{
    const struct upstream_stats *stats = &sum->stats;

    text_add(text, STR("{"));
    json_text(text, "target", sum->url);
    json_number(text, "index", sum->index);
    text_byte(text, ',');
    json_text(text, "state", state_of(sum->share));
    json_number(text, "weight", SHARE_GET(sum->share->weight));
    json_number(text, "requests", stats->requests);
    json_number(text, "failures", stats->failures);
    json_number(text, "connections_active", in_use(stats));
    json_number(text, "connections_idle", stats->idle);
    text_printf(text, ",\"latency_ms\":%.3f",
                stats->answers > 0 ? (double)stats->answer_us / 1000 / (double)stats->answers : 0);
    if (sum->config->outlier) {
        json_number(text, "ejections", ejections(sum->share));
        json_number(text, "ejected_for_ms", ejected_for(sum->share));
    }
    if (sum->config->check) {
        json_number(text, "health_checks", checks(sum->share));
        json_number(text, "health_check_failures", failed_checks(sum->share));
    }
    text_byte(text, '}');
}

static void discovery_json(struct text *text, const struct gw_discovery *config,
                           struct upstream_share *share)
{
    struct found found = found_of(share);

    text_add(text, STR(",\"discovery\":{"));
    json_text(text, "by", config->kind);
    json_number(text, "updates", found.total_updates);
    json_number(text, "failures", found.total_failures);
    if (found.good_at > 0)
        json_number(text, "age_s", age_of(&found));
    if (found.reason[0]) {
        text_byte(text, ',');
        json_text(text, "error", str_of(found.reason));
    }
    text_byte(text, '}');
}

static void upstream_json(struct text *text, const struct gw_upstream *config,
                          struct upstream_share *share)
{
    json_text(text, "upstream", config->name);
    if (config->breaker) {
        text_byte(text, ',');
        json_text(text, "circuit", str_of(circuit_words[SHARE_GET(share->circuit)]));
        json_number(text, "requests_active", SHARE_GET(share->active));
        json_number(text, "requests_pending", SHARE_GET(share->pending));
        json_number(text, "connections", SHARE_GET(share->connections));
    }
    if (share->found)
        discovery_json(text, config->discovery, share);
    text_add(text, STR(",\"targets\":["));
}

void upstreams_report_json(struct text *text)
{
    sums all = sum_up(text->pool);
    size_t at = 0;

    text_byte(text, '[');
    for (uint32_t u = 0; u < gateway.upstream_count; u++) {
        struct upstream_share *share = share_of(gateway.upstreams[u], NULL, 0);
        text_add(text, u > 0 ? STR(",\n{") : STR("{"));
        upstream_json(text, gateway.upstreams[u], share);
        for (const char *gap = "\n  "; at < all.count && all.at[at].config == gateway.upstreams[u];
             gap = ",\n  ") {
            text_add(text, str_of(gap));
            target_json(text, &all.at[at++]);
        }
        text_add(text, STR("]}"));
    }
    text_add(text, STR("]\n"));
}

/* ---- changes ---- */

static struct upstream_share *share_named(struct str name)
{
    for (uint32_t u = 0; u < gateway.upstream_count; u++)
        if (urlpath_decodes_to(name, gateway.upstreams[u]->name))
            return share_of(gateway.upstreams[u], NULL, 0);
    return NULL;
}

/* One NAME=VALUE; applied when `share` is given, else only judged. */
static bool change(struct str pair, struct target_share *share)
{
    size_t equals = str_find(pair, '=');
    struct str name = str_head(pair, equals), value = str_from(pair, equals + 1);
    uint64_t number;

    if (str_eq(name, STR("weight")) && str_to_u64(value, &number) && number <= WEIGHT_MAX) {
        if (share)
            SHARE_SET(share->weight, (uint32_t)number);
        return true;
    }
    if (str_eq(name, STR("drain")) && (str_eq(value, STR("true")) || str_eq(value, STR("false")))) {
        if (share)
            SHARE_SET(share->is_drained, str_eq(value, STR("true")));
        return true;
    }
    return false;
}

static bool change_all(struct str query, struct target_share *share)
{
    bool some = false;

    while (query.len > 0) {
        struct str pair = str_head(query, str_find(query, '&'));
        query = str_from(query, pair.len + 1);
        some = change(pair, share);
        if (!some)
            return false;
    }
    return some;
}

/* Under the lock. */
static bool is_there(const struct upstream_share *share, uint64_t index)
{
    return index < share->count && share->targets[index].config && !share->targets[index].is_gone;
}

static bool has_target(struct upstream_share *share, uint64_t index)
{
    bool has;

    pthread_mutex_lock(&share->lock);
    has = is_there(share, index);
    pthread_mutex_unlock(&share->lock);
    return has;
}

static bool change_one(struct upstream_share *share, uint64_t index, struct str query)
{
    bool has;

    pthread_mutex_lock(&share->lock);
    has = is_there(share, index);
    if (has)
        change_all(query, &share->targets[index]);
    pthread_mutex_unlock(&share->lock);
    return has;
}

enum upstreams_changed upstreams_change(struct str place, struct str query)
{
    size_t slash = str_find(place, '/');
    struct upstream_share *share = share_named(str_head(place, slash));
    uint64_t index;

    if (!share || !str_to_u64(str_from(place, slash + 1), &index))
        return UPSTREAMS_UNKNOWN;
    if (!change_all(query, NULL))
        return has_target(share, index) ? UPSTREAMS_BAD : UPSTREAMS_UNKNOWN;
    if (!change_one(share, index, query))
        return UPSTREAMS_UNKNOWN;
    log_info("upstream %.*s: the operator sets %.*s of target %llu", STR_ARG(share->config->name),
             STR_ARG(query), (unsigned long long)index);
    return UPSTREAMS_CHANGED;
}
