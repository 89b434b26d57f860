#include "callers.h"
#include "phrase.h"
#include "phrase_resilience.h"
#include "view_parts.h"
#include "view_tables.h"

static void fact(struct pool *pool, struct value *list, const char *key, struct str value)
{
    if (value.len == 0)
        return;
    struct value *map = value_map(pool);
    view_set_text(pool, map, "key", str_of(key));
    view_set_text(pool, map, "value", value);
    value_add(pool, list, map);
}

static struct str errors_words(struct pool *pool, const struct ir_errors *errors)
{
    static const char *const formats[] = {
        [IR_ERRORS_PROBLEM] = "problem+json",
        [IR_ERRORS_JSON] = "json",
        [IR_ERRORS_TEXT] = "text",
    };
    struct text out = {.pool = pool};
    text_add(&out, str_of(formats[errors->format]));
    if (errors->type_base.len)
        text_printf(&out, ", type_base %.*s", STR_ARG(errors->type_base));
    if (errors->request_id)
        text_add(&out, STR(", request_id"));
    for (size_t i = 0; i < errors->overrides.count; i++) {
        const struct ir_error_override *override = &errors->overrides.at[i];
        text_printf(&out, ", %u to %u as %u %.*s", override->first, override->last,
                    override->status, STR_ARG(override->content_type));
    }
    return text_str(&out);
}

static struct str text_words(struct pool *pool, const struct ir_text *text)
{
    switch (text->kind) {
    case IR_TEXT_ENV:
        return text->fallback.at ? pool_printf(pool, "env %.*s or %.*s", STR_ARG(text->text),
                                               STR_ARG(text->fallback))
                                 : pool_printf(pool, "env %.*s", STR_ARG(text->text));
    case IR_TEXT_FILE:
        return pool_printf(pool, "file %.*s", STR_ARG(text->text));
    default:
        return text->text;
    }
}

static struct str access_log_words(struct pool *pool, const struct ir_access_log *log)
{
    struct text out = {.pool = pool};
    if (!log->on)
        return STR("off");
    struct str output = text_words(pool, &log->output);
    text_add(&out, log->format == IR_LOG_JSON ? STR("json") : STR("combined"));
    if (output.len)
        text_printf(&out, " to %.*s", STR_ARG(output));
    if (log->routes_only)
        text_add(&out, STR(", routes only"));
    if (log->block_when_full)
        text_add(&out, STR(", block when full"));
    for (size_t i = 0; i < log->fields.count; i++)
        text_printf(&out, "%s%.*s", i ? " " : ", fields ", STR_ARG(log->fields.at[i]));
    return text_str(&out);
}

/* The log of one operation: "on" when its lines look like all others. */
static struct str own_log_words(struct pool *pool, const struct gateway *gw,
                                const struct ir_operation *op)
{
    struct ir_access_log log = op->access_log;
    if (log.on && ir_access_log_equal(&log, &gw->access_log))
        return STR("on");
    log.output = (struct ir_text){0}; /* that is the gateway's */
    return access_log_words(pool, &log);
}

static struct str correlation_words(struct pool *pool, const struct ir_correlation *from)
{
    static const char *const generators[] = {[IR_ID_NONE] = "off",
                                             [IR_ID_UUID] = "uuid",
                                             [IR_ID_COUNTER] = "counter",
                                             [IR_ID_TRACKER] = "tracker"};
    if (from->generator == IR_ID_NONE)
        return STR("off");
    return pool_printf(pool, "%.*s %s%s%s", STR_ARG(from->header_name), generators[from->generator],
                       from->echo ? ", echo" : "", from->trust ? ", trust" : "");
}

static struct str limits_words(struct pool *pool, const struct ir_limits *limits)
{
    return pool_printf(
        pool, "body %s, upload_rate %s, buffer %s", phrase_size(pool, limits->body).at,
        phrase_size(pool, limits->upload_rate).at, phrase_size(pool, limits->buffer).at);
}

static struct str slash_words(enum ir_slash slash)
{
    return slash == IR_SLASH_KEEP     ? STR("keep")
           : slash == IR_SLASH_REJECT ? STR("reject")
                                      : STR("decode");
}

