#include "policy/upstreams.h"

#include "member.h"
#include "policy/adaptive_concurrency.h"
#include "policy/circuit_breaker.h"
#include "policy/discovery.h"
#include "policy/hash_key.h"
#include "policy/health_check.h"
#include "policy/outlier_detection.h"
#include "policy/sticky.h"
#include "policy/tls.h"
#include "policy/type.h"

enum {
    POOL_MAX = 10000,
    STREAMS_DEFAULT = 100,
    WEIGHT_MAX = 65535,
    PRIORITY_MAX = 65535,
    PANIC_DEFAULT = 50,
    ADAPTIVE_PENDING = 100,
    SUBSET_TARGETS = 63, /* a mask of them is a positive number in generated code */
};

struct raw_pool {
    char *max_idle, *idle_timeout, *max_streams;
};

static const cyaml_schema_field_t pool_fields[] = {
    POLICY_CELL(struct raw_pool, max_idle, NUMBER),
    POLICY_CELL(struct raw_pool, idle_timeout, DURATION),
    POLICY_CELL(struct raw_pool, max_streams, NUMBER),
    CYAML_FIELD_END,
};
static const cyaml_schema_value_t pool_schema = POLICY_MAPPING(struct raw_pool, pool_fields);

struct raw_target {
    char *url, *weight, *priority, *zone, *labels;
};

static const cyaml_schema_field_t target_fields[] = {
    POLICY_NEEDED(struct raw_target, url, TEXT),
    POLICY_CELL(struct raw_target, weight, NUMBER),
    POLICY_CELL(struct raw_target, labels, LABELS),
    POLICY_CELL(struct raw_target, priority, NUMBER),
    POLICY_CELL(struct raw_target, zone, TEXT),
    CYAML_FIELD_END,
};
static const cyaml_schema_value_t target_schema = POLICY_ENTRY(struct raw_target, target_fields);

struct raw_subset {
    char *key, *labels;
};

static const cyaml_schema_field_t subset_fields[] = {
    POLICY_KEY(struct raw_subset, key),
    POLICY_NEEDED(struct raw_subset, labels, LABELS),
    CYAML_FIELD_END,
};
static const cyaml_schema_value_t subset_schema = POLICY_ENTRY(struct raw_subset, subset_fields);

static const cyaml_strval_t protocols[] = {
    {"http1", 1 + IR_HTTP1}, {"h2", 1 + IR_H2}, {"grpc", 1 + IR_GRPC}};

struct raw {
    char *key;
    struct raw_target *targets;
    uint32_t targets_count;
    struct raw_subset *subsets;
    uint32_t subsets_count;
    int balance, protocol;
    char *host_header, *pool, *timeouts, *tls, *proxy_protocol, *retry, *hash_key, *slow_start,
        *panic_threshold, *discovery, *sticky, *mirror, *health_check, *outlier_detection,
        *circuit_breaker, *adaptive_concurrency;
};

static const cyaml_strval_t balances[] = {
    {"round_robin", 1 + IR_ROUND_ROBIN}, {"least_conn", 1 + IR_LEAST_CONN},
    {"random", 1 + IR_RANDOM},           {"hash", 1 + IR_HASH},
    {"peak_ewma", 1 + IR_PEAK_EWMA},
};

