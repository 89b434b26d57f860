/* Templates and paths, a line each, "{x}" and "{x*}" as in tests/lib: an empty line divides them. Whatever the
 * input: the table answers as a matcher does that tries every template, and its parameters are slices. */
#include <stdlib.h>

#include "../lib/templates.h"
#include "base/map.h"
#include "base/text.h"

enum { MOST = 40 };

static void check(bool fine)
{
    if (!fine)
        abort();
}

static bool parts_match(const struct ir_part *parts, size_t count, struct str text)
{
    if (count == 0)
        return text.len == 0;
    if (parts->param < 0)
        return str_starts(text, parts->literal) &&
               parts_match(parts + 1, count - 1, str_from(text, parts->literal.len));
    if (count == 1)
        return text.len > 0;
    for (size_t len = 1; len <= text.len; len++)
        if (parts_match(parts + 1, count - 1, str_from(text, len)))
            return true;
    return false;
}

static bool matches(const struct pathtree_template *template, struct str path)
{
    for (size_t i = 0; i < template->count; i++) {
        const struct ir_segment *segment = &template->segments[i];
        struct str text = str_head(str_from(path, 1), str_find(str_from(path, 1), '/'));

        if (path.len == 0)
            return false;
        if (segment->tail)
            return true;
        if (!parts_match(segment->parts.at, segment->parts.count, text))
            return false;
        path = str_from(path, 1 + text.len);
    }
    return template->trailing_slash ? str_eq(path, STR("/")) : path.len == 0;
}

/* Only what the compiler would let through: balanced braces, no two parameters in touch. */
static bool is_template(struct str text)
{
    bool open = false;
    size_t depth = 0, params = 0;

    for (size_t i = 0; i < text.len; i++) {
        if (text.at[i] == '{' ? open : text.at[i] == '}' ? !open : open && text.at[i] == '/')
            return false;
        if (text.at[i] == '{')
            open = true, params++;
        if (text.at[i] == '}') {
            open = false;
            if (i + 1 < text.len && text.at[i + 1] == '{')
                return false;
            if (text.at[i - 1] == '*' && (i + 1 < text.len || text.len < 2))
                return false;
        }
        depth += text.at[i] == '/';
    }
    for (size_t i = 0; i + 1 < text.len; i++) /* a tail is a segment of its own */
        if (text.at[i] == '*' && text.at[i + 1] == '}' &&
            (i < 1 || str_find(text, '{') == text.len))
            return false;
    return !open && text.len > 0 && text.at[0] == '/' && depth < PATHMAP_SEGMENTS &&
           params < PATHMAP_PARAMS && text.len < 4096;
}

static bool tails_are_whole(const struct pathtree_template *template)
{
    for (size_t i = 0; i < template->count; i++)
        if (template->segments[i].tail && (template->segments[i].parts.count != 1 ||
                                           i + 1 != template->count || template->trailing_slash))
            return false;
    return true;
}

static struct str line_of(struct str *rest)
{
    struct str line = str_head(*rest, str_find(*rest, '\n'));

    *rest = str_from(*rest, line.len + 1);
    return line;
}

/* Names of parameters do not distinguish templates. */
static struct str shape_of(struct pool *pool, struct str text)
{
    struct text out = {.pool = pool};

    for (size_t i = 0; i < text.len; i++) {
        text_byte(&out, text.at[i]);
        for (bool open = text.at[i] == '{'; open && text.at[i + 1] != '}' && text.at[i + 1] != '*';)
            i++;
    }
    return text_str(&out);
}

static void ask(const struct pathtree *tree, const struct pathtree_template *templates,
                size_t count, struct str path)
{
    struct str params[PATHMAP_PARAMS], quick[PATHMAP_PARAMS];
    char *exact = malloc(path.len + 1), *padded = malloc(path.len + PATHMAP_AHEAD);
    int32_t found;
    bool any = false;

    path.at = path.len ? memcpy(exact, path.at, path.len) : exact;
    memset(padded, '/', path.len + PATHMAP_AHEAD);
    memcpy(padded, path.at, path.len);
    found = pathmap_find(&tree->map, path, params);
    check(found == pathmap_find_ahead(&tree->map, (struct str){padded, path.len},
                                      path.len + PATHMAP_AHEAD, quick));
    for (size_t i = 0; i < count; i++)
        any |= path.len > 0 && path.at[0] == '/' && matches(&templates[i], path);
    check((found >= 0) == any && found < (int32_t)count);
    if (found >= 0) {
        check(matches(&templates[found], path));
        for (uint32_t i = 0; i < pathmap_params(&tree->map, (uint32_t)found); i++)
            check(params[i].at >= path.at && params[i].at + params[i].len <= path.at + path.len &&
                  params[i].at - path.at == quick[i].at - padded && params[i].len == quick[i].len);
    }
    free(padded);
    free(exact);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str rest = {(const char *)data, size}, line;
    struct pathtree_template templates[MOST];
    struct pathtree tree;
    struct map seen = {0};
    struct pool pool;
    size_t count = 0;

    if (size > 4096)
        return 0;
    pool_open(&pool, NULL);
    while (rest.len > 0 && (line = line_of(&rest)).len > 0 && count < MOST)
        if (is_template(line) && !map_set(&seen, &pool, shape_of(&pool, line), &pool)) {
            templates[count] = templates_parse(&pool, line);
            count += tails_are_whole(&templates[count]);
        }
    if (pathtree_build(&pool, templates, count, false, &tree))
        while (rest.len > 0)
            ask(&tree, templates, count, line_of(&rest));
    pool_close(&pool);
    return 0;
}
