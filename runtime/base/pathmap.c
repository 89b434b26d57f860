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

/* What is behind the first 64 bytes of a path. */
static __attribute__((noinline)) void cut_rest(struct cuts *cuts, uint64_t before, uint32_t most)
{
    uint32_t len = cuts->len, index = cuts->count + 1;
    uint64_t found = slashes64(cuts->at + len - WORD) >> 1 >> (QUICK - 1 - len);

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
 * path: a wrong guess costs as much as everything here. Returns where the first segment ends, which is asked for
 * before a load could bring it. */
static inline uint32_t cut_quickly(struct cuts *cuts, struct str path, uint32_t most)
{
    uint64_t end = path.len < WORD ? (uint64_t)1 << path.len : 0, found, left;
    uint32_t first;

    cuts->at = path.at;
    cuts->len = (uint32_t)path.len;
    found = slashes64(path.at) & (end - 1);
    cuts->count = bits_in(found);
    found |= end;
    cuts->empty = (found & found << 1) != 0;
    cuts->slashes[0] = cuts->slashes[1] = 0;
    left = (found & (found - 1)) | (uint64_t)1 << 63;
    first = (uint32_t)__builtin_ctzll(left);
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
    if (__builtin_expect(path.len < WORD, 1))
        return first;
    cut_rest(cuts, found, most);
    return cuts->slashes[2];
}

/* The slashes among 16 bytes of a path, or among those that are left of it; nothing behind it is read. */
static uint64_t slashes_left(struct str path, uint32_t from)
{
    uint32_t len = (uint32_t)path.len;
    uint64_t found = 0;

    if (from + 16 <= len)
        return slashes16(path.at + from);
    if (len >= 16)
        return slashes16(path.at + len - 16) >> (from + 16 - len);
    for (uint32_t i = 0; i < len; i++)
        found |= (uint64_t)(path.at[i] == '/') << i;
    return found;
}

/* Any path. */
static void cut_slowly(struct cuts *cuts, struct str path, uint32_t most)
{
    uint32_t index = 1, len = (uint32_t)path.len;
    uint64_t behind = 0;

    *cuts = (struct cuts){.at = path.at, .len = len, .empty = path.at[len - 1] == '/'};
    for (uint32_t from = 0; from < len; from += 16) {
        uint64_t found = slashes_left(path, from);

        cuts->empty |= (found & (found << 1 | behind)) != 0;
        behind = found >> 15;
        for (; found; found &= found - 1, cuts->count++)
            if (index <= most)
                cuts->slashes[index++] = (uint16_t)(from + (uint32_t)__builtin_ctzll(found));
    }
    if (index <= most)
        cuts->slashes[index] = (uint16_t)len;
}

static inline struct str segment_of(const struct cuts *cuts, uint32_t n)
{
    const uint16_t *slash = &cuts->slashes[n];

    return (struct str){cuts->at + slash[0] + 1, (uint32_t)(slash[1] - slash[0] - 1)};
}

/* ---- literals ---- */

/* Of the first 8 bytes that are there, in the high bytes of a word, and the length. Not for an empty text. */
static inline uint64_t key_at(const char *at, uint32_t len)
{
    uint32_t cover = len < 8 ? len : 8;

    return (word(at) << 8 * (8 - cover)) + len;
}

/* The word of at most 8 bytes. */
static uint64_t short_word(struct str text)
{
    char bytes[8] = {0};

    memcpy(bytes, text.len ? text.at : "", text.len);
    return word(bytes);
}

uint64_t pathmap_key(struct str text)
{
    char bytes[8] = {0};

    if (text.len >= 8)
        return key_at(text.at, (uint32_t)text.len);
    memcpy(bytes, text.len ? text.at : "", text.len);
    return text.len ? key_at(bytes, (uint32_t)text.len) : 0;
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

static inline const struct pathmap_slot *slot_at(const struct pathmap_slot *slots, uint64_t key,
                                                 uint32_t factor, uint32_t shift)
{
    const void *at = (const char *)slots + pathmap_offset_of(key, factor, shift);

    return at;
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
    uint64_t low = word(a) ^ word(b), high = word(a + 8) ^ word(b + 8);

    if (size < 8)
        return (low & (((uint64_t)1 << 8 * size) - 1)) == 0;
    return (low | (size < 16 ? high & (((uint64_t)1 << 8 * (size - 8)) - 1) : high)) == 0;
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
    slot = slot_at(map->slots + node->base, key, node->factor, node->shift);
    if (text.at + slot->size == cuts->at + cuts->slashes[n + slot->span] &&
        memcmp(text.at, map->texts + slot->text, slot->size) == 0)
        return slot;
    return &map->slots[base - 1];
}

/* A step of the quick way. */
static inline __attribute__((always_inline)) const struct pathmap_slot *
step(const struct pathmap *map, const struct cuts *cuts, const struct pathmap_slot *node)
{
    const uint16_t *slash = &cuts->slashes[node->segment];
    uint32_t from = slash[0] + 1u, size;
    const char *at = cuts->at + from, *text;
    const struct pathmap_slot *slot =
        slot_at(map->slots + node->base, key_at(at, slash[1] - from), node->factor, node->shift);

    text = map->texts + slot->text;
    size = slot->size;
    if (__builtin_expect(slash[slot->span] == from + size, 1) &&
        (__builtin_expect(size <= 16, 1) ? same16(at, text, size) : memcmp(at, text, size) == 0))
        return slot;
    return map->slots + node->base - 1;
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

static __attribute__((noinline)) bool is_odd(const struct cuts *cuts)
{
    return memmem(cuts->at, cuts->len, "//", 2);
}

static __attribute__((noinline)) const struct pathmap_slot *root_of(const struct pathmap *map,
                                                                    const struct cuts *cuts)
{
    uint32_t depth = cuts->count < map->depth ? cuts->count : map->depth;

    return &map->roots[4 * depth + 2 * (cuts->empty && is_odd(cuts)) +
                       (cuts->at[cuts->len - 1] == '/')];
}

/* Where the walk begins; `text` is the first segment. `quick` is a constant wherever this is inlined. */
static inline __attribute__((always_inline)) const struct pathmap_slot *
start(const struct pathmap *map, bool quick, const struct cuts *cuts, struct str text)
{
    uint32_t len = (uint32_t)text.len;
    const struct pathmap_slot *first;
    const char *want;

    if (cuts->empty || !map->firsts)
        return root_of(map, cuts);
    first = slot_at(map->firsts, quick ? key_at(text.at, len) : pathmap_key(text),
                    map->first_factor, map->first_shift);
    want = map->texts + first->text;
    if (first->size == len &&
        (quick && len <= 16 ? same16(text.at, want, len) : memcmp(text.at, want, len) == 0))
        return &map->slots[first->base] + (cuts->count < map->depth ? cuts->count : map->depth);
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
    slot = start(map, false, &cuts, segment_of(&cuts, 1));
    while (slot->segment < PATHMAP_TRIAL)
        slot = step_slowly(map, &cuts, slot);
    return arrive(map, slot, &cuts, params);
}

int32_t pathmap_find_ahead(const struct pathmap *map, struct str path, size_t readable,
                           struct str *params)
{
    const struct pathmap_slot *slot;
    struct cuts cuts; /* not zeroed: that would cost as much as the walk */
    uint32_t first;

    if (path.len >= QUICK || readable < path.len + PATHMAP_BEHIND || readable < PATHMAP_AHEAD)
        return pathmap_find(map, path, params);
    if (!is_path(path))
        return PATHMAP_NONE;
    first = cut_quickly(&cuts, path, map->depth + 1);
    if (__builtin_expect(cuts.empty, 0) && is_odd(&cuts))
        return pathmap_find(map, path, params);
    slot = start(map, true, &cuts, (struct str){path.at + 1, first - 1});
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
    slot = start(map, false, &cuts, segment_of(&cuts, 1));
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
