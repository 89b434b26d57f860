#include "scalar.h"

#include <stdlib.h>

static void set_bool(struct node *node, bool truth)
{
    node->kind = NODE_BOOL;
    node->truth = truth;
}

static void set_float(struct pool *pool, struct node *node)
{
    struct str z = pool_copy(pool, node->text);
    bool negative = str_starts(z, STR("-"));
    size_t sign = negative || str_starts(z, STR("+"));

    node->kind = NODE_FLOAT;
    if (z.len > sign + 1 && z.at[sign] == '.' && (z.at[sign + 1] | 0x20) == 'i')
        node->number = negative ? -(double)__builtin_inf() : (double)__builtin_inf();
    else if (z.len > 1 && z.at[0] == '.' && (z.at[1] | 0x20) == 'n')
        node->number = __builtin_nan("");
    else
        node->number = strtod(z.at, NULL);
}

static unsigned digit_of(char c)
{
    return (unsigned)(c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10);
}

/* The digits from `from` on in a base; false when they do not fit. */
static bool to_integer(struct node *node, size_t from, unsigned base)
{
    bool negative = node->text.at[0] == '-';
    uint64_t sum = 0, limit = (uint64_t)INT64_MAX + negative;

    for (size_t i = from; i < node->text.len; i++)
        if (__builtin_mul_overflow(sum, base, &sum) ||
            __builtin_add_overflow(sum, digit_of(node->text.at[i]), &sum) || sum > limit)
            return false;
    node->kind = NODE_INT;
    node->integer = (int64_t)(negative ? 0 - sum : sum);
    return true;
}

/* The nearest double of octal and hexadecimal digits that fit in no integer. */
static void set_large(struct node *node, unsigned base)
{
    double sum = 0;

    for (size_t i = 2; i < node->text.len; i++)
        sum = sum * base + digit_of(node->text.at[i]);
    node->kind = NODE_FLOAT;
    node->number = sum;
}

static void set_based(struct node *node, unsigned base)
{
    if (!to_integer(node, 2, base))
        set_large(node, base);
}

static void set_decimal(struct pool *pool, struct node *node)
{
    size_t sign = node->text.at[0] == '-' || node->text.at[0] == '+';

    if (!to_integer(node, sign, 10))
        set_float(pool, node);
}

/* Past the end the lexer sees a NUL, and every rule asks for it: only what matches as a whole counts. */
static void resolve(struct pool *pool, struct node *node)
{
    const char *text = node->text.at;
    size_t at = 0, end = node->text.len, backup;

    /*!re2c
        re2c:api = custom;
        re2c:api:style = free-form;
        re2c:yyfill:enable = 0;
        re2c:define:YYCTYPE = "unsigned char";
        re2c:define:YYPEEK = "(at < end ? (unsigned char)text[at] : 0)";
        re2c:define:YYSKIP = "at++;";
        re2c:define:YYBACKUP = "backup = at;";
        re2c:define:YYRESTORE = "at = backup;";

        end    = [\x00];
        sign   = [-+];
        digit  = [0-9];
        number = ("." digit+ | digit+ ("." digit*)?) ([eE] sign? digit+)?;

        ("" | "null" | "Null" | "NULL" | "~") end  { node->kind = NODE_NULL; return; }
        ("true" | "True" | "TRUE") end             { set_bool(node, true); return; }
        ("false" | "False" | "FALSE") end          { set_bool(node, false); return; }
        sign? digit+ end                           { set_decimal(pool, node); return; }
        "0o" [0-7]+ end                            { set_based(node, 8); return; }
        "0x" [0-9a-fA-F]+ end                      { set_based(node, 16); return; }
        sign? number end                           { set_float(pool, node); return; }
        sign? "." ("inf" | "Inf" | "INF") end      { set_float(pool, node); return; }
        "." ("nan" | "NaN" | "NAN") end            { set_float(pool, node); return; }
        *                                          { node->kind = NODE_TEXT; return; }
    */
}

void scalar_resolve(struct pool *pool, struct node *node)
{
    if (str_find(node->text, '\0') < node->text.len)
        node->kind = NODE_TEXT;
    else
        resolve(pool, node);
}
