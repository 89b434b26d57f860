#include "pathentry.h"

#include "base/urlpath.h"

static uint32_t intern(struct pathentry_words *words, struct str text)
{
    void *known = map_get(&words->ids, text);

    if (known)
        return (uint32_t)(uintptr_t)known;
    *vec_add(words->pool, &words->texts) = text;
    map_set(&words->ids, words->pool, text, (void *)(uintptr_t)(words->texts.count - 1));
    return (uint32_t)(words->texts.count - 1);
}

void pathentry_begin(struct pathentry_words *words, struct pool *pool, bool fold)
{
    *words = (struct pathentry_words){.pool = pool, .fold = fold};
    *vec_add(pool, &words->texts) = STR("");
    intern(words, STR(""));
}

struct str pathentry_text(struct pathentry_words *words, struct str text)
{
    return words->fold ? urlpath_fold(text, pool_take(words->pool, text.len + 1)) : text;
}

static uint32_t mixed_rank(const struct ir_segment *from)
{
    size_t len = 0;

    for (size_t i = 0; i < from->parts.count; i++)
        len += from->parts.at[i].param < 0 ? from->parts.at[i].literal.len : 0;
    return PATHENTRY_MIXED_LAST -
           (uint32_t)(len < PATHENTRY_MIXED_LAST ? len : PATHENTRY_MIXED_LAST - 1);
}

static struct pathentry_segment segment_of(struct pathentry_words *words,
                                           const struct ir_segment *from)
{
    struct pathentry_segment segment = {PATHENTRY_NONE, PATHENTRY_LITERAL, from};

    if (from->tail)
        segment.rank = PATHENTRY_TAIL;
    else if (from->parts.count == 0)
        segment.literal = PATHENTRY_EMPTY;
    else if (from->parts.count > 1)
        segment.rank = mixed_rank(from);
    else if (from->parts.at[0].param >= 0)
        segment.rank = PATHENTRY_PARAM;
    else
        segment.literal = intern(words, pathentry_text(words, from->parts.at[0].literal));
    return segment;
}

struct pathentry pathentry_read(struct pathentry_words *words, const struct ir_segment *segments,
                                size_t count, bool trailing_slash)
{
    struct pathentry entry = {.count = (uint32_t)count};

    entry.segments = pool_alloc(words->pool, (count + 1) * sizeof *entry.segments);
    for (size_t i = 0; i < count; i++)
        entry.segments[i] = segment_of(words, &segments[i]);
    if (trailing_slash)
        entry.segments[entry.count++].literal = PATHENTRY_EMPTY;
    for (size_t i = 0; i < entry.count; i++) {
        const struct pathentry_segment *segment = &entry.segments[i];

        entry.tail |= segment->rank == PATHENTRY_TAIL;
        entry.params |= segment->rank != PATHENTRY_LITERAL;
        entry.opaque |= segment->rank > PATHENTRY_LITERAL && segment->rank < PATHENTRY_PARAM;
        if (segment->literal == PATHENTRY_NONE)
            continue;
        entry.literals |= pathentry_bit(i);
        if (words->texts.at[segment->literal].len <= PATHMAP_TEXT)
            entry.testable |= pathentry_bit(i);
        else
            entry.opaque = true;
    }
    return entry;
}

int pathentry_compare(const void *left, const void *right)
{
    const struct pathentry *a = left, *b = right;

    for (size_t i = 0; i < a->count && i < b->count; i++)
        if (a->segments[i].rank != b->segments[i].rank)
            return a->segments[i].rank < b->segments[i].rank ? -1 : 1;
    if (a->count != b->count)
        return a->count < b->count ? -1 : 1; /* no competitors, but the order must be one */
    return a->number < b->number ? -1 : a->number > b->number;
}
