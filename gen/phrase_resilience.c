#include "phrase_resilience.h"

#include "base/text.h"
#include "phrase.h"

static void add_statuses(struct text *out, const ir_statuses *statuses)
{
    for (size_t i = 0; i < statuses->count; i++) {
        text_printf(out, " %u", statuses->at[i].first);
        if (statuses->at[i].last != statuses->at[i].first)
            text_printf(out, "-%u", statuses->at[i].last);
    }
}

static void add_number(struct text *out, const char *before, uint64_t number, const char *after)
{
    if (number > 0)
        text_printf(out, "%s%llu%s", before, (unsigned long long)number, after);
}

static void add_panic(struct text *out, const struct ir_upstream *upstream)
{
    add_number(out, ", panic below ", upstream->panic_threshold, "%");
}

struct str phrase_balance(struct pool *pool, const struct ir_upstream *upstream)
{
    static const char *const balances[] = {[IR_ROUND_ROBIN] = "round_robin",
                                           [IR_LEAST_CONN] = "least_conn",
                                           [IR_RANDOM] = "random",
                                           [IR_HASH] = "hash",
                                           [IR_PEAK_EWMA] = "peak_ewma"};
    static const char *const froms[] = {[IR_KEY_IP] = "ip",
                                        [IR_KEY_HEADER] = "header ",
                                        [IR_KEY_COOKIE] = "cookie ",
                                        [IR_KEY_PATH_PARAM] = "path_param "};
    struct text out = {.pool = pool};
    if (upstream->balance == IR_ROUND_ROBIN && upstream->slow_start == 0)
        return STR("");
    text_add(&out, str_of(balances[upstream->balance]));
    if (upstream->balance == IR_HASH)
        text_printf(&out, " by %s%.*s", froms[upstream->hash_key.from],
                    STR_ARG(upstream->hash_key.name));
    if (upstream->slow_start > 0)
        text_printf(&out, ", slow_start %s", phrase_duration(pool, upstream->slow_start).at);
    return text_str(&out);
}

struct str phrase_health_check(struct pool *pool, const struct ir_upstream *upstream)
{
    static const char *const kinds[] = {
        [IR_CHECK_HTTP] = "http", [IR_CHECK_TCP] = "tcp", [IR_CHECK_GRPC] = "grpc"};
    const struct ir_health_check *check = &upstream->check;
    struct text out = {.pool = pool};
    if (!check->on)
        return STR("");
    text_add(&out, str_of(kinds[check->kind]));
    if (check->kind == IR_CHECK_HTTP)
        text_printf(&out, " %.*s", STR_ARG(check->path));
    if (check->host.len > 0)
        text_printf(&out, " of %.*s", STR_ARG(check->host));
    if (check->service.len > 0)
        text_printf(&out, " %.*s", STR_ARG(check->service));
    add_number(&out, " at port ", check->port, "");
    text_printf(&out, " every %s, timeout %s, sick after %llu, well after %llu",
                phrase_duration(pool, check->interval).at, phrase_duration(pool, check->timeout).at,
                (unsigned long long)check->unhealthy_threshold,
                (unsigned long long)check->healthy_threshold);
    if (check->statuses.count > 0)
        text_add(&out, STR(", statuses"));
    add_statuses(&out, &check->statuses);
    add_panic(&out, upstream);
    return text_str(&out);
}

struct str phrase_outlier(struct pool *pool, const struct ir_upstream *upstream)
{
    const struct ir_outlier *outlier = &upstream->outlier;
    struct text out = {.pool = pool};
    if (!outlier->on)
        return STR("");
    add_number(&out, "", outlier->consecutive_5xx, " failures in a row, ");
    if (outlier->max_fails > 0)
        text_printf(&out, "%llu within %s, ", (unsigned long long)outlier->max_fails,
                    phrase_duration(pool, outlier->fail_timeout).at);
    if (outlier->stdev_factor > 0)
        text_printf(&out, "%llu.%03llu deviations below %llu others of %llu requests in %s, ",
                    (unsigned long long)outlier->stdev_factor / 1000,
                    (unsigned long long)outlier->stdev_factor % 1000,
                    (unsigned long long)outlier->minimum_hosts,
                    (unsigned long long)outlier->request_volume,
                    phrase_duration(pool, outlier->interval).at);
    text_printf(&out, "ejected for %s to %s, at most %llu%%",
                phrase_duration(pool, outlier->base_ejection_time).at,
                phrase_duration(pool, outlier->max_ejection_time).at,
                (unsigned long long)outlier->max_ejection_percent);
    add_panic(&out, upstream);
    return text_str(&out);
}