static struct str join(struct pool *pool, const struct str *words, size_t count)
{
    struct text out = {.pool = pool};
    for (size_t i = 0; i < count; i++)
        text_printf(&out, "%s%.*s", i ? ", " : "", STR_ARG(words[i]));
    return text_str(&out);
}

static void route_facts(struct pool *pool, struct value *list, const struct gateway *gw,
                        const struct ir_operation *op)
{
    for (size_t i = 0; i < op->branches.count; i++) {
        const struct ir_branch *branch = &op->branches.at[i];
        struct str when = phrase_conditions(pool, branch->all.at, branch->all.count);
        struct str to = phrase_forward(pool, gw, &branch->forward);
        struct str rewrite = phrase_rewrite(pool, gw, op, &branch->forward.rewrite);
        fact(pool, list, "route",
             pool_printf(pool, "%.*s: %.*s%s%.*s", STR_ARG(when.len ? when : STR("else")),
                         STR_ARG(to), rewrite.len ? "; rewrite " : "", STR_ARG(rewrite)));
    }
}

/* Of each upstream, where they differ. */
static void retry_of_forward(struct pool *pool, struct value *list, const struct gateway *gw,
                             const struct ir_forward *forward, const struct ir_retry **before)
{
    for (size_t i = 0; i < forward->choices.count; i++) {
        const struct ir_weighted *choice = &forward->choices.at[i];
        if (!choice->retry.said || (*before && ir_retry_equal(*before, &choice->retry)))
            continue;
        struct str words = phrase_retry(pool, &choice->retry);
        fact(pool, list, "retry",
             *before ? pool_printf(pool, "%.*s: %.*s",
                                   STR_ARG(gw->upstreams.at[choice->upstream].name), STR_ARG(words))
                     : words);
        *before = &choice->retry;
    }
}

static void retry_facts(struct pool *pool, struct value *list, const struct gateway *gw,
                        const struct ir_operation *op)
{
    const struct ir_retry *before = NULL;
    retry_of_forward(pool, list, gw, &op->forward, &before);
    for (size_t i = 0; i < op->branches.count; i++)
        retry_of_forward(pool, list, gw, &op->branches.at[i].forward, &before);
}

static void runtime_fact(struct pool *pool, struct value *list, const struct gateway *gw,
                         uint32_t value)
{
    if (value > 0)
        fact(pool, list, "runtime", phrase_runtime_value(pool, &gw->runtime.values.at[value - 1]));
}

static void runtime_of_forward(struct pool *pool, struct value *list, const struct gateway *gw,
                               const struct ir_forward *forward)
{
    for (size_t i = 0; i < forward->choices.count; i++)
        runtime_fact(pool, list, gw, forward->choices.at[i].turned);
}

/* What operators may turn of it. */
static void runtime_facts(struct pool *pool, struct value *list, const struct gateway *gw,
                          const struct ir_operation *op)
{
    runtime_fact(pool, list, gw, op->disabled_turned);
    runtime_fact(pool, list, gw, op->maintenance_turned);
    runtime_of_forward(pool, list, gw, &op->forward);
    for (size_t i = 0; i < op->branches.count; i++)
        runtime_of_forward(pool, list, gw, &op->branches.at[i].forward);
}

static void answer_facts(struct pool *pool, struct value *list, const struct ir_answer *answer)
{
    for (size_t i = 0; i < answer->headers.count; i++) {
        const struct ir_header *header = &answer->headers.at[i];
        fact(pool, list, "header",
             pool_printf(pool, "%.*s: %.*s", STR_ARG(header->name), STR_ARG(header->value)));
    }
    if (answer->body.len)
        fact(pool, list, "body", pool_printf(pool, "%zu bytes", answer->body.len));
    if (answer->keep_query)
        fact(pool, list, "keep_query", STR("true"));
}

static void add_words(struct text *out, const char *label, const struct str *at, size_t count)
{
    for (size_t i = 0; i < count; i++)
        text_printf(out, "%s%.*s", i == 0 ? label : " ", STR_ARG(at[i]));
}

