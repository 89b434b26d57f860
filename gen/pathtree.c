#include "pathtree.h"

#include <stdlib.h>

#include "base/map.h"
#include "base/text.h"
#include "pathentry.h"
#include "phash.h"

#define MEMO_BIAS ((intptr_t)1 << 32) /* a map holds no NULL */

struct builder {
    struct pool *pool;
    struct pathentry_words words;
    struct pathentry *entries; /* in the order of precedence */
    size_t count;
    uint32_t *stamps;    /* by literal: seen in this round */
    uint32_t *branch_of; /* by literal, when seen in this round */
    uint32_t round;
    struct map memo; /* the set of templates and what was tested: next + MEMO_BIAS */
    struct map text_offsets;
    struct text texts;
    VEC(struct pathmap_node) nodes;
    VEC(struct pathmap_edge) edges;
    VEC(uint32_t) trials;
    VEC(struct pathmap_piece) pieces;
    VEC(uint32_t) shapes;
    struct map shape_numbers; /* number + 1 */
    size_t budget;            /* nodes, and a hundredth of the templates copied into branches */
    size_t copied;
    bool odd; /* the path has an empty segment before its end */
    struct pathtree *tree;
};

/* A node's way for one literal. */
struct branch {
    uint32_t literal;
    int32_t next;
    struct str text;   /* the literal and those that can only follow */
    uint32_t *members; /* templates with that literal */
    size_t count;
};

struct set {
    uint32_t *at; /* indexes into entries, ascending: precedence */
    size_t count;
    uint64_t tested; /* positions */
};

/* ---- leaves ---- */

/* Nothing is left to check on a path that came here. */
static bool certain(const struct builder *b, const struct pathentry *entry, uint64_t tested)
{
    return !entry->opaque && !(entry->literals & ~tested) && !(b->odd && entry->params);
}

static int32_t leaf(struct builder *b, struct set set)
{
    const struct pathentry *last = &b->entries[set.at[set.count - 1]];
    uint32_t first = (uint32_t)b->trials.count;

    for (size_t i = 0; i < set.count; i++)
        if (!certain(b, &b->entries[set.at[i]], set.tested))
            b->entries[set.at[i]].patterned = true;
    if (set.count == 1)
        return PATHMAP_LEAF - (int32_t)last->number;
    if (set.count > PATHMAP_TRIALS && set.count > b->tree->crowd_count) {
        uint32_t *crowd = pool_alloc(b->pool, set.count * sizeof *crowd);

        for (size_t i = 0; i < set.count; i++)
            crowd[i] = b->entries[set.at[i]].number;
        b->tree->crowd = crowd;
        b->tree->crowd_count = set.count;
    }
    for (size_t i = 0; i < set.count; i++)
        *vec_add(b->pool, &b->trials) = b->entries[set.at[i]].number;
    b->trials.at[b->trials.count - 1] |= PATHMAP_LAST;
    return PATHMAP_LEAF - (int32_t)(b->count + first);
}

/* ---- nodes ---- */

/* The position to look at: where the fewest templates must be copied into several branches; the first of
 * them. 64: there is none. */
static size_t choose(struct builder *b, struct set set)
{
    size_t best = 64, best_copies = SIZE_MAX;
    uint64_t open = 0;

    for (size_t i = 0; i < set.count; i++)
        open |= b->entries[set.at[i]].testable;
    for (open &= ~set.tested; open; open &= open - 1) {
        size_t position = (size_t)__builtin_ctzll(open), distinct = 0, others = 0;

        b->round++;
        for (size_t i = 0; i < set.count; i++) {
            uint32_t literal = pathentry_literal(&b->entries[set.at[i]], position);

            others += literal == PATHENTRY_NONE;
            if (literal != PATHENTRY_NONE && b->stamps[literal] != b->round)
                b->stamps[literal] = b->round, distinct++;
        }
        if (others * distinct < best_copies)
            best = position, best_copies = others * distinct;
    }
    return best;
}

