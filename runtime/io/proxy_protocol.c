#include "io/proxy_protocol.h"

#include <netinet/in.h>
#include <stdio.h>

#include "base/ip.h"

enum {
    HEAD = 16,      /* signature, version and command, family, length */
    BLOCK_IP4 = 12, /* two addresses, two ports */
    BLOCK_IP6 = 36,
    BLOCK_UNIX = 216,
    TLV_HEAD = 3,
    TLV_CRC32C = 0x03
};

static const struct str signature = STR_INIT("\r\n\r\n\0\r\nQUIT\n");

static enum proxy_protocol_result bad(struct proxy_protocol *header, const char *reason)
{
    header->reason = reason;
    return PROXY_PROTOCOL_BAD;
}

/* True while the bytes may still become what starts with `text`. */
static bool may_start(struct str bytes, struct str text)
{
    return bytes.len < text.len ? str_starts(text, bytes) : str_starts(bytes, text);
}

/* ---- version 1 (section 2.1) ---- */

/* Takes a word off the line, up to a single space or the line's end. */
static struct str take_word(struct str *line)
{
    size_t end = str_find(*line, ' ');
    struct str word = str_head(*line, end);

    *line = str_from(*line, end < line->len ? end + 1 : end);
    return word;
}

/* Decimal, up to 65535, without leading zeros. */
static bool to_port(struct str word, uint16_t *port)
{
    uint64_t value;

    if (word.len > 1 && word.at[0] == '0')
        return false;
    if (!str_to_u64(word, &value) || value > UINT16_MAX)
        return false;
    *port = (uint16_t)value;
    return true;
}

static bool read_ends(struct str line, sa_family_t family, struct address *source)
{
    struct str from = take_word(&line), to = take_word(&line);
    struct str from_port = take_word(&line);
    struct address target;
    uint16_t port;

    return to_port(line, &port) && address_literal(&target, to, port) &&
           target.at.ss_family == family && to_port(from_port, &port) &&
           address_literal(source, from, port) && source->at.ss_family == family;
}

static enum proxy_protocol_result read_line(struct str line, struct proxy_protocol *header)
{
    struct str family;
    bool right = false;

    take_word(&line); /* PROXY */
    family = take_word(&line);
    if (str_eq(family, STR("UNKNOWN")))
        return PROXY_PROTOCOL_DONE; /* whatever follows is ignored */
    if (str_eq(family, STR("TCP4")))
        right = read_ends(line, AF_INET, &header->source);
    else if (str_eq(family, STR("TCP6")))
        right = read_ends(line, AF_INET6, &header->source);
    else
        return bad(header, "a family that is not TCP4, TCP6 or UNKNOWN");
    return right ? PROXY_PROTOCOL_DONE : bad(header, "malformed addresses or ports");
}

static enum proxy_protocol_result read_v1(struct str bytes, struct proxy_protocol *header)
{
    struct str head = str_head(bytes, PROXY_PROTOCOL_LINE);
    size_t end = str_find(head, '\n');

    if (end == head.len)
        return head.len < PROXY_PROTOCOL_LINE ? PROXY_PROTOCOL_MORE
                                              : bad(header, "a line without an end");
    if (head.at[end - 1] != '\r' || str_find(head, '\r') != end - 1 || str_find(head, '\0') < end)
        return bad(header, "a line that holds other line ends or zero bytes");
    header->len = end + 1;
    return read_line(str_head(head, end - 1), header);
}

/* ---- version 2 (section 2.2) ---- */

static uint16_t number16(const char *at)
{
    return (uint16_t)((uint8_t)at[0] << 8 | (uint8_t)at[1]);
}

static uint32_t crc32c_add(uint32_t crc, struct str bytes)
{
    for (size_t i = 0; i < bytes.len; i++) {
        crc ^= (uint8_t)bytes.at[i];
        for (int bit = 0; bit < 8; bit++)
            crc = crc >> 1 ^ (crc & 1 ? 0x82F63B78u : 0);
    }
    return crc;
}

/* Over the whole header, with the four bytes of the checksum itself as zeros (section 2.2.3). */
static bool is_checksum(struct str whole, size_t at)
{
    uint32_t said = (uint32_t)number16(whole.at + at) << 16 | number16(whole.at + at + 2);
    uint32_t crc = crc32c_add(UINT32_MAX, str_head(whole, at));

    crc = crc32c_add(crc, STR("\0\0\0\0"));
    return ~crc32c_add(crc, str_from(whole, at + 4)) == said;
}

/* From `at` to the end of the header. */
static bool are_tlvs(struct str whole, size_t at)
{
    bool summed = false;

    while (at < whole.len) {
        size_t len;
        if (whole.len - at < TLV_HEAD)
            return false;
        len = number16(whole.at + at + 1);
        if (whole.len - at - TLV_HEAD < len)
            return false;
        if (whole.at[at] == TLV_CRC32C) {
            if (summed || len != 4 || !is_checksum(whole, at + TLV_HEAD))
                return false;
            summed = true;
        }
        at += TLV_HEAD + len;
    }
    return true;
}

static void take_ip4(const char *block, struct address *source)
{
    struct sockaddr_in in = {.sin_family = AF_INET};

    memcpy(&in.sin_addr, block, 4);
    memcpy(&in.sin_port, block + 8, 2);
    *source = (struct address){.len = sizeof in};
    memcpy(&source->at, &in, sizeof in);
}