static struct str websocket_words(struct pool *pool, const struct ir_websocket *from)
{
    struct text out = {.pool = pool};
    add_words(&out, "upgrade to ", from->upgrades.at, from->upgrades.count);
    add_words(&out, ", origins ", from->origins.at, from->origins.count);
    add_words(&out, ", protocols ", from->protocols.at, from->protocols.count);
    text_printf(&out, ", idle_timeout %s", phrase_duration(pool, from->idle_timeout).at);
    return text_str(&out);
}

/* A long list of the document is said once, there, and not with each of its operations. */
static struct str ip_restriction_words(struct pool *pool, const struct gateway *gw, uint32_t number)
{
    enum { LONG_LIST = 16 };
    const struct ir_ip_restriction *said = &gw->ip_restrictions.at[number - 1];
    size_t count = said->allow.networks.count + said->deny.networks.count;

    if (gw->document_restrictions == 1 && number == 1 && count > LONG_LIST)
        return pool_printf(pool, "as the document, %zu networks", count);
    return phrase_ip_restriction(pool, gw, number);
}

struct value *view_facts(struct pool *pool, const struct gateway *gw, const struct ir_operation *op)
{
    struct value *list = value_list(pool);
    bool forwards = op->action == IR_FORWARD || op->action == IR_ROUTE;
    fact(pool, list, "operation", op->id);
    fact(pool, list, "hosts", join(pool, op->hosts.at, op->hosts.count));
    fact(pool, list, "match", phrase_conditions(pool, op->conditions.at, op->conditions.count));
    fact(pool, list, "tags", join(pool, op->tags.at, op->tags.count));
    fact(pool, list, "action", phrase_action(pool, gw, op));
    if (op->action == IR_FORWARD)
        fact(pool, list, "rewrite", phrase_rewrite(pool, gw, op, &op->forward.rewrite));
    else if (op->action == IR_ROUTE)
        route_facts(pool, list, gw, op);
    else
        answer_facts(pool, list, &op->answer);
    if (op->ip_restriction > 0)
        fact(pool, list, "ip_restriction", ip_restriction_words(pool, gw, op->ip_restriction));
    fact(pool, list, "security", op->security);
    fact(pool, list, "forward_auth", phrase_forward_auth(pool, gw, &op->forward_auth));
    fact(pool, list, "acl", phrase_acl(pool, &op->acl));
    fact(pool, list, "callers", callers_known(pool, gw, op));
    if (op->passthrough_auth)
        fact(pool, list, "security passed through", STR("true"));
    if (op->internal)
        fact(pool, list, "internal", STR("true"));
    if (op->maintenance)
        fact(pool, list, "maintenance", pool_printf(pool, "retry after %us", op->retry_after));
    if (!op->disabled)
        runtime_facts(pool, list, gw, op);
    if (op->deprecated)
        fact(pool, list, "deprecated", STR("true"));
    fact(pool, list, "limits", limits_words(pool, &op->limits));
    if (forwards) {
        fact(pool, list, "timeouts", phrase_timeouts(pool, gw, op));
        retry_facts(pool, list, gw, op);
        fact(pool, list, "buffering",
             pool_printf(pool, "request %s, response %s", phrase_size(pool, op->buffer_request).at,
                         phrase_size(pool, op->buffer_response).at));
    }
    if (op->websocket.on)
        fact(pool, list, "websocket", websocket_words(pool, &op->websocket));
    fact(pool, list, "errors", errors_words(pool, &op->errors));
    fact(pool, list, "access_log", own_log_words(pool, gw, op));
    if (!ir_correlation_equal(&op->correlation, &gw->correlation))
        fact(pool, list, "correlation_id", correlation_words(pool, &op->correlation));
    fact(pool, list, "encoded_slash", slash_words(op->encoded_slash));
    return list;
}

/* ---- the document's own ---- */

/* "{file: /run/key}"; a literal certificate is named, not shown. */
static struct str reference_words(struct pool *pool, const struct ir_text *text)
{
    if (text->kind == IR_TEXT_LITERAL)
        return STR("in the document");
    return pool_printf(pool, "{%s: %.*s}", text->kind == IR_TEXT_ENV ? "env" : "file",
                       STR_ARG(text->text));
}

