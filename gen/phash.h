/* phash: perfect hashes for the matcher: factors under which no two keys of a node share a slot. Keys are
 * known by numbers (pathmap_key, pathmap_whole_key). A small set has one factor, a large one is split into parts
 * by pathmap_part, each with a factor of its own: linear time. Deterministic. */
#ifndef GEN_PHASH_H
#define GEN_PHASH_H

#include "base/pathmap.h"
#include "base/pool.h"

enum { PHASH_WHOLE = 64, PHASH_SLOTS = 1024 };

struct phash_part {
    uint32_t factor;
    uint8_t shift;
    uint16_t slots; /* 2^(60 - shift); 1: shift is 63 */
};

struct phash {
    uint32_t bits; /* 2^bits parts */
    struct phash_part *parts;
};

/* false: keys[*first] and keys[*second] cannot be kept apart. */
bool phash_build(struct pool *pool, const uint64_t *keys, size_t count, struct phash *out,
                 size_t *first, size_t *second);

#endif
