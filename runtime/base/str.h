/* str: text as a pointer and a length, borrowed from a pool, a literal or an input buffer.
 * Nobody frees a str; it lives as long as what it was cut from. Bytes, not characters; NUL is a byte
 * like any other. */
#ifndef BASE_STR_H
#define BASE_STR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct str {
    const char *at;
    size_t len;
};

/* A literal as a str; in initialisers of constants use STR_INIT. */
#define STR(lit) ((struct str){"" lit, sizeof(lit) - 1})
#define STR_INIT(lit)                                                                              \
    {                                                                                              \
        "" lit, sizeof(lit) - 1                                                                    \
    }

/* For printf("%.*s"). */
#define STR_ARG(s) (int)(s).len, (s).at

static inline struct str str_of(const char *z)
{
    return (struct str){z, strlen(z)};
}

static inline bool str_eq(struct str a, struct str b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.at, b.at, a.len) == 0);
}

static inline bool str_starts(struct str s, struct str prefix)
{
    return s.len >= prefix.len && (prefix.len == 0 || memcmp(s.at, prefix.at, prefix.len) == 0);
}

/* The rest of s from byte `from`; empty past the end. */
static inline struct str str_from(struct str s, size_t from)
{
    if (from > s.len)
        from = s.len;
    /* Adding even 0 to NULL is undefined. */
    return (struct str){from > 0 ? s.at + from : s.at, s.len - from};
}

static inline struct str str_head(struct str s, size_t len)
{
    return (struct str){s.at, len < s.len ? len : s.len};
}

/* Equality of ASCII text without regard to case (RFC 9110 field names, host names). */
bool str_eq_nocase(struct str a, struct str b);

/* Byte order, shorter first on a tie: <0, 0, >0. */
int str_cmp(struct str a, struct str b);

/* Index of the byte or the text in s, or s.len when absent. */
size_t str_find(struct str s, char byte);
size_t str_find_str(struct str s, struct str what);

/* s without the bytes of `set` (a C string) at both ends. */
struct str str_trim(struct str s, const char *set);

/* A decimal number without sign, spaces or leading zeros beyond "0"; false on anything else or overflow. */
bool str_to_u64(struct str s, uint64_t *value);

/* Bytes below the space, or DEL. */
bool str_has_controls(struct str s);

/* The value of a hexadecimal digit, or -1. */
static inline int str_hex(char digit)
{
    if (digit >= '0' && digit <= '9')
        return digit - '0';
    digit |= 0x20;
    return digit >= 'a' && digit <= 'f' ? digit - 'a' + 10 : -1;
}

/* Edit distance with transpositions, cut off at `limit` (then limit + 1): for "did you mean". Text beyond
 * 128 bytes is near nothing but itself. */
size_t str_distance(struct str a, struct str b, size_t limit);

#endif
