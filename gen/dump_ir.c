/* The second half of dump: the gateway. */
#include "dump.h"
#include "dump_parts.h"
#include "phrase.h"
#include "phrase_resilience.h"

struct printer {
    struct text text;
    const struct gateway *gw;
    const struct ir_operation *op;
};

/* Bodies are the business of operations, heads that of listeners. */
enum { BODIES = 1, HEADS = 2, SHARED = 4 };

static void dump_limits(struct text *text, const char *label, const struct ir_limits *l, int which)
{
    size_t mark = text->len;

    text_add(text, str_of(label));
    size_t empty = text->len;
    if (which & BODIES) {
        number(text, "body", l->body, 10 << 20);
        number(text, "upload_rate", l->upload_rate, 0);
        number(text, "buffer", l->buffer, 64 << 10);
    }
    if (which & HEADS) {
        number(text, "headers", l->headers, 32 << 10);
        number(text, "header_count", l->header_count, 100);
        number(text, "uri", l->uri, 8 << 10);
    }
    if (which & SHARED) {
        number(text, "upstream_headers", l->upstream_headers, 64 << 10);
        number(text, "buffers", l->buffers, 64 << 20);
    }
    if (text->len == empty)
        text->len = mark;
    else
        text_byte(text, '\n');
}

static void dump_trusted(struct text *text, const struct ir_forwarded *f)
{
    for (size_t i = 0; i < f->trusted_count; i++)
        text_printf(text, " %.*s", STR_ARG(f->trusted[i]));
    if (f->trusted_file.kind != IR_TEXT_NONE)
        dump_runtime_text(text, &f->trusted_file);
}

static void dump_certificate(struct text *text, const struct ir_certificate *c)
{
    text_add(text, STR("  certificate"));
    for (size_t i = 0; i < c->names.count; i++)
        text_printf(text, " %.*s", STR_ARG(c->names.at[i]));
    text_add(text, STR(" cert"));
    dump_runtime_text(text, &c->cert);
    text_add(text, STR(" key"));
    dump_runtime_text(text, &c->key);
    if (c->ocsp.kind != IR_TEXT_NONE) {
        text_add(text, STR(" ocsp"));
        dump_runtime_text(text, &c->ocsp);
    }
    text_byte(text, '\n');
}

static void dump_tls(struct text *text, const struct ir_tls *tls)
{
    static const char *const modes[] = {"off", "optional", "required"};

    if (tls->certificates.count == 0)
        return;
    text_printf(text, "  tls %s%s%s", tls->allow_1_2 ? "1.2" : "1.3",
                tls->strict_sni ? " strict_sni" : "", tls->watch ? " watch" : "");
    if (tls->suites.len > 0)
        text_printf(text, " suites %.*s", STR_ARG(tls->suites));
    if (tls->ciphers.len > 0)
        text_printf(text, " ciphers %.*s", STR_ARG(tls->ciphers));
    if (tls->groups.len > 0)
        text_printf(text, " groups %.*s", STR_ARG(tls->groups));
    text_byte(text, '\n');
    for (size_t i = 0; i < tls->certificates.count; i++)
        dump_certificate(text, &tls->certificates.at[i]);
    if (tls->client_auth == IR_CLIENT_OFF)
        return;
    text_printf(text, "  client_auth %s", modes[tls->client_auth]);
    number(text, "depth", tls->client_depth, 3);
    text_add(text, tls->client_forward ? STR(" forward") : STR(""));
    dump_runtime_text(text, &tls->client_ca);
    if (tls->client_crl.kind != IR_TEXT_NONE) {
        text_add(text, STR(" crl"));
        dump_runtime_text(text, &tls->client_crl);
    }
    text_byte(text, '\n');
}

