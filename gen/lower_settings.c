/* What a document says about the gateway as a whole. */
#include "lowering.h"
#include "member.h"
#include "policy/forwarded.h"
#include "policy/proxy_protocol.h"

/* Settings of the whole gateway stand in one document; returns that document, or NULL. */
static struct lowering_document *only(struct lowering *l, enum policy key)
{
    struct lowering_document *found = NULL;

    for (size_t i = 0; i < l->document_count; i++) {
        struct lowering_document *d = &l->documents[i];
        if (d->block->keys[key].state == XGATEWAY_ABSENT)
            continue;
        if (found == NULL) {
            found = d;
            continue;
        }
        diag_error(&l->job->diags, d->block->keys[key].loc, "one-document",
                   "'%.*s' holds for the whole gateway: it stands in one document",
                   STR_ARG(policy_rows[key].key));
        diag_note(&l->job->diags, found->block->keys[key].loc, "first here");
    }
    return found;
}

/* "Petstore Edge (v2)" becomes petstore-edge-v2. */
static struct str slug(struct pool *pool, struct str title)
{
    char *out = pool_alloc(pool, title.len + 1);
    size_t len = 0;

    for (size_t i = 0; i < title.len && len < 63; i++) {
        char c = title.at[i];
        if (c >= 'A' && c <= 'Z')
            c = (char)(c - 'A' + 'a');
        if ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'))
            out[len++] = c;
        else if (len > 0 && out[len - 1] != '-')
            out[len++] = '-';
    }
    while (len > 0 && out[len - 1] == '-')
        len--;
    return len > 0 ? (struct str){out, len} : STR("gateway");
}

/* The name becomes that of a program and of files. */
static bool is_name(struct str s)
{
    for (size_t i = 0; i < s.len; i++) {
        char c = s.at[i];
        bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
        if (!plain && (i == 0 || (c != '-' && c != '_' && c != '.')))
            return false;
    }
    return s.len > 0 && s.len <= 63;
}

static void set_names(struct lowering *l)
{
    struct lowering_document *d = only(l, POLICY_name);
    const struct api *first = l->document_count > 0 ? l->documents[0].api : NULL;

    l->gw->title = first && first->title.text.at ? first->title.text : STR("");
    l->gw->version = first && first->info_version.text.at ? first->info_version.text : STR("");
    l->gw->name = slug(&l->job->pool, l->gw->title);
    if (d == NULL || d->block->name.text.at == NULL)
        return;
    if (is_name(d->block->name.text))
        l->gw->name = d->block->name.text;
    else
        diag_error(&l->job->diags, d->block->name.loc, "bad-name",
                   "'name' becomes the program's name: up to 63 letters, digits, '-', '_' and '.'");
}

/* ---- limits ---- */

static void set_limit(uint64_t *limit, const struct setting *said)
{
    if (said->said)
        *limit = said->value;
}

static void set_limits(struct ir_limits *limits, const struct limits *said)
{
    set_limit(&limits->body, &said->body);
    set_limit(&limits->upload_rate, &said->upload_rate);
    set_limit(&limits->buffer, &said->buffer);
    set_limit(&limits->headers, &said->headers);
    set_limit(&limits->header_count, &said->header_count);
    set_limit(&limits->uri, &said->uri);
    set_limit(&limits->upstream_headers, &said->upstream_headers);
    set_limit(&limits->buffers, &said->buffers);
}

/* What is known before the route is cannot differ by document. */
static void check_shared_limits(struct lowering *l, const struct lowering_document *a,
                                const struct lowering_document *b)
{
    const struct limits *x = &a->block->limits, *y = &b->block->limits;
    const struct setting *pairs[][2] = {
        {&x->headers, &y->headers}, {&x->header_count, &y->header_count},
        {&x->uri, &y->uri},         {&x->upstream_headers, &y->upstream_headers},
        {&x->buffers, &y->buffers},
    };

    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
        if (!pairs[i][0]->said || !pairs[i][1]->said || pairs[i][0]->value == pairs[i][1]->value)
            continue;
        diag_error(&l->job->diags, pairs[i][1]->loc, "one-document",
                   "this limit holds before the route is known: two documents cannot differ");
        diag_note(&l->job->diags, pairs[i][0]->loc, "the other limit");
    }
}

static void set_gateway_limits(struct lowering *l)
{
    l->gw->limits = (struct ir_limits){
        .body = 10 << 20,
        .buffer = 64 << 10,
        .headers = 32 << 10,
        .header_count = 100,
        .uri = 8 << 10,
        .upstream_headers = 64 << 10,
        .buffers = 64 << 20,
    };
    for (size_t i = l->document_count; i > 0; i--) {
        struct limits shared = l->documents[i - 1].block->limits;
        /* Bodies are the business of each document's operations. */
        shared.body = shared.upload_rate = shared.buffer = (struct setting){0};
        if (l->document_count == 1)
            shared = l->documents[0].block->limits;
        set_limits(&l->gw->limits, &shared);
        for (size_t j = 0; j + 1 < i; j++)
            check_shared_limits(l, &l->documents[j], &l->documents[i - 1]);
    }
}

