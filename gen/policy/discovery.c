#include "policy/discovery.h"

#include "base/text.h"
#include "policy/type.h"

enum {
    MAX_AGE = 24 * 3600 * 1000,
    REFRESH_MIN = 100,
    WAIT_MAX = 10 * 60 * 1000 /* of a blocking query, by Consul itself */
};

/* ---- consul ---- */

struct raw_consul {
    char *upstream, *service, *tag, *datacenter, *token;
};

static const cyaml_schema_field_t consul_fields[] = {
    POLICY_NEEDED(struct raw_consul, upstream, TEXT),
    POLICY_NEEDED(struct raw_consul, service, TEXT),
    POLICY_CELL(struct raw_consul, tag, TEXT),
    POLICY_CELL(struct raw_consul, datacenter, TEXT),
    POLICY_CELL(struct raw_consul, token, REFERENCE),
    CYAML_FIELD_END,
};
static const cyaml_schema_value_t consul_schema = POLICY_MAPPING(struct raw_consul, consul_fields);

/* What an URI need not escape (RFC 3986 section 2.3). */
static bool is_unreserved(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '.' || c == '_' || c == '~';
}

static struct str escaped(struct pool *pool, struct str text)
{
    struct text out = {.pool = pool};

    for (size_t i = 0; i < text.len; i++)
        if (is_unreserved(text.at[i]))
            text_byte(&out, text.at[i]);
        else
            text_printf(&out, "%%%02X", (unsigned char)text.at[i]);
    return text_str(&out);
}

static void read_parameter(struct policy_reader *r, const struct node *node, const char *what,
                           const char *name, struct text *query)
{
    struct said said;

    if (node != NULL && setting_text(r->job, node, what, &said))
        text_printf(query, "&%s=%.*s", name, STR_ARG(escaped(&r->job->pool, said.text)));
}

static void read_consul(struct policy_reader *r, const struct node *node, const void *from,
                        size_t count, void *out)
{
    const struct raw_consul *raw = from;
    struct discovery *d = out;
    struct text query = {.pool = &r->job->pool};
    const struct node *token = policy_cell(r, raw->token);
    struct said service;

    (void)node;
    (void)count;
    setting_text(r->job, policy_cell(r, raw->upstream), "upstream", &d->registry);
    if (setting_text(r->job, policy_cell(r, raw->service), "service", &service)) {
        d->value.name = escaped(&r->job->pool, service.text);
        if (service.text.len == 0)
            diag_error(&r->job->diags, service.loc, "bad-value", "'service' is empty");
    }
    read_parameter(r, policy_cell(r, raw->tag), "tag", "tag", &query);
    read_parameter(r, policy_cell(r, raw->datacenter), "datacenter", "dc", &query);
    if (token != NULL)
        setting_secret(r->job, token, "token", &d->value.token);
    d->value.query = text_str(&query);
}

const struct policy_type discovery_consul_type = {"upstreams.*.discovery.consul", &consul_schema,
                                                  read_consul};

/* ---- eds ---- */

struct raw_eds {
    char *path, *service_name;
};

static const cyaml_schema_field_t eds_fields[] = {
    POLICY_NEEDED(struct raw_eds, path, TEXT),
    POLICY_CELL(struct raw_eds, service_name, TEXT),
    CYAML_FIELD_END,
};
static const cyaml_schema_value_t eds_schema = POLICY_MAPPING(struct raw_eds, eds_fields);

static void read_path(struct policy_reader *r, const struct node *node, const char *what,
                      struct str *out)
{
    struct said path;

    if (!setting_text(r->job, node, what, &path))
        return;
    *out = path.text;
    if (path.text.len == 0 || memchr(path.text.at, '\0', path.text.len) != NULL)
        diag_error(&r->job->diags, path.loc, "bad-value", "'%s' is no path of a file", what);
}

static void read_eds(struct policy_reader *r, const struct node *node, const void *from,
                     size_t count, void *out)
{
    const struct raw_eds *raw = from;
    struct discovery *d = out;
    const struct node *name = policy_cell(r, raw->service_name);
    struct said said;

    (void)node;
    (void)count;
    read_path(r, policy_cell(r, raw->path), "path", &d->value.file);
    if (name != NULL && setting_text(r->job, name, "service_name", &said))
        d->value.name = said.text;
}

const struct policy_type discovery_eds_type = {"upstreams.*.discovery.eds", &eds_schema, read_eds};

/* ---- all of them ---- */

struct raw {
    char *dns, *dns_srv, *consul, *file, *eds, *refresh, *max_age;
    int scheme;
};

static const cyaml_strval_t schemes[] = {{"http", 1 + IR_SCHEME_HTTP},
                                         {"https", 1 + IR_SCHEME_HTTPS}};

