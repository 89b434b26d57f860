#include "base/ip.h"
#include "name.h"
#include "phrase.h"
#include "phrase_resilience.h"
#include "view_flow.h"
#include "view_forward_auth.h"
#include "view_ip_restriction.h"
#include "view_jwt.h"
#include "view_parts.h"
#include "view_resilience.h"
#include "view_security.h"
#include "view_sigv4.h"
#include "view_tables.h"
#include "view_tls.h"

/* ---- upstreams ---- */

static struct value *targets(struct pool *pool, const struct ir_upstream *upstream)
{
    struct value *list = value_list(pool);
    for (size_t i = 0; i < upstream->targets.count; i++) {
        const struct ir_target *target = &upstream->targets.at[i];
        struct value *map = value_map(pool);
        view_set_text(pool, map, "url", target->url);
        view_set_text(pool, map, "host", target->host);
        view_set_text(pool, map, "authority", target->authority);
        view_set_text(pool, map, "path", target->path);
        view_set_number(pool, map, "port", target->port);
        view_set_number(pool, map, "weight", target->weight);
        value_set(pool, map, "priority",
                  target->priority > 0 ? value_number(pool, target->priority)
                                       : value_flag(pool, false));
        value_set(pool, map, "zone", value_text_or_false(pool, target->zone));
        view_set_flag(pool, map, "is_unix", target->is_unix);
        value_add(pool, list, map);
    }
    return list;
}

/* True when some flow sends there without a rewrite: then to_NAME is emitted. */
static bool has_plain_user(const struct gateway *gw, size_t upstream)
{
    for (size_t i = 0; i < gw->operations.count; i++) {
        const struct ir_operation *op = &gw->operations.at[i];
        if (op->disabled || op->maintenance)
            continue;
        if (op->action == IR_FORWARD && view_forward_is_plain(gw, op, &op->forward) &&
            op->forward.choices.at[0].upstream == upstream)
            return true;
        for (size_t b = 0; op->action == IR_ROUTE && b < op->branches.count; b++) {
            const struct ir_forward *forward = &op->branches.at[b].forward;
            if (view_forward_is_plain(gw, op, forward) &&
                forward->choices.at[0].upstream == upstream)
                return true;
        }
    }
    return false;
}

static struct value *mirror(struct pool *pool, const struct gateway *gw,
                            const struct ir_mirror *from)
{
    if (!from->on)
        return value_flag(pool, false);
    struct value *map = value_map(pool);
    view_set_name(pool, map, "to", gw->upstreams.at[from->upstream].symbol);
    value_set(pool, map, "subset", view_subset(pool, from->subset));
    view_set_number(pool, map, "percent", from->percent);
    view_set_number(pool, map, "max_requests", from->max_requests);
    view_set_number(pool, map, "buffer", from->buffer);
    view_set_number(pool, map, "timeout", from->timeout);
    return map;
}

/* Some may be asked before others; of those that are found only zones and records tell when they come. */
static bool has_levels(const struct gateway *gw, const struct ir_upstream *upstream)
{
    const struct ir_discovery *discovery = &upstream->discovery;
    if (discovery->kind == IR_FOUND_DNS_SRV || discovery->kind == IR_FOUND_FILE ||
        discovery->kind == IR_FOUND_EDS)
        return true;
    if (discovery->kind == IR_FOUND_CONSUL)
        return gw->zone.kind != IR_TEXT_NONE;
    for (size_t i = 0; i < upstream->targets.count; i++)
        if (upstream->targets.at[i].zone.len > 0 || upstream->targets.at[i].priority > 0)
            return true;
    return false;
}

