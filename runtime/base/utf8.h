/* utf8: Unicode text in bytes, strictly (RFC 3629): no overlong forms, no surrogates, nothing above
 * U+10FFFF. For readers that must refuse bad text and printers that must show it. */
#ifndef BASE_UTF8_H
#define BASE_UTF8_H

#include "base/str.h"

/* Decodes the character at s[*at] and moves *at behind it; -1 for a byte that starts no character (then
 * *at moves by one byte). Needs *at < s.len. */
int32_t utf8_next(struct str s, size_t *at);

/* Index of the first byte that is not UTF-8, or s.len. */
size_t utf8_check(struct str s);

static inline bool utf8_valid(struct str s)
{
    return utf8_check(s) == s.len;
}

/* The number of characters; a byte that starts none counts as one. */
size_t utf8_count(struct str s);

/* Characters that a reader does not see or that turn the text around him: C1 controls, zero-width and bidi
 * marks, line separators, byte order mark, tags (Unicode TR 36, CVE-2021-42574). */
bool utf8_is_deceptive(int32_t character);

/* Writes the character (a scalar value) to out and returns its 1 to 4 bytes. */
size_t utf8_put(char out[4], uint32_t character);

#endif