/* Which certificates, which versions, and whose certificates are asked for. */
static void tls_words(struct pool *pool, struct text *out, const struct ir_tls *tls)
{
    static const char *const modes[] = {"off", "optional", "required"};
    if (tls->certificates.count == 0)
        return;
    text_printf(out, ", tls %s", tls->allow_1_2 ? "1.2 and 1.3" : "1.3");
    if (tls->suites.len + tls->ciphers.len > 0)
        text_printf(out, " of %.*s%s%.*s", STR_ARG(tls->suites),
                    tls->suites.len > 0 && tls->ciphers.len > 0 ? ":" : "", STR_ARG(tls->ciphers));
    if (tls->groups.len > 0)
        text_printf(out, ", groups %.*s", STR_ARG(tls->groups));
    for (size_t i = 0; i < tls->certificates.count; i++) {
        const struct ir_certificate *one = &tls->certificates.at[i];
        text_printf(out, ", certificate %.*s", STR_ARG(reference_words(pool, &one->cert)));
        for (size_t n = 0; n < one->names.count; n++)
            text_printf(out, "%s%.*s", n ? " " : " for ", STR_ARG(one->names.at[n]));
    }
    if (tls->strict_sni)
        text_add(out, STR(", strict_sni"));
    text_printf(out, ", client_auth %s", modes[tls->client_auth]);
    if (tls->client_auth != IR_CLIENT_OFF)
        text_printf(out, " by %.*s", STR_ARG(reference_words(pool, &tls->client_ca)));
    if (tls->client_forward)
        text_add(out, STR(", forwarded"));
    if (tls->client_auth != IR_CLIENT_OFF && tls->client_crl.kind != IR_TEXT_NONE)
        text_printf(out, " but %.*s", STR_ARG(reference_words(pool, &tls->client_crl)));
}

static struct str upstream_tls_words(struct pool *pool, const struct ir_upstream_tls *tls)
{
    struct text out = {.pool = pool};
    if (tls->trust_anyone)
        text_add(&out, STR("unverified"));
    else if (tls->ca.kind == IR_TEXT_NONE)
        text_add(&out, STR("verified by the roots built in"));
    else
        text_printf(&out, "verified by %.*s", STR_ARG(reference_words(pool, &tls->ca)));
    if (tls->verify_name.len > 0)
        text_printf(&out, " as %.*s", STR_ARG(tls->verify_name));
    if (tls->sni.len > 0)
        text_printf(&out, ", sni %.*s", STR_ARG(tls->sni));
    text_printf(&out, ", tls %s", tls->only_1_3 ? "1.3" : "1.2 and 1.3");
    if (tls->cert.kind != IR_TEXT_NONE)
        text_printf(&out, ", as %.*s", STR_ARG(reference_words(pool, &tls->cert)));
    return text_str(&out);
}

/* What decides when it is asked besides its weight. */
static struct str place_words(struct pool *pool, const struct ir_target *target)
{
    struct text out = {.pool = pool};

    if (target->priority > 0)
        text_printf(&out, " priority %u", target->priority);
    if (target->zone.len > 0)
        text_printf(&out, " zone %.*s", STR_ARG(target->zone));
    return text_str(&out);
}

