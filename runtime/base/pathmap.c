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

enum { AHEAD = 63, FEWEST = 16, AT_ONCE = 8 };
#define END_BIT ((uint64_t)1 << 63)

/* Written without branches that depend on the path: a wrong guess costs as much as everything here. */
struct cuts {
    const char *at; /* the path, FEWEST or more readable bytes */
    uint32_t len;
    uint32_t room;                          /* of the readable bytes */
    uint32_t count;                         /* segments */
    bool odd;                               /* one before the last is empty */
    uint16_t slashes[PATHMAP_SEGMENTS + 2]; /* the first ones, then the path's end */
};

/* Bit i: byte i of 16 is a slash. */
#ifdef __SSE2__
static uint64_t slashes16(const char *at)
{
    __m128i bytes = _mm_loadu_si128((const __m128i *)(const void *)at);

    return (uint32_t)_mm_movemask_epi8(_mm_cmpeq_epi8(bytes, _mm_set1_epi8('/')));
}
#else
static uint64_t slashes8(const char *at)
{
    const uint64_t ones = 0x0101010101010101, low = 0x7F7F7F7F7F7F7F7F;
    uint64_t w = word(at) ^ ones * '/';

    w = ~(((w & low) + low) | w | low) >> 7; /* 1 in each byte that was a slash */
    return w * 0x0102040810204080 >> 56;     /* gathered, first byte lowest */
}
static uint64_t slashes16(const char *at)
{
    return slashes8(at) | slashes8(at + 8) << 8;
}
#endif

