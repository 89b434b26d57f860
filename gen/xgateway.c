#include "xgateway.h"

#include <stddef.h>

#include "base/text.h"
#include "member.h"
#include "policy/acl.h"
#include "policy/adaptive_concurrency.h"
#include "policy/admin.h"
#include "policy/aws_sigv4.h"
#include "policy/basic.h"
#include "policy/circuit_breaker.h"
#include "policy/consumers.h"
#include "policy/correlation_id.h"
#include "policy/disabled.h"
#include "policy/discovery.h"
#include "policy/forwarded.h"
#include "policy/hash_key.h"
#include "policy/headers.h"
#include "policy/health_check.h"
#include "policy/ip_restriction.h"
#include "policy/jwt.h"
#include "policy/key_auth.h"
#include "policy/mirror.h"
#include "policy/outlier_detection.h"
#include "policy/proxy_protocol.h"
#include "policy/runtime.h"
#include "policy/sticky.h"
#include "policy/tls.h"
#include "policy/typed.h"
#include "policy/websocket.h"
#include "ref.h"

/* How the value of a key is read and where in the block it goes. */
struct reading {
    const struct policy_type *document; /* at the document; elsewhere too when `below` is set */
    const struct policy_type *below;    /* at the other levels */
    size_t offset;
    enum {
        TAKES_OFF = 1,  /* `false` switches it off */
        TAKES_TRUE = 2, /* `true` is the short form of its defaults */
    } takes;
};

#define AT(member) offsetof(struct xgateway_block, member)
#define WHOLE (TAKES_OFF | TAKES_TRUE)

static void read_name(struct policy_reader *r, const struct node *node, const void *raw,
                      size_t count, void *out)
{
    (void)raw;
    (void)count;
    setting_text(r->job, node, "name", out);
}

static void read_base_path(struct policy_reader *r, const struct node *node, const void *raw,
                           size_t count, void *out)
{
    (void)raw;
    (void)count;
    setting_text(r->job, node, "base_path", out);
}

static void read_reason(struct policy_reader *r, const struct node *node, const void *raw,
                        size_t count, void *out)
{
    (void)raw;
    (void)count;
    setting_text(r->job, node, "public_reason", out);
}

static void read_version(struct policy_reader *r, const struct node *node, const void *raw,
                         size_t count, void *out)
{
    uint64_t version;

    (void)raw;
    (void)count;
    (void)out;
    setting_number(r->job, node, "version", 1, 1, &version);
}

static void read_zone(struct policy_reader *r, const struct node *node, const void *raw,
                      size_t count, void *out)
{
    (void)raw;
    (void)count;
    setting_runtime(r->job, node, "zone", out);
}

static const cyaml_schema_value_t text_alone = POLICY_ALONE(TEXT);
static const cyaml_schema_value_t runtime_alone = POLICY_ALONE(RUNTIME);
static const cyaml_schema_value_t number_alone = POLICY_ALONE(NUMBER);

static const struct policy_type name_type = {"name", &text_alone, read_name};
static const struct policy_type base_path_type = {"base_path", &text_alone, read_base_path};
static const struct policy_type zone_type = {"zone", &runtime_alone, read_zone};
static const struct policy_type reason_type = {"public_reason", &text_alone, read_reason};
static const struct policy_type version_type = {"version", &number_alone, read_version};