/* Those of the set that have no literal at the position, and so stay whatever the segment is. */
static struct set others_of(struct builder *b, struct set set, size_t position)
{
    struct set out = {pool_take(b->pool, set.count * sizeof *out.at), 0,
                      set.tested | pathentry_bit(position)};

    for (size_t i = 0; i < set.count; i++)
        if (pathentry_literal(&b->entries[set.at[i]], position) == PATHENTRY_NONE)
            out.at[out.count++] = set.at[i];
    return out;
}

/* The templates of a branch and the others, in the order of precedence. */
static struct set merged(struct builder *b, const struct branch *branch, struct set others)
{
    struct set out = {pool_take(b->pool, (branch->count + others.count) * sizeof *out.at), 0,
                      others.tested};
    size_t i = 0, j = 0;

    while (i < branch->count || j < others.count) {
        bool own = j == others.count || (i < branch->count && branch->members[i] < others.at[j]);

        out.at[out.count++] = own ? branch->members[i++] : others.at[j++];
    }
    b->copied += out.count;
    return out;
}

static struct str joined(struct pool *pool, struct str first, struct str second)
{
    struct text out = {.pool = pool};

    text_add(&out, first);
    text_byte(&out, '/');
    text_add(&out, second);
    return text_str(&out);
}

/* Appends to the branch's text the literals that all of the set have next. */
static void lengthen(struct builder *b, struct branch *branch, struct set *set, size_t position)
{
    while (++position < PATHMAP_SEGMENTS && !(set->tested & pathentry_bit(position))) {
        uint32_t literal = pathentry_literal(&b->entries[set->at[0]], position);

        for (size_t i = 1; i < set->count; i++)
            if (pathentry_literal(&b->entries[set->at[i]], position) != literal)
                return;
        if (literal == PATHENTRY_NONE)
            return;

        struct str more = b->words.texts.at[literal];
        if (branch->text.len + 1 + more.len > PATHMAP_TEXT)
            return;
        branch->text = joined(b->pool, branch->text, more);
        set->tested |= pathentry_bit(position);
    }
}

static uint32_t text_offset(struct builder *b, struct str text)
{
    void *known = map_get(&b->text_offsets, text);
    uint32_t offset = (uint32_t)b->texts.len;

    if (known)
        return (uint32_t)(uintptr_t)known - 1;
    text_byte(&b->texts, (char)text.len);
    text_add(&b->texts, text);
    map_set(&b->text_offsets, b->pool, text, (void *)(uintptr_t)(offset + 1));
    return offset;
}

/* Those of a node's branches that share a part. */
struct picks {
    const struct branch *branches;
    const uint64_t *keys;
    const uint32_t *picked;
    size_t count;
};

/* The slots of one part; free ones repeat some branch, which then never fits. */
static void fill(struct builder *b, struct pathmap_node *node, struct phash_part part,
                 const struct picks *p)
{
    const struct branch *any = &p->branches[p->count ? p->picked[0] : 0];

    node->edges = (uint32_t)b->edges.count;
    node->seed = part.seed;
    node->slots = part.slots;
    for (uint32_t i = 0; i < part.slots; i++)
        *vec_add(b->pool, &b->edges) = (struct pathmap_edge){text_offset(b, any->text), any->next};
    for (size_t i = 0; i < p->count; i++) {
        const struct branch *branch = &p->branches[p->picked[i]];
        uint32_t slot = pathmap_slot(p->keys[p->picked[i]], part.seed, part.slots);

        b->edges.at[node->edges + slot] =
            (struct pathmap_edge){text_offset(b, branch->text), branch->next};
    }
}

