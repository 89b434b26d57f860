/* percent: percent-encoding (RFC 3986 section 2.1), byte by byte. */
#ifndef BASE_PERCENT_H
#define BASE_PERCENT_H

#include "base/str.h"

/* Letters, digits and "-._~": never encoded (RFC 3986 section 2.3). */
static inline bool percent_is_unreserved(unsigned char byte)
{
    return (byte >= '0' && byte <= '9') || (byte >= 'A' && byte <= 'Z') ||
           (byte >= 'a' && byte <= 'z') || byte == '-' || byte == '.' || byte == '_' || byte == '~';
}

/* The byte that the escape at text.at[i] stands for; -1: there is none. */
static inline int percent_escaped(struct str text, size_t i)
{
    if (i + 2 >= text.len || text.at[i] != '%' || str_hex(text.at[i + 1]) < 0 ||
        str_hex(text.at[i + 2]) < 0)
        return -1;
    return str_hex(text.at[i + 1]) << 4 | str_hex(text.at[i + 2]);
}

/* Writes the byte, or its escape in capitals when it is not unreserved: 1 or 3 bytes. Returns where they end. */
static inline char *percent_put(char *to, unsigned char byte)
{
    static const char digits[] = "0123456789ABCDEF";

    if (percent_is_unreserved(byte)) {
        *to++ = (char)byte;
        return to;
    }
    *to++ = '%';
    *to++ = digits[byte >> 4];
    *to++ = digits[byte & 15];
    return to;
}

#endif
