#include "view_resilience.h"

#include "phrase_resilience.h"
#include "view_parts.h"

static struct value *no(struct pool *pool)
{
    return value_flag(pool, false);
}

static struct value *number_or_false(struct pool *pool, uint64_t number)
{
    return number > 0 ? value_number(pool, (int64_t)number) : no(pool);
}

/* The constant NAME_statuses, or false. */
static struct value *statuses(struct pool *pool, struct str name, const ir_statuses *from)
{
    if (from->count == 0)
        return no(pool);
    struct value *map = value_map(pool), *list = value_list(pool);
    view_set_name(pool, map, "statuses_name", name);
    view_set_number(pool, map, "status_count", from->count);
    for (size_t i = 0; i < from->count; i++) {
        struct value *range = value_map(pool);
        view_set_number(pool, range, "first", from->at[i].first);
        view_set_number(pool, range, "last", from->at[i].last);
        value_add(pool, list, range);
    }
    value_set(pool, map, "ranges", list);
    return map;
}

/* ---- retry ---- */

static struct value *hedge(struct pool *pool, const struct ir_hedge *from)
{
    if (!from->on)
        return no(pool);
    struct value *map = value_map(pool);
    view_set_number(pool, map, "delay", from->delay);
    view_set_number(pool, map, "max_attempts", from->max_attempts);
    return map;
}

struct value *view_retry(struct pool *pool, struct str name, const struct ir_retry *retry)
{
    struct value *map = value_map(pool);
    view_set_name(pool, map, "retry_name", name);
    value_set(pool, map, "statuses",
              statuses(pool, pool_printf(pool, "%.*s_statuses", STR_ARG(name)), &retry->statuses));
    view_set_number(pool, map, "attempts", retry->attempts);
    view_set_flag(pool, map, "on_connect_failure", retry->on_connect_failure);
    view_set_flag(pool, map, "on_reset", retry->on_reset);
    view_set_flag(pool, map, "on_timeout", retry->on_timeout);
    view_set_text(pool, map, "grpc_names", phrase_grpc_statuses(pool, retry->grpc_statuses));
    value_set(pool, map, "grpc_statuses", number_or_false(pool, retry->grpc_statuses));
    view_set_text(pool, map, "method_names", phrase_methods(pool, retry->methods));
    value_set(pool, map, "methods", number_or_false(pool, retry->methods));
    view_set_flag(pool, map, "idempotency_key", retry->idempotency_key);
    value_set(pool, map, "base", number_or_false(pool, retry->base));
    value_set(pool, map, "max", number_or_false(pool, retry->max));
    view_set_flag(pool, map, "jitter", retry->jitter);
    value_set(pool, map, "budget", number_or_false(pool, retry->budget));
    value_set(pool, map, "budget_min", number_or_false(pool, retry->budget_min));
    value_set(pool, map, "per_try_timeout", number_or_false(pool, retry->per_try_timeout));
    value_set(pool, map, "buffer", number_or_false(pool, retry->buffer));
    value_set(pool, map, "hedge", hedge(pool, &retry->hedge));
    return map;
}

/* ---- upstreams ---- */

static struct value *check(struct pool *pool, const struct ir_upstream *upstream)
{
    static const char *const kinds[] = {[IR_CHECK_HTTP] = "GW_CHECK_HTTP",
                                        [IR_CHECK_TCP] = "GW_CHECK_TCP",
                                        [IR_CHECK_GRPC] = "GW_CHECK_GRPC"};
    const struct ir_health_check *from = &upstream->check;
    if (!from->on)
        return no(pool);
    struct value *map = value_map(pool);
    view_set_name(pool, map, "kind", str_of(kinds[from->kind]));
    value_set(pool, map, "statuses",
              statuses(pool, pool_printf(pool, "healthy_%.*s", STR_ARG(upstream->symbol)),
                       &from->statuses));
    value_set(pool, map, "path",
              from->kind == IR_CHECK_HTTP ? value_text(pool, from->path) : no(pool));
    value_set(pool, map, "host", value_text_or_false(pool, from->host));
    value_set(pool, map, "service", value_text_or_false(pool, from->service));
    value_set(pool, map, "port", number_or_false(pool, from->port));
    view_set_number(pool, map, "interval", from->interval);
    view_set_number(pool, map, "timeout", from->timeout);
    view_set_number(pool, map, "unhealthy_threshold", from->unhealthy_threshold);
    view_set_number(pool, map, "healthy_threshold", from->healthy_threshold);
    return map;
}