struct str phrase_breaker(struct pool *pool, const struct ir_breaker *breaker)
{
    struct text out = {.pool = pool};
    if (!breaker->on)
        return STR("");
    add_number(&out, "max_connections ", breaker->max_connections, ", ");
    add_number(&out, "max_requests ", breaker->max_requests, ", ");
    if (breaker->max_pending_requests > 0)
        text_printf(&out, "max_pending_requests %llu for %s, ",
                    (unsigned long long)breaker->max_pending_requests,
                    phrase_duration(pool, breaker->pending_timeout).at);
    if (breaker->threshold > 0)
        text_printf(&out, "open for %s after %llu failures in %s, closed after %llu successes, ",
                    phrase_duration(pool, breaker->timeout).at,
                    (unsigned long long)breaker->threshold,
                    phrase_duration(pool, breaker->window_size).at,
                    (unsigned long long)breaker->half_open_requests);
    if (breaker->adaptive.on)
        text_printf(&out,
                    "adaptive from %llu to %llu, every %s by percentile %llu, tolerance "
                    "%llu%%, anew after %s, ",
                    (unsigned long long)breaker->adaptive.min_concurrency,
                    (unsigned long long)breaker->adaptive.max_concurrency,
                    phrase_duration(pool, breaker->adaptive.interval).at,
                    (unsigned long long)breaker->adaptive.percentile,
                    (unsigned long long)breaker->adaptive.tolerance,
                    phrase_duration(pool, breaker->adaptive.min_rtt_interval).at);
    return str_head(text_str(&out), out.len - 2);
}

struct str phrase_methods(struct pool *pool, uint32_t methods)
{
    static const char *const names[IR_METHOD_COUNT] = IR_METHODS;
    struct text out = {.pool = pool};
    for (size_t i = 0; i < IR_METHOD_COUNT; i++)
        if (methods >> i & 1)
            text_printf(&out, "%s%s", out.len > 0 ? " " : "", names[i]);
    return text_str(&out);
}

struct str phrase_grpc_statuses(struct pool *pool, uint32_t statuses)
{
    static const struct ir_grpc_status known[IR_GRPC_STATUS_COUNT] = IR_GRPC_STATUSES;
    struct text out = {.pool = pool};
    for (size_t i = 0; i < IR_GRPC_STATUS_COUNT; i++)
        if (statuses >> known[i].number & 1)
            text_printf(&out, "%s%s", out.len > 0 ? " " : "", known[i].word);
    return text_str(&out);
}

struct str phrase_retry(struct pool *pool, const struct ir_retry *retry)
{
    struct text out = {.pool = pool};
    if (!retry->said)
        return STR("");
    if (retry->attempts == 1)
        return STR("off");
    text_printf(&out, "%llu tries, on%s%s%s", (unsigned long long)retry->attempts,
                retry->on_connect_failure ? " connect_failure" : "",
                retry->on_reset ? " reset" : "", retry->on_timeout ? " timeout" : "");
    add_statuses(&out, &retry->statuses);
    if (retry->grpc_statuses != 0)
        text_printf(&out, " %.*s", STR_ARG(phrase_grpc_statuses(pool, retry->grpc_statuses)));
    text_printf(&out, ", of %.*s%s, backoff %s to %s%s",
                STR_ARG(phrase_methods(pool, retry->methods)),
                retry->idempotency_key ? " and with Idempotency-Key" : "",
                phrase_duration(pool, retry->base).at, phrase_duration(pool, retry->max).at,
                retry->jitter ? " with jitter" : "");
    if (retry->budget > 0)
        text_printf(&out, ", budget %llu%% or %llu", (unsigned long long)retry->budget,
                    (unsigned long long)retry->budget_min);
    if (retry->per_try_timeout > 0)
        text_printf(&out, ", per_try_timeout %s", phrase_duration(pool, retry->per_try_timeout).at);
    if (retry->hedge.on)
        text_printf(&out, ", hedge after %s up to %llu tries",
                    phrase_duration(pool, retry->hedge.delay).at,
                    (unsigned long long)retry->hedge.max_attempts);
    text_printf(&out, ", buffer %s", phrase_size(pool, retry->buffer).at);
    return text_str(&out);
}

