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

enum { WORD = 64, QUICK = 2 * WORD };

struct cuts {
    const char *at; /* the path */
    uint32_t len;
    uint32_t count; /* segments */
    bool empty;     /* one of them is empty */
    /* [n] and [n + 1] are the slashes around segment n; [0] is around what there is not */
    uint16_t slashes[PATHMAP_SEGMENTS + 3];
};

/* Bit i: byte i of 16 is a slash. */
#ifdef __SSE2__
static inline uint64_t slashes16(const char *at)
{
    __m128i bytes = _mm_loadu_si128((const __m128i *)(const void *)at);

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
static inline uint64_t slashes16(const char *at)
{
    return slashes8(at) | slashes8(at + 8) << 8;
}
#endif

static inline uint64_t slashes64(const char *at)
{
    return slashes16(at) | slashes16(at + 16) << 16 | slashes16(at + 32) << 32 |
           slashes16(at + 48) << 48;
}

static inline uint32_t bits_in(uint64_t w)
{
    w -= w >> 1 & 0x5555555555555555;
    w = (w & 0x3333333333333333) + (w >> 2 & 0x3333333333333333);
    return (uint32_t)(((w + (w >> 4)) & 0x0F0F0F0F0F0F0F0F) * 0x0101010101010101 >> 56);
}

/* The second 64 bytes of a path; what is behind its end is read, but not looked at. */
static __attribute__((noinline)) void cut_rest(struct cuts *cuts, uint64_t before, uint32_t most)
{
    const char *at = cuts->at;
    uint32_t len = cuts->len, last = len - 16, index = cuts->count + 1;
    uint64_t found = 0;

    for (uint32_t from = WORD; from < len; from += 16)
        found |= from <= last ? slashes16(at + from) << (from - WORD)
                              : slashes16(at + last) >> (from - last) << (from - WORD);
    cuts->count += bits_in(found);
    found |= (uint64_t)1 << (len - WORD);
    cuts->empty |= (found & (found << 1 | before >> 63)) != 0;
    for (; found && index <= most; found &= found - 1)
        cuts->slashes[index++] = (uint16_t)(WORD + (uint32_t)__builtin_ctzll(found));
}

/* Writes down the lowest bit's place and takes it off; the last bit stays. */
static inline uint64_t put_slash(struct cuts *cuts, uint32_t index, uint64_t found)
{
    cuts->slashes[index] = (uint16_t)__builtin_ctzll(found);
    return (found & (found - 1)) | (uint64_t)1 << 63;
}

/* A path of less than QUICK bytes, PATHMAP_AHEAD of them readable. Written without branches that depend on the
 * path: a wrong guess costs as much as everything here. */
static inline void cut_quickly(struct cuts *cuts, struct str path, uint32_t most)
{
    uint64_t end = path.len < WORD ? (uint64_t)1 << path.len : 0, found, left;

    cuts->at = path.at;
    cuts->len = (uint32_t)path.len;
    found = slashes64(path.at) & (end - 1);
    cuts->count = bits_in(found);
    found |= end;
    cuts->empty = (found & found << 1) != 0;
    cuts->slashes[0] = cuts->slashes[1] = 0;
    left = (found & (found - 1)) | (uint64_t)1 << 63;
    left = put_slash(cuts, 2, left);
    left = put_slash(cuts, 3, left);
    left = put_slash(cuts, 4, left);
    left = put_slash(cuts, 5, left);
    left = put_slash(cuts, 6, left);
    left = put_slash(cuts, 7, left);
    left = put_slash(cuts, 8, left);
    if (__builtin_expect(cuts->count >= 8, 0))
        for (uint32_t i = 9; i <= cuts->count + 1 && i <= most; i++)
            left = put_slash(cuts, i, left);
    if (__builtin_expect(path.len >= WORD, 0))
        cut_rest(cuts, found, most);
}

/* Any path, byte by byte. */
static void cut_slowly(struct cuts *cuts, struct str path, uint32_t most)
{
    uint32_t index = 1;

    *cuts = (struct cuts){.at = path.at, .len = (uint32_t)path.len};
    for (uint32_t i = 0; i <= path.len; i++) {
        if (i < path.len && path.at[i] != '/')
            continue;
        cuts->count += i < path.len;
        cuts->empty |= i > 0 && path.at[i - 1] == '/';
        if (index <= most)
            cuts->slashes[index++] = (uint16_t)i;
    }
}

static inline struct str segment_of(const struct cuts *cuts, uint32_t n)
{
    const uint16_t *slash = &cuts->slashes[n];

    return (struct str){cuts->at + slash[0] + 1, (uint32_t)(slash[1] - slash[0] - 1)};
}

/* ---- literals ---- */

static inline uint64_t key_of(uint64_t last, uint32_t len)
{
    return last + (uint64_t)len * 0x10001;
}

/* The word of less than 8 bytes. */
static uint64_t short_word(struct str text)
{
    char bytes[8] = {0};

    memcpy(bytes, text.len ? text.at : "", text.len);
    return word(bytes);
}

uint64_t pathmap_key(struct str text)
{
    return key_of(text.len < 8 ? short_word(text) : word(text.at + text.len - 8),
                  (uint32_t)text.len);
}

uint64_t pathmap_whole_key(struct str text)
{
    uint64_t h = text.len;

    for (size_t i = 0; i + 8 < text.len; i += 8) {
        h = (h ^ word(text.at + i)) * PATHMAP_FACTOR;
        h ^= h >> 32;
    }
    h = (h ^ (text.len < 8 ? short_word(text) : word(text.at + text.len - 8))) * PATHMAP_FACTOR;
    return h ^ h >> 32;
}

/* The first `size` bytes of two 16 are the same. */
#ifdef __SSE2__
static inline bool same16(const char *a, const char *b, uint32_t size)
{
    __m128i same = _mm_cmpeq_epi8(_mm_loadu_si128((const __m128i *)(const void *)a),
                                  _mm_loadu_si128((const __m128i *)(const void *)b));

    return (~(uint32_t)_mm_movemask_epi8(same) & ((1u << size) - 1)) == 0;
}
#else
static inline bool same16(const char *a, const char *b, uint32_t size)
{
    return (((word(a) ^ word(b)) & masks[size < 8 ? size : 8]) |
            ((word(a + 8) ^ word(b + 8)) & masks[size < 8 ? 0 : size - 8])) == 0;
}
#endif

/* A step that reads no byte behind the path; also for big nodes. */
static __attribute__((noinline)) const struct pathmap_slot *
step_slowly(const struct pathmap *map, const struct cuts *cuts, const struct pathmap_slot *node)
{
    uint32_t n = node->segment & ~(uint32_t)PATHMAP_BIG, base = node->base;
    struct str text = segment_of(cuts, n);
    const struct pathmap_slot *slot;
    uint64_t key;

    if (node->segment & PATHMAP_BIG) {
        key = pathmap_whole_key(text);
        node = &map->slots[base + pathmap_part(key, node->shift)];
    } else {
        key = pathmap_key(text);
    }
    slot = &map->slots[node->base + pathmap_slot_of(key, node->factor, node->shift)];
    if (text.at + slot->size == cuts->at + cuts->slashes[n + slot->span] &&
        memcmp(text.at, map->texts + slot->text, slot->size) == 0)
        return slot;
    return &map->slots[base - 1];
}

/* A step of the quick way. */
static inline __attribute__((always_inline)) const struct pathmap_slot *
step(const struct pathmap *map, const struct cuts *cuts, const struct pathmap_slot *node)
{
    uint32_t n = node->segment, from = cuts->slashes[n] + 1u, len = cuts->slashes[n + 1] - from;
    uint32_t cover = len < 8 ? len : 8, size;
    const char *at = cuts->at + from, *text;
    const struct pathmap_slot *slot;
    bool same;

    slot = &map->slots[node->base +
                       pathmap_slot_of(key_of(word(at + (len - cover)) & masks[cover], len),
                                       node->factor, node->shift)];
    text = map->texts + slot->text;
    size = slot->size;
    same = from + size == cuts->slashes[n + slot->span];
    if (__builtin_expect(size <= 16, 1))
        same &= same16(at, text, size);
    else
        same = same && memcmp(at, text, size) == 0;
    return __builtin_expect(same, 1) ? slot : &map->slots[node->base - 1];
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
static inline bool take(const struct pathmap *map, uint32_t shape, const struct cuts *cuts,
                        struct str *params)
{
    if (__builtin_expect(shape & PATHMAP_PATTERN, 0))
        return check(&map->pieces[shape & ~PATHMAP_PATTERN], (struct str){cuts->at, cuts->len},
                     params);
    /* three without asking whether there are so many */
    params[0] = segment_of(cuts, shape & 31);
    params[1] = segment_of(cuts, shape >> 5 & 31);
    params[2] = segment_of(cuts, shape >> 10 & 31);
    for (params += 3, shape >>= 15; shape; shape >>= 5)
        *params++ = segment_of(cuts, shape & 31);
    return true;
}

static int32_t try_in_order(const struct pathmap *map, const uint32_t *trial,
                            const struct cuts *cuts, struct str *params)
{
    for (;; trial++) {
        uint32_t number = *trial & ~PATHMAP_LAST;

        if (take(map, shape_of(map, number), cuts, params))
            return (int32_t)number;
        if (*trial & PATHMAP_LAST)
            return PATHMAP_NONE;
    }
}

/* ---- the walk ---- */

static const struct pathmap_slot nowhere = {.segment = PATHMAP_NOWHERE};

static __attribute__((noinline)) const struct pathmap_slot *root_of(const struct pathmap *map,
                                                                    const struct cuts *cuts)
{
    uint32_t depth = cuts->count < map->depth ? cuts->count : map->depth;
    bool odd = cuts->empty && memmem(cuts->at, cuts->len, "//", 2);

    return &map->roots[4 * depth + 2 * odd + (cuts->at[cuts->len - 1] == '/')];
}

/* Where the walk begins: `key` is the first segment's. `quick` is a constant wherever this is inlined. */
static inline __attribute__((always_inline)) const struct pathmap_slot *
start(const struct pathmap *map, bool quick, const struct cuts *cuts, uint64_t key)
{
    uint32_t len = cuts->slashes[2] - 1u;
    const char *at = cuts->at + 1, *text;
    const struct pathmap_slot *first;

    if (cuts->empty || !map->firsts)
        return root_of(map, cuts);
    first = &map->firsts[pathmap_slot_of(key, map->first_factor, map->first_shift)];
    text = map->texts + first->text;
    if (first->size == len &&
        (quick && len <= 16 ? same16(at, text, len) : memcmp(at, text, len) == 0))
        return &map->slots[first->base + (cuts->count < map->depth ? cuts->count : map->depth)];
    return map->only_firsts ? &nowhere : root_of(map, cuts);
}

static inline int32_t arrive(const struct pathmap *map, const struct pathmap_slot *slot,
                             const struct cuts *cuts, struct str *params)
{
    if (__builtin_expect(slot->segment == PATHMAP_LEAF, 1))
        return take(map, slot->factor, cuts, params) ? (int32_t)slot->base : PATHMAP_NONE;
    if (slot->segment == PATHMAP_NOWHERE)
        return PATHMAP_NONE;
    return try_in_order(map, map->trials + slot->base, cuts, params);
}

static bool is_path(struct str path)
{
    return path.len > 0 && path.len <= PATHMAP_PATH && path.at[0] == '/';
}

int32_t pathmap_find(const struct pathmap *map, struct str path, struct str *params)
{
    const struct pathmap_slot *slot;
    struct cuts cuts;

    if (!is_path(path))
        return PATHMAP_NONE;
    cut_slowly(&cuts, path, map->depth + 1);
    slot = start(map, false, &cuts, pathmap_key(segment_of(&cuts, 1)));
    while (slot->segment < PATHMAP_TRIAL)
        slot = step_slowly(map, &cuts, slot);
    return arrive(map, slot, &cuts, params);
}

int32_t pathmap_find_ahead(const struct pathmap *map, struct str path, size_t readable,
                           struct str *params)
{
    const struct pathmap_slot *slot;
    struct cuts cuts; /* not zeroed: that would cost as much as the walk */
    uint32_t len, cover;

    if (path.len >= QUICK || readable < path.len + PATHMAP_BEHIND || readable < PATHMAP_AHEAD)
        return pathmap_find(map, path, params);
    if (!is_path(path))
        return PATHMAP_NONE;
    cut_quickly(&cuts, path, map->depth + 1);
    len = cuts.slashes[2] - 1u;
    cover = len < 8 ? len : 8;
    slot = start(map, true, &cuts, key_of(word(path.at + 1 + (len - cover)) & masks[cover], len));
    for (;; slot = step_slowly(map, &cuts, slot)) {
        while (slot->segment <= PATHMAP_SEGMENTS)
            slot = step(map, &cuts, slot);
        if (__builtin_expect(slot->segment >= PATHMAP_TRIAL, 1))
            return arrive(map, slot, &cuts, params);
    }
}

uint32_t pathmap_steps(const struct pathmap *map, struct str path)
{
    const struct pathmap_slot *slot;
    struct cuts cuts;
    uint32_t steps = 1;

    if (!is_path(path))
        return 0;
    cut_slowly(&cuts, path, map->depth + 1);
    slot = start(map, false, &cuts, pathmap_key(segment_of(&cuts, 1)));
    for (; slot->segment < PATHMAP_TRIAL; steps++)
        slot = step_slowly(map, &cuts, slot);
    return steps;
}

uint32_t pathmap_params(const struct pathmap *map, uint32_t number)
{
    uint32_t shape = shape_of(map, number), count = 0;
    const struct pathmap_piece *piece;

    if (!(shape & PATHMAP_PATTERN)) {
        for (; shape; shape >>= 5)
            count++;
        return count;
    }
    for (piece = &map->pieces[shape & ~PATHMAP_PATTERN]; piece->kind != PATHMAP_END; piece++)
        count += piece->kind == PATHMAP_PARAM || piece->kind == PATHMAP_TAIL;
    return count;
}
