/* pathmap: which of many path templates takes a path. Constant tables made by the compiler, walked by the
 * generated program and by `explain`; a portable walk without heap, recursion or backtracking.
 *
 *   /repos/{owner}/{repo}/issues/{number}     4 kinds of segment: literal, mixed text ("{id}.json"),
 *                                             one parameter, tail (the rest, slashes included)
 *
 * The walk: one pass finds the slashes. The first segment's text chooses a row, the number of segments a slot of
 * that row: the root of a decision tree. A node looks at one segment: the text's first 8 bytes and its length are
 * hashed with the node's own factor to one slot (a perfect hash: the compiler searched the factor), and the literal
 * found there is compared with the path. Equal: what the slot leads to; else the slot before the node's own.
 * Literals that can only follow each other are one ("issues/comments").
 *
 *      firsts                 slots
 *      repos ── 5 segments ──▶ ( segment 4 ) ── issues ──▶ ( segment 5 ) ── comments ──▶ path 17
 *      orgs                         │ else                      │ else
 *      …                            ▼                           ▼
 *
 * A slot is a literal and, behind it, the node or leaf it leads to, in 16 bytes: a step touches one line of slots
 * and one of texts.
 * A leaf is a path whose literals have all been compared on the way, or a trial: a few paths that are checked
 * from their first byte to their last, in the order of precedence (at the first differing segment literal
 * beats mixed, more text first, beats parameter beats tail). Cost: linear in the path, plus one comparison
 * per node, at most one node per segment, plus the checks of one trial (at most PATHMAP_TRIALS); the number of
 * paths has no part in it.
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
    PATHMAP_SLACK = 16,    /* readable bytes behind the texts */
    PATHMAP_AHEAD = 64,    /* readable bytes from the start of a path, and … */
    PATHMAP_BEHIND = 16,   /* … behind its end, for the quick way */
    PATHMAP_PATH = 0xFFFF  /* bytes of a path; a longer one matches nothing */
};

enum { PATHMAP_NONE = -1 };

#define PATHMAP_LAST 0x80000000u    /* in trials: nothing follows */
#define PATHMAP_PATTERN 0x80000000u /* in shapes: the low bits are the first piece */

/* What a slot leads to, in `segment`. Below PATHMAP_BIG: a node that looks at that segment (the first is 1). With
 * PATHMAP_BIG: a node of many literals, or of some that only their whole text tells apart; 2^shift nodes stand at
 * its base, and the whole text chooses one. Leaves: base is a path's number and factor its shape; or base is an
 * index into trials. */
enum { PATHMAP_BIG = 0x80, PATHMAP_TRIAL = 0xFD, PATHMAP_LEAF = 0xFE, PATHMAP_NOWHERE = 0xFF };

struct pathmap_slot {
    uint32_t text;   /* offset into texts */
    uint32_t base;   /* of the node behind: its first slot; the one before is its other way */
    uint32_t factor; /* of its hash */
    uint8_t size;    /* bytes of the text */
    uint8_t span;    /* segments of the text */
    uint8_t segment; /* that the node looks at */
    uint8_t shift;   /* 60 - log2 of the number of its slots; 63: there is one */
};

/* Slots as generated programs write them: a literal, and what it leads to, if not nowhere. */
#define PATHMAP_AT(at, bytes, segments) .text = (at), .size = (bytes), .span = (segments)
#define PATHMAP_TO_NODE(number, slot, by, bits)                                                    \
    .segment = (number), .base = (slot), .factor = (by), .shift = (bits)
#define PATHMAP_TO_PATH(number, shape) .segment = PATHMAP_LEAF, .base = (number), .factor = (shape)
#define PATHMAP_TO_TRIAL(first) .segment = PATHMAP_TRIAL, .base = (first)

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
    uint32_t depth; /* rows have slots for 0 … depth segments; the last stands for more, too */
    const struct pathmap_slot
        *firsts; /* by the first segment: base is the slot of its row for 0 segments. NULL: see
                                          roots */
    uint32_t first_factor, first_shift;
    bool only_firsts; /* what begins otherwise is nowhere, but for paths with an empty segment */
    const struct pathmap_slot
        *roots; /* [4 * segments + 2 * (one before the last is empty) + (the last one is)] */
    const struct pathmap_slot *slots;
    const char *texts;     /* PATHMAP_SLACK bytes follow the last */
    const uint16_t *paths; /* by number: index into shapes; NULL: it is the number itself */
    const uint32_t *
        shapes; /* segments that are parameters, 5 bits each (1 is the first); or PATHMAP_PATTERN */
    const uint32_t *trials; /* path numbers; the last of a trial with PATHMAP_LAST */
    const struct pathmap_piece *pieces;
};

/* The number of the path that takes `path`, or PATHMAP_NONE. Its parameters are put into params (room for
 * PATHMAP_PARAMS) as slices of `path`; what stands behind them is of no meaning. */
int32_t pathmap_find(const struct pathmap *map, struct str path, struct str *params);

/* The same, in half the time where `readable` bytes may be read from path.at, whatever they are: PATHMAP_AHEAD at
 * least, and PATHMAP_BEHIND more than the path has. So it is for a path in a request's head. */
int32_t pathmap_find_ahead(const struct pathmap *map, struct str path, size_t readable,
                           struct str *params);

/* The nodes that a walk looks at: what a test holds to bounds. */
uint32_t pathmap_steps(const struct pathmap *map, struct str path);

/* How many parameters a path has. */
uint32_t pathmap_params(const struct pathmap *map, uint32_t number);

/* A segment's text as a number, as nodes see it and, where that does not tell their literals apart, the whole
 * text: for whoever builds a map. */
uint64_t pathmap_key(struct str text);
uint64_t pathmap_whole_key(struct str text);

#define PATHMAP_FACTOR 0x9E3779B97F4A7C15u

/* The slot of a key under a factor, as an offset in bytes: one multiplication waits for the key, and no scaling
 * for the slot. Written so that the factor's part is not done behind the multiplication. */
static inline size_t pathmap_offset_of(uint64_t key, uint32_t factor, uint32_t shift)
{
    uint64_t spread = (uint64_t)factor << 32 | (uint32_t)~factor;

    return key * spread >> shift & ~(uint64_t)(sizeof(struct pathmap_slot) - 1);
}

static inline uint32_t pathmap_slot_of(uint64_t key, uint32_t factor, uint32_t shift)
{
    return (uint32_t)(pathmap_offset_of(key, factor, shift) / sizeof(struct pathmap_slot));
}

/* The node among 2^bits that a big node hands a whole key on to. */
static inline uint32_t pathmap_part(uint64_t key, uint32_t bits)
{
    return bits ? (uint32_t)(key * 0xD6E8FEB86659FD93u >> (64 - bits)) : 0;
}

#endif