static struct value *upstreams(struct pool *pool, const struct gateway *gw)
{
    struct value *list = value_list(pool);
    for (size_t i = 0; i < gw->upstreams.count; i++) {
        const struct ir_upstream *upstream = &gw->upstreams.at[i];
        struct value *map = value_map(pool), *targets = value_list(pool), *facts = value_list(pool);
        for (size_t t = 0; t < upstream->targets.count; t++) {
            struct value *target = value_map(pool);
            view_set_text(pool, target, "url", upstream->targets.at[t].url);
            view_set_number(pool, target, "weight", upstream->targets.at[t].weight);
            view_set_text(pool, target, "place", place_words(pool, &upstream->targets.at[t]));
            value_add(pool, targets, target);
        }
        const struct str host[] = {STR("target"), STR("preserve"), upstream->host_literal};
        fact(pool, facts, "host_header", host[upstream->host_header]);
        fact(pool, facts, "pool",
             pool_printf(pool, "max_idle %u, idle_timeout %s", upstream->pool_max_idle,
                         phrase_duration(pool, upstream->pool_idle_timeout).at));
        if (upstream->protocol != IR_HTTP1)
            fact(pool, facts, "protocol", upstream->protocol == IR_H2 ? STR("h2") : STR("grpc"));
        if (upstream->tls.on)
            fact(pool, facts, "tls", upstream_tls_words(pool, &upstream->tls));
        if (upstream->proxy_protocol != IR_PROXY_NONE)
            fact(pool, facts, "proxy_protocol",
                 upstream->proxy_protocol == IR_PROXY_V1 ? STR("v1") : STR("v2"));
        fact(pool, facts, "discovery", phrase_discovery(pool, gw, &upstream->discovery));
        fact(pool, facts, "balance", phrase_balance(pool, upstream));
        fact(pool, facts, "sticky", phrase_sticky(pool, &upstream->sticky));
        fact(pool, facts, "mirror", phrase_mirror(pool, gw, &upstream->mirror));
        fact(pool, facts, "health_check", phrase_health_check(pool, upstream));
        fact(pool, facts, "outlier_detection", phrase_outlier(pool, upstream));
        fact(pool, facts, "circuit_breaker", phrase_breaker(pool, &upstream->breaker));
        for (size_t s = 0; s < upstream->subsets.count; s++)
            fact(pool, facts, "subset", phrase_subset(pool, upstream, &upstream->subsets.at[s]));
        view_set_text(pool, map, "name", upstream->name);
        value_set(pool, map, "targets", targets);
        value_set(pool, map, "facts", facts);
        value_add(pool, list, map);
    }
    return list;
}

/* Whose headers count stands in the lock: who may say where requests come from. */
static void proxy_protocol_words(struct text *out, const struct ir_proxy_protocol *from)
{
    text_add(out, STR(", proxy_protocol from"));
    for (size_t i = 0; i < from->from.trusted_count; i++)
        text_printf(out, " %.*s", STR_ARG(from->from.trusted[i]));
    if (from->unix_peers)
        text_add(out, STR(" unix:"));
    if (from->from.trusted_file.kind == IR_TEXT_FILE)
        text_printf(out, " file %.*s", STR_ARG(from->from.trusted_file.text));
}

static struct str listener_words(struct pool *pool, const struct ir_listener *listener)
{
    const struct ir_limits *limits = &listener->limits;
    struct text out = {.pool = pool};
    text_printf(&out, "%.*s, headers %s, header_count %llu, uri %s, header_timeout %s",
                STR_ARG(listener->address), phrase_size(pool, limits->headers).at,
                (unsigned long long)limits->header_count, phrase_size(pool, limits->uri).at,
                phrase_duration(pool, listener->header_timeout).at);
    if (listener->keep_alive)
        text_printf(&out, ", keep_alive %s", phrase_duration(pool, listener->idle_timeout).at);
    if (listener->keep_alive && listener->keep_alive_requests)
        text_printf(&out, " for %llu requests", (unsigned long long)listener->keep_alive_requests);
    if (listener->connections)
        text_printf(&out, ", connections %llu", (unsigned long long)listener->connections);
    if (listener->connections_per_ip)
        text_printf(&out, ", connections_per_ip %llu",
                    (unsigned long long)listener->connections_per_ip);
    for (size_t i = 0; i < listener->forwarded.trusted_count; i++)
        text_printf(&out, "%s%.*s", i ? " " : ", trusted ",
                    STR_ARG(listener->forwarded.trusted[i]));
    if (listener->forwarded.via)
        text_add(&out, STR(", via"));
    tls_words(pool, &out, &listener->tls);
    if (listener->http2.on)
        text_printf(&out, ", %s of %llu streams", listener->http2.h2c ? "h2c" : "http2",
                    (unsigned long long)listener->http2.max_concurrent_streams);
    if (listener->hsts.len > 0)
        text_printf(&out, ", hsts %.*s", STR_ARG(listener->hsts));
    if (listener->redirect_https > 0)
        text_printf(&out, ", redirect_https %u to port %u", (unsigned)listener->redirect_https,
                    (unsigned)listener->https_port);
    if (listener->proxy_protocol.on)
        proxy_protocol_words(&out, &listener->proxy_protocol);
    return text_str(&out);
}

