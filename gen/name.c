#include "name.h"

#include <stdlib.h>

#include "base/map.h"
#include "base/text.h"
#include "phrase.h"

enum { LONGEST = 60, SUFFIX = 9 };

/* C's own words, and those that the templates use beside symbols (timeouts_default, ROUTE_COUNT). */
static const char *const taken[] = {
    "auto",    "bool",     "break",  "case",     "char",   "const",    "continue", "count",
    "default", "do",       "double", "else",     "enum",   "extern",   "false",    "float",
    "for",     "goto",     "if",     "inline",   "int",    "long",     "main",     "register",
    "return",  "restrict", "short",  "signed",   "sizeof", "static",   "struct",   "switch",
    "true",    "typedef",  "union",  "unsigned", "void",   "volatile", "while",
};

static bool is_lower(char byte)
{
    return byte >= 'a' && byte <= 'z';
}

static bool is_upper(char byte)
{
    return byte >= 'A' && byte <= 'Z';
}

static bool is_digit(char byte)
{
    return byte >= '0' && byte <= '9';
}

/* FNV-1a, with a salt for the second try. */
static uint32_t fingerprint(struct str text, uint32_t salt)
{
    uint64_t h = 0xCBF29CE484222325 + salt;

    for (size_t i = 0; i < text.len; i++)
        h = (h ^ (unsigned char)text.at[i]) * 0x100000001B3;
    return (uint32_t)(h ^ h >> 32);
}

/* A word begins at a capital behind a small letter or digit, and at the last capital of several
 * (getHTTPStatus: get_http_status). */
static bool word_begins(struct str text, size_t i)
{
    if (i == 0 || !is_upper(text.at[i]))
        return false;
    if (is_lower(text.at[i - 1]) || is_digit(text.at[i - 1]))
        return true;
    return is_upper(text.at[i - 1]) && i + 1 < text.len && is_lower(text.at[i + 1]);
}

static struct str suffixed(struct pool *pool, struct str symbol, struct str text, uint32_t salt)
{
    return pool_printf(pool, "%.*s_%08x", STR_ARG(str_head(symbol, LONGEST - SUFFIX)),
                       (unsigned)fingerprint(text, salt));
}

static bool is_taken(struct str symbol)
{
    for (size_t i = 0; i < sizeof taken / sizeof *taken; i++)
        if (str_eq(symbol, str_of(taken[i])))
            return true;
    return false;
}

struct str name_symbol(struct pool *pool, struct str text)
{
    struct text out = {.pool = pool};
    bool gap = false;

    for (size_t i = 0; i < text.len && out.len <= LONGEST; i++) {
        char byte = text.at[i];

        if (!is_lower(byte) && !is_upper(byte) && !is_digit(byte)) {
            gap = true;
            continue;
        }
        if (out.len == 0 && is_digit(byte))
            text_add(&out, STR("n"));
        if (out.len > 0 && (gap || word_begins(text, i)))
            text_byte(&out, '_');
        text_byte(&out, is_upper(byte) ? (char)(byte | 0x20) : byte);
        gap = false;
    }
    if (out.len == 0)
        return suffixed(pool, STR("unnamed"), text, 0);
    if (out.len > LONGEST)
        return suffixed(pool, text_str(&out), text, 0);
    return is_taken(text_str(&out)) ? pool_printf(pool, "%s_", out.at) : text_str(&out);
}

struct str name_upper(struct pool *pool, struct str symbol)
{
    char *out = pool_take(pool, symbol.len + 1);

    for (size_t i = 0; i < symbol.len; i++)
        out[i] = is_lower(symbol.at[i]) ? (char)(symbol.at[i] & ~0x20) : symbol.at[i];
    out[symbol.len] = '\0';
    return (struct str){out, symbol.len};
}

struct str *name_unique(struct pool *pool, const struct str *texts, size_t count)
{
    struct str *names = pool_alloc(pool, count * sizeof *names);
    struct map owners = {0}, used = {0}; /* symbol: its first text; symbol: its text */

    for (size_t i = 0; i < count; i++) {
        const struct str *owner;

        names[i] = name_symbol(pool, texts[i]);
        owner = map_get(&owners, names[i]);
        if (!owner || str_eq(names[i], texts[i]))
            map_set(&owners, pool, names[i], (void *)&texts[i]);
    }
    /* a symbol belongs to nobody when several texts want it and none is it */
    for (size_t i = 0; i < count; i++) {
        const struct str *owner = map_get(&owners, names[i]);

        if (!str_eq(*owner, texts[i]) && !str_eq(*owner, names[i]))
            map_set(&owners, pool, names[i], &names[i]);
    }
    for (size_t i = 0; i < count; i++) {
        const struct str *owner = map_get(&owners, names[i]);
        struct str plain = names[i];
        uint32_t salt = 0;

        if (!str_eq(*owner, texts[i]))
            names[i] = suffixed(pool, plain, texts[i], salt);
        while ((owner = map_get(&used, names[i])) && !str_eq(*owner, texts[i]))
            names[i] = suffixed(pool, plain, texts[i], ++salt);
        map_set(&used, pool, names[i], (void *)&texts[i]);
    }
    return names;
}

