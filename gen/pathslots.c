#include "pathslots.h"

#include <stdlib.h>

/* ---- hashes ---- */

struct keyed {
    uint64_t key;
    uint32_t way;
};

static int by_key(const void *left, const void *right)
{
    const struct keyed *a = left, *b = right;

    if (a->key != b->key)
        return a->key < b->key ? -1 : 1;
    return a->way < b->way ? -1 : a->way > b->way;
}

/* The number of a way whose key an earlier one has, or SIZE_MAX. */
static size_t twin_among(struct pool *pool, const struct pathslots_way *ways, size_t count)
{
    struct keyed *sorted = pool_take(pool, (count + 1) * sizeof *sorted);

    for (size_t i = 0; i < count; i++)
        sorted[i] = (struct keyed){ways[i].key, (uint32_t)i};
    qsort(sorted, count, sizeof *sorted, by_key);
    for (size_t i = 1; i < count; i++)
        if (sorted[i].key == sorted[i - 1].key)
            return sorted[i].way;
    return SIZE_MAX;
}

static bool hash_keys(struct pool *pool, const struct pathslots_way *ways, size_t count,
                      struct phash *phash, size_t *culprit)
{
    uint64_t *keys = pool_take(pool, (count + 1) * sizeof *keys);
    size_t first;

    *culprit = twin_among(pool, ways, count);
    for (size_t i = 0; i < count; i++)
        keys[i] = ways[i].key;
    return *culprit == SIZE_MAX && phash_build(pool, keys, count, phash, &first, culprit);
}

bool pathslots_hash(struct pool *pool, struct pathslots_way *ways, size_t count,
                    struct pathslots_hash *out, size_t *culprit)
{
    out->big = false;
    for (size_t i = 0; i < count; i++)
        ways[i].key = pathmap_key(ways[i].text);
    if (count <= PHASH_WHOLE && hash_keys(pool, ways, count, &out->phash, culprit))
        return true;
    out->big = true;
    for (size_t i = 0; i < count; i++)
        ways[i].key = pathmap_whole_key(ways[i].text);
    return hash_keys(pool, ways, count, &out->phash, culprit);
}

/* ---- slots ---- */

uint32_t pathslots_text(struct pathslots *to, struct str text)
{
    void *known = map_get(&to->offsets, text);
    uint32_t offset = (uint32_t)to->texts.len + 1;

    if (known)
        return (uint32_t)(uintptr_t)known;
    text_byte(&to->texts, (char)text.len);
    text_add(&to->texts, text);
    map_set(&to->offsets, to->pool, text, (void *)(uintptr_t)offset);
    return offset;
}

struct pathmap_slot pathslots_lead(const struct pathslots *to, int32_t next)
{
    struct pathmap_slot slot = {.segment = PATHMAP_NOWHERE};
    size_t number = (size_t)(PATHSLOTS_LEAVES - (int64_t)next);

    if (next >= 0)
        return to->nodes.at[next];
    if (next == PATHSLOTS_NOWHERE)
        return slot;
    slot.segment = number < to->paths ? PATHMAP_LEAF : PATHMAP_TRIAL;
    slot.base = (uint32_t)(number < to->paths ? number : number - to->paths);
    return slot;
}

static void put(struct pathslots *to, struct pathmap_slot slot)
{
    *vec_add(to->pool, &to->slots) = slot;
}

/* The slots of one part. Returns what leads there. */
static struct pathmap_slot fill(struct pathslots *to, const struct pathslots_way **ways,
                                size_t count, struct phash_part part)
{
    struct pathmap_slot node = {
        .base = (uint32_t)to->slots.count, .factor = part.factor, .shift = part.shift};

    for (uint32_t i = 0; i < part.slots; i++)
        put(to, pathslots_lead(to, PATHSLOTS_NOWHERE));
    for (size_t i = 0; i < count; i++) {
        uint32_t at = node.base + pathmap_slot_of(ways[i]->key, part.factor, part.shift);
        struct pathmap_slot slot = pathslots_lead(to, ways[i]->next);

        slot.text = pathslots_text(to, ways[i]->text);
        slot.size = (uint8_t)ways[i]->text.len;
        slot.span = (uint8_t)ways[i]->span;
        to->slots.at[at] = slot;
    }
    return node;
}

/* The ways by part, and the slots of the parts behind their nodes. */
static struct pathmap_slot fill_parts(struct pathslots *to, const struct pathslots_way **ways,
                                      size_t count, const struct phash *phash)
{
    const struct pathslots_way **sorted = pool_take(to->pool, (count + 1) * sizeof(*sorted));
    size_t parts = (size_t)1 << phash->bits;
    size_t *starts = pool_alloc(to->pool, (parts + 2) * sizeof *starts);
    struct pathmap_slot node = {.base = (uint32_t)to->slots.count, .shift = (uint8_t)phash->bits};

    for (size_t i = 0; i < count; i++)
        starts[pathmap_part(ways[i]->key, phash->bits) + 2]++;
    for (size_t i = 2; i < parts + 2; i++)
        starts[i] += starts[i - 1];
    for (size_t i = 0; i < count; i++)
        sorted[starts[pathmap_part(ways[i]->key, phash->bits) + 1]++] = ways[i];
    for (size_t i = 0; i < parts; i++)
        put(to, pathslots_lead(to, PATHSLOTS_NOWHERE));
    for (size_t i = 0; i < parts; i++) {
        struct pathmap_slot part =
            fill(to, sorted + starts[i], starts[i + 1] - starts[i], phash->parts[i]);

        to->slots.at[node.base + i] = part;
    }
    return node;
}

int32_t pathslots_put(struct pathslots *to, struct pathslots_node node,
                      const struct pathslots_way *ways, size_t count,
                      const struct pathslots_hash *hash)
{
    const struct pathslots_way **all = pool_take(to->pool, (count + 1) * sizeof(*all));
    struct pathmap_slot made;

    for (size_t i = 0; i < count; i++)
        all[i] = &ways[i];
    put(to, pathslots_lead(to, node.otherwise));
    made = hash->big ? fill_parts(to, all, count, &hash->phash)
                     : fill(to, all, count, hash->phash.parts[0]);
    made.segment = (uint8_t)(node.segment | (hash->big ? PATHMAP_BIG : 0));
    *vec_add(to->pool, &to->nodes) = made;
    return (int32_t)to->nodes.count - 1;
}
