#include "policy/limits.h"

#include "policy/type.h"

struct raw {
    char *body, *upload_rate, *buffer, *headers, *header_count, *uri, *upstream_headers, *buffers;
    char *connections, *connections_per_ip, *header_timeout;
};

static const cyaml_schema_field_t document_fields[] = {
    POLICY_CELL(struct raw, body, SIZE_OR_OFF),
    POLICY_CELL(struct raw, upload_rate, SIZE_OR_OFF),
    POLICY_CELL(struct raw, buffer, SIZE_OR_OFF),
    POLICY_CELL(struct raw, headers, SIZE),
    POLICY_CELL(struct raw, header_count, NUMBER),
    POLICY_CELL(struct raw, uri, SIZE),
    POLICY_CELL(struct raw, buffers, SIZE_OR_OFF),
    POLICY_CELL(struct raw, upstream_headers, SIZE),
    CYAML_FIELD_END,
};

static const cyaml_schema_field_t fields[] = {
    POLICY_CELL(struct raw, body, SIZE_OR_OFF),
    POLICY_CELL(struct raw, upload_rate, SIZE_OR_OFF),
    POLICY_CELL(struct raw, buffer, SIZE_OR_OFF),
    CYAML_FIELD_END,
};

static const cyaml_schema_field_t listener_fields[] = {
    POLICY_CELL(struct raw, headers, SIZE),
    POLICY_CELL(struct raw, header_count, NUMBER),
    POLICY_CELL(struct raw, uri, SIZE),
    POLICY_CELL(struct raw, connections, NUMBER),
    POLICY_CELL(struct raw, header_timeout, DURATION_OR_OFF),
    POLICY_CELL(struct raw, connections_per_ip, NUMBER),
    CYAML_FIELD_END,
};

static const cyaml_schema_value_t document_schema = POLICY_MAPPING(struct raw, document_fields);
static const cyaml_schema_value_t schema = POLICY_MAPPING(struct raw, fields);
static const cyaml_schema_value_t listener_schema = POLICY_MAPPING(struct raw, listener_fields);

/* What the runtime keeps in 32 bits, or has to hold in memory for every connection. */
enum { HEAD_MAX = 1 << 20, COUNT_MAX = 1000, CONNECTIONS_MAX = 1000000 };

static void read_bounded(struct policy_reader *r, const char *cell, const char *what,
                         struct setting *out)
{
    struct setting read = {0};

    setting_read_size(r->job, policy_cell(r, cell), what, &read);
    if (read.said && (read.value < 256 || read.value > HEAD_MAX))
        diag_error(&r->job->diags, read.loc, "range", "'%s' must be between 256 and 1m", what);
    else if (read.said)
        *out = read;
}

static void read_limits(struct policy_reader *r, const struct node *node, const void *from,
                        size_t count, void *out)
{
    const struct raw *raw = from;
    struct limits *l = out;

    (void)node;
    (void)count;
    setting_read_size(r->job, policy_cell(r, raw->body), "body", &l->body);
    setting_read_size(r->job, policy_cell(r, raw->upload_rate), "upload_rate", &l->upload_rate);
    setting_read_size(r->job, policy_cell(r, raw->buffer), "buffer", &l->buffer);
    setting_read_size(r->job, policy_cell(r, raw->buffers), "buffers", &l->buffers);
    read_bounded(r, raw->headers, "headers", &l->headers);
    read_bounded(r, raw->uri, "uri", &l->uri);
    read_bounded(r, raw->upstream_headers, "upstream_headers", &l->upstream_headers);
    setting_read_number(r->job, policy_cell(r, raw->header_count), "header_count", 1, COUNT_MAX,
                        &l->header_count);
    setting_read_number(r->job, policy_cell(r, raw->connections), "connections", 1, CONNECTIONS_MAX,
                        &l->connections);
    setting_read_number(r->job, policy_cell(r, raw->connections_per_ip), "connections_per_ip", 1,
                        CONNECTIONS_MAX, &l->connections_per_ip);
    setting_read_duration(r->job, policy_cell(r, raw->header_timeout), "header_timeout",
                          &l->header_timeout);
}

const struct policy_type limits_document_type = {"limits", &document_schema, read_limits};
const struct policy_type limits_type = {"limits", &schema, read_limits};
const struct policy_type limits_listener_type = {"listeners[].limits", &listener_schema,
                                                 read_limits};

struct limits limits_off(struct loc loc)
{
    const struct setting off = {.said = true, .value = 0, .loc = loc};

    return (struct limits){.body = off, .upload_rate = off};
}

void limits_merge(struct limits *under, const struct limits *over)
{
    if (over->body.said)
        under->body = over->body;
    if (over->upload_rate.said)
        under->upload_rate = over->upload_rate;
    if (over->buffer.said)
        under->buffer = over->buffer;
}
