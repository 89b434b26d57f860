/* UTF-8, strictly; random bytes, clocks and log lines beside it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/random.h"
#include "base/utf8.h"

static void decodes(void **state)
{
    static const struct {
        struct str bytes;
        int32_t character;
        size_t used;
    } rows[] = {
        {STR_INIT("a"), 'a', 1},
        {STR_INIT("\0"), 0, 1},
        {STR_INIT("\x7f"), 0x7F, 1},
        {STR_INIT("\xc2\x80"), 0x80, 2},
        {STR_INIT("\xdf\xbf"), 0x7FF, 2},
        {STR_INIT("\xe0\xa0\x80"), 0x800, 3},
        {STR_INIT("\xed\x9f\xbf"), 0xD7FF, 3},
        {STR_INIT("\xee\x80\x80"), 0xE000, 3},
        {STR_INIT("\xef\xbf\xbf"), 0xFFFF, 3},
        {STR_INIT("\xf0\x90\x80\x80"), 0x10000, 4},
        {STR_INIT("\xf4\x8f\xbf\xbf"), 0x10FFFF, 4},
        {STR_INIT("\x80"), -1, 1},     /* continuation alone */
        {STR_INIT("\xc0\x80"), -1, 1}, /* overlong */
        {STR_INIT("\xc1\xbf"), -1, 1},
        {STR_INIT("\xe0\x9f\xbf"), -1, 1},
        {STR_INIT("\xf0\x8f\xbf\xbf"), -1, 1},
        {STR_INIT("\xed\xa0\x80"), -1, 1}, /* surrogates */
        {STR_INIT("\xed\xbf\xbf"), -1, 1},
        {STR_INIT("\xf4\x90\x80\x80"), -1, 1}, /* beyond U+10FFFF */
        {STR_INIT("\xf5\x80\x80\x80"), -1, 1},
        {STR_INIT("\xff"), -1, 1},
        {STR_INIT("\xc3"), -1, 1}, /* cut off */
        {STR_INIT("\xe2\x82"), -1, 1},
        {STR_INIT("\xf0\x9f\x98"), -1, 1},
        {STR_INIT("\xe2\x82z"), -1, 1},
        {STR_INIT("\xf0\x9f\x98z"), -1, 1},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        size_t at = 0;
        assert_int_equal(utf8_next(rows[i].bytes, &at), rows[i].character);
        assert_int_equal(at, rows[i].used);
        assert_int_equal(utf8_valid(rows[i].bytes), rows[i].character >= 0);
    }
}

static void every_character_survives(void **state)
{
    (void)state;
    for (uint32_t character = 0; character < 0x110000; character++) {
        char bytes[4];
        size_t at = 0, len;
        if (character == 0xD800)
            character = 0xE000;
        len = utf8_put(bytes, character);
        assert_true(utf8_next((struct str){bytes, len}, &at) == (int32_t)character);
        assert_int_equal(at, len);
    }
}

static void finds_the_first_bad_byte(void **state)
{
    char line[64];

    (void)state;
    for (size_t len = 0; len < sizeof line; len++)
        for (size_t bad = 0; bad <= len; bad++) {
            memset(line, 'x', sizeof line);
            if (bad < len)
                line[bad] = '\xc3';
            assert_int_equal(utf8_check((struct str){line, len}), bad);
            assert_int_equal(utf8_count((struct str){line, len}), len);
        }
    assert_int_equal(utf8_count(STR("h\xc3\xa9llo w\xc3\xb6rld \xf0\x9f\x98\x80!")), 14);
}

static void random_bytes_differ(void **state)
{
    static unsigned char many[10000];
    unsigned seen[256] = {0};
    uint64_t last = random_u64();

    (void)state;
    for (int i = 0; i < 2000; i++) {
        uint64_t next = random_u64();
        assert_true(next != last);
        last = next;
    }
    random_bytes(many, sizeof many);
    for (size_t i = 0; i < sizeof many; i++)
        seen[many[i]]++;
    for (int i = 0; i < 256; i++)
        assert_in_range(seen[i], 1, 200);
    random_bytes(many, 0);
}

static void prints_times(void **state)
{
    static const struct {
        uint64_t at;
        const char *text;
    } rows[] = {
        {0, "1970-01-01T00:00:00.000000Z"},
        {1709164800000001u, "2024-02-29T00:00:00.000001Z"},
        {253402300799999999u, "9999-12-31T23:59:59.999999Z"},
    };
    char text[28];

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        clock_iso(rows[i].at, text);
        assert_string_equal(text, rows[i].text);
    }
    assert_true(clock_us() / 1000 >= clock_ms() - 1);
    assert_true(clock_wall_us() > 1709164800000001u);
}

/* What a call writes to standard error. */
static size_t captured(void (*call)(void), char *out, size_t room)
{
    int ends[2], before = dup(STDERR_FILENO);
    ssize_t len;

    assert_int_equal(pipe(ends), 0);
    dup2(ends[1], STDERR_FILENO);
    call();
    dup2(before, STDERR_FILENO);
    close(ends[1]);
    len = read(ends[0], out, room - 1);
    close(ends[0]);
    close(before);
    assert_true(len >= 0);
    out[len] = '\0';
    return (size_t)len;
}

static void log_hostile(void)
{
    log_warn("peer said %s", "x\r\n2026 error forged\x1b[31m \xff \xc2\x85 \xc3\xa9");
}

static void log_endless(void)
{
    static char endless[5000];

    memset(endless, 'a', sizeof endless - 1);
    log_error("%s", endless);
}

static void log_quiet(void)
{
    log_debug("hidden");
    log_set_level(LOG_ERROR);
    log_warn("hidden");
    log_set_level(LOG_DEBUG);
    log_debug("shown %d", 7);
    log_set_level(LOG_INFO);
}

static void log_lines_are_bounded_and_safe(void **state)
{
    char out[8192];
    size_t len;

    (void)state;
    captured(log_hostile, out, sizeof out);
    assert_string_equal(out + 27, " warn  peer said x\\x0d\\x0a2026 error forged\\x1b[31m \\xff"
                                  " \\x85 \xc3\xa9\n");
    len = captured(log_endless, out, sizeof out);
    assert_in_range(len, 1000, 1024);
    assert_string_equal(out + len - 7, "aaa…\n");
    captured(log_quiet, out, sizeof out);
    assert_string_equal(out + 27, " debug shown 7\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(decodes),
        cmocka_unit_test(every_character_survives),
        cmocka_unit_test(finds_the_first_bad_byte),
        cmocka_unit_test(random_bytes_differ),
        cmocka_unit_test(prints_times),
        cmocka_unit_test(log_lines_are_bounded_and_safe),
    };

    return cmocka_run_group_tests_name("utf8", tests, NULL, NULL);
}
