#include "base/pathmap.h"

#ifdef __SSE2__
#include <emmintrin.h>
#endif

/* ---- words ---- */

static uint64_t word(const char *at)
{
    uint64_t w;

    memcpy(&w, at, 8);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    w = __builtin_bswap64(w); /* tables are the same everywhere */
#endif
    return w;
}

static const uint64_t masks[9] = {
    0,
    0xFF,
    0xFFFF,
    0xFFFFFF,
    0xFFFFFFFF,
    0xFFFFFFFFFF,
    0xFFFFFFFFFFFF,
    0xFFFFFFFFFFFFFF,
    0xFFFFFFFFFFFFFFFF,
};

/* ---- where the segments are ---- */

enum { AHEAD = 63, AT_ONCE = 8 };
#define END_BIT ((uint64_t)1 << 63)

/* Written without branches that depend on the path: a wrong guess costs as much as everything here. */
struct cuts {
    const char *at; /* the path */
    uint32_t len;
    uint32_t room;                          /* bytes that may be read at `at` */
    uint32_t count;                         /* segments */
    bool odd;                               /* one before the last is empty */
    uint16_t slashes[PATHMAP_SEGMENTS + 2]; /* the first ones, then the path's end */
    char copy[AHEAD + 1 + 16];              /* of a short path */
};

/* Bit i: byte i of 16 is a slash. The bytes are copied to `to`. */
#ifdef __SSE2__
static inline uint64_t slashes16(const char *at, char *to)
{
    __m128i bytes = _mm_loadu_si128((const __m128i *)(const void *)at);

    _mm_storeu_si128((__m128i *)(void *)to, bytes);
    return (uint32_t)_mm_movemask_epi8(_mm_cmpeq_epi8(bytes, _mm_set1_epi8('/')));
}
#else
static inline uint64_t slashes8(const char *at)
{
    const uint64_t ones = 0x0101010101010101, low = 0x7F7F7F7F7F7F7F7F;
    uint64_t w = word(at) ^ ones * '/';

    w = ~(((w & low) + low) | w | low) >> 7; /* 1 in each byte that was a slash */
    return w * 0x0102040810204080 >> 56;     /* gathered, first byte lowest */
}
static inline uint64_t slashes16(const char *at, char *to)
{
    memcpy(to, at, 16);
    return slashes8(at) | slashes8(at + 8) << 8;
}
#endif

/* The slashes among the 16 bytes at `from`, or among the path's last 16 when it ends before, at their places. */
static inline uint64_t slashes_at(const char *at, uint32_t len, uint32_t from, char *copy)
{
    uint32_t start = from < len - 16 ? from : len - 16;

    return slashes16(at + start, copy + start) << start;
}

static uint32_t bits_in(uint64_t w)
{
    w -= w >> 1 & 0x5555555555555555;
    w = (w & 0x3333333333333333) + (w >> 2 & 0x3333333333333333);
    return (uint32_t)(((w + (w >> 4)) & 0x0F0F0F0F0F0F0F0F) * 0x0101010101010101 >> 56);
}

/* Writes down the first slash of a word and takes it off; the last bit stays. */
static inline uint64_t put_slash(struct cuts *cuts, uint32_t index, uint64_t found)
{
    cuts->slashes[index] = (uint16_t)__builtin_ctzll(found);
    return (found & (found - 1)) | END_BIT;
}

/* A path of less than AHEAD bytes: it is copied to where reading behind its end is harmless, and all its
 * slashes are found in one word. The first `most` are written down. */
