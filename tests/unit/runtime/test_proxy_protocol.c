/* The PROXY protocol's headers, read at every split and written. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>

#include "base/ip.h"
#include "io/proxy_protocol.c"

#define SIGNATURE "\r\n\r\n\0\r\nQUIT\n"
#define IP4 "\x01\x02\x03\x04\x0a\x00\x00\x01\x30\x39\x01\xbb"
#define IP6                                                                                        \
    "\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x01"                                                   \
    "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x01\xff\xff\0\0"
#define Z8 "\0\0\0\0\0\0\0\0"
#define Z72 Z8 Z8 Z8 Z8 Z8 Z8 Z8 Z8 Z8

/* Headers that are good; `source` is the client's address, "" when the sender speaks for itself. */
static const struct {
    struct str bytes;
    const char *source;
} good[] = {
    {STR_INIT("PROXY TCP4 1.2.3.4 10.0.0.1 12345 443\r\n"), "1.2.3.4:12345"},
    {STR_INIT("PROXY TCP4 255.255.255.255 255.255.255.255 65535 65535\r\n"),
     "255.255.255.255:65535"},
    {STR_INIT("PROXY TCP4 1.2.3.4 10.0.0.1 0 0\r\n"), "1.2.3.4:0"},
    {STR_INIT("PROXY TCP6 2001:db8::1 ::1 65535 0\r\n"), "[2001:db8::1]:65535"},
    {STR_INIT("PROXY TCP6 ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff "
              "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff 65535 65535\r\n"),
     "[ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff]:65535"},
    {STR_INIT("PROXY TCP6 ::ffff:1.2.3.4 ::1 1 2\r\n"), "1.2.3.4:1"},
    {STR_INIT("PROXY UNKNOWN\r\n"), ""},
    {STR_INIT("PROXY UNKNOWN ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff "
              "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff 65535 65535\r\n"),
     ""},
    {STR_INIT("PROXY UNKNOWN anything at all\r\n"), ""},
    {STR_INIT(SIGNATURE "\x21\x11\x00\x0c" IP4), "1.2.3.4:12345"},
    {STR_INIT(SIGNATURE "\x21\x21\x00\x24" IP6), "[2001:db8::1]:65535"},
    {STR_INIT(SIGNATURE "\x21\x31\x00\xd8" Z72 Z72 Z72), ""},
    {STR_INIT(SIGNATURE "\x21\x00\x00\x00"), ""},
    {STR_INIT(SIGNATURE "\x20\x00\x00\x00"), ""},
    {STR_INIT(SIGNATURE "\x20\x11\x00\x0c" IP4), ""},
    {STR_INIT(SIGNATURE "\x20\xff\x00\x05 what"), ""},
    /* TLVs: an empty one, ALPN and NOOP; behind no address; a checksum, and that of the IPv6 one */
    {STR_INIT(SIGNATURE "\x21\x11\x00\x0f" IP4 "\xe0\x00\x00"), "1.2.3.4:12345"},
    {STR_INIT(SIGNATURE "\x21\x11\x00\x18" IP4 "\x01\x00\x02h2\x04\x00\x04\0\0\0\0"),
     "1.2.3.4:12345"},
    {STR_INIT(SIGNATURE "\x21\x00\x00\x04\x02\x00\x01x"), ""},
    {STR_INIT(SIGNATURE "\x21\x11\x00\x13" IP4 "\x03\x00\x04@CRC4"), "1.2.3.4:12345"},
    {STR_INIT(SIGNATURE "\x21\x21\x00\x2f" IP6 "\x03\x00\x04@CRC6\x02\x00\x01x"),
     "[2001:db8::1]:65535"},
};