static const cyaml_schema_field_t fields[] = {
    POLICY_KEY(struct raw, key),
    POLICY_LIST(struct raw, targets, &target_schema),
    POLICY_CHOICE(struct raw, balance, balances),
    POLICY_CELL(struct raw, host_header, TEXT),
    POLICY_CELL(struct raw, pool, TYPED_OR_OFF),
    POLICY_CELL(struct raw, timeouts, TYPED_OR_OFF),
    POLICY_CELL(struct raw, proxy_protocol, TYPED_OR_OFF),
    POLICY_CELL(struct raw, tls, TYPED),
    POLICY_LATER("type"),
    POLICY_CHOICE(struct raw, protocol, protocols),
    POLICY_CELL(struct raw, discovery, TYPED),
    POLICY_CELL(struct raw, sticky, TYPED_OR_OFF),
    POLICY_LIST(struct raw, subsets, &subset_schema),
    POLICY_CELL(struct raw, retry, TYPED_OR_OFF),
    POLICY_CELL(struct raw, health_check, TYPED_OR_OFF),
    POLICY_CELL(struct raw, outlier_detection, TYPED_OR_TRUTH),
    POLICY_CELL(struct raw, circuit_breaker, TYPED_OR_OFF),
    POLICY_CELL(struct raw, panic_threshold, NUMBER),
    POLICY_CELL(struct raw, slow_start, DURATION_OR_OFF),
    POLICY_CELL(struct raw, hash_key, TYPED),
    POLICY_CELL(struct raw, adaptive_concurrency, TYPED_OR_TRUTH),
    POLICY_CELL(struct raw, mirror, TYPED_OR_OFF),
    POLICY_LATER("auth"),
    POLICY_LATER("function"),
    CYAML_FIELD_END,
};
static const cyaml_schema_value_t entry_schema = POLICY_ENTRY(struct raw, fields);
static const cyaml_schema_value_t schema = POLICY_SEQUENCE(struct raw, &entry_schema);

static void read_pool(struct policy_reader *r, const struct node *node, const void *from,
                      size_t count, void *out)
{
    const struct raw_pool *raw = from;
    struct ir_upstream *u = out;
    struct node *cell;
    uint64_t idle;

    (void)node;
    (void)count;
    if ((cell = policy_cell(r, raw->max_idle)) != NULL &&
        setting_number(r->job, cell, "max_idle", 0, POOL_MAX, &idle))
        u->pool_max_idle = (uint32_t)idle;
    if ((cell = policy_cell(r, raw->max_streams)) != NULL &&
        setting_number(r->job, cell, "max_streams", 1, POOL_MAX, &idle))
        u->max_streams = (uint32_t)idle;
    if ((cell = policy_cell(r, raw->idle_timeout)) != NULL)
        setting_duration(r->job, cell, "idle_timeout", &u->pool_idle_timeout);
}

const struct policy_type upstreams_pool_type = {"upstreams.*.pool", &pool_schema, read_pool};

/* ---- targets, and subsets of them ---- */

/* Maps of names and values, both of them text. */
static void read_labels(struct policy_reader *r, const struct node *node, ir_labels *labels)
{
    if (node == NULL)
        return;
    if (node->kind != NODE_MAP || node->member_count == 0) {
        diag_error(&r->job->diags, node->loc, "wrong-type",
                   "'labels' must be a map of names and values");
        return;
    }
    for (size_t i = 0; i < node->member_count; i++) {
        const struct member *m = &node->members[i];
        struct said value;

        if (setting_text(r->job, m->value, "labels", &value))
            *vec_add(&r->job->pool, labels) = (struct ir_label){m->key, value.text};
    }
}

static bool has_label(const ir_labels *labels, const struct ir_label *label)
{
    for (size_t i = 0; i < labels->count; i++)
        if (str_eq(labels->at[i].name, label->name) && str_eq(labels->at[i].value, label->value))
            return true;
    return false;
}

static bool is_in(const struct ir_subset *subset, const struct ir_target *target)
{
    for (size_t i = 0; i < subset->labels.count; i++)
        if (!has_label(&target->labels, &subset->labels.at[i]))
            return false;
    return true;
}

static void check_subset_name(struct policy_reader *r, const struct node *key)
{
    if (key->text.len == 0 || memchr(key->text.at, ':', key->text.len) != NULL)
        diag_error(&r->job->diags, key->loc, "bad-name",
                   "'%.*s' cannot name a subset: it must not be empty or hold ':'",
                   STR_SHORT(key->text));
}

static void read_subset(struct policy_reader *r, const struct raw_subset *raw, bool all_targets,
                        struct ir_upstream *u)
{
    struct node *labels = policy_cell(r, raw->labels);
    const struct node *key = policy_cell(r, raw->key);
    struct ir_subset subset = {.name = key->text, .loc = key->loc};

