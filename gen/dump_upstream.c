#include "dump_parts.h"
#include "phrase.h"
#include "phrase_resilience.h"

static void dump_upstream_tls(struct text *text, const struct ir_upstream_tls *tls)
{
    if (!tls->on)
        return;
    text_printf(text, "  tls %s%s%s", tls->only_1_3 ? "1.3" : "1.2",
                tls->trust_anyone ? " unverified" : "", tls->watch ? " watch" : "");
    if (tls->sni.len > 0)
        text_printf(text, " sni %.*s", STR_ARG(tls->sni));
    if (tls->verify_name.len > 0)
        text_printf(text, " verify_name %.*s", STR_ARG(tls->verify_name));
    if (tls->ca.kind != IR_TEXT_NONE) {
        text_add(text, STR(" ca"));
        dump_runtime_text(text, &tls->ca);
    }
    if (tls->cert.kind != IR_TEXT_NONE) {
        text_add(text, STR(" cert"));
        dump_runtime_text(text, &tls->cert);
        text_add(text, STR(" key"));
        dump_runtime_text(text, &tls->key);
    }
    text_byte(text, '\n');
}

void dump_upstream(struct text *text, const struct gateway *gw, const struct ir_upstream *u)
{
    text_add(text, STR("upstream "));
    quoted(text, u->name);
    number(text, "max_idle", u->pool_max_idle, 1024);
    number(text, "idle_timeout", u->pool_idle_timeout, 60000);
    if (u->host_header == IR_HOST_PRESERVE)
        text_add(text, STR(" host preserve"));
    if (u->host_header == IR_HOST_LITERAL) {
        text_add(text, STR(" host "));
        quoted(text, u->host_literal);
    }
    if (u->proxy_protocol != IR_PROXY_NONE)
        text_printf(text, " proxy_protocol v%d", u->proxy_protocol == IR_PROXY_V1 ? 1 : 2);
    text_byte(text, '\n');
    if (u->protocol != IR_HTTP1)
        text_add(text, u->protocol == IR_H2 ? STR("  protocol h2\n") : STR("  protocol grpc\n"));
    dump_upstream_tls(text, &u->tls);
    dump_phrase(text, "  discovery", phrase_discovery(text->pool, gw, &u->discovery));
    dump_phrase(text, "  balance", phrase_balance(text->pool, u));
    dump_phrase(text, "  sticky", phrase_sticky(text->pool, &u->sticky));
    dump_phrase(text, "  mirror", phrase_mirror(text->pool, gw, &u->mirror));
    dump_phrase(text, "  health_check", phrase_health_check(text->pool, u));
    dump_phrase(text, "  outlier_detection", phrase_outlier(text->pool, u));
    dump_phrase(text, "  circuit_breaker", phrase_breaker(text->pool, &u->breaker));
    for (size_t i = 0; i < u->subsets.count; i++)
        dump_phrase(text, "  subset", phrase_subset(text->pool, u, &u->subsets.at[i]));
    for (size_t i = 0; i < u->targets.count; i++) {
        const struct ir_target *t = &u->targets.at[i];
        text_printf(text, "  target %s", t->is_unix ? "unix " : "");
        quoted(text, t->host);
        number(text, "port", t->port, 0);
        text_add(text, STR(" host "));
        quoted(text, t->authority);
        if (t->path.len > 0) {
            text_add(text, STR(" path "));
            quoted(text, t->path);
        }
        number(text, "weight", t->weight, 1);
        number(text, "priority", t->priority, 0);
        if (t->zone.len > 0) {
            text_add(text, STR(" zone "));
            quoted(text, t->zone);
        }
        text_byte(text, '\n');
    }
}
