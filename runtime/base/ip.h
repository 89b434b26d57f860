/* ip: IP addresses and networks as 16 bytes, IPv4 as ::ffff:a.b.c.d, so that one comparison serves
 * both families. */
#ifndef BASE_IP_H
#define BASE_IP_H

#include "base/str.h"

enum { IP_TEXT = 46 }; /* the longest text, with a NUL */

/* "1.2.3.4", "2001:db8::1"; nothing around it. */
bool ip_parse(struct str text, uint8_t address[16]);

/* "10.0.0.0/8", "2001:db8::/32", or a single address. Bits behind the prefix must be zero. */
bool ip_parse_network(struct str text, uint8_t address[16], uint8_t *bits);

/* Writes the shortest form (RFC 5952) and returns its length; IPv4 without the prefix. */
size_t ip_print(const uint8_t address[16], char text[IP_TEXT]);

static inline bool ip_is_v4(const uint8_t address[16])
{
    static const uint8_t mapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

    return memcmp(address, mapped, sizeof mapped) == 0;
}

/* True when the first `bits` bits are the same. */
bool ip_is_in(const uint8_t address[16], const uint8_t network[16], uint8_t bits);

#endif