    check_subset_name(r, key);
    read_labels(r, labels, &subset.labels);
    for (size_t i = 0; i < u->targets.count && i < SUBSET_TARGETS; i++)
        if (is_in(&subset, &u->targets.at[i]))
            subset.targets |= UINT64_C(1) << i;
    if (u->discovery.kind != IR_FOUND_NOT && u->subsets.count < SUBSET_TARGETS)
        subset.targets = UINT64_C(1) << u->subsets.count;
    if (subset.targets == 0 && all_targets && subset.labels.count > 0)
        diag_error(&r->job->diags, key->loc, "empty-subset",
                   "no target of upstream '%.*s' has all labels of the subset '%.*s'",
                   STR_SHORT(u->name), STR_SHORT(subset.name));
    *vec_add(&r->job->pool, &u->subsets) = subset;
}

static void read_subsets(struct policy_reader *r, const struct raw *raw, struct ir_upstream *u)
{
    if (raw->subsets_count > 0 && u->targets.count > SUBSET_TARGETS)
        diag_error(&r->job->diags, u->loc, "bad-value",
                   "an upstream with 'subsets' can have %d targets, not %zu", SUBSET_TARGETS,
                   u->targets.count);
    if (u->discovery.kind != IR_FOUND_NOT && raw->subsets_count > SUBSET_TARGETS)
        diag_error(&r->job->diags, u->loc, "bad-value",
                   "an upstream with 'discovery' can have %d subsets, not %u", SUBSET_TARGETS,
                   raw->subsets_count);
    if (raw->subsets_count > 0 &&
        (u->discovery.kind == IR_FOUND_DNS || u->discovery.kind == IR_FOUND_DNS_SRV))
        diag_error(&r->job->diags, u->loc, "contradiction",
                   "upstream '%.*s': records of DNS have no labels, so that no target could be in "
                   "a subset",
                   STR_SHORT(u->name));
    for (uint32_t i = 0; i < raw->subsets_count; i++)
        read_subset(r, &raw->subsets[i], u->targets.count == raw->targets_count, u);
}

static void read_target(struct policy_reader *r, const struct raw_target *raw,
                        struct ir_upstream *u)
{
    struct ir_target target = {0};
    struct node *weight = policy_cell(r, raw->weight), *priority = policy_cell(r, raw->priority);
    const struct node *zone = policy_cell(r, raw->zone);
    struct said url, text;
    uint64_t number;

    if (!setting_text(r->job, policy_cell(r, raw->url), "url", &url) ||
        !setting_target(r->job, url, &target))
        return;
    if (weight != NULL && setting_number(r->job, weight, "weight", 0, WEIGHT_MAX, &number))
        target.weight = (uint32_t)number;
    if (priority != NULL && setting_number(r->job, priority, "priority", 0, PRIORITY_MAX, &number))
        target.priority = (uint32_t)number;
    if (zone != NULL && setting_text(r->job, zone, "zone", &text))
        target.zone = text.text;
    read_labels(r, policy_cell(r, raw->labels), &target.labels);
    *vec_add(&r->job->pool, &u->targets) = target;
}

static void read_host_header(struct policy_reader *r, const struct node *node,
                             struct ir_upstream *u)
{
    struct said text;

    if (node == NULL || !setting_text(r->job, node, "host_header", &text))
        return;
    if (str_eq(text.text, STR("target"))) {
        u->host_header = IR_HOST_TARGET;
    } else if (str_eq(text.text, STR("preserve"))) {
        u->host_header = IR_HOST_PRESERVE;
    } else if (text.text.len == 0 || memchr(text.text.at, ' ', text.text.len) != NULL) {
        diag_error(&r->job->diags, text.loc, "bad-host",
                   "'host_header' must be target, preserve or a host name");
    } else if (setting_header_value(r->job, text)) {
        u->host_header = IR_HOST_LITERAL;
        u->host_literal = text.text;
    }
}

