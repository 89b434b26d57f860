#include "stray.h"

#include "ref.h"
#include "setting.h"

struct place {
    const struct node *node;
    bool names; /* its keys are names that the document gives, not words of OpenAPI */
};

/* Nodes by address: those seen, and those still to be looked into. */
struct walk {
    struct job *job;
    const struct node **seen;
    size_t seen_count, seen_cap; /* cap: a power of two */
    VEC(struct place) todo;
    bool blocks; /* report blocks, else references alone */
};

static size_t slot_of(const struct walk *w, const struct node *node)
{
    uint64_t mixed = (uint64_t)(uintptr_t)node * 0x9e3779b97f4a7c15u;
    size_t slot = (size_t)(mixed >> 32) & (w->seen_cap - 1);

    while (w->seen[slot] != NULL && w->seen[slot] != node)
        slot = (slot + 1) & (w->seen_cap - 1);
    return slot;
}

static void grow(struct walk *w)
{
    const struct node **old = w->seen;
    size_t cap = w->seen_cap;

    w->seen_cap = cap ? 2 * cap : 1024;
    w->seen = pool_alloc(&w->job->pool, w->seen_cap * sizeof *w->seen);
    for (size_t i = 0; i < cap; i++)
        if (old[i] != NULL)
            w->seen[slot_of(w, old[i])] = old[i];
}

/* True the first time. */
static bool see(struct walk *w, const struct node *node)
{
    size_t slot;

    if (2 * w->seen_count >= w->seen_cap)
        grow(w);
    slot = slot_of(w, node);
    if (w->seen[slot] != NULL)
        return false;
    w->seen[slot] = node;
    w->seen_count++;
    return true;
}

static void look_into(struct walk *w, const struct node *node, bool names)
{
    if (node != NULL && (node->kind == NODE_MAP || node->kind == NODE_LIST) && see(w, node))
        *vec_add(&w->job->pool, &w->todo) = (struct place){node, names && node->kind == NODE_MAP};
}

/* A schema's property may be called `default`, or `x-gateway`. */
static bool holds_names(struct str key)
{
    static const struct str keys[] = {
        STR_INIT("properties"), STR_INIT("patternProperties"), STR_INIT("dependentSchemas"),
        STR_INIT("$defs"),      STR_INIT("definitions"),       STR_INIT("schemas"),
        STR_INIT("responses"),  STR_INIT("parameters"),        STR_INIT("requestBodies"),
        STR_INIT("headers"),    STR_INIT("securitySchemes"),
    };

    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
        if (str_eq(keys[i], key))
            return true;
    return false;
}

/* Values of the document's subject, not of its language; and parts that are read past. */
static bool is_closed(struct str key)
{
    static const struct str keys[] = {
        STR_INIT("example"),   STR_INIT("examples"),  STR_INIT("default"),
        STR_INIT("enum"),      STR_INIT("const"),     STR_INIT("webhooks"),
        STR_INIT("callbacks"), STR_INIT("pathItems"), STR_INIT("links"),
    };

    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
        if (str_eq(keys[i], key))
            return true;
    return str_starts(key, STR("x-"));
}

static void report_block(struct walk *w, const struct member *m)
{
    const struct member *sensitive = node_member(m->value, STR("sensitive"));

    if (sensitive == NULL || m->value->member_count > 1)
        diag_error(&w->job->diags, m->key_loc, "wrong-level",
                   "nothing reads x-gateway here: it stands at the document, in a path item, an "
                   "operation or a security scheme");
    else if (!setting_is_off(sensitive->value))
        diag_error(&w->job->diags, sensitive->key_loc, "not-implemented",
                   "'sensitive' is not built yet");
}

static void walk_map(struct walk *w, const struct node *map, bool names)
{
    const struct node *reference = node_get(map, "$ref");

    if (reference != NULL && reference->kind == NODE_TEXT)
        look_into(w, ref_follow(w->job, (struct node *)map), names);
    for (size_t i = 0; i < map->member_count; i++) {
        const struct member *m = &map->members[i];
        if (names) {
            look_into(w, m->value, false);
        } else if (str_eq(m->key, STR("x-gateway")) && m->value->kind == NODE_MAP) {
            if (w->blocks && see(w, m->value))
                report_block(w, m);
        } else if (!is_closed(m->key)) {
            look_into(w, m->value, holds_names(m->key));
        }
    }
}

/* The blocks that have their reader. */
static void see_known(struct walk *w, const struct api *api)
{
    if (api->gateway != NULL)
        see(w, api->gateway);
    if (api->shared_gateway != NULL)
        see(w, api->shared_gateway);
    for (size_t i = 0; i < api->schemes.count; i++)
        if (api->schemes.at[i].gateway != NULL)
            see(w, api->schemes.at[i].gateway);
    for (size_t i = 0; i < api->paths.count; i++) {
        const struct api_path *path = &api->paths.at[i];
        if (path->gateway != NULL)
            see(w, path->gateway);
        for (size_t j = 0; j < path->operations.count; j++)
            if (path->operations.at[j].gateway != NULL)
                see(w, path->operations.at[j].gateway);
    }
}

static void walk(struct walk *w, const struct api *api)
{
    look_into(w, api->root, false);
    while (w->todo.count > 0) {
        struct place place = w->todo.at[--w->todo.count];
        const struct node *node = place.node;
        if (node->kind == NODE_MAP)
            walk_map(w, node, place.names);
        for (size_t i = 0; node->kind == NODE_LIST && i < node->item_count; i++)
            look_into(w, node->items[i], false);
    }
}

void stray_references(struct job *job, const struct api *api)
{
    struct walk w = {.job = job};

    walk(&w, api);
}

void stray_blocks(struct job *job, const struct api *api)
{
    struct walk w = {.job = job, .blocks = true};

    see_known(&w, api);
    walk(&w, api);
}