/* The slashes among bytes from … from + 15; those past the end are none. */
static uint64_t slashes_at(const char *at, uint32_t room, uint32_t from)
{
    uint32_t start = from < room - 16 ? from : room - 16;

    return slashes16(at + start) >> (from - start);
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

/* A path of less than AHEAD bytes: all slashes in one word; of them the first `most`. */
static void cut_short(struct cuts *cuts, uint32_t most)
{
    const char *at = cuts->at;
    uint64_t found = slashes_at(at, cuts->room, 0) | slashes_at(at, cuts->room, 16) << 16 |
                     slashes_at(at, cuts->room, 32) << 32 | slashes_at(at, cuts->room, 48) << 48;

    cuts->count = bits_in(found);
    cuts->odd = (found & found << 1) != 0;
    found |= (uint64_t)1 << cuts->len | END_BIT;
    for (uint32_t i = 0; i < AT_ONCE; i++)
        found = put_slash(cuts, i, found);
    if (cuts->count < AT_ONCE)
        return;
    for (uint32_t i = AT_ONCE; i < most; i++)
        found = put_slash(cuts, i, found);
}

static void cut_long(struct cuts *cuts, uint32_t most)
{
    uint32_t count = 0;
    uint64_t behind = 0, odd = 0;

    for (uint32_t from = 0; from < cuts->len; from += 16) {
        uint64_t found = slashes_at(cuts->at, cuts->room, from);

        odd |= found & (found << 1 | behind);
        behind = found >> 15;
        for (; found; found &= found - 1, count++)
            if (count < most)
                cuts->slashes[count] = (uint16_t)(from + (uint32_t)__builtin_ctzll(found));
    }
    if (count < most)
        cuts->slashes[count] = (uint16_t)cuts->len;
    cuts->count = count;
    cuts->odd = odd != 0;
}

/* ---- literals ---- */

/* Which 8-byte words of a text of `len` bytes are looked at: at `from`, `half` and `skip` bytes further. Together
 * they are all of a text of up to 24 bytes. Of a text below 8 bytes it is thrice the same word, masked; at the
 * path's end it is read earlier and shifted, as nothing outside the path may be read. */
struct window {
    uint32_t from, half, skip, shift;
    uint64_t mask;
};

enum { COVERED = 24 };

static inline struct window window_of(uint32_t from, uint32_t len, uint32_t room)
{
    uint32_t start = from + 8 > room ? room - 8 : from;
    uint32_t skip = len > 8 ? len - 8 : 0;

    return (struct window){start, skip / 2, skip, 8 * (from - start), masks[len < 8 ? len : 8]};
}

static inline uint64_t seen(const char *at, const struct window *w, uint32_t further)
{
    return word(at + w->from + further) >> w->shift & w->mask;
}

#define FACTOR 0x9E3779B97F4A7C15u

static inline uint32_t hash_of(uint64_t first, uint64_t middle, uint64_t last, uint32_t len)
{
    uint64_t mixed = first ^ (middle << 23 | middle >> 41) ^ (last << 43 | last >> 21);

    return (uint32_t)((mixed + len) * FACTOR >> 32);
}

/* Of more than COVERED bytes: all of them count. */
static uint32_t hash_long(const char *at, uint32_t len)
{
    uint64_t h = len;

    for (uint32_t i = 0; i + 8 < len; i += 8) {
        h = (h ^ word(at + i)) * FACTOR;
        h ^= h >> 32;
    }
    return (uint32_t)((h ^ word(at + len - 8)) * FACTOR >> 32);
}

uint32_t pathmap_hash(struct str text)
{
    char short_text[8] = {0};
    uint32_t len = (uint32_t)text.len;
    struct window w = window_of(0, len, len < 8 ? 8 : len);

    if (len > COVERED)
        return hash_long(text.at, len);
    if (len < 8)
        text.at = memcpy(short_text, len ? text.at : "", len);
    return hash_of(seen(text.at, &w, 0), seen(text.at, &w, w.half), seen(text.at, &w, w.skip), len);
}

/* Whether a text of several segments or many bytes stands at `from` and ends with a segment. */
static bool fits_slowly(const struct cuts *cuts, uint32_t from, const char *text, uint32_t len)
{
    uint32_t end = from + len;

    if (end > cuts->len || (end < cuts->len && cuts->at[end] != '/'))
        return false;
    return memcmp(cuts->at + from, text, len) == 0;
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
    struct window w = window_of(from, len, cuts->room);
    uint64_t first = seen(cuts->at, &w, 0);
    uint64_t middle = seen(cuts->at, &w, w.half);
    uint64_t last = seen(cuts->at, &w, w.skip);

    if (slots != 1) {
        uint32_t hash =
            len > COVERED ? hash_long(cuts->at + from, len) : hash_of(first, middle, last, len);

        if (slots == 0) {
            at = edge + pathmap_part(hash, NODE(seed));
            slots = NODE(slots);
            edge = NODE(edges);
        }
        edge += pathmap_slot(hash, NODE(seed), slots);
    }

    const char *text = map->texts + EDGE(text);
    uint32_t size = (uint8_t)*text++;
    if (size != len || len > COVERED)
        return size >= len && fits_slowly(cuts, from, text, size) ? EDGE(next) : NODE(otherwise);
    first ^= word(text) & w.mask;
    middle ^= word(text + w.half) & w.mask;
    last ^= word(text + w.skip) & w.mask;
    return (first | middle | last) == 0 ? EDGE(next) : NODE(otherwise);
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

/* True with its parameters when the path is taken; only a pattern can refuse. */
static inline bool take(const struct pathmap *map, uint32_t number, const struct cuts *cuts,
                        struct str path, struct str *params)
{
    uint32_t mask = shape_of(map, number);

    if (mask & PATHMAP_PATTERN)
        return check(&map->pieces[mask & ~PATHMAP_PATTERN], path, params);
    for (; mask; mask &= mask - 1, params++) {
        const uint16_t *slash = &cuts->slashes[(uint32_t)__builtin_ctz(mask)];

        *params = (struct str){path.at + slash[0] + 1, slash[1] - slash[0] - 1u};
    }
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
    char short_path[FEWEST];
    struct cuts cuts; /* not zeroed: that would cost as much as the walk */

    if (path.len == 0 || path.len > PATHMAP_PATH || path.at[0] != '/')
        return PATHMAP_NONE;
    cuts.at = path.at;
    cuts.len = cuts.room = (uint32_t)path.len;
    if (path.len < FEWEST) {
        memset(short_path, 0, FEWEST);
        cuts.at = memcpy(short_path, path.at, path.len);
        cuts.room = FEWEST;
    }
    if (path.len < AHEAD)
        cut_short(&cuts, map->depth + 1);
    else
        cut_long(&cuts, map->depth + 1);

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
    const struct pathmap_piece *piece = &map->pieces[mask & ~PATHMAP_PATTERN];

    if (!(mask & PATHMAP_PATTERN))
        return bits_in(mask);
    for (; piece->kind != PATHMAP_END; piece++)
        count += piece->kind == PATHMAP_PARAM || piece->kind == PATHMAP_TAIL;
    return count;
}
