/* pathslots: nodes of the matcher's tree become slots of base/pathmap.h: texts stand once, literals where their
 * hash puts them. What a slot leads to must be there before it: leaves first, the root last. */
#ifndef GEN_PATHSLOTS_H
#define GEN_PATHSLOTS_H

#include "base/map.h"
#include "base/pathmap.h"
#include "base/text.h"
#include "base/vec.h"
#include "phash.h"

/* Where a walk goes on: a node (0 or more), nowhere, or a leaf: PATHSLOTS_LEAVES - n is path n when n is below the
 * number of paths, else the trial that begins at trials[n - number of paths]. */
enum { PATHSLOTS_NOWHERE = -1, PATHSLOTS_LEAVES = -2 };

struct pathslots {
    struct pool *pool;
    size_t paths;
    struct text texts; /* each behind its length, for who prints them */
    struct map offsets;
    VEC(struct pathmap_slot) slots;
    VEC(struct pathmap_slot) nodes; /* what a slot holds that leads there */
};

/* A node's way for one literal. */
struct pathslots_way {
    struct str text; /* the literal and those that can only follow */
    uint32_t span;   /* how many they are */
    int32_t next;
    uint64_t key; /* of the literal alone */
};

uint32_t pathslots_text(struct pathslots *to, struct str text);

/* A slot without text, which no walk takes for one. */
struct pathmap_slot pathslots_lead(const struct pathslots *to, int32_t next);

/* How a node finds its ways: by what every step has at hand, or, when that does not tell them apart or they are
 * many, by whole texts. */
struct pathslots_hash {
    struct phash phash;
    bool big;
};

/* Fills the ways' keys. False: ways[*culprit] cannot be told from another. */
bool pathslots_hash(struct pool *pool, struct pathslots_way *ways, size_t count,
                    struct pathslots_hash *out, size_t *culprit);

struct pathslots_node {
    uint32_t segment; /* the first is 1 */
    int32_t otherwise;
};

/* The number of a new node. */
int32_t pathslots_put(struct pathslots *to, struct pathslots_node node,
                      const struct pathslots_way *ways, size_t count,
                      const struct pathslots_hash *hash);

#endif
