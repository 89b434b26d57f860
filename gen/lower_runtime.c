/* What the runtime file may override: every value of a block gets its name in the file, which begins with whose block
 * it is. Operations that inherit a value look it up by that name. */
#include "lowering.h"
#include "member.h"

struct str lower_runtime_choices(struct lowering *l, size_t branch)
{
    return branch == LOWER_NO_BRANCH ? STR("upstream")
                                     : pool_printf(&l->job->pool, "route.%zu.upstream", branch);
}

static struct str name_of(struct lowering *l, struct str owner, struct str key)
{
    if (owner.len == 0)
        return key;
    return pool_printf(&l->job->pool, "%.*s.%.*s", STR_ARG(owner), STR_ARG(key));
}

static struct str weight_key(struct lowering *l, struct str choices,
                             const struct upstream_choice *choice)
{
    return pool_printf(&l->job->pool, "%.*s.%.*s%s%.*s", STR_ARG(choices),
                       STR_ARG(choice->name.text), choice->has_subset ? ":" : "",
                       STR_ARG(choice->subset));
}

/* Whatever became of the key's value, it is there. */
static bool names_file(const struct lowering *l)
{
    for (size_t i = 0; i < l->document_count; i++) {
        const struct xgateway_key *key = &l->documents[i].block->keys[POLICY_runtime];
        if (key->loc.file != 0 && key->state != XGATEWAY_OFF)
            return true;
    }
    return false;
}

static void add(struct lowering *l, struct str name, enum ir_runtime_kind kind,
                const struct overridable *said, uint32_t sum)
{
    struct diags *diags = &l->job->diags;
    struct ir_runtime_value *value;
    uintptr_t first, number = l->gw->runtime.values.count + 1;

    if (!names_file(l))
        diag_error(diags, said->loc, "no-runtime",
                   "'%.*s' may be overridden, but no file to do that is named: say 'runtime: "
                   "/path' at the document",
                   STR_SHORT(name));
    first = (uintptr_t)map_set(&l->runtime_names, &l->job->pool, name, (void *)number);
    if (first != 0) {
        diag_error(diags, said->loc, "duplicate-runtime-name",
                   "two values would be called '%.*s' in the runtime file", STR_SHORT(name));
        diag_note(diags, l->gw->runtime.values.at[first - 1].loc, "the other");
        return;
    }
    value = vec_add(&l->job->pool, &l->gw->runtime.values);
    *value = (struct ir_runtime_value){.name = name,
                                       .kind = kind,
                                       .normal = said->normal,
                                       .min = said->min,
                                       .max = said->max,
                                       .sum = sum,
                                       .loc = said->loc};
}

/* Weights may not all be 0 together; where one is fixed and is not, they cannot. */
static void add_choices(struct lowering *l, struct str owner, struct str choices,
                        const struct upstream *upstream)
{
    bool fixed = false, turned = false;
    uint32_t sum;

    for (size_t i = 0; i < upstream->choices.count; i++) {
        turned |= upstream->choices.at[i].turned.said;
        fixed |= !upstream->choices.at[i].turned.said && upstream->choices.at[i].weight > 0;
    }
    sum = turned && !fixed ? ++l->gw->runtime.sums : 0;
    for (size_t i = 0; i < upstream->choices.count; i++) {
        const struct upstream_choice *choice = &upstream->choices.at[i];
        if (choice->turned.said)
            add(l, name_of(l, owner, weight_key(l, choices, choice)), IR_RUNTIME_NUMBER,
                &choice->turned, sum);
    }
}

static void add_switch(struct lowering *l, struct str owner, struct str key,
                       const struct overridable *said)
{
    if (said->said)
        add(l, name_of(l, owner, key), IR_RUNTIME_SWITCH, said, 0);
}

void lower_runtime(struct lowering *l, const struct xgateway_block *block, struct str owner)
{
    add_switch(l, owner, STR("disabled"), &block->disabled);
    add_switch(l, owner, STR("maintenance"), &block->maintenance.turned);
    if (block->log.turned.said) {
        add(l, name_of(l, owner, STR("log.level")), IR_RUNTIME_LEVEL, &block->log.turned, 0);
        l->gw->runtime.log_level = (uint32_t)l->gw->runtime.values.count;
    }
    add_choices(l, owner, lower_runtime_choices(l, LOWER_NO_BRANCH), &block->upstream);
    for (size_t i = 0; i < block->route.branches.count; i++) {
        struct node *node = block->route.branches.at[i].upstream;
        struct upstream choice = {0};
        if (!setting_is_off(node) && xgateway_load(l->job, node, &upstream_type, &choice))
            add_choices(l, owner, lower_runtime_choices(l, i), &choice);
    }
}

uint32_t lower_runtime_find(struct lowering *l, struct str owner, struct str key,
                            const struct overridable *said)
{
    if (!said->said)
        return 0;
    return (uint32_t)(uintptr_t)map_get(&l->runtime_names, name_of(l, owner, key));
}

uint32_t lower_runtime_weight(struct lowering *l, struct str owner, struct str choices,
                              const struct upstream_choice *choice)
{
    return lower_runtime_find(l, owner, weight_key(l, choices, choice), &choice->turned);
}
