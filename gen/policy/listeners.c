#include "policy/listeners.h"

#include "policy/tls.h"
#include "policy/type.h"

struct raw_keep_alive {
    char *idle, *requests;
};

static const cyaml_schema_field_t keep_alive_fields[] = {
    POLICY_CELL(struct raw_keep_alive, idle, DURATION_OR_OFF),
    POLICY_CELL(struct raw_keep_alive, requests, NUMBER),
    CYAML_FIELD_END,
};
static const cyaml_schema_value_t keep_alive_schema =
    POLICY_MAPPING(struct raw_keep_alive, keep_alive_fields);

struct raw_hsts {
    char *max_age;
    int include_subdomains, preload;
};

static const cyaml_schema_field_t hsts_fields[] = {
    POLICY_CELL(struct raw_hsts, max_age, NUMBER),
    POLICY_TRUTH(struct raw_hsts, include_subdomains),
    POLICY_TRUTH(struct raw_hsts, preload),
    CYAML_FIELD_END,
};
static const cyaml_schema_value_t hsts_schema = POLICY_MAPPING(struct raw_hsts, hsts_fields);

struct raw_redirect {
    char *status, *port;
};

static const cyaml_schema_field_t redirect_fields[] = {
    POLICY_CELL(struct raw_redirect, status, NUMBER),
    POLICY_CELL(struct raw_redirect, port, NUMBER),
    CYAML_FIELD_END,
};
static const cyaml_schema_value_t redirect_schema =
    POLICY_MAPPING(struct raw_redirect, redirect_fields);

struct raw_http2 {
    char *max_concurrent_streams, *initial_stream_window_size, *initial_connection_window_size;
};

static const cyaml_schema_field_t http2_fields[] = {
    POLICY_CELL(struct raw_http2, max_concurrent_streams, NUMBER),
    POLICY_CELL(struct raw_http2, initial_stream_window_size, SIZE),
    POLICY_CELL(struct raw_http2, initial_connection_window_size, SIZE),
    CYAML_FIELD_END,
};
static const cyaml_schema_value_t http2_schema = POLICY_MAPPING(struct raw_http2, http2_fields);

enum { STREAMS_MAX = 10000, WINDOW_MIN = 65535, WINDOW_MAX = 64 << 20 };

struct raw {
    char *address, *keep_alive, *limits, *forwarded, *tls, *hsts, *redirect_https, *http2;
    char *proxy_protocol;
    int protocol, h2c;
};

enum { PROTOCOL_HTTP = 1, PROTOCOL_HTTPS };
static const cyaml_strval_t protocols[] = {{"http", PROTOCOL_HTTP}, {"https", PROTOCOL_HTTPS}};

enum { YEAR_S = 365 * 24 * 3600, MAX_AGE_MAX = 10 * YEAR_S };

static const cyaml_schema_field_t fields[] = {
    POLICY_CELL(struct raw, address, TEXT),
    POLICY_CHOICE(struct raw, protocol, protocols),
    POLICY_CELL(struct raw, keep_alive, TYPED_OR_TRUTH),
    POLICY_CELL(struct raw, limits, TYPED_OR_OFF),
    POLICY_CELL(struct raw, forwarded, TYPED_OR_OFF),
    POLICY_CELL(struct raw, proxy_protocol, TYPED_OR_TRUTH),
    POLICY_CELL(struct raw, http2, TYPED_OR_TRUTH),
    POLICY_CELL(struct raw, tls, TYPED),
    POLICY_CELL(struct raw, redirect_https, TYPED_OR_TRUTH),
    POLICY_TRUTH(struct raw, h2c),
    POLICY_CELL(struct raw, hsts, TYPED_OR_TRUTH),
    CYAML_FIELD_END,
};
static const cyaml_schema_value_t entry_schema = POLICY_ENTRY(struct raw, fields);
static const cyaml_schema_value_t schema = POLICY_SEQUENCE(struct raw, &entry_schema);