struct str phrase_subset(struct pool *pool, const struct ir_upstream *upstream,
                         const struct ir_subset *subset)
{
    struct text out = {.pool = pool};

    text_printf(&out, "%.*s:%s", STR_ARG(subset->name), subset->targets ? "" : " all targets");
    for (size_t i = 0; upstream->discovery.kind != IR_FOUND_NOT && i < subset->labels.count; i++)
        text_printf(&out, " %.*s=%.*s", STR_ARG(subset->labels.at[i].name),
                    STR_ARG(subset->labels.at[i].value));
    for (size_t i = 0; i < upstream->targets.count; i++)
        if (subset->targets >> i & 1)
            text_printf(&out, " %.*s", STR_ARG(upstream->targets.at[i].url));
    return text_str(&out);
}

static void add_source(struct text *out, const struct gateway *gw,
                       const struct ir_discovery *discovery)
{
    switch (discovery->kind) {
    case IR_FOUND_NOT:
        return;
    case IR_FOUND_DNS:
        text_printf(out, "dns %.*s:%u", STR_ARG(discovery->name), discovery->port);
        return;
    case IR_FOUND_DNS_SRV:
        text_printf(out, "dns_srv %.*s", STR_ARG(discovery->name));
        return;
    case IR_FOUND_CONSUL:
        text_printf(out, "consul service %.*s%.*s by %.*s", STR_ARG(discovery->name),
                    STR_ARG(discovery->query), STR_ARG(gw->upstreams.at[discovery->registry].name));
        return;
    case IR_FOUND_FILE:
        text_printf(out, "file %.*s", STR_ARG(discovery->file));
        return;
    case IR_FOUND_EDS:
        text_printf(out, "eds %.*s of %.*s", STR_ARG(discovery->name), STR_ARG(discovery->file));
        return;
    }
}

struct str phrase_discovery(struct pool *pool, const struct gateway *gw,
                            const struct ir_discovery *discovery)
{
    struct text out = {.pool = pool};

    if (discovery->kind == IR_FOUND_NOT)
        return STR("");
    add_source(&out, gw, discovery);
    if (discovery->refresh > 0)
        text_printf(&out, ", refresh %s", phrase_duration(pool, discovery->refresh).at);
    if (discovery->max_age > 0)
        text_printf(&out, ", max_age %s", phrase_duration(pool, discovery->max_age).at);
    return text_str(&out);
}

struct str phrase_sticky(struct pool *pool, const struct ir_sticky *sticky)
{
    struct text out = {.pool = pool};

    if (!sticky->on)
        return STR("");
    text_printf(&out, "cookie %.*s, path %.*s", STR_ARG(sticky->cookie), STR_ARG(sticky->path));
    if (sticky->max_age > 0)
        text_printf(&out, ", max_age %s", phrase_duration(pool, sticky->max_age).at);
    if (sticky->secure != IR_SECURE_ON_HTTPS)
        text_add(&out, sticky->secure == IR_SECURE ? STR(", secure") : STR(", not secure"));
    return text_str(&out);
}

struct str phrase_mirror(struct pool *pool, const struct gateway *gw,
                         const struct ir_mirror *mirror)
{
    if (!mirror->on)
        return STR("");
    struct ir_weighted to = {.upstream = mirror->upstream, .subset = mirror->subset};
    return pool_printf(pool, "%.*s, %llu%%, max_requests %llu, buffer %s, timeout %s",
                       STR_ARG(phrase_choice(pool, gw, &to)), (unsigned long long)mirror->percent,
                       (unsigned long long)mirror->max_requests,
                       phrase_size(pool, mirror->buffer).at,
                       phrase_duration(pool, mirror->timeout).at);
}