static struct value *upstreams(struct pool *pool, const struct gateway *gw)
{
    static const char *const host_headers[] = {
        [IR_HOST_TARGET] = "GW_HOST_TARGET",
        [IR_HOST_PRESERVE] = "GW_HOST_PRESERVE",
        [IR_HOST_LITERAL] = "GW_HOST_LITERAL",
    };
    struct value *list = value_list(pool);
    for (size_t i = 0; i < gw->upstreams.count; i++) {
        const struct ir_upstream *upstream = &gw->upstreams.at[i];
        struct value *map = value_map(pool);
        view_set_name(pool, map, "symbol", upstream->symbol);
        view_set_text(pool, map, "name", upstream->name);
        view_set_number(pool, map, "index", i);
        value_set(pool, map, "targets", targets(pool, upstream));
        view_set_number(pool, map, "target_count", upstream->targets.count);
        view_set_flag(pool, map, "has_targets", upstream->targets.count > 0);
        value_set(pool, map, "discovery", view_discovery(pool, gw, upstream));
        view_set_flag(pool, map, "levels", has_levels(gw, upstream));
        view_set_name(pool, map, "host_header", str_of(host_headers[upstream->host_header]));
        value_set(pool, map, "host_literal",
                  upstream->host_header == IR_HOST_LITERAL
                      ? value_text(pool, upstream->host_literal)
                      : value_flag(pool, false));
        view_set_number(pool, map, "pool_max_idle", upstream->pool_max_idle);
        view_set_number(pool, map, "pool_idle_timeout", upstream->pool_idle_timeout);
        value_set(pool, map, "proxy_protocol",
                  upstream->proxy_protocol == IR_PROXY_NONE
                      ? value_flag(pool, false)
                      : value_name(pool, upstream->proxy_protocol == IR_PROXY_V1
                                             ? STR("proxy_protocol_v1")
                                             : STR("proxy_protocol_v2")));
        view_set_flag(pool, map, "http2", upstream->protocol != IR_HTTP1);
        view_set_flag(pool, map, "grpc", upstream->protocol == IR_GRPC);
        view_set_number(pool, map, "max_streams", upstream->max_streams);
        value_set(pool, map, "tls", view_upstream_tls(pool, upstream));
        view_set_resilience(pool, map, upstream);
        value_set(pool, map, "mirror", mirror(pool, gw, &upstream->mirror));
        view_set_flag(pool, map, "plain", has_plain_user(gw, i));
        value_add(pool, list, map);
    }
    return list;
}

/* The upstreams that have a constant to_NAME. */
static struct value *plain_forwards(struct pool *pool, const struct value *all)
{
    struct value *list = value_list(pool);
    for (size_t i = 0; i < all->items.count; i++) {
        if (value_get(all->items.at[i], STR("plain"))->kind == VALUE_TRUE)
            value_add(pool, list, all->items.at[i]);
    }
    return list;
}

/* ---- listeners ---- */

static struct value *trusted(struct job *job, const struct ir_forwarded *from, struct loc loc)
{
    struct pool *pool = &job->pool;
    struct value *list = value_list(pool);
    for (size_t i = 0; i < from->trusted_count; i++) {
        struct value *map = value_map(pool);
        uint8_t address[16] = {0}, bits = 0;
        if (!ip_parse_network(from->trusted[i], address, &bits)) {
            diag_error(&job->diags, loc, "bad-network", "'%.*s' is no network such as 10.0.0.0/8",
                       STR_ARG(from->trusted[i]));
            continue;
        }
        view_set_text(pool, map, "text", from->trusted[i]);
        value_set(pool, map, "bytes", view_address_bytes(pool, address));
        view_set_number(pool, map, "bits", bits);
        value_add(pool, list, map);
    }
    return list;
}

static struct value *forwarded(struct job *job, const struct ir_listener *listener)
{
    const struct ir_forwarded *from = &listener->forwarded;
    struct pool *pool = &job->pool;
    if (from->trusted_count == 0 && from->trusted_file.kind != IR_TEXT_FILE && !from->via)
        return value_flag(pool, false);
    struct str header = STR("GW_FORWARDED_FOR");
    if (str_eq_nocase(from->header, STR("forwarded")))
        header = STR("GW_FORWARDED_RFC7239");
    else if (str_eq_nocase(from->header, STR("x-real-ip")))
        header = STR("GW_FORWARDED_REAL_IP");

    struct value *map = value_map(pool);
    view_set_flag(pool, map, "has_trusted", from->trusted_count > 0);
    value_set(pool, map, "trusted", trusted(job, from, listener->loc));
    view_set_number(pool, map, "trusted_count", from->trusted_count);
    value_set(pool, map, "trusted_file", value_text_or_false(pool, from->trusted_file.text));
    view_set_name(pool, map, "header", header);
    view_set_flag(pool, map, "via", from->via);
    return map;
}

