#include "base/str.h"

/* Longer text is never "near" anything: names are short, and the rows below live on the stack. */
enum { DISTANCE_MAX = 128 };

static unsigned char lower(char byte)
{
    unsigned char c = (unsigned char)byte;

    return c >= 'A' && c <= 'Z' ? (unsigned char)(c + 32) : c;
}

static size_t min(size_t a, size_t b)
{
    return a < b ? a : b;
}

bool str_eq_nocase(struct str a, struct str b)
{
    if (a.len != b.len)
        return false;
    for (size_t i = 0; i < a.len; i++)
        if (lower(a.at[i]) != lower(b.at[i]))
            return false;
    return true;
}

int str_cmp(struct str a, struct str b)
{
    size_t len = min(a.len, b.len);
    int order = len > 0 ? memcmp(a.at, b.at, len) : 0;

    if (order != 0)
        return order;
    return (a.len > b.len) - (a.len < b.len);
}

size_t str_find(struct str s, char byte)
{
    const char *found = s.len > 0 ? memchr(s.at, byte, s.len) : NULL;

    return found ? (size_t)(found - s.at) : s.len;
}

size_t str_find_str(struct str s, struct str what)
{
    const char *found;

    if (what.len == 0)
        return 0;
    if (s.len == 0)
        return s.len;
    found = memmem(s.at, s.len, what.at, what.len);
    return found ? (size_t)(found - s.at) : s.len;
}

static bool in_set(const char *set, char byte)
{
    return byte != '\0' && strchr(set, byte) != NULL;
}

struct str str_trim(struct str s, const char *set)
{
    while (s.len > 0 && in_set(set, s.at[0]))
        s = str_from(s, 1);
    while (s.len > 0 && in_set(set, s.at[s.len - 1]))
        s.len--;
    return s;
}

bool str_to_u64(struct str s, uint64_t *value)
{
    uint64_t sum = 0;

    if (s.len == 0 || (s.len > 1 && s.at[0] == '0'))
        return false;
    for (size_t i = 0; i < s.len; i++) {
        unsigned digit = (unsigned char)s.at[i] - (unsigned)'0';
        if (digit > 9 || __builtin_mul_overflow(sum, 10u, &sum) ||
            __builtin_add_overflow(sum, digit, &sum))
            return false;
    }
    *value = sum;
    return true;
}

/* One row of the distance table: the costs of turning a's first i bytes into each prefix of b. */
static size_t distance_row(struct str a, struct str b, size_t i, size_t rows[3][DISTANCE_MAX + 1])
{
    size_t *row = rows[i % 3], *above = rows[(i + 2) % 3], *above2 = rows[(i + 1) % 3];
    size_t best = row[0] = i;

    for (size_t j = 1; j <= b.len; j++) {
        bool same = a.at[i - 1] == b.at[j - 1];
        row[j] = min(above[j - 1] + !same, min(above[j], row[j - 1]) + 1);
        if (i > 1 && j > 1 && a.at[i - 1] == b.at[j - 2] && a.at[i - 2] == b.at[j - 1])
            row[j] = min(row[j], above2[j - 2] + 1);
        best = min(best, row[j]);
    }
    return best;
}

size_t str_distance(struct str a, struct str b, size_t limit)
{
    size_t rows[3][DISTANCE_MAX + 1];
    size_t apart = a.len > b.len ? a.len - b.len : b.len - a.len;

    if (str_eq(a, b))
        return 0;
    if (apart > limit || a.len > DISTANCE_MAX || b.len > DISTANCE_MAX)
        return limit + 1;
    for (size_t j = 0; j <= b.len; j++)
        rows[0][j] = j;
    for (size_t i = 1; i <= a.len; i++)
        if (distance_row(a, b, i, rows) > limit)
            return limit + 1;
    return min(rows[a.len % 3][b.len], limit + 1);
}

bool str_has_controls(struct str s)
{
    for (size_t i = 0; i < s.len; i++)
        if ((unsigned char)s.at[i] < ' ' || s.at[i] == 0x7f)
            return true;
    return false;
}