static void dump_http2(struct text *text, const struct ir_http2 *http2)
{
    if (!http2->on)
        return;
    text_add(text, http2->h2c ? STR("  http2 h2c") : STR("  http2"));
    number(text, "max_concurrent_streams", http2->max_concurrent_streams, 100);
    number(text, "initial_stream_window_size", http2->initial_stream_window_size, 64 << 10);
    number(text, "initial_connection_window_size", http2->initial_connection_window_size, 1 << 20);
    text_byte(text, '\n');
}

static void dump_listener(struct text *text, const struct ir_listener *l)
{
    text_add(text, STR("listener "));
    quoted(text, l->address);
    number(text, "connections", l->connections, 0);
    number(text, "connections_per_ip", l->connections_per_ip, 0);
    number(text, "header_timeout", l->header_timeout, 10000);
    number(text, "idle_timeout", l->idle_timeout, 75000);
    number(text, "requests", l->keep_alive_requests, 10000);
    if (l->hsts.len > 0) {
        text_add(text, STR(" hsts "));
        quoted(text, l->hsts);
    }
    if (l->redirect_https > 0)
        text_printf(text, " redirect_https %u to port %u", (unsigned)l->redirect_https,
                    (unsigned)l->https_port);
    text_add(text, l->keep_alive ? STR("\n") : STR(" close\n"));
    dump_limits(text, "  limits", &l->limits, HEADS);
    dump_tls(text, &l->tls);
    dump_http2(text, &l->http2);
    if (l->proxy_protocol.on) {
        text_add(text, STR("  proxy_protocol"));
        dump_trusted(text, &l->proxy_protocol.from);
        text_add(text, l->proxy_protocol.unix_peers ? STR(" unix:\n") : STR("\n"));
    }
    if (l->forwarded.trusted_count == 0 && l->forwarded.trusted_file.kind == IR_TEXT_NONE &&
        !l->forwarded.via)
        return;
    text_printf(text, "  forwarded %.*s", STR_ARG(l->forwarded.header));
    dump_trusted(text, &l->forwarded);
    text_add(text, l->forwarded.via ? STR(" via\n") : STR("\n"));
}

static void dump_plain_listener(struct text *text, const char *label,
                                const struct ir_plain_listener *l)
{
    if (!l->on)
        return;
    text_printf(text, "%s ", label);
    quoted(text, l->address);
    if (l->token.kind != IR_TEXT_NONE) {
        text_add(text, STR(" token"));
        dump_runtime_text(text, &l->token);
    }
    text_byte(text, '\n');
}

static void dump_conditions(struct text *text, const struct ir_condition *at, size_t count)
{
    static const char *const kinds[] = {"host", "header", "query", "param", "prefix"};

    for (size_t i = 0; i < count; i++) {
        text_printf(text, " %s", kinds[at[i].kind]);
        if (at[i].name.len > 0) {
            text_byte(text, ' ');
            quoted(text, at[i].name);
        }
        for (size_t j = 0; j < at[i].value_count; j++) {
            text_add(text, j == 0 ? STR(" = ") : STR(" | "));
            quoted(text, at[i].values[j]);
        }
    }
}

static void dump_pieces(struct text *text, const struct ir_piece *at, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        text_byte(text, ' ');
        if (at[i].param >= 0)
            text_printf(text, "{%d}", at[i].param);
        else
            quoted(text, at[i].literal);
    }
}

/* Timeouts of upstreams that are not the operation's. */
static void dump_own_timeouts(struct printer *p, const char *indent, const struct ir_forward *f)
{
    for (size_t i = 0; i < f->choices.count; i++) {
        const struct ir_timeouts *t = &f->choices.at[i].timeouts;

        if (ir_timeouts_equal(t, &p->op->timeouts))
            continue;
        text_printf(&p->text, "%stimeouts of ", indent);
        quoted(&p->text, p->gw->upstreams.at[f->choices.at[i].upstream].name);
        text_printf(&p->text, " connect %llu send %llu read %llu request %llu idle %llu%s\n",
                    (unsigned long long)t->connect, (unsigned long long)t->send,
                    (unsigned long long)t->read, (unsigned long long)t->request,
                    (unsigned long long)t->idle, t->from_client ? " from_client" : "");
    }
}

