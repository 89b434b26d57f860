/* RFC 8259, to the letter: what is JSON, what is not, and where it stops being it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/json.h"
#include "base/text.h"

/* The tokens of a text, one word each; strings decoded. */
static struct str walked(struct pool *pool, struct json *json)
{
    static const char *const names[] = {
        [JSON_NULL] = "null ",   [JSON_TRUE] = "true ",    [JSON_FALSE] = "false ",
        [JSON_OBJECT] = "{ ",    [JSON_OBJECT_END] = "} ", [JSON_ARRAY] = "[ ",
        [JSON_ARRAY_END] = "] ",
    };
    struct text out = {.pool = pool};
    enum json_kind kind;

    text_add(&out, STR(""));
    while ((kind = json_next(json)) != JSON_END && kind != JSON_ERROR) {
        if (kind == JSON_STRING || kind == JSON_KEY) {
            text_add(&out, json_text(json, pool));
            text_add(&out, kind == JSON_KEY ? STR(": ") : STR(" "));
        } else if (kind == JSON_NUMBER) {
            text_add(&out, json->token);
            text_byte(&out, ' ');
        } else {
            text_add(&out, str_of(names[kind]));
        }
    }
    if (kind == JSON_ERROR)
        text_printf(&out, "! %zu", json->start);
    assert_int_equal(json_next(json), kind); /* it stays there */
    return text_str(&out);
}

/* Input that ends where readable memory ends: reading one byte too far is a crash. */
static struct str at_the_edge(struct str s)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE), size = (s.len / page + 2) * page;
    char *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    char *at = memory + size - page - s.len;

    assert_true(memory != MAP_FAILED);
    if (s.len > 0)
        memcpy(at, s.at, s.len);
    assert_int_equal(mprotect(memory + size - page, page, PROT_NONE), 0);
    return (struct str){at, s.len};
}

static void leave_the_edge(struct str s)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    uintptr_t start = (uintptr_t)s.at / page * page, last = (uintptr_t)s.at + s.len;

    if ((uintptr_t)s.at % page == 0 && s.len == 0)
        start -= page;
    munmap((void *)start, last - start + page);
}

static void accepts(void **state)
{
    static const struct {
        struct str text;
        const char *tokens;
    } rows[] = {
        {STR_INIT("null"), "null "},
        {STR_INIT(" \t\r\ntrue\n"), "true "},
        {STR_INIT("false"), "false "},
        {STR_INIT("0"), "0 "},
        {STR_INIT("-0"), "-0 "},
        {STR_INIT("-0.0e-0"), "-0.0e-0 "},
        {STR_INIT("1E+2"), "1E+2 "},
        {STR_INIT("123456789012345678901234567890"), "123456789012345678901234567890 "},
        {STR_INIT("\"\""), " "},
        {STR_INIT("[]"), "[ ] "},
        {STR_INIT("{}"), "{ } "},
        {STR_INIT("[1,2]"), "[ 1 2 ] "},
        {STR_INIT("[ [ ] , { } ]"), "[ [ ] { } ] "},
        {STR_INIT("{\"a\":1,\"b\":[true]}"), "{ a: 1 b: [ true ] } "},
        {STR_INIT("{\"\":null}"), "{ : null } "},
        {STR_INIT("{\"a\":1,\"a\":2}"), "{ a: 1 a: 2 } "},
        {STR_INIT("{\"\\u0061\\n\" : {}}"), "{ a\n: { } } "},
        {STR_INIT("\"\\\"\\\\\\/\\b\\f\\n\\r\\t\""), "\"\\/\b\f\n\r\t "},
        {STR_INIT("\"a\\u00e9\\u20AC\\ud83d\\uDE00z\""), "a\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80z "},
        {STR_INIT("\"\\ud7ff\\ue000\\uffff\""), "\xed\x9f\xbf\xee\x80\x80\xef\xbf\xbf "},
        {STR_INIT("\"\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\x7f\""),
         "\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\x7f "},
        {STR_INIT("\"\xef\xbb\xbf\""), "\xef\xbb\xbf "},
    };
    struct pool pool;

    (void)state;
    pool_open(&pool, NULL);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct str input = at_the_edge(rows[i].text);
        struct json json;
        json_open(&json, input, 256);
        assert_string_equal(walked(&pool, &json).at, rows[i].tokens);
        leave_the_edge(input);
    }
    pool_close(&pool);
}