static const struct reading readings[POLICY_COUNT] = {
    [POLICY_version] = {&version_type, NULL, 0, 0},
    [POLICY_name] = {&name_type, NULL, AT(name), 0},
    [POLICY_strict] = {&strict_type, NULL, AT(strict), 0},
    [POLICY_upstreams] = {&upstreams_type, NULL, AT(upstreams), 0},
    [POLICY_zone] = {&zone_type, NULL, AT(zone), 0},
    [POLICY_runtime] = {&runtime_type, NULL, AT(runtime), TAKES_OFF},
    [POLICY_drain] = {&drain_type, NULL, AT(drain), 0},
    [POLICY_status] = {&admin_status_type, NULL, AT(status), TAKES_OFF},
    [POLICY_admin] = {&admin_type, NULL, AT(admin), TAKES_OFF},
    [POLICY_listeners] = {&listeners_type, NULL, AT(listeners), 0},
    [POLICY_forwarded] = {&forwarded_type, NULL, AT(forwarded), TAKES_OFF},
    [POLICY_correlation_id] = {&correlation_id_type, &correlation_id_type, AT(correlation_id),
                               WHOLE},
    [POLICY_headers] = {&headers_type, NULL, AT(underscores), 0},
    [POLICY_limits] = {&limits_document_type, &limits_type, AT(limits), TAKES_OFF},
    [POLICY_ip_restriction] = {&ip_restriction_type, &ip_restriction_type, AT(ip_restriction),
                               TAKES_OFF},
    [POLICY_path] = {&path_document_type, &path_type, AT(path), 0},
    [POLICY_base_path] = {&base_path_type, NULL, AT(base_path), 0},
    [POLICY_hosts] = {&hosts_type, &hosts_type, AT(hosts), TAKES_OFF},
    [POLICY_match] = {&match_type, &match_type, AT(match), TAKES_OFF},
    [POLICY_internal] = {NULL, NULL, AT(internal), WHOLE},
    [POLICY_disabled] = {&disabled_type, &disabled_type, AT(disabled), WHOLE},
    [POLICY_maintenance] = {&maintenance_type, &maintenance_type, AT(maintenance), WHOLE},
    [POLICY_consumers] = {&consumers_type, NULL, AT(consumers), 0},
    [POLICY_consumers_file] = {&consumers_file_type, NULL, AT(consumers_file), 0},
    [POLICY_jwt] = {&jwt_type, NULL, AT(jwt), TAKES_OFF},
    [POLICY_introspection] = {&introspection_type, NULL, AT(introspection), TAKES_OFF},
    [POLICY_key_auth] = {&key_auth_type, NULL, AT(key_auth), TAKES_OFF},
    [POLICY_aws_sigv4] = {&aws_sigv4_type, NULL, AT(aws_sigv4), TAKES_OFF},
    [POLICY_basic] = {&basic_type, NULL, AT(basic), TAKES_OFF},
    [POLICY_forward_auth] = {&forward_auth_type, &forward_auth_type, AT(forward_auth), TAKES_OFF},
    [POLICY_acl] = {&acl_type, &acl_type, AT(acl), TAKES_OFF},
    [POLICY_redirect] = {&redirect_type, &redirect_type, AT(redirect), TAKES_OFF},
    [POLICY_passthrough] = {NULL, NULL, AT(passthrough), WHOLE},
    [POLICY_public_reason] = {&reason_type, &reason_type, AT(public_reason), TAKES_OFF},
    [POLICY_respond] = {&respond_type, &respond_type, AT(respond), TAKES_OFF},
    [POLICY_mock] = {&mock_type, &mock_type, AT(mock), WHOLE},
    [POLICY_upstream] = {&upstream_type, &upstream_type, AT(upstream), TAKES_OFF},
    [POLICY_route] = {&route_type, &route_type, AT(route), TAKES_OFF},
    [POLICY_rewrite] = {&rewrite_type, &rewrite_type, AT(rewrite), TAKES_OFF},
    [POLICY_websocket] = {&websocket_type, &websocket_type, AT(websocket), WHOLE},
    [POLICY_retry] = {&retry_type, &retry_type, AT(retry), TAKES_OFF},
    [POLICY_timeouts] = {&timeouts_type, &timeouts_type, AT(timeouts), TAKES_OFF},
    [POLICY_buffering] = {&buffering_type, &buffering_type, AT(buffering), TAKES_OFF},
    [POLICY_errors] = {&errors_type, &errors_type, AT(errors), TAKES_OFF},
    [POLICY_access_log] = {&access_log_type, &access_log_below_type, AT(access_log), WHOLE},
    [POLICY_log] = {&log_type, NULL, AT(log), 0},
};

/* ---- keys ---- */