static struct value *proxy_protocol(struct job *job, const struct ir_listener *listener)
{
    const struct ir_proxy_protocol *from = &listener->proxy_protocol;
    struct pool *pool = &job->pool;
    if (!from->on)
        return value_flag(pool, false);

    struct value *map = value_map(pool);
    view_set_flag(pool, map, "has_trusted", from->from.trusted_count > 0);
    value_set(pool, map, "trusted", trusted(job, &from->from, listener->loc));
    view_set_number(pool, map, "trusted_count", from->from.trusted_count);
    value_set(pool, map, "trusted_file", value_text_or_false(pool, from->from.trusted_file.text));
    view_set_flag(pool, map, "unix_peers", from->unix_peers);
    return map;
}

static void set_limits(struct pool *pool, struct value *map, uint64_t line, uint64_t fields,
                       uint64_t count)
{
    view_set_number(pool, map, "line", line);
    view_set_number(pool, map, "fields", fields);
    view_set_number(pool, map, "count", count);
}

static struct value *listeners(struct job *job, const struct gateway *gw)
{
    struct pool *pool = &job->pool;
    struct value *list = value_list(pool);
    for (size_t i = 0; i < gw->listeners.count; i++) {
        const struct ir_listener *listener = &gw->listeners.at[i];
        struct value *map = value_map(pool);
        view_set_number(pool, map, "index", i + 1);
        view_set_text(pool, map, "address", listener->address);
        set_limits(pool, map, listener->limits.uri, listener->limits.headers,
                   listener->limits.header_count);
        view_set_number(pool, map, "connections", listener->connections);
        view_set_number(pool, map, "connections_per_ip", listener->connections_per_ip);
        view_set_number(pool, map, "header_timeout", listener->header_timeout);
        view_set_number(pool, map, "idle_timeout", listener->idle_timeout);
        view_set_number(pool, map, "keep_alive_requests",
                        listener->keep_alive ? listener->keep_alive_requests : 1);
        value_set(pool, map, "forwarded", forwarded(job, listener));
        value_set(pool, map, "proxy_protocol", proxy_protocol(job, listener));
        value_set(pool, map, "tls", view_tls(pool, i + 1, &listener->tls));
        view_set_flag(pool, map, "strips", view_asks_clients(gw));
        view_set_number(pool, map, "identity_field_count", gw->identity_fields.count);
        value_set(pool, map, "http2", view_http2(pool, i + 1, &listener->http2));
        value_set(pool, map, "hsts", value_text_or_false(pool, listener->hsts));
        value_set(pool, map, "redirect", view_redirect_https(pool, listener));
        value_add(pool, list, map);
    }
    return list;
}

static struct value *plain_listener(struct pool *pool, const struct ir_plain_listener *from)
{
    if (!from->on)
        return value_flag(pool, false);
    struct value *map = value_map(pool);
    view_set_text(pool, map, "address", from->address);
    value_set(pool, map, "token", view_text(pool, &from->token));
    return map;
}

/* ---- what is logged and how requests are named ---- */

static void set_bool(struct pool *pool, struct value *map, const char *key, bool value)
{
    view_set_name(pool, map, key, value ? STR("true") : STR("false"));
}

static struct value *access_log(struct pool *pool, const struct ir_access_log *from)
{
    struct value *map = value_map(pool);
    set_bool(pool, map, "on", from->on);
    view_set_flag(pool, map, "routes_only", from->routes_only);
    set_bool(pool, map, "block_when_full", from->block_when_full);
    view_set_name(pool, map, "format",
                  from->format == IR_LOG_JSON ? STR("GW_LOG_JSON") : STR("GW_LOG_COMBINED"));
    value_set(pool, map, "output", view_text(pool, &from->output));
    return map;
}

static struct value *log_fields(struct pool *pool, const struct ir_access_log *from)
{
    if (from->fields.count == 0)
        return value_flag(pool, false);
    struct value *map = value_map(pool);
    value_set(pool, map, "fields", view_texts(pool, from->fields.at, from->fields.count));
    view_set_number(pool, map, "field_count", from->fields.count);
    return map;
}