/* The name of the runtime value that has the last word. */
static void dump_turned(struct printer *p, uint32_t value)
{
    if (value == 0)
        return;
    text_add(&p->text, STR(" by "));
    quoted(&p->text, p->gw->runtime.values.at[value - 1].name);
}

static void dump_forward(struct printer *p, const char *indent, const struct ir_forward *f)
{
    struct text *text = &p->text;

    text_printf(text, "%sforward", indent);
    for (size_t i = 0; i < f->choices.count; i++) {
        text_byte(text, ' ');
        quoted(text, phrase_choice(text->pool, p->gw, &f->choices.at[i]));
        if (f->choices.count > 1)
            text_printf(text, ":%u", f->choices.at[i].weight);
        dump_turned(p, f->choices.at[i].turned);
    }
    text_byte(text, '\n');
    dump_phrase(text, pool_printf(text->pool, "%ssticky", indent).at,
                phrase_sticky(text->pool, &f->sticky));
    dump_own_timeouts(p, indent, f);
    for (size_t i = 0; i < f->choices.count; i++)
        dump_phrase(text, pool_printf(text->pool, "%sretry", indent).at,
                    phrase_retry(text->pool, &f->choices.at[i].retry));
    if (!f->rewrite.set)
        return;
    text_printf(text, "%srewrite", indent);
    number(text, "strip", f->rewrite.strip, 0);
    if (f->rewrite.prefix.len > 0) {
        text_add(text, STR(" prefix "));
        quoted(text, f->rewrite.prefix);
    }
    if (f->rewrite.path.count > 0) {
        text_add(text, STR(" path"));
        dump_pieces(text, f->rewrite.path.at, f->rewrite.path.count);
    }
    if (f->rewrite.host.at != NULL) {
        text_add(text, STR(" host "));
        quoted(text, f->rewrite.host);
    }
    text_add(text, f->rewrite.redirects ? STR(" redirects\n") : STR("\n"));
}

static void dump_answer(struct text *text, const char *label, const struct ir_answer *a)
{
    text_printf(text, "  %s %u", label, a->status);
    dump_pieces(text, a->location.at, a->location.count);
    text_add(text, a->location.count > 0 && a->keep_query ? STR(" keep_query\n") : STR("\n"));
    for (size_t i = 0; i < a->headers.count; i++) {
        text_add(text, STR("    header "));
        quoted(text, a->headers.at[i].name);
        text_byte(text, ' ');
        quoted(text, a->headers.at[i].value);
        text_byte(text, '\n');
    }
    if (a->body.len > 0) {
        text_add(text, STR("    body "));
        quoted(text, a->body);
        text_byte(text, '\n');
    }
}

static void dump_action(struct printer *p, const struct ir_operation *op)
{
    switch (op->action) {
    case IR_FORWARD:
        dump_forward(p, "  ", &op->forward);
        return;
    case IR_ROUTE:
        for (size_t i = 0; i < op->branches.count; i++) {
            text_add(&p->text, STR("  branch"));
            dump_conditions(&p->text, op->branches.at[i].all.at, op->branches.at[i].all.count);
            text_byte(&p->text, '\n');
            dump_forward(p, "    ", &op->branches.at[i].forward);
        }
        return;
    case IR_RESPOND:
        dump_answer(&p->text, "respond", &op->answer);
        return;
    case IR_MOCK:
        dump_answer(&p->text, "mock", &op->answer);
        return;
    case IR_REDIRECT:
        dump_answer(&p->text, "redirect", &op->answer);
    }
}

