#include "policy/match.h"

#include "member.h"
#include "policy/type.h"

struct raw {
    char *hosts, *headers, *query, *path_params, *prefix;
};

static const cyaml_schema_field_t fields[] = {
    POLICY_CELL(struct raw, hosts, TEXT_OR_TEXTS),
    POLICY_CELL(struct raw, prefix, TRUTH),
    CYAML_FIELD_END,
};
static const cyaml_schema_value_t schema = POLICY_MAPPING(struct raw, fields);

static const cyaml_schema_field_t branch_fields[] = {
    POLICY_CELL(struct raw, hosts, TEXT_OR_TEXTS),
    POLICY_CELL(struct raw, headers, NAMED_TEXTS),
    POLICY_CELL(struct raw, query, NAMED_TEXTS),
    POLICY_CELL(struct raw, path_params, NAMED_TEXTS),
    POLICY_CELL(struct raw, prefix, TEXT),
    CYAML_FIELD_END,
};
static const cyaml_schema_value_t branch_schema = POLICY_MAPPING(struct raw, branch_fields);

/* One text or a list of texts. */
static void read_values(struct policy_reader *r, const struct node *node, const char *what,
                        struct ir_condition *c)
{
    struct node *const one = (struct node *)node;
    struct node *const *items = node->kind == NODE_LIST ? node->items : &one;
    size_t count = node->kind == NODE_LIST ? node->item_count : 1;
    struct said text;

    if (count == 0)
        diag_error(&r->job->diags, node->loc, "bad-value", "'%s' must list at least one value",
                   what);
    c->values = pool_alloc(&r->job->pool, (count + 1) * sizeof *c->values);
    for (size_t i = 0; i < count; i++)
        if (setting_text(r->job, items[i], what, &text))
            c->values[c->value_count++] = text.text;
}

static void read_hosts(struct policy_reader *r, const struct node *node, struct ir_condition *c)
{
    read_values(r, node, "hosts", c);
    for (size_t i = 0; i < c->value_count; i++) {
        struct loc loc = node->kind == NODE_LIST ? node->items[i]->loc : node->loc;
        setting_host(r->job, (struct said){.text = c->values[i], .loc = loc}, &c->values[i]);
    }
}

static void read_match(struct policy_reader *r, const struct node *node, const void *from,
                       size_t count, void *out)
{
    const struct raw *raw = from;
    struct match *m = out;
    struct node *cell;

    (void)node;
    (void)count;
    if ((cell = policy_cell(r, raw->hosts)) != NULL) {
        struct ir_condition c = {0};
        read_hosts(r, cell, &c);
        m->hosts_said = true;
        m->hosts.at = c.values;
        m->hosts.count = m->hosts.cap = c.value_count;
    }
    if ((cell = policy_cell(r, raw->prefix)) != NULL) {
        m->prefix_loc = cell->loc;
        setting_truth(r->job, cell, "prefix", &m->prefix);
    }
}

/* A map of names to one value or several. */
static void read_named(struct policy_reader *r, const struct node *node, const char *what,
                       struct ir_condition kind, struct match *m)
{
    if (node == NULL || !member_is(r->job, node, NODE_MAP, what))
        return;
    for (size_t i = 0; i < node->member_count; i++) {
        const struct member *entry = &node->members[i];
        struct ir_condition *c = vec_add(&r->job->pool, &m->all);

        *c = kind;
        c->name = entry->key;
        c->loc = entry->key_loc;
        c->param = -1;
        if (kind.kind == IR_IF_HEADER)
            setting_header_name(r->job, (struct said){.text = entry->key, .loc = entry->key_loc});
        read_values(r, entry->value, what, c);
    }
}

static void read_branch(struct policy_reader *r, const struct node *node, const void *from,
                        size_t count, void *out)
{
    const struct raw *raw = from;
    struct match *m = out;
    struct node *cell;
    struct said prefix;

    (void)node;
    (void)count;
    if ((cell = policy_cell(r, raw->hosts)) != NULL) {
        struct ir_condition c = {.kind = IR_IF_HOST, .loc = cell->loc, .param = -1};
        read_hosts(r, cell, &c);
        *vec_add(&r->job->pool, &m->all) = c;
    }
    read_named(r, policy_cell(r, raw->headers), "headers",
               (struct ir_condition){.kind = IR_IF_HEADER}, m);
    read_named(r, policy_cell(r, raw->query), "query", (struct ir_condition){.kind = IR_IF_QUERY},
               m);
    read_named(r, policy_cell(r, raw->path_params), "path_params",
               (struct ir_condition){.kind = IR_IF_PATH_PARAM}, m);
    if ((cell = policy_cell(r, raw->prefix)) == NULL ||
        !setting_text(r->job, cell, "prefix", &prefix))
        return;
    if (prefix.text.len == 0 || prefix.text.at[0] != '/') {
        diag_error(&r->job->diags, prefix.loc, "bad-path",
                   "'prefix' must be the beginning of a path, such as /admin/");
        return;
    }
    struct ir_condition c = {.kind = IR_IF_PREFIX, .loc = prefix.loc, .param = -1};
    read_values(r, cell, "prefix", &c);
    *vec_add(&r->job->pool, &m->all) = c;
}

const struct policy_type match_type = {"match", &schema, read_match};
const struct policy_type match_branch_type = {"route[].match", &branch_schema, read_branch};
