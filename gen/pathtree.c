#include "pathtree.h"

#include <stdlib.h>

#include "base/map.h"
#include "base/text.h"
#include "pathentry.h"
#include "pathslots.h"

/* Templates that a row for a first segment may hold beside its own, over all rows. */
enum { MOST_OTHERS = 256 };

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
    struct pathslots out;
    struct pathmap_slot *roots;
    VEC(uint32_t) trials;
    VEC(struct pathmap_piece) pieces;
    VEC(uint32_t) shapes;
    struct map shape_numbers; /* number + 1 */
    size_t budget;            /* nodes, and a hundredth of the templates copied into branches */
    size_t copied;
    bool odd; /* the path has an empty segment before its end */
    struct pathtree *tree;
};

/* What of a set has the same literal at a position. */
struct branch {
    uint32_t literal;
    uint32_t *members;
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
        return PATHSLOTS_LEAVES - (int32_t)last->number;
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
    return PATHSLOTS_LEAVES - (int32_t)(b->count + first);
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

/* Appends to a way's text the literals that all of the set have next. */
static void lengthen(struct builder *b, struct pathslots_way *way, struct set *set, size_t position)
{
    while (++position < PATHMAP_SEGMENTS && !(set->tested & pathentry_bit(position))) {
        uint32_t literal = pathentry_literal(&b->entries[set->at[0]], position);

        for (size_t i = 1; i < set->count; i++)
            if (pathentry_literal(&b->entries[set->at[i]], position) != literal)
                return;
        if (literal == PATHENTRY_NONE)
            return;

        struct str more = b->words.texts.at[literal];
        if (way->text.len + 1 + more.len > PATHMAP_TEXT)
            return;
        way->text = joined(b->pool, way->text, more);
        way->span++;
        set->tested |= pathentry_bit(position);
    }
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
            branches[(*count)++] = (struct branch){literal, NULL, 0};
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

/* The ways of a node, not lengthened yet. */
static struct pathslots_way *ways_of(struct builder *b, const struct branch *branches, size_t count)
{
    struct pathslots_way *ways = pool_alloc(b->pool, (count + 1) * sizeof *ways);

    for (size_t i = 0; i < count; i++)
        ways[i] =
            (struct pathslots_way){b->words.texts.at[branches[i].literal], 1, PATHSLOTS_NOWHERE, 0};
    return ways;
}

static int32_t split(struct builder *b, struct set set, size_t position)
{
    struct pathslots_hash hash;
    size_t count, culprit;
    struct branch *branches = branches_of(b, set, position, &count);
    struct pathslots_way *ways = ways_of(b, branches, count);
    struct set others = others_of(b, set, position);

    if (!pathslots_hash(b->pool, ways, count, &hash, &culprit)) {
        give_up(b, set, position, branches[culprit].literal);
        return grow(b, set);
    }
    for (size_t i = 0; i < count; i++) {
        struct set rest = merged(b, &branches[i], others);

        lengthen(b, &ways[i], &rest, position);
        ways[i].next = grow(b, rest);
    }

    struct pathslots_node node = {(uint32_t)position + 1, grow(b, others)};
    return pathslots_put(&b->out, node, ways, count, &hash);
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
        return PATHSLOTS_NOWHERE;

    const struct pathentry *first = &b->entries[set.at[0]];
    if (set.count == 1 && (first->opaque || certain(b, first, set.tested)))
        return leaf(b, set);

    struct str key = key_of(b, set);
    void *known = map_get(&b->memo, key);
    if (known)
        return (int32_t)((intptr_t)known - MEMO_BIAS);

    bool affordable = b->out.nodes.count < b->budget && b->copied < 100 * b->budget;
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

/* The tree for paths of that many segments. With a literal: for those that begin with it. */
static int32_t root_for(struct builder *b, size_t segments, size_t slash,
                        const struct branch *first)
{
    struct set set = {pool_take(b->pool, (b->count + 1) * sizeof *set.at), 0, 0};
    size_t count = first ? first->count : b->count;

    for (size_t i = 0; i < count; i++) {
        uint32_t entry = first ? first->members[i] : (uint32_t)i;

        if (fits_root(b, &b->entries[entry], segments, slash))
            set.at[set.count++] = entry;
    }
    if (slash && segments <= PATHMAP_SEGMENTS)
        set.tested = pathentry_bit(segments - 1);
    if (first)
        set.tested |= pathentry_bit(0);
    return grow(b, set);
}

/* One slot for each number of segments. */
static uint32_t plant_row(struct builder *b, const struct branch *first, size_t depth)
{
    struct pathmap_slot *row = pool_take(b->pool, (depth + 1) * sizeof *row);
    uint32_t base;

    row[0] = pathslots_lead(&b->out, PATHSLOTS_NOWHERE);
    for (size_t segments = 1; segments <= depth; segments++)
        row[segments] = pathslots_lead(&b->out, root_for(b, segments, 0, first));
    base = (uint32_t)b->out.slots.count;
    for (size_t segments = 0; segments <= depth; segments++)
        *vec_add(b->pool, &b->out.slots) = row[segments];
    return base;
}

/* Rows for the first segments, when few enough literals stand there, and few templates without one. */
static void plant_firsts(struct builder *b, size_t depth)
{
    struct pathmap *map = &b->tree->map;
    struct set all = {pool_take(b->pool, (b->count + 1) * sizeof *all.at), b->count, 0};
    struct pathslots_hash hash;
    size_t count, culprit;

    for (size_t i = 0; i < b->count; i++)
        all.at[i] = (uint32_t)i;

    struct branch *branches = branches_of(b, all, 0, &count);
    struct pathslots_way *ways = ways_of(b, branches, count);
    struct set others = others_of(b, all, 0);
    if (count == 0 || count * others.count > MOST_OTHERS ||
        !pathslots_hash(b->pool, ways, count, &hash, &culprit) || hash.big)
        return;

    const struct phash_part *part = &hash.phash.parts[0];
    struct pathmap_slot *firsts = pool_alloc(b->pool, part->slots * sizeof *firsts);
    for (size_t i = 0; i < count; i++) {
        struct set set = merged(b, &branches[i], others);
        struct branch first = {branches[i].literal, set.at, set.count};
        uint32_t at = pathmap_slot_of(ways[i].key, part->factor, part->shift);

        firsts[at] = (struct pathmap_slot){.text = pathslots_text(&b->out, ways[i].text),
                                           .size = (uint8_t)ways[i].text.len,
                                           .base = plant_row(b, &first, depth)};
    }
    map->firsts = firsts;
    map->first_factor = part->factor;
    map->first_shift = part->shift;
    map->only_firsts = others.count == 0;
    b->tree->firsts = part->slots;
}

static void plant_roots(struct builder *b, size_t depth)
{
    struct pathmap_slot *roots = pool_alloc(b->pool, 4 * (depth + 1) * sizeof *roots);

    for (size_t kind = 0; kind < 4; kind++)
        roots[kind] = pathslots_lead(&b->out, PATHSLOTS_NOWHERE);
    for (size_t segments = 1; segments <= depth; segments++)
        for (size_t kind = 0; kind < 4; kind++) {
            bool never = kind == 0 && b->tree->map.only_firsts;

            b->odd = kind >= 2;
            roots[4 * segments + kind] = pathslots_lead(
                &b->out, never ? PATHSLOTS_NOWHERE : root_for(b, segments, kind % 2, NULL));
        }
    b->tree->map.roots = b->roots = roots;
    b->tree->roots = 4 * (depth + 1);
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
    uint32_t shape = 0, params = 0;

    for (uint32_t i = 0; i < entry->count; i++) {
        if (entry->segments[i].literal != PATHENTRY_NONE)
            continue;
        if (params == 6 || i >= 31)
            entry->patterned = true;
        else
            shape |= (i + 1) << 5 * params++;
    }
    if (!entry->patterned && !entry->tail)
        return shape;
    shape = PATHMAP_PATTERN | (uint32_t)b->pieces.count;
    put_pieces(b, entry);
    return shape;
}

/* Leaves carry the shapes of their paths. */
static void put_leaves(struct pathmap_slot *slots, size_t count, const uint32_t *shapes)
{
    for (size_t i = 0; i < count; i++)
        if (slots[i].segment == PATHMAP_LEAF)
            slots[i].factor = shapes[slots[i].base];
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

    put_leaves(b->out.slots.at, b->out.slots.count, shapes);
    put_leaves(b->roots, b->tree->roots, shapes);

    bool small = b->shapes.count <= UINT16_MAX;
    b->tree->map.paths = small ? paths : NULL;
    b->tree->map.shapes = small ? b->shapes.at : shapes;
    b->tree->paths = b->count;
    b->tree->shapes = small ? b->shapes.count : b->count;
    b->tree->map.pieces = b->pieces.at;
    b->tree->pieces = b->pieces.count;
}

static void put_tables(struct builder *b)
{
    struct pathtree *tree = b->tree;

    put_paths(b);
    tree->slots = b->out.slots.count;
    tree->nodes = b->out.nodes.count;
    tree->text_len = b->out.texts.len;
    tree->trials = b->trials.count;
    for (int i = 0; i < PATHMAP_SLACK; i++)
        text_byte(&b->out.texts, 0);
    tree->map.slots = b->out.slots.at;
    tree->map.texts = b->out.texts.at;
    tree->map.trials = b->trials.at;
}

bool pathtree_build(struct pool *pool, const struct pathtree_template *templates, size_t count,
                    bool fold, struct pathtree *tree)
{
    struct builder b = {.pool = pool,
                        .count = count,
                        .out = {.pool = pool, .paths = count, .texts = {.pool = pool}},
                        .tree = tree};
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
    plant_firsts(&b, depth + 1);
    plant_roots(&b, depth + 1);
    put_tables(&b);
    return tree->crowd_count == 0;
}

size_t pathtree_bytes(const struct pathtree *tree)
{
    const struct pathmap *map = &tree->map;

    return (tree->roots + tree->firsts + tree->slots) * sizeof *map->slots + tree->text_len +
           PATHMAP_SLACK + (map->paths ? tree->paths * sizeof *map->paths : 0) +
           tree->shapes * sizeof *map->shapes + tree->trials * sizeof *map->trials +
           tree->pieces * sizeof *map->pieces;
}
