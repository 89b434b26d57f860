#include "phash.h"

#include "base/vec.h"

#define FACTOR 0x9E3779B1u

enum { TRIES = 16384, KEYS_PER_PART = 6, MOST_BITS = 24 };

static bool factor_fits(const uint64_t *keys, size_t count, const struct phash_part *part)
{
    uint64_t taken[PHASH_SLOTS / 64] = {0};

    for (size_t i = 0; i < count; i++) {
        uint32_t slot = pathmap_slot_of(keys[i], part->factor, part->shift);

        if (taken[slot / 64] >> slot % 64 & 1)
            return false;
        taken[slot / 64] |= (uint64_t)1 << slot % 64;
    }
    return true;
}

/* As few slots as a bounded search finds a factor for. */
static bool solve(const uint64_t *keys, size_t count, struct phash_part *part)
{
    *part = (struct phash_part){0, 63, 1};
    if (count <= 1)
        return true;
    for (uint32_t slots = 2; slots <= PHASH_SLOTS; slots *= 2) {
        *part =
            (struct phash_part){0, (uint8_t)(slots == 2 ? 59 : part->shift - 1), (uint16_t)slots};
        for (uint32_t try = 0; slots >= count && try < TRIES; try++) {
            part->factor = (try + 1) * FACTOR | 1;
            if (factor_fits(keys, count, part))
                return true;
        }
    }
    return false;
}

/* The two keys that are hardest to tell apart: those nearest to each other. */
static void name_culprits(const uint64_t *keys, size_t count, size_t *first, size_t *second)
{
    uint64_t nearest = UINT64_MAX;

    *first = 0, *second = 1;
    for (size_t i = 0; i < count; i++)
        for (size_t j = i + 1; j < count; j++) {
            uint64_t apart = keys[i] > keys[j] ? keys[i] - keys[j] : keys[j] - keys[i];

            if (apart < nearest)
                nearest = apart, *first = i, *second = j;
        }
}

/* Fills the parts of 2^bits; on failure names two keys of the part that resists. */
static bool solve_parts(struct pool *pool, const uint64_t *keys, size_t count, struct phash *out,
                        size_t *first, size_t *second)
{
    size_t parts = (size_t)1 << out->bits;
    uint32_t *starts = pool_alloc(pool, (parts + 1) * sizeof *starts);
    uint32_t *at = pool_alloc(pool, parts * sizeof *at);
    uint64_t *sorted = pool_alloc(pool, count * sizeof *sorted);
    uint32_t *index = pool_alloc(pool, count * sizeof *index);

    for (size_t i = 0; i < count; i++)
        starts[pathmap_part(keys[i], out->bits) + 1]++;
    for (size_t i = 0; i < parts; i++)
        starts[i + 1] += starts[i], at[i] = starts[i];
    for (size_t i = 0; i < count; i++) {
        uint32_t place = at[pathmap_part(keys[i], out->bits)]++;

        sorted[place] = keys[i];
        index[place] = (uint32_t)i;
    }
    out->parts = pool_alloc(pool, parts * sizeof *out->parts);
    for (size_t i = 0; i < parts; i++) {
        size_t size = starts[i + 1] - starts[i];

        if (size <= PHASH_WHOLE && solve(sorted + starts[i], size, &out->parts[i]))
            continue;
        name_culprits(sorted + starts[i], size, first, second);
        *first = index[starts[i] + *first], *second = index[starts[i] + *second];
        return false;
    }
    return true;
}

bool phash_build(struct pool *pool, const uint64_t *keys, size_t count, struct phash *out,
                 size_t *first, size_t *second)
{
    *out = (struct phash){0};
    if (count <= PHASH_WHOLE) {
        out->parts = pool_new(pool, struct phash_part);
        if (solve(keys, count, out->parts))
            return true;
        name_culprits(keys, count, first, second);
        return false;
    }
    while (out->bits < MOST_BITS && count >> out->bits > KEYS_PER_PART)
        out->bits++;
    return solve_parts(pool, keys, count, out, first, second);
}