static struct value *correlation(struct pool *pool, const struct ir_correlation *from)
{
    static const char *const generators[] = {
        [IR_ID_NONE] = "GW_ID_NONE",
        [IR_ID_UUID] = "GW_ID_UUID",
        [IR_ID_COUNTER] = "GW_ID_COUNTER",
        [IR_ID_TRACKER] = "GW_ID_TRACKER",
    };
    struct value *map = value_map(pool);
    view_set_name(pool, map, "generator", str_of(generators[from->generator]));
    view_set_text(pool, map, "header_name", from->header_name);
    set_bool(pool, map, "echo", from->echo);
    set_bool(pool, map, "trust", from->trust);
    return map;
}

/* ---- routes ---- */

static void set_own_constants(struct pool *pool, struct value *map, const struct gateway *gw,
                              const struct ir_operation *op)
{
    struct str errors = pool_printf(pool, "errors_%.*s", STR_ARG(op->symbol));
    bool own_timeouts = !ir_timeouts_equal(&op->timeouts, &gw->timeouts);
    bool own_errors = !view_errors_equal(&op->errors, &gw->errors);
    value_set(pool, map, "own_timeouts",
              own_timeouts ? view_timeouts(pool, op->symbol, &op->timeouts)
                           : value_flag(pool, false));
    value_set(pool, map, "own_errors",
              own_errors ? view_errors(pool, errors, &op->errors) : value_flag(pool, false));
    bool own_ids = !ir_correlation_equal(&op->correlation, &gw->correlation);
    value_set(pool, map, "own_correlation",
              own_ids ? correlation(pool, &op->correlation) : value_flag(pool, false));
    bool own_log = op->access_log.on && !ir_access_log_equal(&op->access_log, &gw->access_log);
    value_set(pool, map, "own_log",
              own_log ? access_log(pool, &op->access_log) : value_flag(pool, false));
    value_set(pool, map, "own_fields",
              own_log ? log_fields(pool, &op->access_log) : value_flag(pool, false));
}

static struct value *route(struct pool *pool, const struct gateway *gw,
                           const struct ir_operation *op)
{
    static const char *const slashes[] = {
        [IR_SLASH_KEEP] = "URLPATH_SLASH_KEEP",
        [IR_SLASH_REJECT] = "URLPATH_SLASH_REJECT",
        [IR_SLASH_DECODE] = "URLPATH_SLASH_DECODE",
    };
    struct value *map = value_map(pool);
    view_set_name(pool, map, "symbol", op->symbol);
    view_set_name(pool, map, "upper", name_upper(pool, op->symbol));
    view_set_text(pool, map, "id", op->id);
    view_set_text(pool, map, "method", op->method);
    view_set_text(pool, map, "path", op->path);
    view_set_text(pool, map, "tag", op->tags.count ? op->tags.at[0] : STR(""));
    view_set_text(pool, map, "upstream", phrase_upstreams(pool, gw, op));
    view_set_text(pool, map, "security", op->security);
    set_own_constants(pool, map, gw, op);
    value_set(pool, map, "ip_restriction", view_ip_restriction_of(pool, op));
    view_set_number(pool, map, "body_limit", op->limits.body);
    view_set_number(pool, map, "upload_rate", op->limits.upload_rate);
    value_set(pool, map, "hold", view_hold(pool, gw, op));
    view_set_number(pool, map, "buffer_request", op->buffer_request);
    view_set_number(pool, map, "buffer_response", op->buffer_response);
    view_set_name(pool, map, "encoded_slash", str_of(slashes[op->encoded_slash]));
    set_bool(pool, map, "access_log", op->access_log.on);
    set_bool(pool, map, "internal", op->internal);
    set_bool(pool, map, "deprecated", op->deprecated);
    value_set(pool, map, "turned", view_turned(pool, gw, op->disabled_turned));
    return map;
}

static struct value *routes(struct pool *pool, const struct gateway *gw)
{
    struct value *list = value_list(pool);
    for (size_t i = 0; i < gw->operations.count; i++)
        value_add(pool, list, route(pool, gw, &gw->operations.at[i]));
    return list;
}

/* ---- what the runtime file may override ---- */