static struct value *outlier(struct pool *pool, const struct ir_outlier *from)
{
    if (!from->on)
        return no(pool);
    struct value *map = value_map(pool), *rate = no(pool);
    value_set(pool, map, "consecutive_5xx", number_or_false(pool, from->consecutive_5xx));
    value_set(pool, map, "max_fails", number_or_false(pool, from->max_fails));
    view_set_number(pool, map, "fail_timeout", from->fail_timeout);
    view_set_number(pool, map, "interval", from->interval);
    if (from->stdev_factor > 0) {
        rate = value_map(pool);
        view_set_number(pool, rate, "minimum_hosts", from->minimum_hosts);
        view_set_number(pool, rate, "request_volume", from->request_volume);
        view_set_number(pool, rate, "stdev_factor", from->stdev_factor);
    }
    value_set(pool, map, "success_rate", rate);
    view_set_number(pool, map, "base_ejection_time", from->base_ejection_time);
    view_set_number(pool, map, "max_ejection_time", from->max_ejection_time);
    view_set_number(pool, map, "max_ejection_percent", from->max_ejection_percent);
    return map;
}

static struct value *adaptive(struct pool *pool, const struct ir_adaptive *from)
{
    static const uint64_t usual = 20;
    if (!from->on)
        return no(pool);
    struct value *map = value_map(pool);
    uint64_t first = usual < from->min_concurrency   ? from->min_concurrency
                     : usual > from->max_concurrency ? from->max_concurrency
                                                     : usual;
    view_set_number(pool, map, "min_concurrency", from->min_concurrency);
    view_set_number(pool, map, "max_concurrency", from->max_concurrency);
    view_set_number(pool, map, "first", first);
    view_set_number(pool, map, "interval", from->interval);
    view_set_number(pool, map, "min_rtt_interval", from->min_rtt_interval);
    view_set_number(pool, map, "percentile", from->percentile);
    view_set_number(pool, map, "tolerance", from->tolerance);
    return map;
}

static struct value *breaker(struct pool *pool, const struct ir_breaker *from)
{
    if (!from->on)
        return no(pool);
    struct value *map = value_map(pool), *circuit = no(pool);
    value_set(pool, map, "max_connections", number_or_false(pool, from->max_connections));
    value_set(pool, map, "max_requests", number_or_false(pool, from->max_requests));
    value_set(pool, map, "max_pending_requests", number_or_false(pool, from->max_pending_requests));
    view_set_number(pool, map, "pending_timeout", from->pending_timeout);
    if (from->threshold > 0) {
        circuit = value_map(pool);
        view_set_number(pool, circuit, "threshold", from->threshold);
        view_set_number(pool, circuit, "window_size", from->window_size);
        view_set_number(pool, circuit, "timeout", from->timeout);
        view_set_number(pool, circuit, "half_open_requests", from->half_open_requests);
    }
    value_set(pool, map, "circuit", circuit);
    value_set(pool, map, "adaptive", adaptive(pool, &from->adaptive));
    return map;
}

static struct value *hash_key(struct pool *pool, const struct ir_upstream *upstream)
{
    static const char *const froms[] = {[IR_KEY_IP] = "GW_HASH_IP",
                                        [IR_KEY_HEADER] = "GW_HASH_HEADER",
                                        [IR_KEY_COOKIE] = "GW_HASH_COOKIE",
                                        [IR_KEY_PATH_PARAM] = "GW_HASH_PARAM"};
    if (upstream->balance != IR_HASH)
        return no(pool);
    struct value *map = value_map(pool);
    view_set_name(pool, map, "from", str_of(froms[upstream->hash_key.from]));
    value_set(pool, map, "key_name", value_text_or_false(pool, upstream->hash_key.name));
    return map;
}

struct value *view_subset(struct pool *pool, const struct ir_subset *subset)
{
    return number_or_false(pool, ir_subset_targets(subset));
}

static struct value *labels(struct pool *pool, const ir_labels *from)
{
    struct value *list = value_list(pool);
    for (size_t i = 0; i < from->count; i++) {
        struct value *map = value_map(pool);
        view_set_text(pool, map, "label", from->at[i].name);
        view_set_text(pool, map, "value", from->at[i].value);
        value_add(pool, list, map);
    }
    return list;
}

static struct value *found_subsets(struct pool *pool, const struct ir_upstream *upstream)
{
    struct value *list = value_list(pool);
    for (size_t i = 0; i < upstream->subsets.count; i++) {
        struct value *map = value_map(pool);
        view_set_number(pool, map, "number", i);
        view_set_text(pool, map, "subset_name", upstream->subsets.at[i].name);
        value_set(pool, map, "labels", labels(pool, &upstream->subsets.at[i].labels));
        view_set_number(pool, map, "label_count", upstream->subsets.at[i].labels.count);
        value_add(pool, list, map);
    }
    return list;
}