static void refuses_with_a_place(void **state)
{
    static const struct {
        struct str text;
        size_t at;
    } rows[] = {
        {STR_INIT(""), 0},
        {STR_INIT("  "), 2},
        {STR_INIT("nul"), 0},
        {STR_INIT("nulll"), 0},
        {STR_INIT("True"), 0},
        {STR_INIT("NaN"), 0},
        {STR_INIT("-Infinity"), 0},
        {STR_INIT("01"), 0},
        {STR_INIT("-01"), 0},
        {STR_INIT("+1"), 0},
        {STR_INIT(".5"), 0},
        {STR_INIT("1."), 0},
        {STR_INIT("1.e2"), 0},
        {STR_INIT("1e"), 0},
        {STR_INIT("1e+"), 0},
        {STR_INIT("-"), 0},
        {STR_INIT("0x10"), 1},
        {STR_INIT("1_000"), 1},
        {STR_INIT("1 2"), 2},
        {STR_INIT("1\0"), 1},
        {STR_INIT("\0"), 0},
        {STR_INIT("\xef\xbb\xbf"
                  "1"),
         0},
        {STR_INIT("["), 1},
        {STR_INIT("]"), 0},
        {STR_INIT("[1"), 2},
        {STR_INIT("[1,"), 3},
        {STR_INIT("[1,]"), 3},
        {STR_INIT("[,1]"), 1},
        {STR_INIT("[1 2]"), 3},
        {STR_INIT("[1}"), 2},
        {STR_INIT("[1:2]"), 2},
        {STR_INIT("[1]]"), 3},
        {STR_INIT("{"), 1},
        {STR_INIT("{\"a\""), 4},
        {STR_INIT("{\"a\":"), 5},
        {STR_INIT("{\"a\":}"), 5},
        {STR_INIT("{\"a\" 1}"), 5},
        {STR_INIT("{\"a\",1}"), 4},
        {STR_INIT("{\"a\":1"), 6},
        {STR_INIT("{\"a\":1,}"), 7},
        {STR_INIT("{\"a\":1,,\"b\":2}"), 7},
        {STR_INIT("{\"a\":1 \"b\":2}"), 7},
        {STR_INIT("{\"a\":1]"), 6},
        {STR_INIT("{a:1}"), 1},
        {STR_INIT("{'a':1}"), 1},
        {STR_INIT("{1:2}"), 1},
        {STR_INIT("{,}"), 1},
        {STR_INIT("// x\n1"), 0},
        {STR_INIT("1 /* x */"), 2},
        {STR_INIT("1 # x"), 2},
        {STR_INIT("\""), 1},
        {STR_INIT("\"a"), 2},
        {STR_INIT("\"a\\"), 2},
        {STR_INIT("\"a\\\""), 4},
        {STR_INIT("\"\n\""), 1},
        {STR_INIT("\"a\tb\""), 2},
        {STR_INIT("\"a\0b\""), 2},
        {STR_INIT("\"\x1f\""), 1},
        {STR_INIT("\"\\x41\""), 1},
        {STR_INIT("\"\\'\""), 1},
        {STR_INIT("\"\\u12\""), 1},
        {STR_INIT("\"\\u12g4\""), 1},
        {STR_INIT("\"\\U0041\""), 1},
        {STR_INIT("\"ab\\ud800\""), 3},
        {STR_INIT("\"\\ud800x\""), 1},
        {STR_INIT("\"\\udc00\""), 1},
        {STR_INIT("\"\\udc00\\ud800\""), 1},
        {STR_INIT("\"\\ud800\\u0041\""), 1},
        {STR_INIT("\"\\ud800\\ud800\\udc00\""), 1},
        {STR_INIT("\"a\xff\""), 2},
        {STR_INIT("\"\xc3\""), 1},
        {STR_INIT("\"\xc3"), 1},
        {STR_INIT("\"\xe2\x82\""), 1},
        {STR_INIT("\"\xc0\x80\""), 1},
        {STR_INIT("\"\xed\xa0\x80\""), 1},
        {STR_INIT("\"\xf4\x90\x80\x80\""), 1},
        {STR_INIT("[\xc3\xa9]"), 1},
        {STR_INIT("[\x0b"
                  "1]"),
         1},
        {STR_INIT("[\xc2\xa0"
                  "1]"),
         1},
    };
    struct pool pool;

    (void)state;
    pool_open(&pool, NULL);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct str input = at_the_edge(rows[i].text);
        struct json json;
        struct str tokens;
        json_open(&json, input, 256);
        tokens = walked(&pool, &json);
        if (str_find(tokens, '!') == tokens.len || json.start != rows[i].at)
            fail_msg("'%.*s' gave %s, not ! %zu", STR_ARG(rows[i].text), tokens.at, rows[i].at);
        assert_non_null(json.error);
        leave_the_edge(input);
    }
    pool_close(&pool);
}