static struct value *runtime(struct pool *pool, const struct gateway *gw)
{
    static const char *const kinds[] = {
        [IR_RUNTIME_NUMBER] = "GW_RUNTIME_NUMBER",
        [IR_RUNTIME_SWITCH] = "GW_RUNTIME_SWITCH",
        [IR_RUNTIME_LEVEL] = "GW_RUNTIME_LEVEL",
    };
    if (gw->runtime.values.count == 0)
        return value_flag(pool, false);
    struct value *map = value_map(pool), *list = value_list(pool);
    for (uint32_t i = 0; i < gw->runtime.values.count; i++) {
        const struct ir_runtime_value *value = &gw->runtime.values.at[i];
        struct value *item = value_map(pool);
        value_set(pool, item, "enumerator", view_turned(pool, gw, i + 1));
        view_set_text(pool, item, "value_name", value->name);
        view_set_name(pool, item, "kind", str_of(kinds[value->kind]));
        view_set_number(pool, item, "normal", value->normal);
        view_set_number(pool, item, "min", value->min);
        view_set_number(pool, item, "max", value->max);
        value_set(pool, item, "sum",
                  value->sum ? value_number(pool, value->sum) : value_flag(pool, false));
        value_add(pool, list, item);
    }
    value_set(pool, map, "values", list);
    value_set(pool, map, "file", view_text(pool, &gw->runtime.file));
    value_set(pool, map, "level", view_turned(pool, gw, gw->runtime.log_level));
    return map;
}

/* ---- the rest ---- */

static void json_pair(struct text *out, const char *name, struct str value, const char *after)
{
    text_printf(out, "\"%s\": ", name);
    text_json(out, value);
    text_add(out, str_of(after));
}

/* What /manifest and --manifest answer. */
static struct str manifest(struct pool *pool, const struct gateway *gw)
{
    struct text out = {.pool = pool};
    text_add(&out, STR("{"));
    json_pair(&out, "name", gw->name, ", ");
    json_pair(&out, "title", gw->title, ", ");
    json_pair(&out, "version", gw->version, ",\n\"upstreams\": [");
    for (size_t i = 0; i < gw->upstreams.count; i++) {
        const struct ir_upstream *upstream = &gw->upstreams.at[i];
        text_add(&out, i ? STR(",\n{") : STR("\n{"));
        json_pair(&out, "name", upstream->name, ", \"targets\": [");
        for (size_t t = 0; t < upstream->targets.count; t++) {
            text_add(&out, t ? STR(", ") : STR(""));
            text_json(&out, upstream->targets.at[t].url);
        }
        text_add(&out, STR("]"));
        if (upstream->discovery.kind != IR_FOUND_NOT) {
            text_add(&out, STR(", \"discovery\": "));
            text_json(&out, phrase_discovery(pool, gw, &upstream->discovery));
        }
        text_add(&out, STR("}"));
    }
    text_add(&out, STR("],\n\"routes\": ["));
    for (size_t i = 0; i < gw->operations.count; i++) {
        const struct ir_operation *op = &gw->operations.at[i];
        text_add(&out, i ? STR(",\n{") : STR("\n{"));
        json_pair(&out, "operation", op->id, ", ");
        json_pair(&out, "method", op->method, ", ");
        json_pair(&out, "path", op->path, ", ");
        json_pair(&out, "action", phrase_action(pool, gw, op), ", ");
        json_pair(&out, "security", op->security, "}");
    }
    text_add(&out, STR("]}\n"));
    return text_str(&out);
}