static int32_t emit_node(struct builder *b, struct pathmap_node node, const struct phash *phash,
                         const struct branch *branches, const uint64_t *keys, size_t count)
{
    uint32_t *picked = pool_take(b->pool, count * sizeof *picked);
    uint32_t index = (uint32_t)b->nodes.count;

    if (phash->bits == 0) {
        for (size_t i = 0; i < count; i++)
            picked[i] = (uint32_t)i;
        fill(b, &node, phash->parts[0], &(struct picks){branches, keys, picked, count});
        *vec_add(b->pool, &b->nodes) = node;
        return (int32_t)index;
    }

    size_t parts = (size_t)1 << phash->bits;
    size_t *starts = pool_alloc(b->pool, (parts + 2) * sizeof *starts);
    for (size_t i = 0; i < count; i++)
        starts[pathmap_part(keys[i], phash->bits) + 2]++;
    for (size_t i = 2; i < parts + 2; i++)
        starts[i] += starts[i - 1];
    for (size_t i = 0; i < count; i++)
        picked[starts[pathmap_part(keys[i], phash->bits) + 1]++] = (uint32_t)i;

    struct pathmap_node split = node;
    split.edges = index + 1;
    split.seed = (uint16_t)phash->bits;
    *vec_add(b->pool, &b->nodes) = split;
    for (size_t i = 0; i < parts; i++) {
        struct picks picks = {branches, keys, picked + starts[i], starts[i + 1] - starts[i]};
        fill(b, &node, phash->parts[i], &picks);
        *vec_add(b->pool, &b->nodes) = node;
    }
    return (int32_t)index;
}

static int32_t grow(struct builder *b, struct set set);

/* A literal that a perfect hash cannot hold beside another is left to the check of its templates. */
static void give_up(struct builder *b, struct set set, size_t position, uint32_t literal)
{
    for (size_t i = 0; i < set.count; i++) {
        struct pathentry *entry = &b->entries[set.at[i]];

        if (pathentry_literal(entry, position) == literal) {
            entry->testable &= ~pathentry_bit(position);
            entry->opaque = true;
        }
    }
}

/* One branch for each literal at the position, in the order of precedence. */
static struct branch *branches_of(struct builder *b, struct set set, size_t position, size_t *count)
{
    struct branch *branches = pool_alloc(b->pool, set.count * sizeof *branches);
    uint32_t *members = pool_take(b->pool, set.count * sizeof *members);

    *count = 0;
    b->round++;
    for (size_t i = 0; i < set.count; i++) {
        uint32_t literal = pathentry_literal(&b->entries[set.at[i]], position);

        if (literal == PATHENTRY_NONE)
            continue;
        if (b->stamps[literal] != b->round) {
            b->stamps[literal] = b->round;
            b->branch_of[literal] = (uint32_t)*count;
            branches[(*count)++] =
                (struct branch){literal, PATHMAP_NONE, b->words.texts.at[literal], NULL, 0};
        }
        branches[b->branch_of[literal]].count++;
    }
    for (size_t i = 0, from = 0; i < *count; i++) {
        branches[i].members = members + from;
        from += branches[i].count;
        branches[i].count = 0;
    }
    for (size_t i = 0; i < set.count; i++) {
        uint32_t literal = pathentry_literal(&b->entries[set.at[i]], position);
        struct branch *branch = &branches[b->branch_of[literal]];

        if (literal != PATHENTRY_NONE)
            branch->members[branch->count++] = set.at[i];
    }
    return branches;
}

struct keyed {
    uint64_t key;
    uint32_t branch;
};

static int by_key(const void *left, const void *right)
{
    const struct keyed *a = left, *b = right;

    if (a->key != b->key)
        return a->key < b->key ? -1 : 1;
    return a->branch < b->branch ? -1 : a->branch > b->branch;
}

