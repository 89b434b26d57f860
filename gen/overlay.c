#include "overlay.h"

#include <stdlib.h>

#include "jsonpath.h"
#include "tree.h"
#include "yaml.h"

struct overlay {
    struct job *job;
    struct node *root;
    struct map own; /* nodes made here, which nobody else sees: they may be written to */
};

/* ---- nodes that may be written to */

static struct str address(struct node *const *node)
{
    return (struct str){(const char *)node, sizeof *node};
}

static void *copy_of(struct overlay *o, const void *from, size_t bytes)
{
    return memcpy(pool_take(&o->job->pool, bytes), from, bytes);
}

/* The node itself when it is ours, else a copy of it that shares its children. */
static struct node *own(struct overlay *o, struct node *node)
{
    struct node **copy;

    if (map_get(&o->own, address(&node)))
        return node;
    copy = pool_new(&o->job->pool, struct node *);
    *copy = copy_of(o, node, sizeof *node);
    if (node->kind == NODE_MAP && node->member_count > 0)
        (*copy)->members = copy_of(o, node->members, node->member_count * sizeof *node->members);
    if (node->kind == NODE_LIST && node->item_count > 0)
        (*copy)->items = copy_of(o, node->items, node->item_count * sizeof *node->items);
    map_set(&o->own, &o->job->pool, address(copy), *copy);
    return *copy;
}

/* The slot of a child of a node that is ours. */
static struct node **slot(struct node *parent, size_t index)
{
    return parent->kind == NODE_MAP ? &parent->members[index].value : &parent->items[index];
}

/* The hit's node in the new tree, made ours together with the way to it. */
static struct node *own_hit(struct overlay *o, const struct jsonpath_hit *hit)
{
    struct node *parent, **here;

    if (!hit->parent)
        return o->root = own(o, o->root);
    parent = own_hit(o, hit->parent);
    here = slot(parent, hit->index);
    return *here = own(o, *here);
}

/* ---- merging */

static uint32_t height(const struct node *node)
{
    uint32_t highest = 0;
    size_t count = node->kind == NODE_MAP    ? node->member_count
                   : node->kind == NODE_LIST ? node->item_count
                                             : 0;

    for (size_t i = 0; i < count; i++) {
        uint32_t below = height(*slot((struct node *)(uintptr_t)node, i));
        highest = below > highest ? below : highest;
    }
    return highest + 1;
}

static void append(struct overlay *o, struct node *list, struct node *const *items, size_t count)
{
    size_t before = list->item_count;
    struct node **all = pool_take(&o->job->pool, (before + count) * sizeof(struct node *));

    if (before > 0)
        memcpy(all, list->items, before * sizeof *all);
    if (count > 0)
        memcpy(all + before, items, count * sizeof *all);
    list->items = all;
    list->item_count = before + count;
}

static struct node *merged(struct overlay *o, struct node *old, struct node *update);

/* Members that both have keep their place, new ones come last. */
static void merge_members(struct overlay *o, struct node *map, const struct node *update)
{
    size_t count = map->member_count;
    struct member *all = pool_take(&o->job->pool, (count + update->member_count) * sizeof *all);

    if (count > 0)
        memcpy(all, map->members, count * sizeof *all);
    for (size_t i = 0; i < update->member_count; i++) {
        const struct member *new = &update->members[i], *there = node_member(map, new->key);
        if (there)
            all[there - map->members].value = merged(o, there->value, new->value);
        else
            all[count++] = *new;
    }
    map->members = all;
    map->member_count = count;
}

/* What becomes of `old` when `update` is merged into it. */
static struct node *merged(struct overlay *o, struct node *old, struct node *update)
{
    bool container = old->kind == NODE_MAP || old->kind == NODE_LIST;

    if (container && update->kind == NODE_NULL)
        return old;
    if (!container || old->kind != update->kind)
        return update;
    old = own(o, old);
    if (old->kind == NODE_LIST) {
        append(o, old, update->items, update->item_count);
        return old;
    }
    merge_members(o, old, update);
    return old;
}

static uint32_t depth_of(const struct jsonpath_hit *hit)
{
    uint32_t depth = 0;

    for (; hit->parent; hit = hit->parent)
        depth++;
    return depth;
}