static const cyaml_schema_field_t fields[] = {
    POLICY_CELL(struct raw, dns, TEXT),
    POLICY_CELL(struct raw, dns_srv, TEXT),
    POLICY_CELL(struct raw, consul, TYPED),
    POLICY_CELL(struct raw, file, TEXT),
    POLICY_CELL(struct raw, eds, TYPED),
    POLICY_CHOICE(struct raw, scheme, schemes),
    POLICY_CELL(struct raw, refresh, DURATION),
    POLICY_CELL(struct raw, max_age, DURATION_OR_OFF),
    CYAML_FIELD_END,
};
static const cyaml_schema_value_t schema = POLICY_MAPPING(struct raw, fields);

static bool ends_in_port(struct str text)
{
    size_t colon = text.len;
    uint64_t port;

    while (colon > 0 && text.at[colon - 1] != ':')
        colon--;
    return colon > 1 && str_to_u64(str_from(text, colon), &port) && port > 0 && port <= UINT16_MAX;
}

/* "product-service:8001" is what stands behind http:// in a URL. */
static void read_dns(struct policy_reader *r, const struct node *node, struct ir_discovery *d)
{
    struct ir_target target = {0};
    struct said said, url;

    if (!setting_text(r->job, node, "dns", &said))
        return;
    url = (struct said){pool_printf(&r->job->pool, "http://%.*s", STR_ARG(said.text)), said.loc};
    if (str_find(said.text, '/') < said.text.len || !ends_in_port(said.text)) {
        diag_error(&r->job->diags, said.loc, "bad-value", "'dns' is HOST:PORT");
        return;
    }
    if (!setting_target(r->job, url, &target))
        return;
    d->name = target.host;
    d->port = target.port;
}

/* A domain name with the underscores of services (RFC 2782). */
static void read_dns_srv(struct policy_reader *r, const struct node *node, struct ir_discovery *d)
{
    struct said said;
    bool is_name;

    if (!setting_text(r->job, node, "dns_srv", &said))
        return;
    d->name = said.text;
    is_name = said.text.len > 0 && said.text.len <= 253;
    for (size_t i = 0; i < said.text.len; i++)
        is_name = is_name && is_unreserved(said.text.at[i]) && said.text.at[i] != '~';
    if (!is_name)
        diag_error(&r->job->diags, said.loc, "bad-value",
                   "'dns_srv' is the name of SRV records, such as _http._tcp.example.com");
}

static void read_times(struct policy_reader *r, const struct raw *raw, struct ir_discovery *d)
{
    const struct node *refresh = policy_cell(r, raw->refresh);
    struct setting max_age = {.value = MAX_AGE};

    if (refresh != NULL && setting_duration(r->job, refresh, "refresh", &d->refresh) &&
        (d->refresh < REFRESH_MIN || (d->kind == IR_FOUND_CONSUL && d->refresh > WAIT_MAX)))
        diag_error(&r->job->diags, refresh->loc, "bad-value",
                   "'refresh' is at least 100ms, and 10m at most of a Consul agent");
    setting_read_duration(r->job, policy_cell(r, raw->max_age), "max_age", &max_age);
    d->max_age = max_age.value;
    if (d->max_age > 0 && d->max_age < 1000)
        diag_error(&r->job->diags, max_age.loc, "bad-value", "'max_age' is at least 1s");
}

static void read_discovery(struct policy_reader *r, const struct node *node, const void *from,
                           size_t count, void *out)
{
    const struct raw *raw = from;
    struct discovery *d = out;
    struct node *const said[] = {
        [IR_FOUND_DNS] = policy_cell(r, raw->dns),
        [IR_FOUND_DNS_SRV] = policy_cell(r, raw->dns_srv),
        [IR_FOUND_CONSUL] = policy_cell(r, raw->consul),
        [IR_FOUND_FILE] = policy_cell(r, raw->file),
        [IR_FOUND_EDS] = policy_cell(r, raw->eds),
    };
    unsigned sources = 0;

    (void)count;
    d->value.loc = node->loc;
    for (unsigned k = IR_FOUND_DNS; k <= IR_FOUND_EDS; k++)
        if (said[k] != NULL) {
            d->value.kind = k;
            sources++;
        }
    if (sources != 1) {
        diag_error(&r->job->diags, node->loc, "bad-value",
                   "'discovery' names one of dns, dns_srv, consul, file and eds");
        return;
    }
    if (raw->scheme != 0)
        d->value.scheme = (unsigned)raw->scheme - 1;
    if (said[IR_FOUND_DNS] != NULL)
        read_dns(r, said[IR_FOUND_DNS], &d->value);
    else if (said[IR_FOUND_DNS_SRV] != NULL)
        read_dns_srv(r, said[IR_FOUND_DNS_SRV], &d->value);
    else if (said[IR_FOUND_CONSUL] != NULL)
        r->load(r, said[IR_FOUND_CONSUL], &discovery_consul_type, d);
    else if (said[IR_FOUND_FILE] != NULL)
        read_path(r, said[IR_FOUND_FILE], "file", &d->value.file);
    else
        r->load(r, said[IR_FOUND_EDS], &discovery_eds_type, d);
    read_times(r, raw, &d->value);
}

const struct policy_type discovery_type = {"upstreams.*.discovery", &schema, read_discovery};