static void read_keep_alive(struct policy_reader *r, const struct node *node, const void *from,
                            size_t count, void *out)
{
    const struct raw_keep_alive *raw = from;
    struct listener *l = out;

    (void)node;
    (void)count;
    setting_read_duration(r->job, policy_cell(r, raw->idle), "idle", &l->idle);
    setting_read_number(r->job, policy_cell(r, raw->requests), "requests", 1, UINT32_MAX,
                        &l->requests);
}

const struct policy_type listeners_keep_alive_type = {"listeners[].keep_alive", &keep_alive_schema,
                                                      read_keep_alive};

static void read_hsts(struct policy_reader *r, const struct node *node, const void *from,
                      size_t count, void *out)
{
    const struct raw_hsts *raw = from;
    struct listener *l = out;
    struct node *said = policy_cell(r, raw->max_age);
    uint64_t max_age = YEAR_S;

    (void)node;
    (void)count;
    if (said != NULL)
        setting_number(r->job, said, "max_age", 0, MAX_AGE_MAX, &max_age);
    l->hsts = pool_printf(&r->job->pool, "max-age=%llu%s%s", (unsigned long long)max_age,
                          raw->include_subdomains == YES ? "; includeSubDomains" : "",
                          raw->preload == YES ? "; preload" : "");
}

const struct policy_type listeners_hsts_type = {"listeners[].hsts", &hsts_schema, read_hsts};

static void read_redirect(struct policy_reader *r, const struct node *node, const void *from,
                          size_t count, void *out)
{
    const struct raw_redirect *raw = from;
    struct listener *l = out;
    struct node *status = policy_cell(r, raw->status);

    (void)node;
    (void)count;
    l->redirect_https = (struct setting){.said = true, .value = 308, .loc = node->loc};
    if (status != NULL)
        setting_number(r->job, status, "status", 301, 308, &l->redirect_https.value);
    if (l->redirect_https.value > 302 && l->redirect_https.value < 307)
        diag_error(&r->job->diags, status->loc, "bad-value",
                   "'status' of a redirect is 301, 302, 307 or 308");
    setting_read_number(r->job, policy_cell(r, raw->port), "port", 1, UINT16_MAX, &l->https_port);
}

const struct policy_type listeners_redirect_type = {"listeners[].redirect_https", &redirect_schema,
                                                    read_redirect};

/* A window below that of the protocol's start would have to be taken back (RFC 9113 section 6.9.2). */
static void read_window(struct policy_reader *r, const char *cell, const char *what, uint64_t *out)
{
    struct node *node = policy_cell(r, cell);
    uint64_t size;

    if (node == NULL || !setting_size(r->job, node, what, &size))
        return;
    if (size < WINDOW_MIN || size > WINDOW_MAX)
        diag_error(&r->job->diags, node->loc, "range", "'%s' must be between 65535 and 64m", what);
    else
        *out = size;
}

static void read_http2(struct policy_reader *r, const struct node *node, const void *from,
                       size_t count, void *out)
{
    const struct raw_http2 *raw = from;
    struct ir_http2 *http2 = &((struct listener *)out)->http2;
    struct node *streams = policy_cell(r, raw->max_concurrent_streams);

    (void)node;
    (void)count;
    if (streams != NULL)
        setting_number(r->job, streams, "max_concurrent_streams", 1, STREAMS_MAX,
                       &http2->max_concurrent_streams);
    read_window(r, raw->initial_stream_window_size, "initial_stream_window_size",
                &http2->initial_stream_window_size);
    read_window(r, raw->initial_connection_window_size, "initial_connection_window_size",
                &http2->initial_connection_window_size);
}

const struct policy_type listeners_http2_type = {"listeners[].http2", &http2_schema, read_http2};

/* True for the value `true`. */
static bool is_on(const struct node *node)
{
    return node->kind == NODE_BOOL && node->truth;
}

