#include "base/utf8.h"

/* The second byte decides whether a form is overlong, a surrogate or too large; its legal range depends
 * on the first byte alone (RFC 3629 §4). */
static bool second_is_good(unsigned char first, unsigned char second)
{
    switch (first) {
    case 0xE0:
        return second >= 0xA0 && second <= 0xBF;
    case 0xED:
        return second >= 0x80 && second <= 0x9F;
    case 0xF0:
        return second >= 0x90 && second <= 0xBF;
    case 0xF4:
        return second >= 0x80 && second <= 0x8F;
    default:
        return second >= 0x80 && second <= 0xBF;
    }
}

static size_t length_of(unsigned char first)
{
    if (first < 0x80)
        return 1;
    if (first >= 0xC2 && first <= 0xDF)
        return 2;
    if (first >= 0xE0 && first <= 0xEF)
        return 3;
    if (first >= 0xF0 && first <= 0xF4)
        return 4;
    return 0;
}

int32_t utf8_next(struct str s, size_t *at)
{
    const unsigned char *bytes = (const unsigned char *)s.at + *at;
    size_t len = length_of(bytes[0]);
    int32_t character;

    if (len == 1) {
        *at += 1;
        return bytes[0];
    }
    if (len == 0 || len > s.len - *at || !second_is_good(bytes[0], bytes[1])) {
        *at += 1;
        return -1;
    }
    character = bytes[0] & (0x7F >> len);
    for (size_t i = 1; i < len; i++) {
        if ((bytes[i] & 0xC0) != 0x80) {
            *at += 1;
            return -1;
        }
        character = (character << 6) | (bytes[i] & 0x3F);
    }
    *at += len;
    return character;
}

/* Documents are mostly ASCII: eight bytes at a time while no high bit is seen. */
static size_t skip_ascii(struct str s, size_t at)
{
    uint64_t word;

    while (s.len - at >= sizeof word) {
        memcpy(&word, s.at + at, sizeof word);
        if (word & 0x8080808080808080u)
            break;
        at += sizeof word;
    }
    return at;
}

size_t utf8_check(struct str s)
{
    for (size_t at = 0; at < s.len;) {
        size_t start = at = skip_ascii(s, at);
        if (at < s.len && utf8_next(s, &at) < 0)
            return start;
    }
    return s.len;
}

size_t utf8_count(struct str s)
{
    size_t count = 0;

    for (size_t at = 0; at < s.len;) {
        size_t start = at;
        at = skip_ascii(s, at);
        count += at - start;
        if (at < s.len) {
            utf8_next(s, &at);
            count++;
        }
    }
    return count;
}

bool utf8_is_deceptive(int32_t c)
{
    return (c >= 0x7F && c <= 0x9F) || c == 0xAD || c == 0x61C || (c >= 0x200B && c <= 0x200F) ||
           (c >= 0x2028 && c <= 0x202E) || (c >= 0x2060 && c <= 0x206F) || c == 0xFEFF ||
           (c >= 0xFFF0 && c <= 0xFFFB) || (c >= 0xE0000 && c <= 0xE0FFF);
}

size_t utf8_put(char out[4], uint32_t character)
{
    if (character < 0x80) {
        out[0] = (char)character;
        return 1;
    }
    if (character < 0x800) {
        out[0] = (char)(0xC0 | character >> 6);
        out[1] = (char)(0x80 | (character & 0x3F));
        return 2;
    }
    if (character < 0x10000) {
        out[0] = (char)(0xE0 | character >> 12);
        out[1] = (char)(0x80 | (character >> 6 & 0x3F));
        out[2] = (char)(0x80 | (character & 0x3F));
        return 3;
    }
    out[0] = (char)(0xF0 | character >> 18);
    out[1] = (char)(0x80 | (character >> 12 & 0x3F));
    out[2] = (char)(0x80 | (character >> 6 & 0x3F));
    out[3] = (char)(0x80 | (character & 0x3F));
    return 4;
}