/* And bad ones. */
static const struct str wrong[] = {
    STR_INIT("GET / HTTP/1.1\r\n"),
    STR_INIT("\x16\x03\x01\x02\x00\x01"),
    STR_INIT("P\r\n"),
    STR_INIT("proxy TCP4 1.2.3.4 10.0.0.1 1 2\r\n"),
    STR_INIT("PROXY\r\n"),
    STR_INIT("PROXY \r\n"),
    STR_INIT("PROXY  TCP4 1.2.3.4 10.0.0.1 1 2\r\n"),
    STR_INIT("PROXY\tTCP4 1.2.3.4 10.0.0.1 1 2\r\n"),
    STR_INIT("PROXY TCP4  1.2.3.4 10.0.0.1 1 2\r\n"),
    STR_INIT("PROXY TCP4 1.2.3.4 10.0.0.1 1 2 \r\n"),
    STR_INIT("PROXY TCP4 1.2.3.4 10.0.0.1 1 2 3\r\n"),
    STR_INIT("PROXY TCP4 1.2.3.4 10.0.0.1 1\r\n"),
    STR_INIT("PROXY TCP4 1.2.3.4 10.0.0.1\r\n"),
    STR_INIT("PROXY TCP4 1.2.3.4\r\n"),
    STR_INIT("PROXY TCP4\r\n"),
    STR_INIT("PROXY TCP4 1.2.3.4 10.0.0.1 1 2\n"),
    STR_INIT("PROXY TCP4 1.2.3.4 10.0.0.1 1 2\r\r\n"),
    STR_INIT("PROXY TCP4 1.2.3.4 10.0\r.0.1 1 2\r\n"),
    STR_INIT("PROXY TCP4 1.2.3.4 10.0.0.1\0 1 2\r\n"),
    STR_INIT("PROXY TCP4 1.2.3.4 10.0.0.1 65536 2\r\n"),
    STR_INIT("PROXY TCP4 1.2.3.4 10.0.0.1 1 65536\r\n"),
    STR_INIT("PROXY TCP4 1.2.3.4 10.0.0.1 01 2\r\n"),
    STR_INIT("PROXY TCP4 1.2.3.4 10.0.0.1 +1 2\r\n"),
    STR_INIT("PROXY TCP4 1.2.3.4 10.0.0.1 -1 2\r\n"),
    STR_INIT("PROXY TCP4 1.2.3.4 10.0.0.1 0x1 2\r\n"),
    STR_INIT("PROXY TCP4 1.2.3.4 10.0.0.1  2\r\n"),
    STR_INIT("PROXY TCP4 1.2.3 10.0.0.1 1 2\r\n"),
    STR_INIT("PROXY TCP4 1.2.3.256 10.0.0.1 1 2\r\n"),
    STR_INIT("PROXY TCP4 01.2.3.4 10.0.0.1 1 2\r\n"),
    STR_INIT("PROXY TCP4 1.2.3.4 localhost 1 2\r\n"),
    STR_INIT("PROXY TCP4 ::1 10.0.0.1 1 2\r\n"),
    STR_INIT("PROXY TCP4 1.2.3.4 ::1 1 2\r\n"),
    STR_INIT("PROXY TCP6 1.2.3.4 10.0.0.1 1 2\r\n"),
    STR_INIT("PROXY TCP6 [::1] ::1 1 2\r\n"),
    STR_INIT("PROXY TCP6 fe80::1%eth0 ::1 1 2\r\n"),
    STR_INIT("PROXY TCP6 1:2:3:4:5:6:7:8:9 ::1 1 2\r\n"),
    STR_INIT("PROXY UDP4 1.2.3.4 10.0.0.1 1 2\r\n"),
    STR_INIT("PROXY UNIX\r\n"),
    STR_INIT("PROXY UNKNOWN\n"),
    STR_INIT("PROXY UNKNOWNS\r\n"),
    STR_INIT("PROXY unknown\r\n"),
    /* 108 bytes */
    STR_INIT("PROXY UNKNOWN ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff "
             "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff 65535 65535 \r\n"),
    STR_INIT("\r\n\r\nGET / HTTP/1.1\r\n"),
    STR_INIT(SIGNATURE "\x11\x11\x00\x0c" IP4),
    STR_INIT(SIGNATURE "\x31\x11\x00\x0c" IP4),
    STR_INIT(SIGNATURE "\x22\x11\x00\x0c" IP4),
    STR_INIT(SIGNATURE "\x2f\x11\x00\x0c" IP4),
    STR_INIT(SIGNATURE "\x21\x12\x00\x0c" IP4),
    STR_INIT(SIGNATURE "\x21\x10\x00\x0c" IP4),
    STR_INIT(SIGNATURE "\x21\x01\x00\x0c" IP4),
    STR_INIT(SIGNATURE "\x21\x41\x00\x0c" IP4),
    STR_INIT(SIGNATURE "\x21\x22\x00\x24" IP6),
    STR_INIT(SIGNATURE "\x21\x32\x00\xd8" Z72 Z72 Z72),
    STR_INIT(SIGNATURE "\x21\xff\x00\x00"),
    STR_INIT(SIGNATURE "\x21\x11\x00\x0b" IP4),
    STR_INIT(SIGNATURE "\x21\x11\x00\x00" IP4),
    STR_INIT(SIGNATURE "\x21\x21\x00\x0c" IP4),
    STR_INIT(SIGNATURE "\x21\x31\x00\x0c" IP4),
    STR_INIT(SIGNATURE "\x21\x11\x0f\xf1" IP4), /* 4097 bytes */
    STR_INIT(SIGNATURE "\x20\x00\xff\xff"),
    STR_INIT(SIGNATURE "\x21\x11\x00\x0d" IP4 "\x01"),
    STR_INIT(SIGNATURE "\x21\x11\x00\x0e" IP4 "\x01\x00"),
    STR_INIT(SIGNATURE "\x21\x11\x00\x0f" IP4 "\x01\x00\x01"),
    STR_INIT(SIGNATURE "\x21\x11\x00\x10" IP4 "\x01\xff\xffx"),
    STR_INIT(SIGNATURE "\x21\x00\x00\x01x"),
    /* checksums: wrong, too short, too long, twice */
    STR_INIT(SIGNATURE "\x21\x11\x00\x13" IP4 "\x03\x00\x04\x00\x00\x00\x00"),
    STR_INIT(SIGNATURE "\x21\x11\x00\x12" IP4 "\x03\x00\x03\x00\x00\x00"),
    STR_INIT(SIGNATURE "\x21\x11\x00\x14" IP4 "\x03\x00\x05\x00\x00\x00\x00\x00"),
    STR_INIT(SIGNATURE "\x21\x11\x00\x1a" IP4 "\x03\x00\x04@CRC4\x03\x00\x04@CRC4"),
};