static void dump_errors(struct text *text, const char *label, const struct ir_errors *e)
{
    static const char *const formats[] = {"problem+json", "json", "text"};

    if (e->format == IR_ERRORS_PROBLEM && e->type_base.len == 0 && !e->request_id &&
        e->overrides.count == 0)
        return;
    text_printf(text, "%s %s", label, formats[e->format]);
    if (e->type_base.len > 0) {
        text_byte(text, ' ');
        quoted(text, e->type_base);
    }
    text_add(text, e->request_id ? STR(" request_id") : STR(""));
    for (size_t i = 0; i < e->overrides.count; i++) {
        const struct ir_error_override *o = &e->overrides.at[i];
        text_printf(text, " %u-%u:%u ", o->first, o->last, o->status);
        quoted(text, o->content_type);
        text_byte(text, ' ');
        quoted(text, o->body);
    }
    text_byte(text, '\n');
}

static void dump_timeouts(struct text *text, const struct ir_timeouts *t)
{
    size_t mark = text->len;

    text_add(text, STR("  timeouts"));
    size_t empty = text->len;
    number(text, "connect", t->connect, 5000);
    number(text, "send", t->send, 60000);
    number(text, "read", t->read, 60000);
    number(text, "request", t->request, 0);
    number(text, "idle", t->idle, 300000);
    if (t->from_client)
        text_add(text, STR(" from_client"));
    if (text->len == empty)
        text->len = mark;
    else
        text_byte(text, '\n');
}

static void dump_correlation(struct text *text, const char *label, const struct ir_correlation *c)
{
    static const char *const generators[] = {"off", "uuid", "counter", "tracker"};

    text_printf(text, "%s %s %.*s%s%s\n", label, generators[c->generator], STR_ARG(c->header_name),
                c->echo ? " echo" : "", c->trust ? " trust" : "");
}

static void dump_log_form(struct text *text, const struct ir_access_log *log)
{
    text_printf(text, " %s%s", log->format == IR_LOG_JSON ? "json" : "combined",
                log->block_when_full ? " block" : "");
}

static void dump_log_fields(struct text *text, const struct ir_access_log *log)
{
    for (size_t i = 0; i < log->fields.count; i++)
        text_printf(text, " %.*s", STR_ARG(log->fields.at[i]));
}

/* What differs from the gateway's. */
static void dump_observation(struct text *text, const struct gateway *gw,
                             const struct ir_operation *op)
{
    if (!op->access_log.on) {
        text_add(text, STR("  access_log off\n"));
    } else if (!ir_access_log_equal(&op->access_log, &gw->access_log)) {
        text_add(text, STR("  access_log"));
        dump_log_form(text, &op->access_log);
        dump_log_fields(text, &op->access_log);
        text_byte(text, '\n');
    }
    if (!ir_correlation_equal(&op->correlation, &gw->correlation))
        dump_correlation(text, "  correlation_id", &op->correlation);
}

static void dump_texts(struct text *text, const char *label, const struct str *at, size_t count)
{
    for (size_t i = 0; i < count; i++)
        text_printf(text, "%s%.*s", i == 0 ? label : " ", STR_ARG(at[i]));
}

static void dump_websocket(struct text *text, const struct ir_operation *op)
{
    const struct ir_websocket *w = &op->websocket;

    if (!w->on)
        return;
    text_printf(text, "  websocket idle %llu", (unsigned long long)w->idle_timeout);
    dump_texts(text, " upgrade ", w->upgrades.at, w->upgrades.count);
    dump_texts(text, " origins ", w->origins.at, w->origins.count);
    dump_texts(text, " protocols ", w->protocols.at, w->protocols.count);
    text_byte(text, '\n');
}