/* ---- listeners ---- */

/* `true`: who is trusted about X-Forwarded-For is trusted about this. */
static void set_proxy_protocol(struct lowering *l, struct node *said, struct ir_listener *listener)
{
    struct ir_proxy_protocol *p = &listener->proxy_protocol;

    if (said == NULL || setting_is_off(said))
        return;
    if (said->kind != NODE_BOOL) {
        xgateway_load(l->job, said, &proxy_protocol_type, p);
        return;
    }
    p->on = true;
    p->from.trusted = listener->forwarded.trusted;
    p->from.trusted_count = listener->forwarded.trusted_count;
    p->from.trusted_file = listener->forwarded.trusted_file;
    if (p->from.trusted_count == 0 && p->from.trusted_file.kind == IR_TEXT_NONE)
        diag_error(
            &l->job->diags, said->loc, "nobody-trusted",
            "'proxy_protocol: true' believes who 'forwarded.trusted_proxies' names, and that "
            "names nobody: name them there, or in 'proxy_protocol: {trusted: [...]}'");
}

static void set_listener(struct lowering *l, const struct listener *said,
                         const struct ir_forwarded *forwarded, struct ir_listener *listener)
{
    struct limits limits = {0};
    struct ir_limits known = l->gw->limits; /* before the route is */

    known.body = known.upload_rate = known.buffer = 0;
    *listener = (struct ir_listener){
        .address = said->address.text.at ? said->address.text : STR("[::]:8080"),
        .limits = known,
        .header_timeout = 10000,
        .idle_timeout = 75000,
        .keep_alive_requests = 10000,
        .keep_alive = !said->keep_alive_off,
        .forwarded = *forwarded,
        .loc = said->loc,
    };
    listener->tls = said->tls;
    listener->http2 = said->http2;
    listener->hsts = said->hsts;
    set_limit(&listener->redirect_https, &said->redirect_https);
    set_limit(&listener->https_port, &said->https_port);
    set_limit(&listener->idle_timeout, &said->idle);
    set_limit(&listener->keep_alive_requests, &said->requests);
    if (said->limits != NULL && !setting_is_off(said->limits) &&
        xgateway_load(l->job, said->limits, &limits_listener_type, &limits)) {
        set_limits(&listener->limits, &limits);
        set_limit(&listener->connections, &limits.connections);
        set_limit(&listener->connections_per_ip, &limits.connections_per_ip);
        set_limit(&listener->header_timeout, &limits.header_timeout);
    }
    if (said->forwarded != NULL)
        listener->forwarded = (struct ir_forwarded){.header = STR("x-forwarded-for")};
    if (said->forwarded != NULL && !setting_is_off(said->forwarded))
        xgateway_load(l->job, said->forwarded, &forwarded_type, &listener->forwarded);
    set_proxy_protocol(l, said->proxy_protocol, listener);
}

/* "0.0.0.0:8443" ▸ 8443. */
static uint64_t port_of(struct str address)
{
    size_t at = address.len;
    uint64_t port = 0;

    while (at > 0 && address.at[at - 1] != ':')
        at--;
    str_to_u64(str_from(address, at), &port);
    return port;
}

/* Where redirect_https leads: the first listener of protocol https, unless a port was said. */
static void set_redirects(struct lowering *l)
{
    const struct ir_listener *https = NULL;

    for (size_t i = l->gw->listeners.count; i > 0; i--)
        if (l->gw->listeners.at[i - 1].tls.certificates.count > 0)
            https = &l->gw->listeners.at[i - 1];
    for (size_t i = 0; i < l->gw->listeners.count; i++) {
        struct ir_listener *listener = &l->gw->listeners.at[i];
        if (listener->redirect_https == 0 || listener->https_port > 0)
            continue;
        listener->https_port = https ? port_of(https->address) : 0;
        if (listener->https_port == 0)
            diag_error(&l->job->diags, listener->loc, "missing-key",
                       "'redirect_https' has no listener of protocol https to lead to: say "
                       "{port: 443}");
    }
}

static void set_listeners(struct lowering *l)
{
    static const struct listener nothing_said;
    struct lowering_document *listeners = only(l, POLICY_listeners);
    struct lowering_document *trusting = only(l, POLICY_forwarded);
    struct ir_forwarded forwarded = {.header = STR("x-forwarded-for")};
    const struct lowering_document *status, *admin;

    if (trusting != NULL && xgateway_says(trusting->block, POLICY_forwarded))
        forwarded = trusting->block->forwarded;
    for (size_t i = 0; listeners != NULL && i < listeners->block->listeners.list.count; i++)
        set_listener(l, &listeners->block->listeners.list.at[i], &forwarded,
                     vec_add(&l->job->pool, &l->gw->listeners));
    if (l->gw->listeners.count == 0)
        set_listener(l, &nothing_said, &forwarded, vec_add(&l->job->pool, &l->gw->listeners));
    set_redirects(l);
    if ((status = only(l, POLICY_status)) != NULL)
        l->gw->status = status->block->status;
    if ((admin = only(l, POLICY_admin)) != NULL)
        l->gw->admin = admin->block->admin;
}

