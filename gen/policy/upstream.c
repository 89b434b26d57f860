#include "policy/upstream.h"

#include "member.h"
#include "policy/sticky.h"
#include "policy/type.h"

enum { WEIGHT_MAX = 65535 };

struct upstream_choice upstream_choice_of(struct said said, uint32_t weight)
{
    size_t colon = str_find(said.text, ':');
    struct upstream_choice choice = {.name = said, .weight = weight};

    choice.name.text = str_head(said.text, colon);
    choice.has_subset = colon < said.text.len;
    choice.subset = choice.has_subset ? str_from(said.text, colon + 1) : STR("");
    return choice;
}

static bool is_overridable(const struct node *node)
{
    return node_get(node, "default") || node_get(node, "min") || node_get(node, "max");
}

/* A number, or {default: …} for one that the runtime file may override; false after a complaint. */
static bool read_weight(struct policy_reader *r, struct node *node, struct upstream_choice *choice)
{
    uint64_t weight;

    if (node->kind == NODE_MAP && is_overridable(node)) {
        choice->turned = (struct overridable){.max = WEIGHT_MAX};
        r->load(r, node, &overridable_number_type, &choice->turned);
        choice->weight = (uint32_t)choice->turned.normal;
        return choice->turned.said;
    }
    if (!setting_number(r->job, node, "weight", 0, WEIGHT_MAX, &weight))
        return false;
    choice->weight = (uint32_t)weight;
    return true;
}

/* A name, or names with weights: a union and free keys, neither of which a table could say. */
static void read_weights(struct policy_reader *r, const struct node *node, struct upstream *u)
{
    struct upstream_choice choice;

    if (node->member_count == 0)
        diag_error(&r->job->diags, node->loc, "bad-value", "'upstream' names nothing");
    for (size_t i = 0; i < node->member_count; i++) {
        const struct member *m = &node->members[i];
        struct said name = {.text = m->key, .loc = m->key_loc};

        if (str_eq(m->key, STR("$sticky")))
            r->load(r, m->value, &sticky_type, &u->sticky);
        else if (choice = upstream_choice_of(name, 0), read_weight(r, m->value, &choice))
            *vec_add(&r->job->pool, &u->choices) = choice;
    }
}

static void read_upstream(struct policy_reader *r, const struct node *node, const void *raw,
                          size_t count, void *out)
{
    struct upstream *u = out;
    struct said name;

    (void)raw;
    (void)count;
    u->loc = node->loc;
    if (node->kind == NODE_MAP) {
        read_weights(r, node, u);
        if (u->sticky.on && u->choices.count < 2)
            diag_error(&r->job->diags, u->sticky.loc, "contradiction",
                       "'$sticky' needs two upstreams to choose from");
        if (node->member_count == 1 && u->choices.count == 1 && u->choices.at[0].turned.said)
            diag_error(&r->job->diags, u->choices.at[0].turned.loc, "contradiction",
                       "a weight that may be overridden needs two upstreams to choose from");
        return;
    }
    if (!setting_text(r->job, node, "upstream", &name))
        return;
    u->servers = str_eq(name.text, STR("$servers"));
    if (!u->servers)
        *vec_add(&r->job->pool, &u->choices) = upstream_choice_of(name, 1);
}

static const cyaml_schema_value_t schema = POLICY_ALONE(WEIGHTS);

const struct policy_type upstream_type = {"upstream", &schema, read_upstream};