static inline void cut_short(struct cuts *cuts, struct str path, uint32_t most)
{
    const char *at = path.at;
    char *copy = cuts->copy;
    uint32_t len = (uint32_t)path.len;
    uint64_t found;

    if (len < 16) {
        memset(copy, 0, 16);
        memcpy(copy, at, len);
        found = slashes16(copy, copy);
    } else {
        found = slashes16(at, copy) | slashes_at(at, len, 16, copy) |
                slashes_at(at, len, 32, copy) | slashes_at(at, len, 48, copy);
    }
    cuts->at = copy;
    cuts->room = sizeof cuts->copy;
    cuts->count = bits_in(found);
    cuts->odd = (found & found << 1) != 0;
    found |= (uint64_t)1 << len | END_BIT;
    found = put_slash(cuts, 0, found);
    found = put_slash(cuts, 1, found);
    found = put_slash(cuts, 2, found);
    found = put_slash(cuts, 3, found);
    found = put_slash(cuts, 4, found);
    found = put_slash(cuts, 5, found);
    found = put_slash(cuts, 6, found);
    found = put_slash(cuts, 7, found);
    if (cuts->count < AT_ONCE)
        return;
    for (uint32_t i = AT_ONCE; i < most; i++)
        found = put_slash(cuts, i, found);
}

static void cut_long(struct cuts *cuts, struct str path, uint32_t most)
{
    char unused[16];
    uint32_t count = 0, len = (uint32_t)path.len;
    uint64_t behind = 0, odd = 0;

    for (uint32_t from = 0; from < len; from += 16) {
        uint32_t start = from < len - 16 ? from : len - 16;
        uint64_t found = slashes16(path.at + start, unused) >> (from - start);

        odd |= found & (found << 1 | behind);
        behind = found >> 15;
        for (; found; found &= found - 1, count++)
            if (count < most)
                cuts->slashes[count] = (uint16_t)(from + (uint32_t)__builtin_ctzll(found));
    }
    if (count < most)
        cuts->slashes[count] = (uint16_t)len;
    cuts->at = path.at;
    cuts->room = len;
    cuts->count = count;
    cuts->odd = odd != 0;
}

/* ---- literals ---- */

/* The first, the middle and the last 8 bytes of a text are all of it up to 24 bytes; of less than 8 they are
 * the same bytes, the rest masked. */
enum { COVERED = 24 };

static inline uint64_t key_of(uint64_t first, uint64_t middle, uint64_t last, uint32_t len)
{
    return (first ^ (middle << 43 | middle >> 21) ^ (last << 23 | last >> 41)) + len;
}

/* Of more than COVERED bytes: all of them count. */
static uint64_t key_long(const char *at, uint32_t len)
{
    uint64_t h = len;

    for (uint32_t i = 0; i + 8 < len; i += 8) {
        h = (h ^ word(at + i)) * PATHMAP_FACTOR;
        h ^= h >> 32;
    }
    h = (h ^ word(at + len - 8)) * PATHMAP_FACTOR;
    return h ^ h >> 32;
}

/* The word of less than 8 bytes. */
static uint64_t short_word(const char *at, uint32_t len)
{
    char bytes[8] = {0};

    memcpy(bytes, at, len);
    return word(bytes);
}

uint64_t pathmap_key(struct str text)
{
    uint32_t len = (uint32_t)text.len;

    if (len > COVERED)
        return key_long(text.at, len);
    if (len >= 8)
        return key_of(word(text.at), word(text.at + (len - 8) / 2), word(text.at + len - 8), len);

    uint64_t all = short_word(len ? text.at : "", len);
    return key_of(all, all, all, len);
}

/* Whether a text stands at `from` and ends with a segment. */
static __attribute__((noinline)) bool fits_far(const struct cuts *cuts, uint32_t from,
                                               const char *text, uint32_t len)
{
    const char *at = cuts->at + from;
    uint32_t end = from + len;
    uint64_t differ;

    if (end > cuts->len || (end < cuts->len && cuts->at[end] != '/'))
        return false;
    if (len < 8)
        return memcmp(at, text, len) == 0;
    differ = word(at + len - 8) ^ word(text + len - 8);
    for (uint32_t i = 0; i + 8 < len; i += 8)
        differ |= word(at + i) ^ word(text + i);
    return differ == 0;
}