/* Fills the keys; gives up every literal whose key another has, too. True when there was one. */
static bool give_up_twins(struct builder *b, struct set set, size_t position,
                          const struct branch *branches, uint64_t *keys, size_t count)
{
    struct keyed *sorted = pool_take(b->pool, count * sizeof *sorted);
    bool found = false;

    for (size_t i = 0; i < count; i++) {
        keys[i] = pathmap_key(branches[i].text);
        sorted[i] = (struct keyed){keys[i], (uint32_t)i};
    }
    qsort(sorted, count, sizeof *sorted, by_key);
    for (size_t i = 1; i < count; i++)
        if (sorted[i].key == sorted[i - 1].key) {
            give_up(b, set, position, branches[sorted[i].branch].literal);
            found = true;
        }
    return found;
}

static int32_t split(struct builder *b, struct set set, size_t position)
{
    struct pathmap_node node = {.segment = (uint8_t)position};
    struct phash phash;
    size_t count, first, second;
    struct branch *branches = branches_of(b, set, position, &count);
    uint64_t *keys = pool_take(b->pool, count * sizeof *keys);
    struct set others = others_of(b, set, position);

    if (give_up_twins(b, set, position, branches, keys, count))
        return grow(b, set);
    if (!phash_build(b->pool, keys, count, &phash, &first, &second)) {
        give_up(b, set, position, branches[second].literal);
        return grow(b, set);
    }
    for (size_t i = 0; i < count; i++) {
        struct set rest = merged(b, &branches[i], others);

        lengthen(b, &branches[i], &rest, position);
        branches[i].next = grow(b, rest);
    }
    node.otherwise = grow(b, others);
    return emit_node(b, node, &phash, branches, keys, count);
}

/* The set as a key: what was tested counts only where its templates have literals. */
static struct str key_of(struct builder *b, struct set set)
{
    size_t len = sizeof(uint64_t) + 1 + set.count * sizeof *set.at;
    char *key = pool_take(b->pool, len);
    uint64_t relevant = 0;

    for (size_t i = 0; i < set.count; i++)
        relevant |= b->entries[set.at[i]].literals;
    relevant &= set.tested;
    memcpy(key, &relevant, sizeof relevant);
    key[sizeof relevant] = b->odd;
    memcpy(key + sizeof relevant + 1, set.at, set.count * sizeof *set.at);
    return (struct str){key, len};
}

/* needs: the templates that can still take the path. gives: where the walk goes on. */
static int32_t grow(struct builder *b, struct set set)
{
    for (size_t i = 0; i < set.count; i++)
        if (certain(b, &b->entries[set.at[i]], set.tested))
            set.count = i + 1;
    if (set.count == 0)
        return PATHMAP_NONE;

    const struct pathentry *first = &b->entries[set.at[0]];
    if (set.count == 1 && (first->opaque || certain(b, first, set.tested)))
        return leaf(b, set);

    struct str key = key_of(b, set);
    void *known = map_get(&b->memo, key);
    if (known)
        return (int32_t)((intptr_t)known - MEMO_BIAS);

    bool affordable = b->nodes.count < b->budget && b->copied < 100 * b->budget;
    size_t position = affordable ? choose(b, set) : 64;
    int32_t next = position < 64 ? split(b, set, position) : leaf(b, set);
    map_set(&b->memo, b->pool, key, (void *)((intptr_t)next + MEMO_BIAS));
    return next;
}

/* ---- roots ---- */

/* Whether a template can take paths of that many segments, that do or do not end in a slash. */
static bool fits_root(const struct builder *b, const struct pathentry *entry, size_t segments,
                      size_t slash)
{
    bool empty_inside = false;

    if (entry->tail)
        return entry->count <= segments;
    if (entry->count != segments ||
        (entry->segments[segments - 1].literal == PATHENTRY_EMPTY) != (slash == 1))
        return false;
    for (size_t i = 0; i + 1 < entry->count; i++)
        empty_inside |= entry->segments[i].literal == PATHENTRY_EMPTY;
    return empty_inside == b->odd;
}