/* Room for a header and its checksum, computed bit by bit from the definition: the polynomial 0x1EDC6F41, all
 * bits reflected. Puts it in the place of every "@CRC?". Returns the length. */
static size_t fill(struct str from, char *to)
{
    size_t len = 0, sums[2], count = 0;
    uint32_t crc = UINT32_MAX;

    for (size_t i = 0; i < from.len; i++) {
        if (from.len - i >= 5 && memcmp(from.at + i, "@CRC", 4) == 0) {
            sums[count++] = len;
            memset(to + len, 0, 4);
            len += 4;
            i += 4;
        } else {
            to[len++] = from.at[i];
        }
    }
    for (size_t i = 0; i < len; i++)
        for (int bit = 0; bit < 8; bit++) {
            uint32_t in = ((uint32_t)(uint8_t)to[i] >> bit ^ crc) & 1;
            crc = crc >> 1 ^ (in ? 0x82F63B78u : 0);
        }
    for (size_t i = 0; i < count; i++)
        for (int byte = 0; byte < 4; byte++)
            to[sums[i] + (size_t)byte] = (char)(~crc >> (24 - 8 * byte));
    return len;
}

/* The bytes alone in memory, so that nothing around them can be read. */
static enum proxy_protocol_result read_alone(struct str bytes, struct proxy_protocol *header)
{
    char *copy = malloc(bytes.len);
    enum proxy_protocol_result result;

    memcpy(copy, bytes.at, bytes.len);
    result = proxy_protocol_read((struct str){copy, bytes.len}, header);
    free(copy);
    return result;
}

static void test_good(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        char bytes[512], text[ADDRESS_TEXT];
        size_t len = fill(good[i].bytes, bytes);
        struct proxy_protocol header;

        for (size_t part = 0; part < len; part++)
            assert_int_equal(read_alone((struct str){bytes, part}, &header), PROXY_PROTOCOL_MORE);
        /* What follows is not looked at. */
        for (size_t more = 0; more < 3; more++) {
            bytes[len + more] = '\n';
            assert_int_equal(read_alone((struct str){bytes, len + more}, &header),
                             PROXY_PROTOCOL_DONE);
            assert_int_equal(header.len, len);
        }
        text[0] = '\0';
        if (header.source.len > 0)
            address_text(&header.source, text);
        assert_string_equal(text, good[i].source);
    }
}

/* Never accepted, whatever part of it is there; once bad it stays bad; as a whole it is bad. */
static void test_wrong(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        char bytes[512];
        size_t len = fill(wrong[i], bytes);
        enum proxy_protocol_result result = PROXY_PROTOCOL_MORE;
        struct proxy_protocol header;

        for (size_t part = 0; part <= len; part++) {
            enum proxy_protocol_result before = result;
            result = read_alone((struct str){bytes, part}, &header);
            if (result == PROXY_PROTOCOL_DONE ||
                (before == PROXY_PROTOCOL_BAD && result != PROXY_PROTOCOL_BAD))
                fail_msg("row %zu with %zu bytes: %d", i, part, result);
            if (result == PROXY_PROTOCOL_BAD)
                assert_true(header.reason && strlen(header.reason) > 0);
        }
        if (result != PROXY_PROTOCOL_BAD)
            fail_msg("row %zu is not refused", i);
    }
}

