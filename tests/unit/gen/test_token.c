/* A token taken apart and judged, at a time that stands still. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "token.h"
#include "token_claims.h"
#include "token_print.h"
#include "token_risk.h"

enum { NOW = 1700000000 };

static struct pool pool;

static int open_pool(void **state)
{
    (void)state;
    pool_open(&pool, NULL);
    return 0;
}

static int close_pool(void **state)
{
    (void)state;
    pool_close(&pool);
    return 0;
}

static void assert_text(struct str found, const char *wanted)
{
    assert_string_equal(pool_copy(&pool, found).at, wanted);
}

/* {"alg":"HS256"} . {} . as given */
static void test_base64(void **state)
{
    (void)state;
    static const struct {
        const char *signature, *bytes; /* NULL: refused */
        size_t warnings;
    } rows[] = {
        {"", "", 0},
        {"YQ", "a", 0},
        {"YWI", "ab", 0},
        {"YWJj", "abc", 0},
        {"YWJjZA", "abcd", 0},
        {"YQ==", "a", 1},
        {"YQ=", "a", 1},
        {"YWI=", "ab", 1},
        {"YR", "a", 1},
        {"YWJ", "ab", 1},
        {"-_-_", "\373\377\277", 0},
        {"+/+/", "\373\377\277", 1},
        {"+_9=", "\373\377", 3},
        {"Y", NULL, 0},
        {"YWJjZ", NULL, 0},
        {"Y Q", NULL, 0},
        {"YQ===", NULL, 0},
        {"=", "", 1},
        {"Y=Q", NULL, 0},
        {"YQ~", NULL, 0},
    };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct token token;
        struct str error;
        struct str text = pool_printf(&pool, "eyJhbGciOiJIUzI1NiJ9.e30.%s", rows[i].signature);
        bool fine = token_read(&pool, text, &token, &error);
        assert_int_equal(fine, rows[i].bytes != NULL);
        assert_text(token.header.json, "{\"alg\":\"HS256\"}");
        if (!fine)
            continue;
        assert_text(token.signature, rows[i].bytes);
        assert_int_equal(token.warnings.count, rows[i].warnings);
    }
}

static void test_members(void **state)
{
    (void)state;
    struct token_object object;
    struct str error;

    assert_true(token_read_object(
        &pool, STR(" { \"a\" : [1, {}] , \"b\\u0063\":\"\\n\",\"a\":-1.5e3 } "), &object, &error));
    assert_int_equal(object.members.count, 3);
    assert_text(token_find(&object, "a")->value, "[1, {}]");
    assert_text(token_find(&object, "bc")->value, "\"\\n\"");
    assert_text(token_find(&object, "bc")->text, "\n");
    assert_text(object.members.at[2].value, "-1.5e3");
    assert_null(token_find(&object, "b"));
    static const char *const wrong[] = {"",        "1",        "[]",         "\"{}\"", "{",
                                        "{\"a\"}", "{\"a\":}", "{\"a\":1,}", "{}{}",   "{\"a\":[}"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        error = (struct str){0};
        assert_false(token_read_object(&pool, str_of(wrong[i]), &object, &error));
        assert_true(error.len > 0);
    }
}

static void test_dates(void **state)
{
    (void)state;
    static const struct {
        const char *value;
        bool is_date;
        int64_t seconds;
    } rows[] = {{"0", true, 0},     {"1700000000", true, NOW}, {"1.7e9", true, NOW},
                {"12.9", true, 12}, {"-5", true, -5},          {"1e15", true, 1000000000000000},
                {"1e16", false, 0}, {"-1e300", false, 0},      {"\"5\"", false, 0},
                {"null", false, 0}, {"[5]", false, 0}};

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct token_object object;
        struct str error;
        int64_t seconds = 0;
        assert_true(token_read_object(&pool, pool_printf(&pool, "{\"exp\":%s}", rows[i].value),
                                      &object, &error));
        assert_int_equal(token_date(token_find(&object, "exp"), &seconds), rows[i].is_date);
        assert_int_equal(seconds, rows[i].seconds);
    }
    assert_false(token_date(NULL, &(int64_t){0}));
}

