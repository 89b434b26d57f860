#include "policy/hosts.h"

#include "policy/type.h"

static void read_hosts(struct policy_reader *r, const struct node *node, const void *raw,
                       size_t count, void *out)
{
    struct hosts *hosts = out;
    struct said text;
    struct str host;

    (void)raw;
    (void)count;
    hosts->loc = node->loc;
    if (node->kind == NODE_TEXT && str_eq(node->text, STR("$servers"))) {
        hosts->servers = true;
        return;
    }
    if (node->kind != NODE_LIST) {
        diag_error(&r->job->diags, node->loc, "wrong-type",
                   "'hosts' must be a list of names or $servers, not %s", node_kind_name(node));
        return;
    }
    if (node->item_count == 0)
        diag_error(&r->job->diags, node->loc, "bad-value", "'hosts' lists nothing");
    for (size_t i = 0; i < node->item_count; i++)
        if (setting_text(r->job, node->items[i], "hosts", &text) &&
            setting_host(r->job, text, &host))
            *vec_add(&r->job->pool, &hosts->names) = host;
}

static const cyaml_schema_value_t schema = POLICY_ALONE(SERVERS_OR_TEXTS);

const struct policy_type hosts_type = {"hosts", &schema, read_hosts};