static void take_ip6(const char *block, struct address *source)
{
    struct sockaddr_in6 in = {.sin6_family = AF_INET6};

    memcpy(&in.sin6_addr, block, 16);
    memcpy(&in.sin6_port, block + 32, 2);
    *source = (struct address){.len = sizeof in};
    memcpy(&source->at, &in, sizeof in);
}

static enum proxy_protocol_result read_block(struct str whole, struct proxy_protocol *header)
{
    size_t size;

    switch ((uint8_t)whole.at[13]) {
    case 0x00: /* unspecified */
        size = 0;
        break;
    case 0x11: /* TCP over IPv4 */
        size = BLOCK_IP4;
        break;
    case 0x21: /* TCP over IPv6 */
        size = BLOCK_IP6;
        break;
    case 0x31: /* a unix stream */
        size = BLOCK_UNIX;
        break;
    default:
        return bad(header, "a family or transport that is not a stream over IP or unix");
    }
    if (whole.len < HEAD + size)
        return bad(header, "a block that is shorter than its addresses");
    if (!are_tlvs(whole, HEAD + size))
        return bad(header, "malformed TLVs, or a wrong checksum");
    if (size == BLOCK_IP4)
        take_ip4(whole.at + HEAD, &header->source);
    else if (size == BLOCK_IP6)
        take_ip6(whole.at + HEAD, &header->source);
    return PROXY_PROTOCOL_DONE;
}

static enum proxy_protocol_result read_v2(struct str bytes, struct proxy_protocol *header)
{
    uint8_t command = bytes.len > 12 ? (uint8_t)bytes.at[12] : 0x21;

    if (command != 0x20 && command != 0x21)
        return bad(header, "a version or command that is not known");
    if (bytes.len < HEAD)
        return PROXY_PROTOCOL_MORE;
    header->len = HEAD + number16(bytes.at + 14);
    if (header->len > PROXY_PROTOCOL_MAX)
        return bad(header, "a header that is too long");
    if (bytes.len < header->len)
        return PROXY_PROTOCOL_MORE;
    return command == 0x20 ? PROXY_PROTOCOL_DONE : read_block(str_head(bytes, header->len), header);
}

enum proxy_protocol_result proxy_protocol_read(struct str bytes, struct proxy_protocol *header)
{
    *header = (struct proxy_protocol){.len = 0};
    if (bytes.len == 0)
        return PROXY_PROTOCOL_MORE;
    if (may_start(bytes, STR("PROXY ")))
        return read_v1(bytes, header);
    if (may_start(bytes, signature))
        return read_v2(bytes, header);
    return bad(header, "no header at all");
}

/* ---- writing ---- */

static bool is_ip4(const struct proxy_protocol_ends *ends)
{
    return ip_is_v4(ends->from) && ip_is_v4(ends->to);
}

/* IPv4 beside IPv6 is written as IPv6. */
static void print_ip6(const uint8_t address[16], char text[IP_TEXT + 8])
{
    size_t at = ip_is_v4(address) ? 7 : 0;

    memcpy(text, "::ffff:", at);
    text[at + ip_print(address, text + at)] = '\0';
}

size_t proxy_protocol_v1(const struct proxy_protocol_ends *ends, char out[PROXY_PROTOCOL_LINE])
{
    static const struct str unknown = STR_INIT("PROXY UNKNOWN\r\n");
    char from[IP_TEXT + 8], to[IP_TEXT + 8], line[PROXY_PROTOCOL_LINE + 64];
    int len;

    if (!ends->known) {
        memcpy(out, unknown.at, unknown.len);
        return unknown.len;
    }
    if (is_ip4(ends)) {
        from[ip_print(ends->from, from)] = '\0';
        to[ip_print(ends->to, to)] = '\0';
    } else {
        print_ip6(ends->from, from);
        print_ip6(ends->to, to);
    }
    len = snprintf(line, sizeof line, "PROXY %s %s %s %u %u\r\n", is_ip4(ends) ? "TCP4" : "TCP6",
                   from, to, ends->from_port, ends->to_port);
    memcpy(out, line, (size_t)len);
    return (size_t)len;
}

static char *put16(char *at, uint16_t value)
{
    *at++ = (char)(value >> 8);
    *at++ = (char)value;
    return at;
}

size_t proxy_protocol_v2(const struct proxy_protocol_ends *ends, char out[PROXY_PROTOCOL_LINE])
{
    size_t skip = is_ip4(ends) ? 12 : 0, size = 16 - skip;
    char *at = out;

    memcpy(at, signature.at, signature.len);
    at += signature.len;
    *at++ = ends->known ? 0x21 : 0x20;
    *at++ = !ends->known ? 0x00 : is_ip4(ends) ? 0x11 : 0x21;
    at = put16(at, ends->known ? (uint16_t)(2 * size + 4) : 0);
    if (!ends->known)
        return HEAD;
    memcpy(at, ends->from + skip, size);
    memcpy(at + size, ends->to + skip, size);
    at = put16(at + 2 * size, ends->from_port);
    return (size_t)(put16(at, ends->to_port) - out);
}
