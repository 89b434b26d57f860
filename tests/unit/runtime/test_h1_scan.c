/* The searches for many bytes at a time against looking at each byte: every byte at every place, every window. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "edge.h"
#include "http/h1_scan.h"

static bool means_control(uint8_t byte)
{
    return byte < 0x20 || byte == 0x7f;
}

static bool means_colon(uint8_t byte)
{
    return byte == ':';
}

static bool means_no_uri(uint8_t byte)
{
    return byte <= ' ' || byte >= 0x7f || (byte != 0 && strchr("\"#<>\\", byte) != NULL);
}

static bool means_no_name(uint8_t byte)
{
    return !(byte >= 'a' && byte <= 'z') && !(byte >= 'A' && byte <= 'Z') &&
           !(byte >= '0' && byte <= '9') && byte != '-' && byte != '.';
}

static size_t scan_each(int which, const uint8_t *bytes, size_t at, size_t end)
{
    switch (which) {
    case 0:
        return scan(bytes, at, end, scan_control);
    case 1:
        return scan(bytes, at, end, scan_colon);
    case 2:
        return scan(bytes, at, end, scan_no_uri);
    default:
        return scan(bytes, at, end, scan_no_name);
    }
}

static bool (*const means[])(uint8_t byte) = {means_control, means_colon, means_no_uri,
                                              means_no_name};
enum { KINDS = 4, LEN = 53 };

static void each_byte_alone(void **state)
{
    uint8_t text[LEN];

    (void)state;
    for (int which = 0; which < KINDS; which++) {
        for (unsigned byte = 0; byte < 256; byte++) {
            for (size_t place = 0; place < LEN; place++) {
                memset(text, 'a', sizeof text);
                text[place] = (uint8_t)byte;
                assert_int_equal(scan_each(which, text, 0, LEN),
                                 means[which]((uint8_t)byte) ? place : LEN);
            }
        }
    }
}

/* Nothing outside the window is found, and nothing behind it is read. */
static void every_window(void **state)
{
    struct edge edge = edge_open(LEN);

    (void)state;
    for (int round = 0; round < 200; round++) {
        char text[LEN];
        const uint8_t *bytes;

        for (size_t i = 0; i < LEN; i++)
            text[i] = (char)(rand() % 8 == 0 ? rand() % 256 : 'a' + rand() % 26);
        bytes = (const uint8_t *)edge_put(&edge, (struct str){text, LEN}).at;
        for (size_t at = 0; at <= LEN; at++) {
            for (int which = 0; which < KINDS; which++) {
                size_t first = at;
                while (first < LEN && !means[which](bytes[first]))
                    first++;
                assert_int_equal(scan_each(which, bytes, at, LEN), first);
                for (size_t end = at; end < first; end++)
                    assert_int_equal(scan_each(which, bytes, at, end), end);
            }
        }
    }
    edge_close(&edge);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_byte_alone),
        cmocka_unit_test(every_window),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
