/* pathmap: which of many path templates takes a path. Constant tables made by the compiler, walked by the
 * generated program and by `explain`; a portable walk without heap, recursion or backtracking.
 *
 *   /repos/{owner}/{repo}/issues/{number}     4 kinds of segment: literal, mixed text ("{id}.json"),
 *                                             one parameter, tail (the rest, slashes included)
 *
 * The walk: one pass finds the slashes. Their number, and whether the path ends in one, choose the root of a
 * decision tree. A node looks at one segment: its text is hashed once, the node's own seed maps the hash to
 * one slot (a perfect hash: the compiler searched the seed), and the literal found there is compared with
 * the path. Equal: its edge; else: the node's other way. Literals that can only follow each other are one
 * edge ("issues/comments").
 *
 *      roots[5] ─▶ ( segment 1 ) ── repos ──▶ ( segment 4 ) ── issues ──▶ path 17
 *                       │ else                      │ else
 *                       ▼                           ▼
 *
 * A leaf is a path whose literals have all been compared on the way, or a trial: a few patterns that are
 * checked from their first byte to their last, in the order of precedence (at the first differing segment
 * literal beats mixed, more text first, beats parameter beats tail). Cost: linear in the path, plus one
 * comparison per node, at most one node per segment, plus the patterns of one trial (at most
 * PATHMAP_TRIALS, each linear but for the search of text inside mixed segments).
 *
 * A parameter takes one or more bytes of one segment; a tail may be empty. */
#ifndef BASE_PATHMAP_H
#define BASE_PATHMAP_H

#include "base/str.h"

enum {
    PATHMAP_SEGMENTS = 64,  /* literal segments deeper than that do not exist */
    PATHMAP_PARAMS = 32,    /* of one template */
    PATHMAP_TRIALS = 32,    /* patterns of one trial */
    PATHMAP_TEXT = 254,     /* bytes of a literal that is compared as an edge */
    PATHMAP_PATH = 0xFFFF   /* bytes of a path; a longer one matches nothing */
};

#define PATHMAP_NONE 0xFFFFFFFFu
#define PATHMAP_LEAF 0x80000000u  /* in a `next`: path number in the low bits */
#define PATHMAP_TRIAL 0x40000000u /* with PATHMAP_LEAF: first index into trials instead */

/* A node with one slot per edge or a few more. slots 0: the node is split in 2^seed nodes of its kind that
 * begin at node `edges`, chosen by the upper bits of the hash. */
struct pathmap_node {
    uint32_t edges;     /* first slot */
    uint32_t otherwise; /* next when the literal is not there */
    uint16_t seed;
    uint8_t slots;
    uint8_t segment;
};

/* Piece of a pattern that is checked as a whole. */
enum pathmap_kind {
    PATHMAP_SLASH,   /* a segment begins */
    PATHMAP_LITERAL, /* text */
    PATHMAP_PARAM,   /* to the next piece */
    PATHMAP_TAIL,    /* everything that is left */
    PATHMAP_END
};
struct pathmap_piece {
    uint32_t text; /* offset into literals */
    uint16_t len;
    uint8_t kind;
};

struct pathmap {
    const uint32_t *roots; /* [2 * segments + (ends in a slash)] */
    const uint32_t *odd_roots; /* the same for paths with an empty segment before the end */
    uint32_t depth;        /* roots are there for 1 … depth segments; the last one stands for more */
    const struct pathmap_node *nodes;
    const uint32_t *edges;      /* text in the low half, next in the high half; NULL: see wide_edges */
    const uint64_t *wide_edges; /* the same with twice the bits, for large maps */
    const uint8_t *texts;       /* of the edges: length, bytes; 8 readable bytes behind the last */
    const uint32_t *paths;      /* bit n: segment n is a parameter; with PATHMAP_LEAF: index of a pattern */
    const uint32_t *trials;     /* paths; the last of each trial has PATHMAP_LEAF set */
    const uint32_t *patterns;   /* first piece of each path that a trial or a leaf needs */
    const struct pathmap_piece *pieces;
    const char *literals; /* text of the pieces */
};

/* The number of the path that takes `path`, or PATHMAP_NONE. Its parameters are put into params (room for
 * PATHMAP_PARAMS; as many as the template has) as slices of `path`. */
uint32_t pathmap_find(const struct pathmap *map, struct str path, struct str *params);

/* The hash of a segment's text, as the walk computes it: for whoever builds a map. */
uint32_t pathmap_hash(struct str text);

/* The slot of a hash among `slots` under a seed. */
static inline uint32_t pathmap_slot(uint32_t hash, uint16_t seed, uint32_t slots)
{
    uint32_t mixed = hash * (2u * seed + 1u);

    return (uint32_t)((uint64_t)mixed * slots >> 32);
}

#endif