static const int32_t *plant(struct builder *b, size_t depth)
{
    int32_t *roots = pool_alloc(b->pool, 2 * (depth + 1) * sizeof *roots);

    roots[0] = roots[1] = PATHMAP_NONE;
    for (size_t segments = 1; segments <= depth; segments++)
        for (size_t slash = 0; slash < 2; slash++) {
            struct set set = {pool_take(b->pool, b->count * sizeof *set.at), 0, 0};

            for (size_t i = 0; i < b->count; i++)
                if (fits_root(b, &b->entries[i], segments, slash))
                    set.at[set.count++] = (uint32_t)i;
            if (slash && segments <= PATHMAP_SEGMENTS)
                set.tested = pathentry_bit(segments - 1);
            roots[2 * segments + slash] = grow(b, set);
        }
    return roots;
}

/* ---- tables ---- */

static void put_pieces(struct builder *b, const struct pathentry *entry)
{
    for (size_t i = 0; i < entry->count; i++) {
        const struct ir_segment *from = entry->segments[i].from;

        if (entry->segments[i].rank == PATHENTRY_TAIL) {
            *vec_add(b->pool, &b->pieces) = (struct pathmap_piece){PATHMAP_TAIL, 0, NULL};
            continue;
        }
        *vec_add(b->pool, &b->pieces) = (struct pathmap_piece){PATHMAP_SLASH, 0, NULL};
        for (size_t j = 0; from && j < from->parts.count; j++) {
            const struct ir_part *part = &from->parts.at[j];
            struct str text = pathentry_text(&b->words, part->literal);

            *vec_add(b->pool, &b->pieces) =
                part->param < 0
                    ? (struct pathmap_piece){PATHMAP_LITERAL, (uint32_t)text.len, text.at}
                    : (struct pathmap_piece){PATHMAP_PARAM, 0, NULL};
        }
    }
    *vec_add(b->pool, &b->pieces) = (struct pathmap_piece){PATHMAP_END, 0, NULL};
}

/* The number of a shape that is not a pattern; equal ones share it. */
static uint32_t shape_number(struct builder *b, uint32_t mask)
{
    struct str key = pool_copy(b->pool, (struct str){(const char *)&mask, sizeof mask});
    void *known = map_get(&b->shape_numbers, key);

    if (known)
        return (uint32_t)((uintptr_t)known - 1);
    *vec_add(b->pool, &b->shapes) = mask;
    map_set(&b->shape_numbers, b->pool, key, (void *)(uintptr_t)b->shapes.count);
    return (uint32_t)b->shapes.count - 1;
}

static uint32_t shape_of(struct builder *b, struct pathentry *entry)
{
    uint32_t mask = 0;

    for (size_t i = 0; i < entry->count; i++)
        if (entry->segments[i].literal == PATHENTRY_NONE && i >= 31)
            entry->patterned = true;
        else if (entry->segments[i].literal == PATHENTRY_NONE)
            mask |= (uint32_t)pathentry_bit(i);
    if (!entry->patterned && !entry->tail)
        return mask;
    mask = PATHMAP_PATTERN | (uint32_t)b->pieces.count;
    put_pieces(b, entry);
    return mask;
}

static void put_paths(struct builder *b)
{
    uint32_t *shapes = pool_alloc(b->pool, (b->count + 1) * sizeof *shapes);
    uint16_t *paths = pool_alloc(b->pool, (b->count + 1) * sizeof *paths);

    for (size_t i = 0; i < b->count; i++) {
        uint32_t shape = shape_of(b, &b->entries[i]);
        uint32_t number = shape_number(b, shape);

        shapes[b->entries[i].number] = shape;
        paths[b->entries[i].number] = (uint16_t)number;
    }

    bool small = b->shapes.count <= UINT16_MAX;
    b->tree->map.paths = small ? paths : NULL;
    b->tree->map.shapes = small ? b->shapes.at : shapes;
    b->tree->paths = b->count;
    b->tree->shapes = small ? b->shapes.count : b->count;
    b->tree->map.pieces = b->pieces.at;
    b->tree->pieces = b->pieces.count;
}

