/* What of the language a gateway uses, in the words of the language: for --version, build's last line and the manifest. */
#include "base/text.h"
#include "view_tables.h"
#include "view_tls.h"

enum feature {
    PROXY,
    WEIGHTED,
    ROUTE,
    REWRITE,
    RESPOND,
    REDIRECT,
    MOCK,
    MAINTENANCE,
    ACCESS_LOG,
    TLS,
    HTTP2,
    PROXY_PROTOCOL,
    BALANCE,
    RETRY,
    HEALTH_CHECK,
    OUTLIER_DETECTION,
    CIRCUIT_BREAKER,
    SUBSETS,
    STICKY,
    MIRROR,
    ADAPTIVE_CONCURRENCY,
    DISCOVERY,
    ZONES,
    RUNTIME,
    HEDGE,
    KEY_AUTH,
    JWT,
    INTROSPECTION,
    BASIC,
    AWS_SIGV4,
    FORWARD_AUTH,
    ACL,
    IP_RESTRICTION,
    FEATURES
};

static const char *const words[FEATURES] = {
    [PROXY] = "proxy",
    [WEIGHTED] = "weighted",
    [ROUTE] = "route",
    [REWRITE] = "rewrite",
    [RESPOND] = "respond",
    [REDIRECT] = "redirect",
    [MOCK] = "mock",
    [MAINTENANCE] = "maintenance",
    [ACCESS_LOG] = "access_log",
    [TLS] = "tls",
    [HTTP2] = "http2",
    [PROXY_PROTOCOL] = "proxy_protocol",
    [BALANCE] = "balance",
    [RETRY] = "retry",
    [HEALTH_CHECK] = "health_check",
    [OUTLIER_DETECTION] = "outlier_detection",
    [CIRCUIT_BREAKER] = "circuit_breaker",
    [SUBSETS] = "subsets",
    [STICKY] = "sticky",
    [MIRROR] = "mirror",
    [ADAPTIVE_CONCURRENCY] = "adaptive_concurrency",
    [DISCOVERY] = "discovery",
    [ZONES] = "zones",
    [RUNTIME] = "runtime",
    [HEDGE] = "hedge",
    [KEY_AUTH] = "key_auth",
    [JWT] = "jwt",
    [INTROSPECTION] = "introspection",
    [BASIC] = "basic",
    [AWS_SIGV4] = "aws_sigv4",
    [FORWARD_AUTH] = "forward_auth",
    [ACL] = "acl",
    [IP_RESTRICTION] = "ip_restriction",
};

static bool hedges(const struct ir_forward *forward)
{
    for (size_t i = 0; i < forward->choices.count; i++)
        if (forward->choices.at[i].retry.hedge.on)
            return true;
    return false;
}

static void see_operation(bool used[FEATURES], const struct ir_operation *op)
{
    bool forwards = op->action == IR_FORWARD;

    used[PROXY] |= forwards || op->action == IR_ROUTE;
    used[WEIGHTED] |= forwards && op->forward.choices.count > 1;
    used[STICKY] |= forwards && op->forward.sticky.on;
    used[ROUTE] |= op->action == IR_ROUTE;
    used[REWRITE] |= forwards && op->forward.rewrite.set;
    used[RESPOND] |= op->action == IR_RESPOND;
    used[REDIRECT] |= op->action == IR_REDIRECT;
    used[MOCK] |= op->action == IR_MOCK;
    used[MAINTENANCE] |= op->maintenance;
    used[ACCESS_LOG] |= op->access_log.on;
    used[FORWARD_AUTH] |= op->forward_auth.on && !op->disabled && op->action != IR_REDIRECT;
    used[ACL] |= op->acl.on;
    used[HEDGE] |= hedges(&op->forward);
    for (size_t b = 0; b < op->branches.count; b++)
        used[HEDGE] |= hedges(&op->branches.at[b].forward);
}

static void see_upstream(bool used[FEATURES], const struct ir_upstream *upstream)
{
    used[PROXY_PROTOCOL] |= upstream->proxy_protocol != IR_PROXY_NONE;
    used[BALANCE] |= upstream->balance != IR_ROUND_ROBIN;
    used[RETRY] |= upstream->retry.said;
    used[HEALTH_CHECK] |= upstream->check.on;
    used[OUTLIER_DETECTION] |= upstream->outlier.on;
    used[CIRCUIT_BREAKER] |= upstream->breaker.on;
    used[SUBSETS] |= upstream->subsets.count > 0;
    used[STICKY] |= upstream->sticky.on;
    used[MIRROR] |= upstream->mirror.on;
    used[ADAPTIVE_CONCURRENCY] |= upstream->breaker.adaptive.on;
    used[DISCOVERY] |= upstream->discovery.kind != IR_FOUND_NOT;
}

static void see_scheme(bool used[FEATURES], const struct ir_scheme *scheme)
{
    used[KEY_AUTH] |= scheme->proof == IR_PROOF_KEY;
    used[JWT] |= scheme->proof == IR_PROOF_JWT;
    used[INTROSPECTION] |= scheme->proof == IR_PROOF_INTROSPECTION;
    used[BASIC] |= scheme->proof == IR_PROOF_BASIC;
    used[AWS_SIGV4] |= scheme->proof == IR_PROOF_SIGV4;
}

struct str view_features(struct pool *pool, const struct gateway *gw)
{
    bool used[FEATURES] = {0};
    struct text out = {.pool = pool};

    for (size_t i = 0; i < gw->operations.count; i++)
        see_operation(used, &gw->operations.at[i]);
    for (size_t i = 0; i < gw->upstreams.count; i++)
        see_upstream(used, &gw->upstreams.at[i]);
    for (size_t i = 0; i < gw->schemes.count; i++)
        see_scheme(used, &gw->schemes.at[i]);
    for (size_t i = 0; i < gw->listeners.count; i++)
        used[PROXY_PROTOCOL] |= gw->listeners.at[i].proxy_protocol.on;
    used[IP_RESTRICTION] = gw->ip_restrictions.count > 0;
    used[ZONES] = gw->zone.kind != IR_TEXT_NONE;
    used[TLS] = view_uses_tls(gw);
    used[HTTP2] = view_uses_http2(gw);
    used[RUNTIME] = gw->runtime.values.count > 0;
    for (size_t i = 0; i < FEATURES; i++)
        if (used[i])
            text_printf(&out, "%s%s", out.len ? " " : "", words[i]);
    return text_str(&out);
}