/* Every table, to say where a misplaced key belongs. */
static const struct policy_type *const nested[] = {
    &upstreams_type,
    &upstreams_pool_type,
    &listeners_type,
    &listeners_keep_alive_type,
    &limits_listener_type,
    &timeouts_type,
    &limits_document_type,
    &errors_type,
    &errors_override_type,
    &access_log_type,
    &drain_type,
    &forwarded_type,
    &admin_type,
    &match_branch_type,
    &route_type,
    &rewrite_type,
    &redirect_type,
    &respond_type,
    &correlation_id_type,
    &path_document_type,
    &strict_type,
    &buffering_type,
    &headers_type,
    &log_type,
    &log_level_type,
    &maintenance_type,
    &disabled_type,
    &overridable_number_type,
    &upstream_type,
    &tls_listener_type,
    &tls_client_auth_type,
    &tls_upstream_type,
    &tls_endpoint_type,
    &listeners_hsts_type,
    &listeners_redirect_type,
    &listeners_http2_type,
    &websocket_type,
    &proxy_protocol_type,
    &proxy_protocol_out_type,
    &retry_type,
    &retry_backoff_type,
    &retry_budget_type,
    &retry_hedge_type,
    &hash_key_type,
    &sticky_type,
    &mirror_type,
    &consumers_type,
    &key_auth_type,
    &jwt_type,
    &jwt_jwks_type,
    &jwt_cache_type,
    &introspection_type,
    &aws_sigv4_type,
    &basic_type,
    &basic_cache_type,
    &forward_auth_type,
    &acl_type,
    &discovery_type,
    &discovery_consul_type,
    &discovery_eds_type,
    &health_check_type,
    &outlier_detection_type,
    &outlier_success_rate_type,
    &circuit_breaker_type,
    &adaptive_concurrency_type,
    &ip_restriction_type,
};

const struct policy_type *xgateway_nested(struct str place)
{
    for (size_t i = 0; i < sizeof nested / sizeof *nested; i++)
        if (str_eq(str_of(nested[i]->place), place))
            return nested[i];
    return NULL;
}

static const char *find_nested(struct pool *pool, struct str key)
{
    for (size_t i = 0; i < sizeof nested / sizeof *nested; i++) {
        struct str place;
        if (typed_has_key(pool, nested[i]->schema, str_of(nested[i]->place), key, &place))
            return pool_printf(pool, "'%.*s'", STR_ARG(place)).at;
    }
    return NULL;
}

/* Where a key belongs that stands inside some value. */
static const char *home_of(struct pool *pool, struct str key)
{
    const struct policy_row *row = policy_find(key);

    if (row != NULL)
        return pool_printf(pool, "the x-gateway of %s", policy_levels_name(row->levels)).at;
    return find_nested(pool, key);
}

static void misplaced(struct job *job, const struct member *m, const struct policy_row *row,
                      enum policy_level level)
{
    diag_error(&job->diags, m->key_loc, "wrong-level", "'%.*s' does not stand in %s but in %s",
               STR_SHORT(m->key), policy_level_name(level), policy_levels_name(row->levels));
}

/* A slip of the pen is likelier than a key that strayed from its place. */
static void unknown(struct job *job, const struct member *m, enum policy_level level)
{
    const char *home = find_nested(&job->pool, m->key);
    VEC(struct str) names = {0};

    for (size_t i = 0; i < POLICY_COUNT; i++)
        if (policy_rows[i].levels & level)
            *vec_add(&job->pool, &names) = policy_rows[i].key;
    struct str near = diag_suggest(&job->pool, m->key, names.at, names.count);
    if (near.len == 0 && home != NULL)
        diag_error(&job->diags, m->key_loc, "wrong-level",
                   "'%.*s' does not stand in the x-gateway of %s; it belongs in %s",
                   STR_SHORT(m->key), policy_level_name(level), home);
    else
        diag_error(&job->diags, m->key_loc, "unknown-key", "x-gateway has no key '%.*s'%.*s",
                   STR_SHORT(m->key), STR_ARG(near));
}

/* ---- values ---- */

static void bad_truth(struct job *job, const struct node *node, struct str key)
{
    struct str what = pool_copy(&job->pool, key);
    bool value;

    if (setting_truth(job, node, what.at, &value))
        diag_error(&job->diags, node->loc, "wrong-type", "'%s' cannot be %s", what.at,
                   value ? "true" : "false");
}