struct value *view_gateway(struct job *job, const struct gateway *gw)
{
    static const char *const underscores[] = {
        [IR_UNDERSCORES_DROP] = "GW_UNDERSCORES_DROP",
        [IR_UNDERSCORES_REJECT] = "GW_UNDERSCORES_REJECT",
        [IR_UNDERSCORES_PASS] = "GW_UNDERSCORES_PASS",
    };
    static const char *const levels[] = {
        [IR_LEVEL_DEBUG] = "LOG_DEBUG",
        [IR_LEVEL_INFO] = "LOG_INFO",
        [IR_LEVEL_WARN] = "LOG_WARN",
        [IR_LEVEL_ERROR] = "LOG_ERROR",
    };
    struct pool *pool = &job->pool;
    struct value *map = value_map(pool), *limits = value_map(pool), *all = upstreams(pool, gw);
    struct value *plain = plain_forwards(pool, all);
    view_set_text(pool, map, "title", gw->title);
    view_set_text(pool, map, "name", gw->name);
    view_set_text(pool, map, "version", gw->version);
    view_set_text(pool, map, "features", view_features(pool, gw));
    value_set(pool, map, "manifest", view_lines(pool, manifest(pool, gw)));
    value_set(pool, map, "upstreams", all);
    view_set_flag(pool, map, "has_upstreams", all->items.count > 0);
    view_set_number(pool, map, "upstream_count", all->items.count);
    value_set(pool, map, "plain_forwards", plain);
    view_set_flag(pool, map, "has_plain", plain->items.count > 0);
    view_set_flag(pool, map, "uses_tls", view_uses_tls(gw));
    view_set_flag(pool, map, "uses_roots", view_uses_roots(gw));
    view_set_flag(pool, map, "serves_http2", view_serves_http2(gw));
    value_set(pool, map, "listeners", listeners(job, gw));
    view_set_number(pool, map, "listener_count", gw->listeners.count);
    value_set(pool, map, "status", plain_listener(pool, &gw->status));
    value_set(pool, map, "admin", plain_listener(pool, &gw->admin));
    value_set(pool, map, "introspections", view_introspections(pool, gw));
    view_set_number(pool, map, "introspection_count", view_introspections(pool, gw)->items.count);
    view_set_flag(pool, map, "has_introspections", view_introspections(pool, gw)->items.count > 0);
    value_set(pool, map, "jwts", view_jwts(pool, gw));
    view_set_number(pool, map, "jwt_count", view_jwts(pool, gw)->items.count);
    view_set_flag(pool, map, "has_jwts", view_jwts(pool, gw)->items.count > 0);
    value_set(pool, map, "key_schemes", view_key_schemes(pool, gw));
    view_set_flag(pool, map, "has_key_schemes", view_uses_keys(gw));
    value_set(pool, map, "sigv4_schemes", view_sigv4_schemes(pool, gw));
    view_set_flag(pool, map, "has_sigv4_schemes", view_uses_sigv4(gw));
    value_set(pool, map, "basic_schemes", view_basic_schemes(pool, gw));
    view_set_flag(pool, map, "has_basic_schemes", view_uses_passwords(gw));
    value_set(pool, map, "key_names", view_key_names(pool, gw));
    value_set(pool, map, "consumers", view_consumers(pool, gw));
    value_set(pool, map, "identity_fields", view_identity_fields(pool, gw));
    view_set_flag(pool, map, "uses_forward_auth", view_uses_forward_auth(gw));
    value_set(pool, map, "zone",
              gw->zone.kind != IR_TEXT_NONE ? view_text(pool, &gw->zone) : value_flag(pool, false));
    value_set(pool, map, "routes", routes(pool, gw));
    view_set_flag(pool, map, "has_routes", gw->operations.count > 0);
    value_set(pool, map, "timeouts", view_timeouts(pool, STR("default"), &gw->timeouts));
    value_set(pool, map, "errors", view_errors(pool, STR("errors_default"), &gw->errors));
    value_set(pool, map, "access_log", access_log(pool, &gw->access_log));
    value_set(pool, map, "log_fields", log_fields(pool, &gw->access_log));
    value_set(pool, map, "correlation", correlation(pool, &gw->correlation));
    set_limits(pool, limits, gw->limits.uri, gw->limits.upstream_headers, gw->limits.header_count);
    value_set(pool, map, "upstream_limits", limits);
    value_set(pool, map, "ip_restrictions", view_ip_restrictions(pool, gw));
    view_set_flag(pool, map, "has_ip_restrictions", gw->ip_restrictions.count > 0);
    view_set_number(pool, map, "ip_restriction_count", gw->ip_restrictions.count);
    view_set_number(pool, map, "document_restrictions", gw->document_restrictions);
    value_set(pool, map, "runtime", runtime(pool, gw));
    view_set_number(pool, map, "buffers", gw->limits.buffers);
    view_set_number(pool, map, "drain_delay", gw->drain_delay);
    view_set_number(pool, map, "drain_grace", gw->drain_grace);
    view_set_name(pool, map, "underscores", str_of(underscores[gw->underscores]));
    view_set_name(pool, map, "log_level", str_of(levels[gw->log_level]));
    return map;
}
