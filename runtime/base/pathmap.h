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
 * A leaf is a path whose literals have all been compared on the way, or a trial: a few paths that are checked
 * from their first byte to their last, in the order of precedence (at the first differing segment literal
 * beats mixed, more text first, beats parameter beats tail). Cost: linear in the path, plus one comparison
 * per node, at most one node per segment, plus the checks of one trial (at most PATHMAP_TRIALS).
 *
 * A parameter takes one or more bytes of one segment, in mixed segments as few as possible; a tail may be
 * empty. */
#ifndef BASE_PATHMAP_H
#define BASE_PATHMAP_H

#include "base/str.h"

enum {
    PATHMAP_SEGMENTS = 64, /* literal segments deeper than that do not exist */
    PATHMAP_PARAMS = 32,   /* of one template */
    PATHMAP_TRIALS = 32,   /* patterns of one trial */
    PATHMAP_TEXT = 254,    /* bytes of a literal that is compared as an edge */
    PATHMAP_SLACK = 24,    /* readable bytes behind the texts */
    PATHMAP_PATH = 0xFFFF  /* bytes of a path; a longer one matches nothing */
};

/* Where a walk goes on: a node (0 or more), nowhere, or a leaf: PATHMAP_LEAF - n is path n when n is below the
 * number of paths, else the trial that begins at trials[n - number of paths]. */
enum { PATHMAP_NONE = -1, PATHMAP_LEAF = -2 };
#define PATHMAP_TO(number) (PATHMAP_LEAF - (number))

#define PATHMAP_LAST 0x80000000u    /* in trials: nothing follows */
#define PATHMAP_PATTERN 0x80000000u /* in shapes: the low bits are the first piece */

/* A node and its slots: one per edge or a few more. slots 0: the node is split in 2^seed nodes of its kind,
 * which begin at node `edges`, by the key. */
struct pathmap_node {
    uint32_t edges;    /* first slot */
    int32_t otherwise; /* next when the literal is not there */
    uint16_t seed;
    uint8_t slots;
    uint8_t segment;
};

/* A way out of a node: `texts` holds its text at that offset. */
struct pathmap_edge {
    uint32_t text;
    int32_t next;
};

/* The same two in half the bytes, for maps that are small enough. */
struct pathmap_small_node {
    uint16_t edges;
    int16_t otherwise;
    uint16_t seed;
    uint8_t slots;
    uint8_t segment;
};
struct pathmap_small_edge {
    uint16_t text;
    int16_t next;
};

/* A piece of a path that is checked as a whole, in the order of its text. */
enum pathmap_kind {
    PATHMAP_SLASH,   /* a segment begins */
    PATHMAP_LITERAL, /* text */
    PATHMAP_PARAM,   /* up to the next piece */
    PATHMAP_TAIL,    /* everything that is left, slash included */
    PATHMAP_END
};
struct pathmap_piece {
    enum pathmap_kind kind;
    uint32_t len;
    const char *text;
};

struct pathmap {
    uint32_t path_count;
    uint32_t depth; /* roots are there for 1 … depth segments; the last stands for more, too */
    const int32_t *roots;     /* [2 * segments + (the path ends in a slash)] */
    const int32_t *odd_roots; /* the same for paths with an empty segment before the end */
    const struct pathmap_small_node *small_nodes; /* NULL: see nodes */
    const struct pathmap_small_edge *small_edges;
    const struct pathmap_node *nodes;
    const struct pathmap_edge *edges;
    const char *texts;      /* of the edges: length, bytes; PATHMAP_SLACK bytes follow the last */
    const uint16_t *paths;  /* by number: index into shapes; NULL: it is the number itself */
    const uint32_t *shapes; /* bit n: segment n is a parameter; or PATHMAP_PATTERN */
    const uint32_t *trials; /* path numbers; the last of a trial with PATHMAP_LAST */
    const struct pathmap_piece *pieces;
};

/* The number of the path that takes `path`, or PATHMAP_NONE. Its parameters are put into params (room for
 * PATHMAP_PARAMS) as slices of `path`; what stands behind them is of no meaning. */
int32_t pathmap_find(const struct pathmap *map, struct str path, struct str *params);

/* How many parameters a path has. */
uint32_t pathmap_params(const struct pathmap *map, uint32_t number);

/* Node or edge of a map of either size. */
static inline struct pathmap_node pathmap_node_at(const struct pathmap *map, uint32_t index)
{
    const struct pathmap_small_node *small;

    if (!map->small_nodes)
        return map->nodes[index];
    small = &map->small_nodes[index];
    return (struct pathmap_node){small->edges, small->otherwise, small->seed, small->slots,
                                 small->segment};
}

static inline struct pathmap_edge pathmap_edge_at(const struct pathmap *map, uint32_t index)
{
    if (!map->small_edges)
        return map->edges[index];
    return (struct pathmap_edge){map->small_edges[index].text, map->small_edges[index].next};
}

/* A segment's text as a number, as the walk computes it: for whoever builds a map. */
uint64_t pathmap_key(struct str text);

#define PATHMAP_FACTOR 0x9E3779B97F4A7C15u

/* The slot of a key among `slots` under a seed. */
static inline uint32_t pathmap_slot(uint64_t key, uint32_t seed, uint32_t slots)
{
    uint64_t factor = (2 * (uint64_t)seed + 1) * PATHMAP_FACTOR;

    return (uint32_t)((key * factor >> 32) * slots >> 32);
}

/* The node among 2^bits that a split node hands a key on to. */
static inline uint32_t pathmap_part(uint64_t key, uint32_t bits)
{
    return (uint32_t)(key * 0xD6E8FEB86659FD93u >> (64 - bits));
}

#endif