/* The place of the checksum's type in row `i`; 0: there is none. */
static size_t checksum_at(size_t i)
{
    const struct str *bytes = &good[i].bytes;
    const char *at = memmem(bytes->at, bytes->len, "@CRC", 4);

    return at ? (size_t)(at - bytes->at) - 3 : 0;
}

/* With any byte of it replaced a header is the same, another, or refused. A checksum notices every change, unless
 * that hides the checksum itself: its type, and what says where addresses and header end. */
static void test_every_byte(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        char bytes[512];
        size_t len = fill(good[i].bytes, bytes), sum = checksum_at(i);

        for (size_t at = 0; at < len; at++) {
            char was = bytes[at];
            bool noticed = sum > 0 && at != sum && (at < 12 || at > 15);
            for (int value = 0; value < 256; value++) {
                enum proxy_protocol_result result;
                struct proxy_protocol header;

                bytes[at] = (char)value;
                result = read_alone((struct str){bytes, len}, &header);
                if (result == PROXY_PROTOCOL_DONE)
                    assert_true(header.len > 0 && header.len <= len);
                if (noticed && bytes[at] != was)
                    assert_int_equal(result, PROXY_PROTOCOL_BAD);
            }
            bytes[at] = was;
        }
    }
}

static void test_longest(void **state)
{
    char bytes[PROXY_PROTOCOL_MAX + 1] = SIGNATURE "\x21\x11\x0f\xf0" IP4 "\xe0\x0f\xe1";
    struct proxy_protocol header;

    (void)state;
    assert_int_equal(read_alone((struct str){bytes, PROXY_PROTOCOL_MAX - 1}, &header),
                     PROXY_PROTOCOL_MORE);
    assert_int_equal(read_alone((struct str){bytes, PROXY_PROTOCOL_MAX}, &header),
                     PROXY_PROTOCOL_DONE);
    assert_int_equal(header.len, PROXY_PROTOCOL_MAX);
}

static const struct {
    const char *from, *to;
    uint16_t from_port, to_port;
    struct str v1, v2;
} written[] = {
    {"1.2.3.4", "10.0.0.1", 12345, 443, STR_INIT("PROXY TCP4 1.2.3.4 10.0.0.1 12345 443\r\n"),
     STR_INIT(SIGNATURE "\x21\x11\x00\x0c" IP4)},
    {"2001:db8::1", "::1", 65535, 0, STR_INIT("PROXY TCP6 2001:db8::1 ::1 65535 0\r\n"),
     STR_INIT(SIGNATURE "\x21\x21\x00\x24" IP6)},
    {"1.2.3.4", "::1", 1, 2, STR_INIT("PROXY TCP6 ::ffff:1.2.3.4 ::1 1 2\r\n"),
     STR_INIT(SIGNATURE "\x21\x21\x00\x24\0\0\0\0\0\0\0\0\0\0\xff\xff\x01\x02\x03\x04"
                        "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x01\0\x01\0\x02")},
    {NULL, NULL, 0, 0, STR_INIT("PROXY UNKNOWN\r\n"), STR_INIT(SIGNATURE "\x20\x00\x00\x00")},
};

static void test_write(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof written / sizeof written[0]; i++) {
        struct proxy_protocol_ends ends = {.from_port = written[i].from_port,
                                           .to_port = written[i].to_port};
        char out[PROXY_PROTOCOL_LINE];
        size_t len;

        ends.known = written[i].from != NULL;
        if (ends.known)
            assert_true(ip_parse(str_of(written[i].from), ends.from) &&
                        ip_parse(str_of(written[i].to), ends.to));
        len = proxy_protocol_v1(&ends, out);
        assert_int_equal(len, written[i].v1.len);
        assert_memory_equal(out, written[i].v1.at, len);
        len = proxy_protocol_v2(&ends, out);
        assert_int_equal(len, written[i].v2.len);
        assert_memory_equal(out, written[i].v2.at, len);
    }
}

static void test_write_longest(void **state)
{
    struct proxy_protocol_ends ends = {.from_port = 65535, .to_port = 65535, .known = true};
    char out[PROXY_PROTOCOL_LINE];
    struct proxy_protocol header;
    size_t len;

    (void)state;
    memset(ends.from, 0xfe, 16);
    memset(ends.to, 0xfe, 16);
    len = proxy_protocol_v1(&ends, out);
    assert_true(len <= PROXY_PROTOCOL_LINE);
    assert_int_equal(proxy_protocol_read((struct str){out, len}, &header), PROXY_PROTOCOL_DONE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_good),    cmocka_unit_test(test_wrong),
        cmocka_unit_test(test_longest), cmocka_unit_test(test_every_byte),
        cmocka_unit_test(test_write),   cmocka_unit_test(test_write_longest),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
