/* Via and Max-Forwards: how often a request was here, and how far it may go. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "fake_request.h"
#include "request/hops.c"

#define MANY "1.1 gw,1.1 gw,1.1 gw,1.1 gw,1.1 gw,1.1 gw,1.1 gw,1.1 gw,1.1 gw,1.1 gw"

static const struct {
    const char *lines;
    unsigned passes;
} vias[] = {
    {"", 0},
    {"Via:\r\n", 0},
    {"Via: 1.1 gw\r\n", 1},
    {"via: HTTP/1.1\tGW (edge)\r\n", 1},
    {"Via: 1.0 fred, 1.1 gw, ,1.1 gw(x),2 gw\r\nX: 1.1 gw\r\nVia: 1.1 gw\r\n", 4},
    {"Via: " MANY "\r\n", 10},
    {"Via: gw\r\n", 0},
    {"Via: 1.1\r\n", 0},
    {"Via: 1.1 gw:80\r\n", 0},
    {"Via: 1.1 gw2\r\nVia: 1.1 g\r\nVia: 1.1 a.gw\r\nVia: 1.1 (gw)\r\n", 0},
};

static void test_passes(void **state)
{
    (void)state;
    hops_setup(STR("gw"));
    for (size_t i = 0; i < sizeof vias / sizeof vias[0]; i++) {
        struct fake_request fake;
        fake_request_open(&fake, "/", vias[i].lines);
        assert_int_equal(passes(&fake.rq.head.fields), vias[i].passes);
        assert_int_equal(hops_are_counted(&fake.rq), vias[i].lines[0] != '\0');
        fake_request_close(&fake);
    }
}

static const struct {
    struct str value;
    int64_t forwards;
} numbers[] = {
    {STR_INIT("0"), 0},
    {STR_INIT("10"), 10},
    {STR_INIT("0007"), 7},
    {STR_INIT("4294967295"), UINT32_MAX},
    {STR_INIT("4294967296"), UINT32_MAX},
    {STR_INIT("99999999999999999999999999999999"), UINT32_MAX},
    {STR_INIT(""), -1},
    {STR_INIT("-1"), -1},
    {STR_INIT("1 "), -1},
    {STR_INIT("1,1"), -1},
    {STR_INIT("0x1"), -1},
    {STR_INIT("99999999999999999999999999999999x"), -1},
};

static void test_forwards(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++)
        assert_int_equal(forwards_of(numbers[i].value), numbers[i].forwards);
}

static const struct {
    enum method method;
    const char *lines, *expected;
} downs[] = {
    {METHOD_OPTIONS, "Max-Forwards: 3\r\n", "Max-Forwards: 2\r\n"},
    {METHOD_TRACE, "max-forwards: 1\r\n", "Max-Forwards: 0\r\n"},
    {METHOD_GET, "Max-Forwards: 3\r\n", ""},
    {METHOD_OPTIONS, "Via: 1.1 x\r\n", ""},
};

static void test_count_down(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof downs / sizeof downs[0]; i++) {
        struct fake_request fake;
        struct text text;
        fake_request_open(&fake, "/", downs[i].lines);
        fake.rq.head.method = downs[i].method;
        text = (struct text){.pool = &fake.rq.pool};
        hops_count_down(&fake.rq, &text);
        assert_true(str_eq(text_str(&text), str_of(downs[i].expected)));
        assert_int_equal(fields_find(&fake.rq.head.fields, FIELD_MAX_FORWARDS) != NULL,
                         downs[i].method == METHOD_GET);
        fake_request_close(&fake);
    }
}

static void test_via(void **state)
{
    static const struct gw_forwarded forwarded = {.via = true};
    struct fake_request fake;

    (void)state;
    hops_setup(STR("a-name.of_63-bytes-is-the-longest-that-a-gateway-may-have-123456789"));
    fake_request_open(&fake, "/", "");
    assert_int_equal(hops_via(&fake.rq).len, 0); /* not asked for */
    fake.listener.forwarded = &forwarded;
    assert_true(str_eq(hops_via(&fake.rq), STR("Via: 1.1 a-name.of_63-bytes-is-the-longest-that-a-"
                                               "gateway-may-have-123456789\r\n")));
    fake.rq.head.minor = 0;
    assert_true(str_starts(hops_via(&fake.rq), STR("Via: 1.0 a-name")));
    fake_request_close(&fake);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_passes),
        cmocka_unit_test(test_forwards),
        cmocka_unit_test(test_count_down),
        cmocka_unit_test(test_via),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