/* A step whose segment is longer than usual, or ends where words can no longer be read. */
static __attribute__((noinline)) int32_t step_slowly(const struct pathmap *map,
                                                     const struct cuts *cuts, uint32_t at)
{
    struct pathmap_node node = pathmap_node_at(map, at);
    uint32_t from = cuts->slashes[node.segment] + 1u, slot, size;
    struct pathmap_edge edge;
    uint64_t key;
    const char *text;

    key = pathmap_key((struct str){cuts->at + from, cuts->slashes[node.segment + 1] - from});
    if (node.slots == 0)
        node = pathmap_node_at(map, node.edges + pathmap_part(key, node.seed));
    slot = node.edges + pathmap_slot(key, node.seed, node.slots);
    edge = pathmap_edge_at(map, slot);
    text = map->texts + edge.text;
    size = (uint8_t)*text++;
    return fits_far(cuts, from, text, size) ? edge.next : node.otherwise;
}

/* Node `at` of the walk; `small` is a constant wherever this is inlined. */
static inline __attribute__((always_inline)) int32_t step(const struct pathmap *map, bool small,
                                                          const struct cuts *cuts, uint32_t at)
{
#define NODE(field) (small ? map->small_nodes[at].field : map->nodes[at].field)
#define EDGE(field) (small ? map->small_edges[edge].field : map->edges[edge].field)
    uint32_t segment = NODE(segment), slots = NODE(slots), edge = NODE(edges);
    uint32_t from = cuts->slashes[segment] + 1u;
    uint32_t len = cuts->slashes[segment + 1] - from;
    uint32_t skip = len > 8 ? len - 8 : 0;
    uint64_t mask = masks[len < 8 ? len : 8], first, middle, last;

    if (__builtin_expect(len > COVERED || from + 8 > cuts->room, 0))
        return step_slowly(map, cuts, at);
    first = word(cuts->at + from) & mask;
    middle = word(cuts->at + from + skip / 2) & mask;
    last = word(cuts->at + from + skip) & mask;
    if (slots != 1) {
        uint64_t key = key_of(first, middle, last, len);

        if (__builtin_expect(slots == 0, 0)) {
            at = edge + pathmap_part(key, NODE(seed));
            slots = NODE(slots);
            edge = NODE(edges);
        }
        edge += pathmap_slot(key, NODE(seed), slots);
    }

    const char *text = map->texts + EDGE(text);
    uint32_t size = (uint8_t)*text++;
    if (__builtin_expect(size > len, 0)) /* of several segments */
        return fits_far(cuts, from, text, size) ? EDGE(next) : NODE(otherwise);
    first ^= word(text) & mask;
    middle ^= word(text + skip / 2) & mask;
    last ^= word(text + skip) & mask;
    return (first | middle | last | (size ^ len)) == 0 ? EDGE(next) : NODE(otherwise);
#undef NODE
#undef EDGE
}

static int32_t walk(const struct pathmap *map, const struct cuts *cuts, int32_t next)
{
    if (map->small_nodes)
        while (next >= 0)
            next = step(map, true, cuts, (uint32_t)next);
    else
        while (next >= 0)
            next = step(map, false, cuts, (uint32_t)next);
    return next;
}

/* ---- whole patterns ---- */

/* Where the literal of a mixed segment begins in at…end: at its very end when nothing follows it, else as
 * early as possible. NULL: nowhere. The parameter before it gets at least one byte. */
static const char *seek(const struct pathmap_piece *piece, const char *at, const char *end)
{
    size_t room = (size_t)(end - at);

    if (room <= piece->len)
        return NULL;
    if (piece[1].kind == PATHMAP_PARAM)
        return memmem(at + 1, room - 1, piece->text, piece->len);
    return memcmp(end - piece->len, piece->text, piece->len) == 0 ? end - piece->len : NULL;
}