/* The same nodes and edges in half the bytes. */
static void put_small(struct builder *b)
{
    struct pathmap_small_node *nodes = pool_alloc(b->pool, (b->nodes.count + 1) * sizeof *nodes);
    struct pathmap_small_edge *edges = pool_alloc(b->pool, (b->edges.count + 1) * sizeof *edges);

    for (size_t i = 0; i < b->nodes.count; i++) {
        const struct pathmap_node *node = &b->nodes.at[i];

        nodes[i] = (struct pathmap_small_node){(uint16_t)node->edges, (int16_t)node->otherwise,
                                               node->seed, node->slots, node->segment};
    }
    for (size_t i = 0; i < b->edges.count; i++)
        edges[i] = (struct pathmap_small_edge){(uint16_t)b->edges.at[i].text,
                                               (int16_t)b->edges.at[i].next};
    b->tree->map.small_nodes = nodes;
    b->tree->map.small_edges = edges;
}

static void put_tables(struct builder *b)
{
    struct pathtree *tree = b->tree;

    put_paths(b);
    tree->nodes = b->nodes.count;
    tree->edges = b->edges.count;
    tree->text_len = b->texts.len;
    tree->trials = b->trials.count;
    for (int i = 0; i < PATHMAP_SLACK; i++)
        text_byte(&b->texts, 0);
    tree->map.texts = b->texts.at;
    tree->map.trials = b->trials.at;
    if (tree->nodes <= INT16_MAX && tree->edges <= UINT16_MAX && tree->text_len <= UINT16_MAX &&
        tree->paths + tree->trials < INT16_MAX) {
        put_small(b);
        return;
    }
    tree->map.nodes = b->nodes.at;
    tree->map.edges = b->edges.at;
}

bool pathtree_build(struct pool *pool, const struct pathtree_template *templates, size_t count,
                    bool fold, struct pathtree *tree)
{
    struct builder b = {.pool = pool, .count = count, .texts = {.pool = pool}, .tree = tree};
    size_t depth = 0, segments = 0;

    *tree = (struct pathtree){0};
    pathentry_begin(&b.words, pool, fold);
    b.entries = pool_alloc(pool, (count + 1) * sizeof *b.entries);
    for (size_t i = 0; i < count; i++) {
        b.entries[i] = pathentry_read(&b.words, templates[i].segments, templates[i].count,
                                      templates[i].trailing_slash);
        b.entries[i].number = (uint32_t)i;
        segments += b.entries[i].count;
        if (b.entries[i].count > depth)
            depth = b.entries[i].count;
    }
    qsort(b.entries, count, sizeof *b.entries, pathentry_compare);
    b.stamps = pool_alloc(pool, b.words.texts.count * sizeof *b.stamps);
    b.branch_of = pool_alloc(pool, b.words.texts.count * sizeof *b.branch_of);
    b.budget = 8 * segments + 1024;

    tree->map.path_count = (uint32_t)count;
    tree->map.depth = (uint32_t)depth + 1;
    tree->roots = 2 * (depth + 2);
    tree->map.roots = plant(&b, depth + 1);
    b.odd = true;
    tree->map.odd_roots = plant(&b, depth + 1);
    put_tables(&b);
    return tree->crowd_count == 0;
}

size_t pathtree_bytes(const struct pathtree *tree)
{
    const struct pathmap *map = &tree->map;

    return 2 * tree->roots * sizeof *map->roots +
           tree->nodes * (map->nodes ? sizeof *map->nodes : sizeof *map->small_nodes) +
           tree->edges * (map->edges ? sizeof *map->edges : sizeof *map->small_edges) +
           tree->text_len + PATHMAP_SLACK + (map->paths ? tree->paths * sizeof *map->paths : 0) +
           tree->shapes * sizeof *map->shapes + tree->trials * sizeof *map->trials +
           tree->pieces * sizeof *map->pieces;
}