static void test_spans(void **state)
{
    (void)state;
    static const struct {
        int64_t seconds;
        const char *words;
    } rows[] = {{0, "0s"},      {-3, "3s"},   {99, "99s"},     {100, "2m"},    {3421, "57m"},
                {5999, "100m"}, {6000, "2h"}, {259199, "72h"}, {259200, "3d"}, {-31557600, "365d"}};

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        assert_text(token_span(&pool, rows[i].seconds), rows[i].words);
}

static void test_seconds(void **state)
{
    (void)state;
    static const struct {
        const char *words;
        int64_t seconds; /* -1: refused */
    } rows[] = {{"5s", 5},      {"2m", 120},     {"1h", 3600},
                {"7d", 604800}, {"-2s", -2},     {"36525d", 3155760000},
                {"36526d", -1}, {"876601h", -1}, {"s", -1},
                {"-s", -1},     {"", -1},        {"-", -1},
                {"5", -1},      {"+5s", -1},     {"5S", -1},
                {"05s", -1},    {"5ms", -1},     {"18446744073709551616s", -1}};

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        int64_t seconds = -1;
        assert_int_equal(token_seconds(str_of(rows[i].words), &seconds), rows[i].seconds != -1);
        assert_int_equal(seconds, rows[i].seconds);
    }
}

static void test_words(void **state)
{
    (void)state;
    /* {"alg":"none","jku":[]} . {"exp":1699999820,"iat":"x"} . */
    struct str text =
        STR("eyJhbGciOiJub25lIiwiamt1IjpbXX0.eyJleHAiOjE2OTk5OTk4MjAsImlhdCI6IngifQ.");
    struct token_verdict verdict = {TOKEN_REFUSED, STR("the \x1b is wrong")};
    struct text out = {.pool = &pool};
    struct token token;
    struct str error;

    assert_true(token_read(&pool, text, &token, &error));
    token_risks(&token, NOW);
    token_text(&out, &token, &verdict, NOW);
    assert_string_equal(
        out.at,
        "header\n  {\n    \"alg\": \"none\",\n    \"jku\": []\n  }\n"
        "payload\n  {\n    \"exp\": 1699999820,\n    \"iat\": \"x\"\n  }\n"
        "exp          2023-11-14T22:10:20Z, expired 3m ago\n"
        "signature    0 bytes, refused: the \\u{1b} is wrong\n"
        "warning      'alg' is none: nobody signed this token, anybody can write it\n"
        "warning      'jku' says by which key to verify: whoever forges a token would say his own\n"
        "warning      'iat' is no number of seconds\n"
        "warning      it has no 'iss': nobody knows whose keys to verify it by\n"
        "warning      it has no 'aud': a token for one service opens all of them\n");
    out.len = 0;
    token.warnings.count = 1;
    token_json(&out, &token, &verdict, NOW);
    assert_string_equal(
        out.at,
        "{\n  \"header\": {\n    \"alg\": \"none\",\n    \"jku\": []\n  },\n"
        "  \"payload\": {\n    \"exp\": 1699999820,\n    \"iat\": \"x\"\n  },\n"
        "  \"dates\": {\"exp\": {\"utc\": \"2023-11-14T22:10:20Z\", \"in_seconds\": -180}},\n"
        "  \"signature\": {\"bytes\": 0, \"verified\": false, \"why\": \"the \\u001b is wrong\"},\n"
        "  \"warnings\": [\n    {\"code\": \"alg-none\", \"text\": \"'alg' is none: nobody signed this token, "
        "anybody can write it\"}\n  ]\n}\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_base64, open_pool, close_pool),
        cmocka_unit_test_setup_teardown(test_members, open_pool, close_pool),
        cmocka_unit_test_setup_teardown(test_dates, open_pool, close_pool),
        cmocka_unit_test_setup_teardown(test_spans, open_pool, close_pool),
        cmocka_unit_test_setup_teardown(test_seconds, open_pool, close_pool),
        cmocka_unit_test_setup_teardown(test_words, open_pool, close_pool),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