static void update_hit(struct overlay *o, const struct jsonpath_hit *hit, struct node *update,
                       const struct node *target)
{
    struct diags *d = &o->job->diags;
    const char *kind = node_kind_name(hit->node);
    struct node *node;

    if (hit->node->kind != NODE_MAP && hit->node->kind != NODE_LIST) {
        diag_error(d, target->loc, "overlay",
                   "the target selects %s; select the map that contains it, and update that", kind);
        diag_note(d, hit->node->loc, "it is here");
        return;
    }
    if (hit->node->kind == NODE_MAP && update->kind != NODE_MAP) {
        diag_error(d, update->loc, "overlay",
                   "the target selects a map; its update must be one, not %s",
                   node_kind_name(update));
        return;
    }
    if (depth_of(hit) + height(update) >= TREE_DEPTH_MAX) {
        diag_error(d, update->loc, "nesting", "with this update, nested deeper than %d levels",
                   TREE_DEPTH_MAX);
        return;
    }
    node = own_hit(o, hit);
    if (node->kind == NODE_LIST && update->kind != NODE_LIST)
        append(o, node, &update, 1);
    else
        merged(o, node, update);
}

static void remove_hit(struct overlay *o, const struct jsonpath_hit *hit, const struct node *target)
{
    struct node *parent;
    size_t index = hit->index, after;

    if (!hit->parent) {
        diag_error(&o->job->diags, target->loc, "overlay", "the whole document cannot be removed");
        return;
    }
    parent = own_hit(o, hit->parent);
    if (parent->kind == NODE_MAP) {
        after = --parent->member_count - index;
        memmove(parent->members + index, parent->members + index + 1,
                after * sizeof *parent->members);
    } else {
        after = --parent->item_count - index;
        memmove(parent->items + index, parent->items + index + 1, after * sizeof *parent->items);
    }
}

/* ---- actions */

static int by_way(const struct jsonpath_hit *a, const struct jsonpath_hit *b)
{
    uint32_t a_depth = depth_of(a), b_depth = depth_of(b);
    int order;

    for (uint32_t i = a_depth; i > b_depth; i--)
        a = a->parent;
    for (uint32_t i = b_depth; i > a_depth; i--)
        b = b->parent;
    if (a->parent) {
        order = by_way(a->parent, b->parent);
        if (order != 0)
            return order;
        if (a->index != b->index)
            return a->index < b->index ? -1 : 1;
    }
    return (a_depth > b_depth) - (a_depth < b_depth);
}

/* The last in the document first, what is inside before what is around it: then no change disturbs the way
 * to a later one. */
static int last_first(const void *left, const void *right)
{
    return by_way(*(struct jsonpath_hit *const *)right, *(struct jsonpath_hit *const *)left);
}

static void apply_to_hits(struct overlay *o, struct jsonpath_hits *hits, const struct node *target,
                          struct node *update)
{
    const struct jsonpath_hit *last = NULL;

    qsort(hits->list.at, hits->list.count, sizeof *hits->list.at, last_first);
    for (size_t i = 0; i < hits->list.count; i++) {
        const struct jsonpath_hit *hit = hits->list.at[i];
        if (last && by_way(last, hit) == 0)
            continue; /* a node reached twice is changed once */
        if (update)
            update_hit(o, hit, update, target);
        else
            remove_hit(o, hit, target);
        last = hit;
    }
}

static void unknown_key(struct job *job, const struct member *member, const struct str *known,
                        size_t count)
{
    struct str near;

    for (size_t i = 0; i < count; i++)
        if (str_eq(member->key, known[i]))
            return;
    if (str_starts(member->key, STR("x-")))
        return;
    near = diag_suggest(&job->pool, member->key, known, count);
    diag_error(&job->diags, member->key_loc, "unknown-key", "an overlay has no '%.*s' here%.*s",
               STR_ARG(member->key), STR_ARG(near));
}

/* The member when it has the right kind; NULL after a complaint when it has another. */
static struct node *expect(struct job *job, const struct node *map, const char *key,
                           enum node_kind kind)
{
    struct node *node = node_get(map, key), wanted = {.kind = kind};

