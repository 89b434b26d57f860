/* Text by pointer and length: comparing, searching, trimming, numbers, nearness. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/str.h"

static void compares_bytes(void **state)
{
    static const struct {
        struct str a, b;
        int order;
        bool same, same_nocase;
    } rows[] = {
        {STR_INIT(""), STR_INIT(""), 0, true, true},
        {{NULL, 0}, STR_INIT(""), 0, true, true},
        {STR_INIT("a"), STR_INIT("A"), 1, false, true},
        {STR_INIT("ab"), STR_INIT("abc"), -1, false, false},
        {STR_INIT("Host"), STR_INIT("hOST"), -1, false, true},
        {STR_INIT("a\0b"), STR_INIT("a\0c"), -1, false, false},
        {STR_INIT("\xff"), STR_INIT("a"), 1, false, false},
        {STR_INIT("@"), STR_INIT("`"), -1, false, false}, /* 32 apart, but no letters */
        {STR_INIT("["), STR_INIT("{"), -1, false, false},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        int order = str_cmp(rows[i].a, rows[i].b);
        assert_int_equal((order > 0) - (order < 0), rows[i].order);
        assert_int_equal(str_eq(rows[i].a, rows[i].b), rows[i].same);
        assert_int_equal(str_eq_nocase(rows[i].a, rows[i].b), rows[i].same_nocase);
    }
}

static void finds(void **state)
{
    struct str s = STR("a\0bc/bc");

    (void)state;
    assert_int_equal(str_find(s, '\0'), 1);
    assert_int_equal(str_find(s, '/'), 4);
    assert_int_equal(str_find(s, 'x'), s.len);
    assert_int_equal(str_find((struct str){NULL, 0}, 'x'), 0);
    assert_int_equal(str_find_str(s, STR("bc")), 2);
    assert_int_equal(str_find_str(s, STR("bcd")), s.len);
    assert_int_equal(str_find_str(s, STR("")), 0);
    assert_int_equal(str_find_str((struct str){NULL, 0}, STR("a")), 0);
    assert_true(str_starts(s, STR("a\0b")));
    assert_true(str_starts(s, STR("")));
    assert_true(str_starts(s, (struct str){NULL, 0}));
    assert_false(str_starts(STR("a"), STR("ab")));
    assert_int_equal(str_from(s, 99).len, 0);
    assert_int_equal(str_head(s, 99).len, s.len);
}

static void trims(void **state)
{
    (void)state;
    assert_true(str_eq(str_trim(STR(" \t a b \t"), " \t"), STR("a b")));
    assert_true(str_eq(str_trim(STR("  "), " "), STR("")));
    assert_true(str_eq(str_trim(STR("\0a\0"), " "), STR("\0a\0")));
    assert_true(str_eq(str_trim(STR(""), " "), STR("")));
}

static void reads_numbers(void **state)
{
    static const struct {
        struct str text;
        bool good;
        uint64_t value;
    } rows[] = {
        {STR_INIT("0"), true, 0},
        {STR_INIT("7"), true, 7},
        {STR_INIT("18446744073709551615"), true, UINT64_MAX},
        {STR_INIT("18446744073709551616"), false, 0},
        {STR_INIT("99999999999999999999"), false, 0},
        {STR_INIT("184467440737095516150"), false, 0},
        {STR_INIT(""), false, 0},
        {STR_INIT("00"), false, 0},
        {STR_INIT("01"), false, 0},
        {STR_INIT("+1"), false, 0},
        {STR_INIT("-1"), false, 0},
        {STR_INIT(" 1"), false, 0},
        {STR_INIT("1 "), false, 0},
        {STR_INIT("1e3"), false, 0},
        {STR_INIT("0x1"), false, 0},
        {STR_INIT("1\0"), false, 0},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        uint64_t value = 0;
        assert_int_equal(str_to_u64(rows[i].text, &value), rows[i].good);
        assert_true(value == rows[i].value);
    }
}

static void measures_distance(void **state)
{
    static const struct {
        const char *a, *b;
        size_t limit, distance;
    } rows[] = {
        {"", "", 3, 0},
        {"rate", "rate", 0, 0},
        {"rate", "rat", 3, 1},
        {"rate", "rtae", 3, 1},
        {"upstream", "upstraem", 3, 1},
        {"kitten", "sitting", 3, 3},
        {"kitten", "sitting", 2, 3},
        {"", "abc", 3, 3},
        {"abc", "", 2, 3},
        {"abc", "xyz", 2, 3},
        {"timeout", "timeouts", 2, 1},
        {"ca", "abc", 3, 3},
    };
    char *large = malloc(1000000);

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct str a = str_of(rows[i].a), b = str_of(rows[i].b);
        assert_int_equal(str_distance(a, b, rows[i].limit), rows[i].distance);
        assert_int_equal(str_distance(b, a, rows[i].limit), rows[i].distance);
    }
    assert_non_null(large);
    memset(large, 'a', 1000000);
    struct str huge = {large, 1000000};
    assert_int_equal(str_distance(huge, huge, 3), 0);
    assert_int_equal(str_distance(huge, str_head(huge, 999999), 3), 4);
    free(large);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(compares_bytes),
        cmocka_unit_test(finds),
        cmocka_unit_test(trims),
        cmocka_unit_test(reads_numbers),
        cmocka_unit_test(measures_distance),
    };

    return cmocka_run_group_tests_name("str", tests, NULL, NULL);
}