/* ---- the gateway's names ---- */

/* How many segments of the path are the base path, which says nothing about an operation. */
static size_t base_segments(const struct ir_endpoint *endpoint)
{
    size_t count = 0;

    for (size_t i = 0; i < endpoint->base_len && i < endpoint->pattern.len; i++)
        count += endpoint->pattern.at[i] == '/';
    return count;
}

/* The file an operation's flow lives in: its first tag, else the first literal segment of its path. */
static struct str group_of(struct pool *pool, const struct gateway *gw,
                           const struct ir_operation *op)
{
    const struct ir_endpoint *endpoint = &gw->endpoints.at[op->endpoint];

    if (op->tags.count > 0)
        return name_symbol(pool, op->tags.at[0]);
    for (size_t i = base_segments(endpoint); i < endpoint->segments.count; i++) {
        const struct ir_segment *segment = &endpoint->segments.at[i];

        if (segment->parts.count == 1 && segment->parts.at[0].param < 0)
            return name_symbol(pool, segment->parts.at[0].literal);
    }
    return STR("root");
}

/* What a branch is called before it must be unique: where it leads. */
static struct str branch_text(struct pool *pool, const struct gateway *gw,
                              const struct ir_branch *branch)
{
    struct text out = {.pool = pool};

    for (size_t i = 0; i < branch->forward.choices.count; i++) {
        text_add(&out, phrase_choice(pool, gw, &branch->forward.choices.at[i]));
        text_byte(&out, ' ');
    }
    return text_str(&out);
}

static bool symbol_used(const struct ir_operation *op, size_t before, struct str symbol)
{
    for (size_t i = 0; i < before; i++)
        if (str_eq(op->branches.at[i].symbol, symbol))
            return true;
    return false;
}

static void name_branches(struct pool *pool, const struct gateway *gw, struct ir_operation *op)
{
    for (size_t i = 0; i < op->branches.count; i++) {
        struct ir_branch *branch = &op->branches.at[i];
        struct str text = branch_text(pool, gw, branch);
        unsigned nth = 1;

        if (branch->all.count == 0 && i > 0)
            text = STR("otherwise");
        branch->symbol = name_symbol(pool, text);
        while (symbol_used(op, i, branch->symbol))
            branch->symbol = name_symbol(pool, pool_printf(pool, "%.*s %u", STR_ARG(text), ++nth));
    }
}

static void name_runtime(struct pool *pool, struct gateway *gw)
{
    size_t count = gw->runtime.values.count;
    struct str *texts = pool_alloc(pool, (count + 1) * sizeof *texts), *names;

    for (size_t i = 0; i < count; i++)
        texts[i] = gw->runtime.values.at[i].name;
    names = name_unique(pool, texts, count);
    for (size_t i = 0; i < count; i++)
        gw->runtime.values.at[i].symbol = names[i];
}

void name_plan(struct job *job, struct gateway *gw)
{
    struct pool *pool = &job->pool;
    struct str *texts = pool_alloc(
        pool, (gw->operations.count + gw->upstreams.count + gw->schemes.count + 1) * sizeof *texts);
    struct str *names;

    if (job_failed(job))
        return;
    for (size_t i = 0; i < gw->operations.count; i++)
        texts[i] = gw->operations.at[i].id;
    names = name_unique(pool, texts, gw->operations.count);
    for (size_t i = 0; i < gw->operations.count; i++) {
        gw->operations.at[i].symbol = names[i];
        gw->operations.at[i].group = group_of(pool, gw, &gw->operations.at[i]);
        name_branches(pool, gw, &gw->operations.at[i]);
    }
    for (size_t i = 0; i < gw->upstreams.count; i++)
        texts[i] = gw->upstreams.at[i].name;
    names = name_unique(pool, texts, gw->upstreams.count);
    for (size_t i = 0; i < gw->upstreams.count; i++)
        gw->upstreams.at[i].symbol = names[i];
    for (size_t i = 0; i < gw->schemes.count; i++)
        texts[i] = gw->schemes.at[i].name;
    names = name_unique(pool, texts, gw->schemes.count);
    for (size_t i = 0; i < gw->schemes.count; i++)
        gw->schemes.at[i].symbol = names[i];
    name_runtime(pool, gw);
}