static void read_security(struct policy_reader *r, const struct raw *raw, struct listener *l)
{
    struct node *tls = policy_cell(r, raw->tls), *hsts = policy_cell(r, raw->hsts);
    struct node *redirect = policy_cell(r, raw->redirect_https);

    l->is_https = raw->protocol == PROTOCOL_HTTPS;
    if (tls != NULL)
        r->load(r, tls, &tls_listener_type, &l->tls);
    if (hsts != NULL && is_on(hsts))
        l->hsts = STR("max-age=31536000");
    else if (hsts != NULL && !setting_is_off(hsts))
        r->load(r, hsts, &listeners_hsts_type, l);
    if (redirect != NULL && is_on(redirect))
        l->redirect_https = (struct setting){.said = true, .value = 308, .loc = redirect->loc};
    else if (redirect != NULL && !setting_is_off(redirect))
        r->load(r, redirect, &listeners_redirect_type, l);
    if (l->is_https && tls == NULL)
        diag_error(&r->job->diags, l->loc, "missing-key",
                   "a listener of protocol https needs 'tls' with its certificates");
    if (!l->is_https && tls != NULL)
        diag_error(&r->job->diags, tls->loc, "bad-value", "'tls' needs 'protocol: https'");
    if (!l->is_https && l->hsts.len > 0)
        diag_error(&r->job->diags, hsts->loc, "bad-value",
                   "'hsts' is for listeners of protocol https: over plain HTTP nobody heeds it "
                   "(RFC 6797 section 7.2)");
    if (l->is_https && l->redirect_https.said)
        diag_error(&r->job->diags, l->redirect_https.loc, "bad-value",
                   "'redirect_https' is for listeners of protocol http");
}

/* On where there is TLS, unless switched off; elsewhere only by h2c. */
static void read_protocols(struct policy_reader *r, const struct raw *raw, struct listener *l)
{
    struct node *http2 = policy_cell(r, raw->http2);
    bool off = http2 != NULL && setting_is_off(http2);

    l->http2 = (struct ir_http2){.max_concurrent_streams = 100,
                                 .initial_stream_window_size = 64 << 10,
                                 .initial_connection_window_size = 1 << 20};
    l->http2.h2c = raw->h2c == YES;
    l->http2.on = (l->is_https || l->http2.h2c) && !off;
    if (http2 != NULL && !off && !is_on(http2))
        r->load(r, http2, &listeners_http2_type, l);
    if (http2 != NULL && !off && !l->http2.on)
        diag_error(&r->job->diags, http2->loc, "bad-value",
                   "HTTP/2 without TLS has to be asked for: add 'h2c: true'");
    if (l->http2.h2c && (l->is_https || off))
        diag_error(&r->job->diags, l->loc, "bad-value",
                   "'h2c' is HTTP/2 without TLS: for listeners of protocol http, and not with "
                   "'http2: false'");
}

static void read_listeners(struct policy_reader *r, const struct node *node, const void *from,
                           size_t count, void *out)
{
    const struct raw *raw = from;
    struct listeners *listeners = out;

    for (size_t i = 0; i < count; i++) {
        struct listener *l = vec_add(&r->job->pool, &listeners->list);
        struct node *address = policy_cell(r, raw[i].address);
        struct node *keep_alive = policy_cell(r, raw[i].keep_alive);

        l->loc = address ? address->loc : node->loc;
        if (address != NULL && setting_text(r->job, address, "address", &l->address))
            setting_address(r->job, l->address);
        read_security(r, &raw[i], l);
        read_protocols(r, &raw[i], l);
        if (setting_is_off(keep_alive))
            l->keep_alive_off = true;
        else if (keep_alive != NULL && !(keep_alive->kind == NODE_BOOL && keep_alive->truth))
            r->load(r, keep_alive, &listeners_keep_alive_type, l);
        l->limits = policy_cell(r, raw[i].limits);
        l->forwarded = policy_cell(r, raw[i].forwarded);
        l->proxy_protocol = policy_cell(r, raw[i].proxy_protocol);
    }
}

const struct policy_type listeners_type = {"listeners[]", &schema, read_listeners};