static void dump_flags(struct printer *p, const struct ir_operation *op)
{
    static const char *const slashes[] = {"keep", "reject", "decode"};
    struct text *text = &p->text;

    if (op->ip_restriction > 0)
        text_printf(text, "  ip_restriction %u\n", op->ip_restriction);
    text_add(text, op->internal ? STR("  internal\n") : STR(""));
    if (op->disabled || op->disabled_turned > 0) {
        text_add(text, STR("  disabled"));
        dump_turned(p, op->disabled_turned);
        text_byte(text, '\n');
    }
    text_add(text, op->deprecated ? STR("  deprecated\n") : STR(""));
    if (op->maintenance || op->maintenance_turned > 0) {
        text_printf(text, "  maintenance %u", op->retry_after);
        dump_turned(p, op->maintenance_turned);
        text_byte(text, '\n');
    }
    if (op->encoded_slash != IR_SLASH_KEEP)
        text_printf(text, "  encoded_slash %s\n", slashes[op->encoded_slash]);
    dump_websocket(text, op);
    if (op->buffer_request != 0 || op->buffer_response != 64 << 10)
        text_printf(text, "  buffering %llu %llu\n", (unsigned long long)op->buffer_request,
                    (unsigned long long)op->buffer_response);
}

static void dump_operation(struct printer *p, const struct ir_operation *op)
{
    struct text *text = &p->text;

    text_add(text, STR("operation "));
    quoted(text, op->id);
    text_printf(text, " %.*s ", STR_ARG(op->method));
    quoted(text, op->path);
    text_byte(text, '\n');
    for (size_t i = 0; i < op->tags.count; i++) {
        text_add(text, STR("  tag "));
        quoted(text, op->tags.at[i]);
        text_byte(text, '\n');
    }
    if (!str_eq(op->security, STR("none")) && !str_eq(op->security, STR("public"))) {
        text_add(text, STR("  security "));
        quoted(text, op->security);
        text_add(text, op->passthrough_auth ? STR(" unverified\n") : STR("\n"));
    }
    dump_phrase(text, "  forward_auth", phrase_forward_auth(text->pool, p->gw, &op->forward_auth));
    dump_phrase(text, "  acl", phrase_acl(text->pool, &op->acl));
    dump_flags(p, op);
    dump_observation(text, p->gw, op);
    dump_timeouts(text, &op->timeouts);
    dump_limits(text, "  limits", &op->limits, BODIES);
    dump_errors(text, "  errors", &op->errors);
    p->op = op;
    dump_action(p, op);
    for (size_t i = 0; i < op->origins.count; i++)
        text_printf(text, "  from %s: %.*s\n", op->origins.at[i].level,
                    STR_ARG(op->origins.at[i].key));
}

static void dump_endpoint(struct text *text, const struct ir_endpoint *e)
{
    text_add(text, STR("endpoint "));
    quoted(text, e->pattern);
    for (size_t i = 0; i < e->segments.count; i++) {
        const struct ir_segment *s = &e->segments.at[i];
        text_add(text, STR(" /"));
        for (size_t j = 0; j < s->parts.count; j++) {
            if (s->parts.at[j].param >= 0)
                text_printf(text, "{%d%s}", s->parts.at[j].param, s->tail ? "..." : "");
            else
                quoted(text, s->parts.at[j].literal);
        }
    }
    text_add(text, e->trailing_slash ? STR(" /") : STR(""));
    dump_conditions(text, e->query.at, e->query.count);
    for (size_t i = 0; i < e->hosts.count; i++) {
        text_add(text, i == 0 ? STR(" host ") : STR(" | "));
        quoted(text, e->hosts.at[i]);
    }
    text_byte(text, '\n');
}

static void dump_ip_restrictions(struct text *text, const struct gateway *gw)
{
    for (uint32_t i = 0; i < gw->ip_restrictions.count; i++)
        text_printf(text, "ip_restriction %u %s%.*s\n", i + 1,
                    i < gw->document_restrictions ? "document " : "",
                    STR_ARG(phrase_ip_restriction(text->pool, gw, i + 1)));
}

static void dump_runtime(struct text *text, const struct ir_runtime *runtime)
{
    if (runtime->values.count == 0)
        return;
    text_add(text, STR("runtime"));
    dump_runtime_text(text, &runtime->file);
    text_byte(text, '\n');
    for (size_t i = 0; i < runtime->values.count; i++) {
        dump_phrase(text, "  value", phrase_runtime_value(text->pool, &runtime->values.at[i]));
        number(text, "    sum", runtime->values.at[i].sum, 0);
        if (runtime->values.at[i].sum > 0)
            text_byte(text, '\n');
    }
}