struct value *view_discovery(struct pool *pool, const struct gateway *gw,
                             const struct ir_upstream *upstream)
{
    static const char *const words[] = {[IR_FOUND_DNS] = "dns",
                                        [IR_FOUND_DNS_SRV] = "dns_srv",
                                        [IR_FOUND_CONSUL] = "consul",
                                        [IR_FOUND_FILE] = "file",
                                        [IR_FOUND_EDS] = "eds"};
    const struct ir_discovery *from = &upstream->discovery;
    if (from->kind == IR_FOUND_NOT)
        return no(pool);
    struct value *map = value_map(pool);
    view_set_name(pool, map, "by", str_of(words[from->kind]));
    value_set(pool, map, "service", value_text_or_false(pool, from->name));
    value_set(pool, map, "file", value_text_or_false(pool, from->file));
    value_set(pool, map, "port", number_or_false(pool, from->port));
    view_set_flag(pool, map, "is_https", upstream->tls.on);
    value_set(pool, map, "refresh", number_or_false(pool, from->refresh));
    value_set(pool, map, "max_age", number_or_false(pool, from->max_age / 1000));
    value_set(pool, map, "registry",
              from->kind == IR_FOUND_CONSUL
                  ? value_name(pool, gw->upstreams.at[from->registry].symbol)
                  : no(pool));
    value_set(pool, map, "query", value_text_or_false(pool, from->query));
    value_set(pool, map, "token",
              from->token.kind != IR_TEXT_NONE ? view_text(pool, &from->token) : no(pool));
    view_set_flag(pool, map, "has_subsets", upstream->subsets.count > 0);
    view_set_number(pool, map, "subset_count", upstream->subsets.count);
    value_set(pool, map, "subsets", found_subsets(pool, upstream));
    return map;
}

bool view_uses_yaml(const struct gateway *gw)
{
    for (size_t i = 0; i < gw->upstreams.count; i++)
        if (gw->upstreams.at[i].discovery.kind == IR_FOUND_FILE ||
            gw->upstreams.at[i].discovery.kind == IR_FOUND_EDS)
            return true;
    return gw->runtime.values.count > 0;
}

static struct str attributes(struct pool *pool, const struct ir_sticky *sticky)
{
    struct text out = {.pool = pool};
    text_printf(&out, "; Path=%.*s", STR_ARG(sticky->path));
    if (sticky->max_age > 0)
        text_printf(&out, "; Max-Age=%llu", (unsigned long long)sticky->max_age / 1000);
    text_add(&out, STR("; HttpOnly; SameSite=Lax"));
    if (sticky->secure == IR_SECURE)
        text_add(&out, STR("; Secure"));
    return text_str(&out);
}

struct value *view_sticky(struct pool *pool, const struct ir_sticky *sticky, bool target)
{
    if (!sticky->on)
        return no(pool);
    struct value *map = value_map(pool);
    view_set_flag(pool, map, "target", target);
    view_set_text(pool, map, "cookie", sticky->cookie);
    view_set_text(pool, map, "attributes", attributes(pool, sticky));
    view_set_flag(pool, map, "secure_on_https", sticky->secure == IR_SECURE_ON_HTTPS);
    return map;
}

void view_set_resilience(struct pool *pool, struct value *map, const struct ir_upstream *upstream)
{
    static const char *const balances[] = {[IR_ROUND_ROBIN] = NULL,
                                           [IR_LEAST_CONN] = "balance_least_conn",
                                           [IR_RANDOM] = "balance_random",
                                           [IR_HASH] = "balance_hash",
                                           [IR_PEAK_EWMA] = "balance_peak_ewma"};
    const char *balance = balances[upstream->balance];
    bool judges = upstream->check.on || upstream->outlier.on;
    value_set(pool, map, "balance", balance ? value_name(pool, str_of(balance)) : no(pool));
    view_set_flag(pool, map, "observes", upstream->balance == IR_PEAK_EWMA);
    value_set(pool, map, "hash_key", hash_key(pool, upstream));
    value_set(pool, map, "sticky", view_sticky(pool, &upstream->sticky, true));
    value_set(pool, map, "slow_start", number_or_false(pool, upstream->slow_start));
    value_set(pool, map, "panic_threshold",
              number_or_false(pool, judges ? upstream->panic_threshold : 0));
    value_set(pool, map, "check", check(pool, upstream));
    value_set(pool, map, "outlier", outlier(pool, &upstream->outlier));
    value_set(pool, map, "breaker", breaker(pool, &upstream->breaker));
    struct str retry = pool_printf(pool, "retry_of_%.*s", STR_ARG(upstream->symbol));
    value_set(pool, map, "retry",
              upstream->retry.said ? view_retry(pool, retry, &upstream->retry) : no(pool));
}

struct value *view_endpoint(struct pool *pool, const struct gateway *gw, struct str name,
                            const struct ir_asked *asked)
{
    struct value *map = value_map(pool);
    struct str retry = pool_printf(pool, "retry_%.*s", STR_ARG(name));

    view_set_name(pool, map, "endpoint_name", name);
    view_set_name(pool, map, "backend", gw->upstreams.at[asked->upstream].symbol);
    view_set_text(pool, map, "path", asked->path);
    value_set(pool, map, "retry",
              asked->retry.said && asked->retry.attempts > 1
                  ? view_retry(pool, retry, &asked->retry)
                  : no(pool));
    return map;
}