static bool check(const struct pathmap_piece *piece, struct str path, struct str *params)
{
    const char *at = path.at, *stop = path.at + path.len, *end = at;

    for (;; piece++) {
        const char *from = at;

        switch (piece->kind) {
        case PATHMAP_SLASH:
            if (at != end || at == stop)
                return false;
            at++;
            end = memchr(at, '/', (size_t)(stop - at));
            end = end ? end : stop;
            break;
        case PATHMAP_LITERAL:
            if ((size_t)(end - at) < piece->len || memcmp(at, piece->text, piece->len) != 0)
                return false;
            at += piece->len;
            break;
        case PATHMAP_PARAM:
            at = piece[1].kind == PATHMAP_LITERAL ? seek(piece + 1, at, end) : end;
            if (!at || at == from)
                return false;
            *params++ = (struct str){from, (size_t)(at - from)};
            break;
        case PATHMAP_TAIL:
            if (at != end || at == stop)
                return false;
            *params = (struct str){at + 1, (size_t)(stop - at - 1)};
            return true;
        case PATHMAP_END:
            return at == stop;
        }
    }
}

static inline uint32_t shape_of(const struct pathmap *map, uint32_t number)
{
    return map->shapes[map->paths ? map->paths[number] : number];
}

/* The segment of the lowest bit; of none the first. */
static inline struct str slice(const struct cuts *cuts, struct str path, uint32_t mask)
{
    const uint16_t *slash = &cuts->slashes[mask ? (uint32_t)__builtin_ctz(mask) : 0];

    return (struct str){path.at + slash[0] + 1, slash[1] - slash[0] - 1u};
}

/* True with its parameters when the path is taken; only a pattern can refuse. */
static inline bool take(const struct pathmap *map, uint32_t number, const struct cuts *cuts,
                        struct str path, struct str *params)
{
    uint32_t mask = shape_of(map, number);

    if (mask & PATHMAP_PATTERN)
        return check(&map->pieces[mask & ~PATHMAP_PATTERN], path, params);
    /* three without asking whether there are so many */
    params[0] = slice(cuts, path, mask);
    mask &= mask - 1;
    params[1] = slice(cuts, path, mask);
    mask &= mask - 1;
    params[2] = slice(cuts, path, mask);
    for (params += 3, mask &= mask - 1; mask; mask &= mask - 1)
        *params++ = slice(cuts, path, mask);
    return true;
}

static int32_t try_in_order(const struct pathmap *map, const uint32_t *trial,
                            const struct cuts *cuts, struct str path, struct str *params)
{
    for (;; trial++) {
        uint32_t number = *trial & ~PATHMAP_LAST;

        if (take(map, number, cuts, path, params))
            return (int32_t)number;
        if (*trial & PATHMAP_LAST)
            return PATHMAP_NONE;
    }
}

int32_t pathmap_find(const struct pathmap *map, struct str path, struct str *params)
{
    struct cuts cuts; /* not zeroed: that would cost as much as the walk */

    if (path.len == 0 || path.len > PATHMAP_PATH || path.at[0] != '/')
        return PATHMAP_NONE;
    cuts.len = (uint32_t)path.len;
    if (path.len < AHEAD)
        cut_short(&cuts, path, map->depth + 1);
    else
        cut_long(&cuts, path, map->depth + 1);

    uint32_t depth = cuts.count < map->depth ? cuts.count : map->depth;
    uint32_t slash = path.at[path.len - 1] == '/';
    int32_t next = walk(map, &cuts, (cuts.odd ? map->odd_roots : map->roots)[2 * depth + slash]);
    if (next == PATHMAP_NONE)
        return next;

    uint32_t number = (uint32_t)(PATHMAP_LEAF - next);
    if (number >= map->path_count)
        return try_in_order(map, map->trials + (number - map->path_count), &cuts, path, params);
    return take(map, number, &cuts, path, params) ? (int32_t)number : PATHMAP_NONE;
}

uint32_t pathmap_params(const struct pathmap *map, uint32_t number)
{
    uint32_t mask = shape_of(map, number), count = 0;
    const struct pathmap_piece *piece;

    if (!(mask & PATHMAP_PATTERN))
        return bits_in(mask);
    for (piece = &map->pieces[mask & ~PATHMAP_PATTERN]; piece->kind != PATHMAP_END; piece++)
        count += piece->kind == PATHMAP_PARAM || piece->kind == PATHMAP_TAIL;
    return count;
}