/* Nothing is left of `targets`, but something was said: bad targets, discovery, or a source that is not built yet. */
static bool names_a_source(const struct node *upstreams, struct str name)
{
    const struct member *m = node_member(upstreams, name);
    const struct node *targets = m ? node_get(m->value, "targets") : NULL;

    return m != NULL &&
           (node_get(m->value, "discovery") || node_get(m->value, "function") ||
            (targets != NULL && (targets->kind != NODE_LIST || targets->item_count > 0)));
}

static void read_pool_of(struct policy_reader *r, struct node *pool, struct ir_upstream *u)
{
    if (pool == NULL) {
        u->max_streams = STREAMS_DEFAULT;
        return;
    }
    if (setting_is_off(pool))
        u->pool_max_idle = 0;
    else
        r->load(r, pool, &upstreams_pool_type, u);
    if (setting_is_off(pool) && u->protocol != IR_HTTP1)
        diag_error(&r->job->diags, pool->loc, "contradiction",
                   "requests of HTTP/2 share connections: there is no 'pool: false'");
    if (u->max_streams > 0 && u->protocol == IR_HTTP1)
        diag_error(&r->job->diags, pool->loc, "contradiction",
                   "'max_streams' is for HTTP/2: say 'protocol: h2' or 'protocol: grpc'");
    if (u->max_streams == 0)
        u->max_streams = STREAMS_DEFAULT;
}

static void read_balance(struct policy_reader *r, const struct raw *raw, struct ir_upstream *u)
{
    struct node *key = policy_cell(r, raw->hash_key), *cell = policy_cell(r, raw->slow_start);
    struct node *sticky = policy_cell(r, raw->sticky);
    struct setting slow_start = {0};

    if (raw->balance)
        u->balance = (enum ir_balance)(raw->balance - 1);
    if (key != NULL)
        r->load(r, key, &hash_key_type, &u->hash_key);
    if (key != NULL && u->balance != IR_HASH)
        diag_error(&r->job->diags, key->loc, "contradiction", "'hash_key' is for 'balance: hash'");
    if (sticky != NULL && !setting_is_off(sticky))
        r->load(r, sticky, &sticky_type, &u->sticky);
    if (u->sticky.on && u->balance == IR_HASH)
        diag_error(&r->job->diags, u->sticky.loc, "contradiction",
                   "'balance: hash' keeps clients where they are by itself: there is no 'sticky'");
    setting_read_duration(r->job, cell, "slow_start", &slow_start);
    u->slow_start = slow_start.value;
}

/* A limit that moves is a limit of the breaker, and a few may wait until it has moved. */
static void read_adaptive(struct policy_reader *r, struct node *node, struct ir_upstream *u)
{
    struct ir_breaker *breaker = &u->breaker;

    if (node == NULL || setting_is_off(node))
        return;
    if (!breaker->on)
        *breaker = (struct ir_breaker){.on = true, .pending_timeout = 5000, .loc = node->loc};
    if (node->kind == NODE_BOOL)
        breaker->adaptive = adaptive_concurrency_on(node->loc);
    else
        r->load(r, node, &adaptive_concurrency_type, &breaker->adaptive);
    if (breaker->max_pending_requests == 0)
        breaker->max_pending_requests = ADAPTIVE_PENDING;
}

static void read_failing(struct policy_reader *r, const struct raw *raw, struct ir_upstream *u)
{
    struct node *check = policy_cell(r, raw->health_check);
    struct node *outlier = policy_cell(r, raw->outlier_detection);
    struct node *breaker = policy_cell(r, raw->circuit_breaker);
    struct node *panic = policy_cell(r, raw->panic_threshold);

    if (check != NULL && !setting_is_off(check))
        r->load(r, check, &health_check_type, &u->check);
    if (outlier != NULL && outlier->kind == NODE_BOOL && outlier->truth)
        u->outlier = outlier_detection_on(outlier->loc);
    else if (outlier != NULL && !setting_is_off(outlier))
        r->load(r, outlier, &outlier_detection_type, &u->outlier);
    if (breaker != NULL && !setting_is_off(breaker))
        r->load(r, breaker, &circuit_breaker_type, &u->breaker);
    read_adaptive(r, policy_cell(r, raw->adaptive_concurrency), u);
    u->panic_threshold = PANIC_DEFAULT;
    if (panic != NULL)
        setting_number(r->job, panic, "panic_threshold", 0, 100, &u->panic_threshold);
    if (panic != NULL && !u->check.on && !u->outlier.on)
        diag_error(&r->job->diags, panic->loc, "contradiction",
                   "'panic_threshold' needs 'health_check' or 'outlier_detection'");
    if (u->check.on && u->check.kind == IR_CHECK_GRPC && u->protocol == IR_HTTP1)
        diag_error(&r->job->diags, u->check.loc, "contradiction",
                   "a health check of type grpc needs 'protocol: grpc' or 'protocol: h2'");
}

