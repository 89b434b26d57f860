/* Pauses between tries, and what Retry-After says. Tries themselves: tests/e2e/test_retry.py. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "client/retry.h"
#include "http/cookie.h"

static void test_backoff_doubles_up_to_the_most(void **state)
{
    const struct gw_retry config = {.base = 25, .max = 250};
    static const uint32_t right[] = {25, 50, 100, 200, 250, 250, 250};

    (void)state;
    for (uint32_t i = 0; i < sizeof right / sizeof *right; i++)
        assert_int_equal(retry_backoff(&config, i + 1, 12345), right[i]);
    assert_int_equal(retry_backoff(&config, UINT32_MAX, 0), 250);
    assert_int_equal(retry_backoff(&(struct gw_retry){.base = 0, .max = 0}, UINT32_MAX, 5), 0);
    assert_int_equal(retry_backoff(&(struct gw_retry){.base = 3000000000, .max = UINT32_MAX}, 3, 5),
                     UINT32_MAX);
}

static void test_jitter_is_any_time_up_to_that(void **state)
{
    const struct gw_retry config = {.base = 10, .max = 40, .jitter = true};
    uint32_t least = UINT32_MAX, most = 0;

    (void)state;
    for (uint64_t random = 0; random < 1000; random++) {
        uint32_t pause = retry_backoff(&config, 3, random * UINT64_C(0x9e3779b97f4a7c15));
        least = pause < least ? pause : least;
        most = pause > most ? pause : most;
    }
    assert_int_equal(least, 0);
    assert_int_equal(most, 40);
}

static void test_retry_after(void **state)
{
    /* 784111777: Sun, 06 Nov 1994 08:49:37 GMT, of RFC 9110 section 5.6.7 */
    static const struct {
        const char *value;
        uint64_t wall;
        uint32_t seconds;
    } cases[] = {
        {"0", 0, 0},
        {"7", 0, 7},
        {"86400", 0, 86400},
        {"999999999999", 0, 86400},
        {"99999999999999999999999", 0, 86400},
        {"18446744073709551617", 0, 86400},
        {"Sun, 06 Nov 1994 08:49:37 GMT", 784111777 - 30, 30},
        {"Sunday, 06-Nov-94 08:49:37 GMT", 784111777 - 30, 30},
        {"Sun Nov  6 08:49:37 1994", 784111777 - 30, 30},
        {"Sun, 06 Nov 1994 08:49:37 GMT", 784111777, 0},
        {"Sun, 06 Nov 1994 08:49:37 GMT", 784111777 + 5, 0},
        {"Sun, 06 Nov 1994 08:49:37 GMT", 0, 86400},
        {"", 0, 0},
        {"-1", 0, 0},
        {"soon", 0, 0},
        {"7 seconds", 0, 0},
        {"Sun, 06 Nov 1994 08:49:37 GMT and more", 0, 0},
        {"Sun, 06 Nov 1994 08:49:37 GMT Sun, 06 Nov 1994 08:49:37 GMT Sun, 06 Nov 1994", 0, 0},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_int_equal(retry_after_seconds(str_of(cases[i].value), cases[i].wall),
                         cases[i].seconds);
}

static void test_cookies(void **state)
{
    static const struct {
        const char *field, *name, *value;
    } cases[] = {
        {"a=1", "a", "1"},          {"a=1; b=2", "b", "2"}, {"a=1;b=2", "b", "2"},
        {" a=1 ;  b=2 ", "b", "2"}, {"a=1; a=2", "a", "1"}, {"aa=1; a=2", "a", "2"},
        {"a=b=c", "a", "b=c"},      {"a=", "a", ""},        {"a", "a", ""},
        {"; ;=;", "a", ""},         {"A=1", "a", ""},       {"", "a", ""},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct str name = STR("Cookie"), value = str_of(cases[i].field);
        struct field at = {.id = FIELD_COOKIE,
                           .name = name.at,
                           .name_len = (uint16_t)name.len,
                           .value = value.at,
                           .value_len = (uint32_t)value.len};
        struct fields fields = {.count = 1, .ids = UINT64_C(1) << FIELD_COOKIE};
        fields.at = &at;
        struct str got = cookie_named(&fields, str_of(cases[i].name));
        assert_int_equal(got.len, strlen(cases[i].value));
        assert_memory_equal(got.len ? got.at : "", cases[i].value, got.len);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_backoff_doubles_up_to_the_most),
        cmocka_unit_test(test_jitter_is_any_time_up_to_that),
        cmocka_unit_test(test_retry_after),
        cmocka_unit_test(test_cookies),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
