#include "base/base64.h"

/* The value of a character plus 1; 0: it is none. What differs between the alphabets is '+' '/' and '-' '_'. */
#define LETTERS                                                                                    \
    ['A'] = 1, ['B'] = 2, ['C'] = 3, ['D'] = 4, ['E'] = 5, ['F'] = 6, ['G'] = 7, ['H'] = 8,        \
    ['I'] = 9, ['J'] = 10, ['K'] = 11, ['L'] = 12, ['M'] = 13, ['N'] = 14, ['O'] = 15, ['P'] = 16, \
    ['Q'] = 17, ['R'] = 18, ['S'] = 19, ['T'] = 20, ['U'] = 21, ['V'] = 22, ['W'] = 23,            \
    ['X'] = 24, ['Y'] = 25, ['Z'] = 26, ['a'] = 27, ['b'] = 28, ['c'] = 29, ['d'] = 30,            \
    ['e'] = 31, ['f'] = 32, ['g'] = 33, ['h'] = 34, ['i'] = 35, ['j'] = 36, ['k'] = 37,            \
    ['l'] = 38, ['m'] = 39, ['n'] = 40, ['o'] = 41, ['p'] = 42, ['q'] = 43, ['r'] = 44,            \
    ['s'] = 45, ['t'] = 46, ['u'] = 47, ['v'] = 48, ['w'] = 49, ['x'] = 50, ['y'] = 51,            \
    ['z'] = 52, ['0'] = 53, ['1'] = 54, ['2'] = 55, ['3'] = 56, ['4'] = 57, ['5'] = 58,            \
    ['6'] = 59, ['7'] = 60, ['8'] = 61, ['9'] = 62

static const unsigned char standard[256] = {LETTERS, ['+'] = 63, ['/'] = 64};
static const unsigned char url[256] = {LETTERS, ['-'] = 63, ['_'] = 64};

/* `text` is without padding. */
static bool decode(struct pool *pool, struct str text, const unsigned char values[256],
                   struct str *bytes)
{
    char *out = pool_take(pool, text.len / 4 * 3 + 4), *at = out;
    uint32_t group = 0;
    unsigned bits = 0;

    if (text.len % 4 == 1)
        return false;
    for (size_t i = 0; i < text.len; i++) {
        unsigned value = values[(unsigned char)text.at[i]];
        if (value == 0)
            return false;
        group = group << 6 | (value - 1);
        bits += 6;
        if (bits >= 8) {
            bits -= 8;
            *at++ = (char)(group >> bits);
        }
    }
    if ((group & ((1u << bits) - 1)) != 0)
        return false;
    *at = '\0';
    *bytes = (struct str){out, (size_t)(at - out)};
    return true;
}

bool base64_read_url(struct pool *pool, struct str text, struct str *bytes)
{
    return decode(pool, text, url, bytes);
}

bool base64_read(struct pool *pool, struct str text, struct str *bytes)
{
    size_t padding = 0;

    if (text.len % 4 != 0)
        return false;
    while (padding < 2 && text.len > padding && text.at[text.len - padding - 1] == '=')
        padding++;
    return decode(pool, str_head(text, text.len - padding), standard, bytes);
}

bool base64_read_either(struct pool *pool, struct str text, struct str *bytes)
{
    return base64_read(pool, text, bytes) || base64_read_url(pool, text, bytes);
}

struct str base64_write(struct pool *pool, struct str bytes)
{
    static const char letters[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    char *out = pool_take(pool, (bytes.len + 2) / 3 * 4 + 1), *at = out;

    for (size_t i = 0; i < bytes.len; i += 3) {
        size_t have = bytes.len - i < 3 ? bytes.len - i : 3;
        uint32_t group = 0;
        for (size_t k = 0; k < 3; k++)
            group = group << 8 | (k < have ? (unsigned char)bytes.at[i + k] : 0);
        for (size_t k = 0; k < 4; k++)
            *at++ = k <= have ? letters[group >> (18 - 6 * k) & 63] : '=';
    }
    *at = '\0';
    return (struct str){out, (size_t)(at - out)};
}