static void read_discovery_of(struct policy_reader *r, const struct raw *raw,
                              struct upstreams_one *one)
{
    struct node *discovery = policy_cell(r, raw->discovery);

    if (discovery == NULL)
        return;
    if (raw->targets_count > 0)
        diag_error(&r->job->diags, discovery->loc, "contradiction",
                   "'discovery' finds the targets: there is no 'targets' beside it");
    r->load(r, discovery, &discovery_type, &one->discovery);
    one->value.discovery = one->discovery.value;
    if (one->value.discovery.kind == IR_FOUND_EDS && one->value.discovery.name.len == 0)
        one->value.discovery.name = one->value.name;
}

static void read_upstreams(struct policy_reader *r, const struct node *node, const void *from,
                           size_t count, void *out)
{
    const struct raw *raw = from;
    struct upstreams *upstreams = out;

    for (size_t i = 0; i < count; i++) {
        struct upstreams_one *one = vec_add(&r->job->pool, &upstreams->list);
        const struct node *key = policy_cell(r, raw[i].key);
        struct node *pool = policy_cell(r, raw[i].pool), *mirror;

        one->value = (struct ir_upstream){
            .name = key->text, .loc = key->loc, .pool_max_idle = 1024, .pool_idle_timeout = 60000};
        if (raw[i].protocol)
            one->value.protocol = raw[i].protocol - 1;
        if (key->text.len == 0 || key->text.at[0] == '$' ||
            memchr(key->text.at, ':', key->text.len) != NULL)
            diag_error(
                &r->job->diags, key->loc, "bad-name",
                "'%.*s' cannot name an upstream: it must not be empty, begin with '$' or hold ':'",
                STR_SHORT(key->text));
        for (uint32_t j = 0; j < raw[i].targets_count; j++)
            read_target(r, &raw[i].targets[j], &one->value);
        if (raw[i].targets_count == 0 && !names_a_source(node, key->text))
            diag_error(&r->job->diags, key->loc, "missing-key", "upstream '%.*s' needs 'targets'",
                       STR_SHORT(key->text));
        read_discovery_of(r, &raw[i], one);
        read_subsets(r, &raw[i], &one->value);
        read_host_header(r, policy_cell(r, raw[i].host_header), &one->value);
        read_pool_of(r, pool, &one->value);
        if (policy_cell(r, raw[i].tls) != NULL)
            r->load(r, policy_cell(r, raw[i].tls), &tls_upstream_type, &one->value.tls);
        read_balance(r, &raw[i], &one->value);
        read_failing(r, &raw[i], &one->value);
        one->timeouts = policy_cell(r, raw[i].timeouts);
        one->retry = policy_cell(r, raw[i].retry);
        mirror = policy_cell(r, raw[i].mirror);
        if (mirror != NULL && !setting_is_off(mirror))
            r->load(r, mirror, &mirror_type, &one->mirror);
        one->proxy_protocol = policy_cell(r, raw[i].proxy_protocol);
        if (one->proxy_protocol != NULL && !setting_is_off(one->proxy_protocol) && pool != NULL &&
            !setting_is_off(pool))
            diag_error(&r->job->diags, pool->loc, "contradiction",
                       "connections with a PROXY header serve one request: there is no 'pool'");
    }
}

const struct policy_type upstreams_type = {"upstreams.*", &schema, read_upstreams};
