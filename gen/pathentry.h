/* pathentry: a path template as the builder of the matcher's tree sees it: literals as numbers, ranks, and
 * which positions a node may look at. */
#ifndef GEN_PATHENTRY_H
#define GEN_PATHENTRY_H

#include "base/map.h"
#include "base/pathmap.h"
#include "ir.h"

/* Literals by number; 0 is none, 1 the empty segment. */
enum { PATHENTRY_NONE = 0, PATHENTRY_EMPTY = 1 };
struct pathentry_words {
    struct pool *pool;
    bool fold; /* compared in lower case */
    struct map ids;
    VEC(struct str) texts; /* by number */
};

/* Rank of a segment: the smaller wins. Mixed segments lie between, more text first. */
enum { PATHENTRY_LITERAL = 0, PATHENTRY_MIXED_LAST = 1 << 20, PATHENTRY_PARAM, PATHENTRY_TAIL };

struct pathentry_segment {
    uint32_t literal; /* number, or PATHENTRY_NONE */
    uint32_t rank;
    const struct ir_segment *from; /* NULL: the empty segment behind a trailing slash */
};

struct pathentry {
    uint32_t number;
    uint32_t count; /* segments, a tail included */
    struct pathentry_segment *segments;
    uint64_t testable; /* positions of literals that nodes may look at */
    uint64_t literals; /* positions of all literals */
    bool tail, params;
    bool opaque;    /* the tree alone cannot prove it: it is checked as a whole */
    bool patterned; /* is checked as a whole somewhere */
};

void pathentry_begin(struct pathentry_words *words, struct pool *pool, bool fold);

/* A template of at most PATHMAP_SEGMENTS segments, the one behind a trailing slash included. */
struct pathentry pathentry_read(struct pathentry_words *words, const struct ir_segment *segments,
                                size_t count, bool trailing_slash);

/* Text as it is compared. */
struct str pathentry_text(struct pathentry_words *words, struct str text);

/* For qsort: by precedence, a total order. */
int pathentry_compare(const void *left, const void *right);

static inline uint64_t pathentry_bit(size_t position)
{
    return (uint64_t)1 << position;
}

/* The literal that nodes may test at a position, or PATHENTRY_NONE. */
static inline uint32_t pathentry_literal(const struct pathentry *entry, size_t position)
{
    if (position >= entry->count || !(entry->testable >> position & 1))
        return PATHENTRY_NONE;
    return entry->segments[position].literal;
}

#endif