static struct value *listeners(struct pool *pool, const struct gateway *gw)
{
    struct value *list = value_list(pool);
    for (size_t i = 0; i < gw->listeners.count; i++) {
        struct value *map = value_map(pool);
        view_set_text(pool, map, "summary", listener_words(pool, &gw->listeners.at[i]));
        value_add(pool, list, map);
    }
    return list;
}

static struct value *address(struct pool *pool, const struct ir_plain_listener *from)
{
    if (!from->on)
        return value_flag(pool, false);
    struct value *map = value_map(pool);
    view_set_text(pool, map, "address", from->address);
    return map;
}

static struct value *document_facts(struct pool *pool, const struct gateway *gw)
{
    static const char *const underscores[] = {"drop", "reject", "pass"};
    static const char *const levels[] = {"debug", "info", "warn", "error"};
    struct value *list = value_list(pool);
    for (uint32_t i = 0; i < gw->document_restrictions; i++)
        fact(pool, list, "ip_restriction", phrase_ip_restriction(pool, gw, i + 1));
    fact(pool, list, "path",
         pool_printf(
             pool, "normalize %s, merge_slashes %s, case_sensitive %s, encoded_slash %s",
             gw->path.normalize ? "true" : "false", gw->path.merge_slashes ? "true" : "false",
             gw->path.case_sensitive ? "true" : "false", slash_words(gw->path.encoded_slash).at));
    fact(pool, list, "correlation_id", correlation_words(pool, &gw->correlation));
    fact(pool, list, "access_log", access_log_words(pool, &gw->access_log));
    fact(pool, list, "errors", errors_words(pool, &gw->errors));
    fact(pool, list, "upstream_headers", phrase_size(pool, gw->limits.upstream_headers));
    fact(pool, list, "buffers", phrase_size(pool, gw->limits.buffers));
    for (size_t i = 0; i < gw->schemes.count; i++)
        fact(pool, list, "scheme",
             pool_printf(pool, "%.*s: %s", STR_ARG(gw->schemes.at[i].name),
                         phrase_scheme(pool, gw, &gw->schemes.at[i]).at));
    for (size_t i = 0; i < gw->consumers.count; i++)
        fact(pool, list, "consumer", phrase_consumer(pool, &gw->consumers.at[i]));
    fact(pool, list, "consumers_file", gw->consumers_file);
    fact(pool, list, "underscores", str_of(underscores[gw->underscores]));
    fact(pool, list, "log", str_of(levels[gw->log_level]));
    if (gw->runtime.values.count > 0)
        fact(pool, list, "runtime",
             pool_printf(pool, "%.*s", STR_ARG(reference_words(pool, &gw->runtime.file))));
    runtime_fact(pool, list, gw, gw->runtime.log_level);
    fact(pool, list, "drain",
         pool_printf(pool, "delay %s, grace %s", phrase_duration(pool, gw->drain_delay).at,
                     phrase_duration(pool, gw->drain_grace).at));
    return list;
}

static struct value *routes(struct pool *pool, const struct gateway *gw)
{
    struct value *list = value_list(pool);
    for (size_t i = 0; i < gw->operations.count; i++) {
        const struct ir_operation *op = &gw->operations.at[i];
        struct value *map = value_map(pool);
        view_set_text(pool, map, "method", op->method);
        view_set_text(pool, map, "path", op->path);
        view_set_text(pool, map, "id", op->id);
        view_set_text(pool, map, "action", phrase_action(pool, gw, op));
        view_set_text(pool, map, "security", op->security);
        value_set(pool, map, "facts", view_facts(pool, gw, op));
        value_add(pool, list, map);
    }
    return list;
}

struct value *view_lock(struct job *job, const struct gateway *gw)
{
    struct pool *pool = &job->pool;
    struct value *map = value_map(pool);
    view_set_text(pool, map, "name", gw->name);
    view_set_text(pool, map, "title", gw->title);
    view_set_text(pool, map, "version", gw->version);
    value_set(pool, map, "listeners", listeners(pool, gw));
    value_set(pool, map, "status", address(pool, &gw->status));
    value_set(pool, map, "admin", address(pool, &gw->admin));
    value_set(pool, map, "facts", document_facts(pool, gw));
    value_set(pool, map, "upstreams", upstreams(pool, gw));
    value_set(pool, map, "routes", routes(pool, gw));
    return map;
}
