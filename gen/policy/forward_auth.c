#include "policy/forward_auth.h"

#include "member.h"
#include "policy/type.h"

enum { TIMEOUT = 500, TIMEOUT_MAX = 60 * 1000, CACHE_MAX = 3600 * 1000, NAMES_MAX = 64 };

struct raw {
    struct endpoint_raw at;
    char *operation, *request_headers, *response_headers, *client_headers, *original_uri_header,
        *timeout, *cache;
    int method, on_error, forward_body;
};

enum { GET = 1, ORIGINAL };
static const cyaml_strval_t methods[] = {{"GET", GET}, {"original", ORIGINAL}};
enum { DENY = 1, ALLOW };
static const cyaml_strval_t errors[] = {{"deny", DENY}, {"allow", ALLOW}};

static const cyaml_schema_field_t fields[] = {
    POLICY_CELL(struct raw, operation, TEXT),
    ENDPOINT_FIELDS(struct raw, at),
    POLICY_CHOICE(struct raw, method, methods),
    POLICY_TRUTH(struct raw, forward_body),
    POLICY_CELL(struct raw, request_headers, TEXTS_OR_NONE),
    POLICY_CELL(struct raw, response_headers, TEXTS_OR_NONE),
    POLICY_CELL(struct raw, client_headers, TEXTS_OR_NONE),
    POLICY_CELL(struct raw, original_uri_header, TEXT),
    POLICY_CELL(struct raw, timeout, DURATION),
    POLICY_CELL(struct raw, cache, DURATION_OR_OFF),
    POLICY_CHOICE(struct raw, on_error, errors),
    CYAML_FIELD_END,
};
static const cyaml_schema_value_t schema = POLICY_MAPPING(struct raw, fields);

/* Fields that say how a message is carried, to whom, or that the gateway writes itself. */
static bool is_taken(struct str name)
{
    static const struct str taken[] = {
        STR_INIT("connection"), STR_INIT("content-length"),
        STR_INIT("expect"),     STR_INIT("host"),
        STR_INIT("keep-alive"), STR_INIT("proxy-connection"),
        STR_INIT("te"),         STR_INIT("trailer"),
        STR_INIT("upgrade"),    STR_INIT("transfer-encoding"),
    };

    for (size_t i = 0; i < sizeof taken / sizeof *taken; i++)
        if (str_eq_nocase(name, taken[i]))
            return true;
    return false;
}

static void check_name(struct policy_reader *r, struct said name, const char *what)
{
    if (!setting_header_name(r->job, name))
        return;
    if (is_taken(name.text) || str_eq_nocase(str_head(name.text, 12), STR("x-forwarded-")))
        diag_error(&r->job->diags, name.loc, "bad-header",
                   "'%s': '%.*s' is the gateway's own to write", what, STR_SHORT(name.text));
}

/* What is said takes the place of the default; an empty list is none. */
static void read_names(struct policy_reader *r, const struct node *node, const char *what,
                       ir_texts *out)
{
    if (node == NULL)
        return;
    out->count = 0;
    setting_texts(r->job, node, what, out);
    for (size_t i = 0; i < out->count; i++)
        check_name(r, (struct said){out->at[i], node->loc}, what);
    if (out->count > NAMES_MAX)
        diag_error(&r->job->diags, node->loc, "bad-value", "'%s' has %d names at most", what,
                   NAMES_MAX);
}

static void set_defaults(struct pool *pool, struct ir_forward_auth *f)
{
    *vec_add(pool, &f->request_headers) = STR("Authorization");
    *vec_add(pool, &f->request_headers) = STR("Cookie");
    *vec_add(pool, &f->client_headers) = STR("WWW-Authenticate");
    *vec_add(pool, &f->client_headers) = STR("Location");
    *vec_add(pool, &f->client_headers) = STR("Set-Cookie");
    f->uri_header = STR("X-Original-URI");
    f->timeout = TIMEOUT;
}

static void read_uri_header(struct policy_reader *r, const struct node *node,
                            struct ir_forward_auth *f)
{
    struct said name;

    if (node == NULL || !setting_text(r->job, node, "original_uri_header", &name))
        return;
    check_name(r, name, "original_uri_header");
    f->uri_header = name.text;
}

static void read_times(struct policy_reader *r, const struct raw *raw, struct ir_forward_auth *f)
{
    const struct node *timeout = policy_cell(r, raw->timeout), *cache = policy_cell(r, raw->cache);
    struct setting said = {0};

    if (timeout != NULL && setting_duration(r->job, timeout, "timeout", &f->timeout) &&
        (f->timeout == 0 || f->timeout > TIMEOUT_MAX))
        diag_error(&r->job->diags, timeout->loc, "bad-value", "'timeout' is 1ms to 60s");
    setting_read_duration(r->job, cache, "cache", &said);
    f->cache = said.value;
    if (f->cache > CACHE_MAX)
        diag_error(&r->job->diags, cache->loc, "bad-value", "'cache' is 1h at most");
}

static void read_asked(struct policy_reader *r, const struct raw *raw, const struct node *node,
                       struct forward_auth *f)
{
    const struct node *operation = policy_cell(r, raw->operation);
    struct said name;
    bool other = raw->at.url != NULL || raw->at.upstream != NULL || raw->at.path != NULL;

    if (operation != NULL && other)
        diag_error(&r->job->diags, operation->loc, "contradiction",
                   "'operation' says who is asked: 'url', 'upstream' and 'path' would say it, too");
    else if (operation != NULL && setting_text(r->job, operation, "operation", &name))
        f->value.operation = name.text;
    else if (operation == NULL && !other)
        diag_error(&r->job->diags, node->loc, "missing-key",
                   "'forward_auth' needs 'operation', 'url', or 'upstream' and 'path'");
    f->value.operation_loc = operation != NULL ? operation->loc : node->loc;
    endpoint_read(r, &raw->at, &f->endpoint);
}

static void read_forward_auth(struct policy_reader *r, const struct node *node, const void *from,
                              size_t count, void *out)
{
    const struct raw *raw = from;
    struct forward_auth *f = out;

    (void)count;
    *f = (struct forward_auth){.value = {.on = true,
                                         .loc = node->loc,
                                         .original = raw->method == ORIGINAL,
                                         .body = raw->forward_body == YES,
                                         .admits_on_error = raw->on_error == ALLOW}};
    set_defaults(&r->job->pool, &f->value);
    read_asked(r, raw, node, f);
    read_names(r, policy_cell(r, raw->request_headers), "request_headers",
               &f->value.request_headers);
    read_names(r, policy_cell(r, raw->response_headers), "response_headers",
               &f->value.response_headers);
    read_names(r, policy_cell(r, raw->client_headers), "client_headers", &f->value.client_headers);
    read_uri_header(r, policy_cell(r, raw->original_uri_header), &f->value);
    read_times(r, raw, &f->value);
}

const struct policy_type forward_auth_type = {"forward_auth", &schema, read_forward_auth};
