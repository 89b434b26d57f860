#include "tree.h"

#include "base/map.h"

/* Up to here comparing all pairs of keys is cheaper than a map. */
enum { FEW_MEMBERS = 12 };

void tree_begin(struct tree *tree, struct job *job)
{
    *tree = (struct tree){.job = job};
    pool_open(&tree->scratch, NULL);
}

struct node *tree_end(struct tree *tree)
{
    pool_close(&tree->scratch);
    return tree->root;
}

static struct tree_level *innermost(const struct tree *tree)
{
    return tree->levels.count > 0 ? &tree->levels.at[tree->levels.count - 1] : NULL;
}

bool tree_wants_key(const struct tree *tree)
{
    const struct tree_level *level = innermost(tree);

    return level && level->wants_key;
}

void tree_key(struct tree *tree, struct str key, struct loc loc)
{
    *vec_add(&tree->scratch, &tree->members) = (struct member){.key = key, .key_loc = loc};
    innermost(tree)->wants_key = false;
}

void tree_add(struct tree *tree, struct tree_value value)
{
    struct tree_level *level = innermost(tree);

    if (!level) {
        tree->root = value.node;
        return;
    }
    level->value.size += value.size;
    if (level->value.height <= value.height)
        level->value.height = value.height + 1;
    if (level->value.node->kind == NODE_MAP) {
        tree->members.at[tree->members.count - 1].value = value.node;
        level->wants_key = true;
    } else {
        *vec_add(&tree->scratch, &tree->items) = value.node;
    }
}

bool tree_open(struct tree *tree, struct node *node)
{
    bool is_map = node->kind == NODE_MAP;

    if (tree->levels.count >= TREE_DEPTH_MAX) {
        diag_error(&tree->job->diags, node->loc, "nesting",
                   "nested deeper than %d levels; this document cannot be meant", TREE_DEPTH_MAX);
        return false;
    }
    *vec_add(&tree->scratch, &tree->levels) = (struct tree_level){
        .value = {.node = node, .size = 1, .height = 1},
        .first = is_map ? tree->members.count : tree->items.count,
        .wants_key = is_map,
    };
    return true;
}

/* The member before `index` that has the same key, or NULL. */
static const struct member *earlier(struct tree *tree, const struct member *members, size_t index,
                                    struct map *seen)
{
    const struct member *member = &members[index];

    if (!seen) {
        for (size_t i = 0; i < index; i++)
            if (str_eq(members[i].key, member->key))
                return &members[i];
        return NULL;
    }
    const struct member *other = map_get(seen, member->key);
    if (!other)
        map_set(seen, &tree->scratch, member->key, (void *)(uintptr_t)member);
    return other;
}

static void report_duplicates(struct tree *tree, const struct member *members, size_t count)
{
    struct diags *d = &tree->job->diags;
    struct map seen = {0};

    for (size_t i = 0; i < count; i++) {
        const struct member *other = earlier(tree, members, i, count > FEW_MEMBERS ? &seen : NULL);
        if (!other)
            continue;
        diag_error(d, members[i].key_loc, "duplicate-key", "the key '%.*s' is already in this map",
                   STR_ARG(members[i].key));
        diag_note(d, other->key_loc, "the first one is here");
    }
}

/* needs: the level is no longer on the stack. Takes its items off theirs. */
static void close_list(struct tree *tree, const struct tree_level *level)
{
    struct node *node = level->value.node;
    size_t count = tree->items.count - level->first;

    if (count == 0)
        return;
    node->items = pool_take(&tree->job->pool, count * sizeof *node->items);
    memcpy(node->items, tree->items.at + level->first, count * sizeof *node->items);
    node->item_count = count;
    tree->items.count = level->first;
}

static void close_map(struct tree *tree, const struct tree_level *level)
{
    struct node *node = level->value.node;
    size_t count = tree->members.count - level->first;

    if (count == 0)
        return;
    node->members = pool_take(&tree->job->pool, count * sizeof *node->members);
    memcpy(node->members, tree->members.at + level->first, count * sizeof *node->members);
    node->member_count = count;
    tree->members.count = level->first;
    report_duplicates(tree, node->members, count);
}

struct tree_value tree_close(struct tree *tree)
{
    struct tree_level level = *innermost(tree);

    tree->levels.count--;
    if (level.value.node->kind == NODE_MAP)
        close_map(tree, &level);
    else
        close_list(tree, &level);
    tree_add(tree, level.value);
    return level.value;
}