static void nests_up_to_its_limit(void **state)
{
    char text[2 * JSON_DEPTH_MAX + 2];
    struct json json;

    (void)state;
    for (uint32_t depth = 1; depth <= JSON_DEPTH_MAX; depth++) {
        uint32_t starts = 0;
        memset(text, '[', depth);
        memset(text + depth, ']', depth);
        json_open(&json, (struct str){text, 2 * depth}, depth);
        while (json_next(&json) == JSON_ARRAY)
            starts++;
        assert_int_equal(starts, depth);
        assert_true(json_skip(&json, JSON_ARRAY_END));
        json_open(&json, (struct str){text, 2 * depth}, depth - 1);
        while (json_next(&json) == JSON_ARRAY)
            ;
        assert_int_equal(json_next(&json), JSON_ERROR);
        assert_int_equal(json.start, depth - 1);
    }
}

static void remembers_what_each_level_is(void **state)
{
    struct json json;
    struct pool pool;
    struct text text = {.pool = &pool};

    (void)state;
    pool_open(&pool, NULL);
    for (int i = 0; i < 200; i++)
        text_add(&text, i % 3 == 0 ? STR("[") : STR("{\"a\":"));
    text_add(&text, STR("1"));
    for (int i = 200; i-- > 0;)
        text_add(&text, i % 3 == 0 ? STR("]") : STR("}"));
    json_open(&json, text_str(&text), 200);
    assert_int_equal(json_next(&json), JSON_ARRAY);
    assert_true(json_skip(&json, JSON_ARRAY));
    assert_int_equal(json_next(&json), JSON_END);
    text.at[text.len - 100] ^= '}' ^ ']'; /* the other closing bracket */
    json_open(&json, text_str(&text), 200);
    json_next(&json);
    assert_false(json_skip(&json, JSON_ARRAY));
    assert_int_equal(json.start, text.len - 100);
    pool_close(&pool);
}

static void skips_values(void **state)
{
    struct json json;

    (void)state;
    json_open(&json, STR("{\"a\":{\"b\":[1,[2]]},\"c\":3}"), 8);
    assert_int_equal(json_next(&json), JSON_OBJECT);
    assert_int_equal(json_next(&json), JSON_KEY);
    assert_true(json_skip(&json, json_next(&json)));
    assert_int_equal(json_next(&json), JSON_KEY);
    assert_true(str_eq(json.token, STR("c")));
    assert_true(json_skip(&json, json_next(&json)));
    assert_int_equal(json_next(&json), JSON_OBJECT_END);
    assert_int_equal(json_next(&json), JSON_END);
    json_open(&json, STR("[1,"), 8);
    assert_false(json_skip(&json, json_next(&json)));
    assert_false(json_skip(&json, json_next(&json)));
}

static void text_without_escapes_is_the_input(void **state)
{
    struct str input = STR("[\"plain\"]");
    struct json json;

    (void)state;
    json_open(&json, input, 8);
    json_next(&json);
    json_next(&json);
    assert_ptr_equal(json_text(&json, NULL).at, input.at + 2);
    assert_int_equal(json_text(&json, NULL).len, 5);
}

static void reads_numbers(void **state)
{
    static const struct {
        struct str text;
        bool whole, good;
        int64_t integer;
        double number;
    } rows[] = {
        {STR_INIT("0"), true, true, 0, 0},
        {STR_INIT("-0"), true, true, 0, -0.0},
        {STR_INIT("9223372036854775807"), true, true, INT64_MAX, 9223372036854775807.0},
        {STR_INIT("-9223372036854775808"), true, true, INT64_MIN, -9223372036854775808.0},
        {STR_INIT("9223372036854775808"), false, true, 0, 9223372036854775808.0},
        {STR_INIT("-9223372036854775809"), false, true, 0, -9223372036854775809.0},
        {STR_INIT("1.5"), false, true, 0, 1.5},
        {STR_INIT("1e3"), false, true, 0, 1000},
        {STR_INIT("1e-400"), false, true, 0, 0},
        {STR_INIT("1e400"), false, false, 0, 0},
        {STR_INIT("-1e400"), false, false, 0, 0},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        int64_t integer = 0;
        double number = 0;
        assert_int_equal(json_to_i64(rows[i].text, &integer), rows[i].whole);
        assert_true(integer == rows[i].integer);
        assert_int_equal(json_double(rows[i].text, &number), rows[i].good);
        if (rows[i].good)
            assert_true(number == rows[i].number);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(accepts),
        cmocka_unit_test(refuses_with_a_place),
        cmocka_unit_test(nests_up_to_its_limit),
        cmocka_unit_test(remembers_what_each_level_is),
        cmocka_unit_test(skips_values),
        cmocka_unit_test(text_without_escapes_is_the_input),
        cmocka_unit_test(reads_numbers),
    };

    return cmocka_run_group_tests_name("json", tests, NULL, NULL);
}