/* ---- the rest ---- */

/* There is one log; how its lines look may differ by document. */
static void check_outputs(struct lowering *l)
{
    const struct ir_text *first = NULL;

    for (size_t i = 0; i < l->document_count; i++) {
        const struct ir_text *output = &l->documents[i].block->access_log.value.output;
        if (output->kind == IR_TEXT_NONE)
            continue;
        if (first == NULL) {
            first = output;
            continue;
        }
        if (output->kind == first->kind && str_eq(output->text, first->text))
            continue;
        diag_error(&l->job->diags, output->loc, "one-document",
                   "there is one access log: two documents cannot send it to two places");
        diag_note(&l->job->diags, first->loc, "the other place");
    }
}

/* Of requests that no route takes. Whether anything is logged at all is known when all operations are. */
static void set_access_log(struct lowering *l)
{
    struct ir_access_log *log = &l->gw->access_log;

    *log = (struct ir_access_log){.routes_only = true};
    log->output = (struct ir_text){.kind = IR_TEXT_LITERAL, .text = STR("stdout")};
    for (size_t i = l->document_count; i > 0; i--) {
        const struct xgateway_block *block = l->documents[i - 1].block;
        access_log_merge(log, &block->access_log);
        log->routes_only &= block->keys[POLICY_access_log].state == XGATEWAY_OFF;
    }
    log->on = !log->routes_only;
    check_outputs(l);
}

static void set_correlation(struct lowering *l)
{
    const struct xgateway_block *block = l->documents[0].block;

    for (size_t i = l->document_count; i > 0; i--)
        if (l->documents[i - 1].block->keys[POLICY_correlation_id].state != XGATEWAY_ABSENT)
            block = l->documents[i - 1].block;
    l->gw->correlation = block->correlation_id;
    if (block->keys[POLICY_correlation_id].state == XGATEWAY_OFF)
        l->gw->correlation.generator = IR_ID_NONE;
}

static void set_observation(struct lowering *l)
{
    const struct lowering_document *log = only(l, POLICY_log);

    l->gw->log_level = log ? log->block->log.level : IR_LEVEL_INFO;
    set_access_log(l);
    set_correlation(l);
}

static void set_rules(struct lowering *l)
{
    const struct lowering_document *path = only(l, POLICY_path);
    const struct lowering_document *headers = only(l, POLICY_headers);

    l->gw->path = (struct ir_path_rules){.normalize = true, .case_sensitive = true};
    if (path != NULL)
        l->gw->path = path->block->path.value;
    l->rules = (struct urlpath_rules){
        .normalize = l->gw->path.normalize,
        .merge_slashes = l->gw->path.merge_slashes,
        .case_sensitive = l->gw->path.case_sensitive,
        .encoded_slash = (enum urlpath_slash)l->gw->path.encoded_slash,
    };
    if (headers != NULL)
        l->gw->underscores = headers->block->underscores;
}

static void set_end(struct lowering *l)
{
    const struct lowering_document *drain = only(l, POLICY_drain);
    const struct lowering_document *zone = only(l, POLICY_zone);

    if (zone != NULL)
        l->gw->zone = zone->block->zone;
    l->gw->drain_delay = 0;
    l->gw->drain_grace = 20000;
    if (drain == NULL)
        return;
    set_limit(&l->gw->drain_delay, &drain->block->drain.delay);
    set_limit(&l->gw->drain_grace, &drain->block->drain.grace);
}

/* A gateway whose document lets nothing be overridden needs no file. */
static void set_runtime(struct lowering *l)
{
    const struct lowering_document *runtime = only(l, POLICY_runtime);

    if (runtime != NULL)
        l->gw->runtime.file = runtime->block->runtime;
}

/* Those of all documents. */
static void set_consumers(struct lowering *l)
{
    const struct lowering_document *file = only(l, POLICY_consumers_file);
    struct map known = {0};

    if (file != NULL)
        l->gw->consumers_file = file->block->consumers_file.text;
    for (size_t i = 0; i < l->document_count; i++) {
        const ir_consumers *said = &l->documents[i].block->consumers;
        for (size_t c = 0; c < said->count; c++) {
            struct ir_consumer *one = &said->at[c];
            const struct ir_consumer *first = map_get(&known, one->name);
            if (first != NULL) {
                diag_error(&l->job->diags, one->loc, "duplicate-consumer",
                           "consumer '%.*s' stands in two documents", STR_SHORT(one->name));
                diag_note(&l->job->diags, first->loc, "first here");
                continue;
            }
            map_set(&known, &l->job->pool, one->name, one);
            *vec_add(&l->job->pool, &l->gw->consumers) = *one;
        }
    }
}

void lower_settings(struct lowering *l)
{
    set_names(l);
    set_gateway_limits(l);
    set_rules(l);
    set_listeners(l);
    set_observation(l);
    set_end(l);
    set_runtime(l);
    set_consumers(l);
    l->gw->errors = (struct ir_errors){.type_base = STR("")};
    for (size_t i = l->document_count; i > 0; i--)
        errors_merge(&l->gw->errors, &l->documents[i - 1].block->errors);
}
