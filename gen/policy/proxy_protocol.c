#include "policy/proxy_protocol.h"

#include "policy/type.h"

struct raw {
    char *trusted;
};

static const cyaml_schema_field_t fields[] = {
    POLICY_NEEDED(struct raw, trusted, TEXTS_OR_RUNTIME),
    CYAML_FIELD_END,
};
static const cyaml_schema_value_t schema = POLICY_MAPPING(struct raw, fields);
static const cyaml_schema_value_t version_schema = POLICY_ALONE(TEXT);

static void read_networks(struct policy_reader *r, const struct node *node,
                          struct ir_proxy_protocol *p)
{
    struct said text;

    p->from.trusted = pool_alloc(&r->job->pool, (node->item_count + 1) * sizeof *p->from.trusted);
    for (size_t i = 0; i < node->item_count; i++) {
        if (!setting_text(r->job, node->items[i], "trusted", &text))
            continue;
        if (str_eq(text.text, STR("unix:")))
            p->unix_peers = true;
        else if (setting_network(r->job, text))
            p->from.trusted[p->from.trusted_count++] = text.text;
    }
    if (node->item_count == 0)
        diag_error(&r->job->diags, node->loc, "nobody-trusted",
                   "'proxy_protocol' needs somebody whose header counts: 'trusted' is empty");
}

static void read_in(struct policy_reader *r, const struct node *node, const void *from,
                    size_t count, void *out)
{
    const struct raw *raw = from;
    struct ir_proxy_protocol *p = out;
    struct node *trusted = policy_cell(r, raw->trusted);
    struct ir_text file = {0};

    (void)node;
    (void)count;
    p->on = true;
    if (trusted->kind == NODE_LIST)
        read_networks(r, trusted, p);
    else if (!setting_runtime(r->job, trusted, "trusted", &file))
        return;
    else if (file.kind == IR_TEXT_FILE)
        p->from.trusted_file = file;
    else
        diag_error(&r->job->diags, trusted->loc, "wrong-type",
                   "'trusted' must be a list of networks and unix:, or {file: /path}");
}

static void read_out(struct policy_reader *r, const struct node *node, const void *raw,
                     size_t count, void *out)
{
    enum ir_proxy_header *header = out;
    struct said text;

    (void)raw;
    (void)count;
    if (!setting_text(r->job, node, "proxy_protocol", &text))
        return;
    if (str_eq(text.text, STR("v1")))
        *header = IR_PROXY_V1;
    else if (str_eq(text.text, STR("v2")))
        *header = IR_PROXY_V2;
    else
        diag_error(&r->job->diags, node->loc, "unknown-value",
                   "'proxy_protocol' of an upstream must be v1, v2 or false");
}

const struct policy_type proxy_protocol_type = {"listeners[].proxy_protocol", &schema, read_in};
const struct policy_type proxy_protocol_out_type = {"upstreams.*.proxy_protocol", &version_schema,
                                                    read_out};