static void set_truth(struct xgateway_block *block, size_t offset)
{
    if (offset == AT(internal) || offset == AT(passthrough))
        *(bool *)((char *)block + offset) = true;
}

struct xgateway_shape xgateway_shape(enum policy policy, enum policy_level level)
{
    const struct reading *reading = &readings[policy];
    bool top = level == LEVEL_DOCUMENT || level == LEVEL_SCHEME;

    return (struct xgateway_shape){.type = top ? reading->document : reading->below,
                                   .takes_off = reading->takes & TAKES_OFF,
                                   .takes_true = reading->takes & TAKES_TRUE};
}

static enum xgateway_state read_value(struct typed *typed, struct xgateway_block *block,
                                      enum policy policy, struct node *node)
{
    const struct xgateway_shape shape = xgateway_shape(policy, block->level);
    const size_t offset = readings[policy].offset;
    struct job *job = typed->reader.job;

    if (node->kind == NODE_BOOL) {
        bool takes = node->truth ? shape.takes_true : shape.takes_off;
        if (!takes)
            bad_truth(job, node, policy_rows[policy].key);
        else if (node->truth)
            set_truth(block, offset);
        return !takes ? XGATEWAY_ABSENT : node->truth ? XGATEWAY_SAID : XGATEWAY_OFF;
    }
    if (node->kind == NODE_NULL) {
        diag_error(&job->diags, node->loc, "wrong-type", "'%s' has no value",
                   policy_rows[policy].key.at);
        return XGATEWAY_ABSENT;
    }
    if (shape.type == NULL) {
        bool value;
        setting_truth(job, node, pool_copy(&job->pool, policy_rows[policy].key).at, &value);
        return XGATEWAY_ABSENT;
    }
    return typed_load(typed, node, shape.type, (char *)block + offset) ? XGATEWAY_SAID
                                                                       : XGATEWAY_ABSENT;
}

static void read_key(struct typed *typed, struct xgateway_block *block, const struct member *m)
{
    struct job *job = typed->reader.job;
    const struct policy_row *row = policy_find(m->key);
    struct xgateway_key *key;
    enum policy policy;

    if (row == NULL) {
        unknown(job, m, block->level);
        return;
    }
    if (!(row->levels & block->level)) {
        misplaced(job, m, row, block->level);
        return;
    }
    policy = (enum policy)(row - policy_rows);
    if (policy == POLICY_any_method) /* an operation: openapi read it */
        return;
    key = &block->keys[policy];
    key->loc = m->key_loc;
    key->node = typed_follow(job, m->value);
    if (key->node == NULL)
        return;
    if (row->built)
        key->state = read_value(typed, block, policy, key->node);
    else if (setting_is_off(key->node))
        key->state = XGATEWAY_OFF;
    else
        diag_error(&job->diags, m->key_loc, "not-implemented", "'%.*s' is not built yet",
                   STR_SHORT(m->key));
}

struct xgateway_block *xgateway_read(struct job *job, struct node *node, enum policy_level level)
{
    struct xgateway_block *block = pool_new(&job->pool, struct xgateway_block);
    struct typed typed;

    block->level = level;
    block->strict = (struct strict){.explicit_security = STRICT_WARN,
                                    .unused_security = STRICT_WARN,
                                    .redundant_security = STRICT_WARN};
    block->correlation_id = (struct ir_correlation){
        .generator = IR_ID_UUID, .header_name = STR("X-Request-ID"), .echo = true};
    block->log.level = IR_LEVEL_INFO;
    block->path.value = (struct ir_path_rules){.normalize = true, .case_sensitive = true};
    block->maintenance.retry_after = 60000;
    node = typed_follow(job, node);
    if (node == NULL || !member_is(job, node, NODE_MAP, "x-gateway"))
        return block;
    typed_begin(&typed, job, home_of);
    for (size_t i = 0; i < node->member_count; i++)
        read_key(&typed, block, &node->members[i]);
    return block;
}

bool xgateway_load(struct job *job, struct node *node, const struct policy_type *type, void *out)
{
    struct typed typed;

    typed_begin(&typed, job, home_of);
    return typed_load(&typed, node, type, out);
}