    if (!node || node->kind == kind)
        return node;
    diag_error(&job->diags, node->loc, "overlay", "'%s' must be %s, not %s", key,
               node_kind_name(&wanted), node_kind_name(node));
    return NULL;
}

static void apply_action(struct overlay *o, const struct node *action)
{
    static const struct str known[] = {STR_INIT("target"), STR_INIT("description"),
                                       STR_INIT("update"), STR_INIT("remove")};
    struct job *job = o->job;
    const struct node *target = expect(job, action, "target", NODE_TEXT);
    const struct node *remove = expect(job, action, "remove", NODE_BOOL);
    struct node *update = node_get(action, "update");
    struct jsonpath_hits hits = {0};
    struct jsonpath *path;

    for (size_t i = 0; i < action->member_count; i++)
        unknown_key(job, &action->members[i], known, sizeof known / sizeof *known);
    if (!node_get(action, "target"))
        diag_error(&job->diags, action->loc, "overlay", "an action needs a 'target'");
    if (!update && !node_get(action, "remove"))
        diag_error(&job->diags, action->loc, "overlay", "an action needs an 'update' or 'remove'");
    path = target ? jsonpath_parse(job, target->text, target->loc) : NULL;
    if (job_failed(job) || !path || !jsonpath_select(job, path, o->root, &hits))
        return;
    if (hits.list.count == 0)
        diag_warn(&job->diags, target->loc, "overlay-no-match", "this target matches nothing");
    else if (remove && remove->truth)
        apply_to_hits(o, &hits, target, NULL);
    else if (update)
        apply_to_hits(o, &hits, target, update);
}

static void check_overlay(struct job *job, const struct node *overlay)
{
    static const struct str known[] = {STR_INIT("overlay"), STR_INIT("info"), STR_INIT("extends"),
                                       STR_INIT("actions")};
    const struct node *version = node_get(overlay, "overlay");

    if (!version || version->kind != NODE_TEXT || !str_starts(version->text, STR("1.0."))) {
        diag_error(&job->diags, version ? version->loc : overlay->loc, "overlay",
                   "this is no Overlay 1.0 document; it would begin with 'overlay: 1.0.0'");
        return;
    }
    for (size_t i = 0; i < overlay->member_count; i++)
        unknown_key(job, &overlay->members[i], known, sizeof known / sizeof *known);
    if (!node_get(overlay, "actions"))
        diag_error(&job->diags, overlay->loc, "overlay", "an overlay needs 'actions'");
}

/* One file may be laid over several documents; each gets a source of its own, because its references are
 * seen from that document. */
static uint32_t stand_for(struct job *job, uint32_t overlay_file, uint32_t document)
{
    struct source *source = &job->sources.files.at[overlay_file - 1];

    if (source->stands_for != 0 && source->stands_for != document) {
        overlay_file = source_add(&job->sources, source->name, source->bytes);
        source = &job->sources.files.at[overlay_file - 1];
    }
    source->stands_for = document;
    return overlay_file;
}

/* References into the document see the new tree. */
static void replace_tree(struct job *job, struct node *root)
{
    struct source *source = &job->sources.files.at[root->loc.file - 1];

    source->tree = root;
    source->refs = (struct map){0};
}

struct node *overlay_apply(struct job *job, struct node *root, uint32_t overlay_file)
{
    struct overlay o = {.job = job, .root = root};
    const struct node *overlay, *actions;

    if (job_failed(job) || !root)
        return NULL;
    overlay = yaml_read(job, stand_for(job, overlay_file, root->loc.file));
    if (!overlay)
        return NULL;
    check_overlay(job, overlay);
    actions = expect(job, overlay, "actions", NODE_LIST);
    for (size_t i = 0; actions && i < actions->item_count; i++) {
        if (actions->items[i]->kind == NODE_MAP)
            apply_action(&o, actions->items[i]);
        else
            diag_error(&job->diags, actions->items[i]->loc, "overlay",
                       "an action must be a map, not %s", node_kind_name(actions->items[i]));
    }
    if (job_failed(job))
        return NULL;
    replace_tree(job, o.root);
    return o.root;
}