static void dump_gateway(struct text *text, const struct gateway *gw)
{
    static const struct ir_correlation usual = {
        .generator = IR_ID_UUID, .header_name = STR_INIT("X-Request-ID"), .echo = true};
    static const char *const underscores[] = {"drop", "reject", "pass"};
    static const char *const levels[] = {"debug", "info", "warn", "error"};

    text_add(text, STR("gateway "));
    quoted(text, gw->name);
    text_byte(text, ' ');
    quoted(text, gw->version);
    text_byte(text, '\n');
    dump_limits(text, "limits", &gw->limits, SHARED);
    if (!gw->path.normalize || gw->path.merge_slashes || !gw->path.case_sensitive)
        text_printf(text, "path%s%s%s\n", gw->path.normalize ? "" : " raw",
                    gw->path.merge_slashes ? " merge_slashes" : "",
                    gw->path.case_sensitive ? "" : " any_case");
    if (!ir_correlation_equal(&gw->correlation, &usual))
        dump_correlation(text, "correlation_id", &gw->correlation);
    if (gw->underscores != IR_UNDERSCORES_DROP)
        text_printf(text, "underscores %s\n", underscores[gw->underscores]);
    if (gw->log_level != IR_LEVEL_INFO)
        text_printf(text, "log %s\n", levels[gw->log_level]);
    for (size_t i = 0; i < gw->schemes.count; i++) {
        text_add(text, STR("scheme "));
        quoted(text, gw->schemes.at[i].name);
        dump_phrase(text, "", phrase_scheme(text->pool, gw, &gw->schemes.at[i]));
    }
    for (size_t i = 0; i < gw->consumers.count; i++)
        dump_phrase(text, "consumer", phrase_consumer(text->pool, &gw->consumers.at[i]));
    dump_phrase(text, "consumers_file", gw->consumers_file);
    if (gw->zone.kind != IR_TEXT_NONE) {
        text_add(text, STR("zone "));
        dump_runtime_text(text, &gw->zone);
        text_byte(text, '\n');
    }
    if (gw->drain_delay != 0 || gw->drain_grace != 20000)
        text_printf(text, "drain %llu %llu\n", (unsigned long long)gw->drain_delay,
                    (unsigned long long)gw->drain_grace);
    dump_ip_restrictions(text, gw);
    dump_runtime(text, &gw->runtime);
    dump_errors(text, "errors", &gw->errors);
    text_printf(text, "access_log %s",
                !gw->access_log.on           ? "off"
                : gw->access_log.routes_only ? "routes"
                                             : "on");
    dump_log_form(text, &gw->access_log);
    dump_runtime_text(text, &gw->access_log.output);
    dump_log_fields(text, &gw->access_log);
    text_byte(text, '\n');
}

void dump_ir(struct pool *pool, const struct gateway *gw, FILE *out)
{
    struct printer p = {.text = {.pool = pool}, .gw = gw};

    dump_gateway(&p.text, gw);
    for (size_t i = 0; i < gw->listeners.count; i++)
        dump_listener(&p.text, &gw->listeners.at[i]);
    dump_plain_listener(&p.text, "status", &gw->status);
    dump_plain_listener(&p.text, "admin", &gw->admin);
    for (size_t i = 0; i < gw->upstreams.count; i++)
        dump_upstream(&p.text, gw, &gw->upstreams.at[i]);
    for (size_t i = 0; i < gw->endpoints.count; i++)
        dump_endpoint(&p.text, &gw->endpoints.at[i]);
    for (size_t i = 0; i < gw->operations.count; i++)
        dump_operation(&p, &gw->operations.at[i]);
    fwrite(p.text.at, 1, p.text.len, out);
}
