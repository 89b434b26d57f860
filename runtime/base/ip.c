#include "base/ip.h"

#include <arpa/inet.h>

bool ip_parse(struct str text, uint8_t address[16])
{
    char z[IP_TEXT];

    if (text.len == 0 || text.len >= sizeof z || memchr(text.at, 0, text.len))
        return false;
    memcpy(z, text.at, text.len);
    z[text.len] = 0;
    if (inet_pton(AF_INET6, z, address) == 1)
        return true;
    memset(address, 0, 10);
    memset(address + 10, 0xff, 2);
    return inet_pton(AF_INET, z, address + 12) == 1;
}

static bool tail_is_zero(const uint8_t address[16], unsigned bits)
{
    for (unsigned i = bits; i < 128; i++) {
        if (address[i / 8] & (0x80 >> i % 8))
            return false;
    }
    return true;
}

bool ip_parse_network(struct str text, uint8_t address[16], uint8_t *bits)
{
    size_t slash = str_find(text, '/');
    struct str number = str_from(text, slash + 1);
    bool is_v4 = str_find(text, ':') == text.len;
    uint64_t count = 128;

    if (!ip_parse(str_head(text, slash), address))
        return false;
    if (slash < text.len) {
        if (!str_to_u64(number, &count) || count > (is_v4 ? 32 : 128))
            return false;
        if (is_v4)
            count += 96;
    }
    *bits = (uint8_t)count;
    return tail_is_zero(address, *bits);
}

static char *decimal(char *to, uint8_t byte)
{
    if (byte >= 100)
        *to++ = (char)('0' + byte / 100);
    if (byte >= 10)
        *to++ = (char)('0' + byte / 10 % 10);
    *to++ = (char)('0' + byte % 10);
    return to;
}

size_t ip_print(const uint8_t address[16], char text[IP_TEXT])
{
    char *to = text;

    if (!ip_is_v4(address)) {
        inet_ntop(AF_INET6, address, text, IP_TEXT);
        return strlen(text);
    }
    for (int i = 12; i < 16; i++) {
        if (i > 12)
            *to++ = '.';
        to = decimal(to, address[i]);
    }
    *to = 0;
    return (size_t)(to - text);
}

bool ip_is_in(const uint8_t address[16], const uint8_t network[16], uint8_t bits)
{
    unsigned whole = bits / 8, rest = bits % 8;

    if (memcmp(address, network, whole) != 0)
        return false;
    return rest == 0 || ((address[whole] ^ network[whole]) >> (8 - rest)) == 0;
}
