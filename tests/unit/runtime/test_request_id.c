/* Correlation ids: their forms, and whose are believed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "fake_request.h"
#include "request/request_id.h"

static const struct gw_correlation uuid = {GW_ID_UUID, STR_INIT("X-Request-ID"), true, true};

static const char hex_form[] = "xxxxxxxx-xxxx-7xxx-vxxx-xxxxxxxxxxxx";

static bool is_uuid_v7(struct str id)
{
    if (id.len != sizeof hex_form - 1)
        return false;
    for (size_t i = 0; i < id.len; i++) {
        const char *allowed = hex_form[i] == 'x'   ? "0123456789abcdef"
                              : hex_form[i] == 'v' ? "89ab"
                                                   : (char[]){hex_form[i], 0};
        if (!id.at[i] || !strchr(allowed, id.at[i]))
            return false;
    }
    return true;
}

static void test_uuid(void **state)
{
    char before[37] = "";

    (void)state;
    request_id_setup(&uuid, false);
    for (unsigned i = 0; i < 2000; i++) {
        struct fake_request fake;
        fake_request_open(&fake, "/", "");
        fake.worker.loop.wall_us = 1700000000000000ull + i * 7;
        request_id_make(&fake.rq);
        assert_true(is_uuid_v7(fake.rq.request_id));
        /* 1700000000000 ms is 018bcfe56800 */
        assert_memory_equal(fake.rq.request_id.at, "018bcfe5-68", 11);
        assert_true(memcmp(before, fake.rq.request_id.at, 36) < 0);
        memcpy(before, fake.rq.request_id.at, 36);
        fake_request_close(&fake);
    }
}

static void test_same_microsecond(void **state)
{
    struct fake_request a, b;

    (void)state;
    request_id_setup(&uuid, false);
    fake_request_open(&a, "/", "");
    fake_request_open(&b, "/", "");
    request_id_make(&a.rq);
    request_id_make(&b.rq);
    assert_false(str_eq(a.rq.request_id, b.rq.request_id));
    fake_request_close(&a);
    fake_request_close(&b);
}

#define LONG128                                                                                    \
    "0123456789012345678901234567890123456789012345678901234567890123"                             \
    "0123456789012345678901234567890123456789012345678901234567890123"

static const struct {
    const char *name, *lines;
    bool trust, trusted_peer;
    const char *kept; /* NULL: a new id is made */
} incoming[] = {
    {"taken", "X-Request-ID: abc-1.2_Z\r\n", true, true, "abc-1.2_Z"},
    {"any case of the name", "x-request-id: abc\r\n", true, true, "abc"},
    {"longest", "X-Request-ID: " LONG128 "\r\n", true, true, LONG128},
    {"too long", "X-Request-ID: " LONG128 "x\r\n", true, true, NULL},
    {"empty", "X-Request-ID: \r\n", true, true, NULL},
    {"space", "X-Request-ID: a b\r\n", true, true, NULL},
    {"quote", "X-Request-ID: a\"b\r\n", true, true, NULL},
    {"slash", "X-Request-ID: a/b\r\n", true, true, NULL},
    {"comma", "X-Request-ID: a,b\r\n", true, true, NULL},
    {"not ascii", "X-Request-ID: \xc3\xa4\r\n", true, true, NULL},
    {"two of them", "X-Request-ID: a\r\nX-Request-ID: b\r\n", true, true, NULL},
    {"nobody trusts", "X-Request-ID: abc\r\n", false, true, NULL},
    {"stranger", "X-Request-ID: abc\r\n", true, false, NULL},
    {"another field", "X-Request-IE: abc\r\n", true, true, NULL},
};

static void test_incoming(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof incoming / sizeof *incoming; i++) {
        struct gw_correlation config = uuid;
        struct fake_request fake;
        config.trust = incoming[i].trust;
        request_id_setup(&config, false);
        fake_request_open(&fake, "/", incoming[i].lines);
        fake.rq.trusted_peer = incoming[i].trusted_peer;
        request_id_make(&fake.rq);
        if (incoming[i].kept ? !str_eq(fake.rq.request_id, str_of(incoming[i].kept))
                             : !is_uuid_v7(fake.rq.request_id))
            fail_msg("%s: got %.*s", incoming[i].name, STR_ARG(fake.rq.request_id));
        request_id_line(&fake.rq, &(struct text){.pool = &fake.rq.pool});
        if (fields_named(&fake.rq.head.fields, STR("X-Request-ID"), NULL))
            fail_msg("%s: the client's field goes on to the upstream", incoming[i].name);
        fake_request_close(&fake);
    }
}

static void test_counter(void **state)
{
    struct gw_correlation config = uuid;
    struct fake_request fake;
    struct str first;

    (void)state;
    config.generator = GW_ID_COUNTER;
    request_id_setup(&config, false);
    fake_request_open(&fake, "/", "");
    request_id_make(&fake.rq);
    first = fake.rq.request_id;
    request_id_make(&fake.rq);
    assert_true(is_uuid_v7(str_head(first, 36)));
    assert_true(str_eq(str_from(first, 36), STR("#1")));
    assert_true(str_eq(str_head(fake.rq.request_id, 36), str_head(first, 36)));
    assert_true(str_eq(str_from(fake.rq.request_id, 36), STR("#2")));
    fake_request_close(&fake);
}

static const struct {
    const char *address;
    const char *port, *start, *end;
} trackers[] = {
    {"127.0.0.1:8080", "8080", "127.0.0.1-8080-", "-3-1-1700000000.123"},
    {"[::1]:81", "81", "::1-81-", "-3-1-1700000000.123"},
    {"unix:/run/gw.sock", "", "unix-0-", "-3-1-1700000000.123"},
};

static void test_tracker(void **state)
{
    struct gw_correlation config = uuid;

    (void)state;
    config.generator = GW_ID_TRACKER;
    request_id_setup(&config, false);
    for (size_t i = 0; i < sizeof trackers / sizeof *trackers; i++) {
        struct str end = str_of(trackers[i].end);
        struct fake_request fake;
        fake_request_open(&fake, "/", "");
        fake.worker.index = 3;
        fake.worker.loop.wall_us = 1700000000123456ull;
        fake.listener.address = str_of(trackers[i].address);
        fake.listener.port_text = str_of(trackers[i].port);
        request_id_make(&fake.rq);
        assert_true(str_starts(fake.rq.request_id, str_of(trackers[i].start)));
        assert_true(str_eq(str_from(fake.rq.request_id, fake.rq.request_id.len - end.len), end));
        fake_request_close(&fake);
    }
}

static void test_off(void **state)
{
    static const struct gw_correlation off = {.generator = GW_ID_NONE};
    struct fake_request fake;
    struct text lines;

    (void)state;
    fake_request_open(&fake, "/", "X-Request-ID: mine\r\n");
    lines = (struct text){.pool = &fake.rq.pool};
    request_id_setup(&off, false);
    request_id_make(&fake.rq);
    assert_int_equal(fake.rq.request_id.len, 0);
    assert_non_null(fields_named(&fake.rq.head.fields, STR("X-Request-ID"), NULL));
    request_id_setup(&off, true); /* for the log alone */
    request_id_make(&fake.rq);
    assert_true(is_uuid_v7(fake.rq.request_id));
    request_id_line(&fake.rq, &lines);
    request_id_echo(&fake.rq, &lines);
    assert_int_equal(lines.len, 0);
    fake_request_close(&fake);
}

static void test_lines(void **state)
{
    struct gw_correlation config = uuid;
    struct fake_request fake;
    struct text lines;

    (void)state;
    fake_request_open(&fake, "/", "");
    fake.rq.request_id = STR("id-1");
    lines = (struct text){.pool = &fake.rq.pool};
    request_id_setup(&config, false);
    request_id_line(&fake.rq, &lines);
    request_id_echo(&fake.rq, &lines);
    assert_string_equal(lines.at, "X-Request-ID: id-1\r\nX-Request-ID: id-1\r\n");
    lines.len = 0;
    config.echo = false;
    request_id_setup(&config, false);
    request_id_echo(&fake.rq, &lines);
    assert_int_equal(lines.len, 0);
    fake_request_close(&fake);
}

static void test_route(void **state)
{
    static const struct gw_correlation counter = {GW_ID_COUNTER, STR_INIT("X-Trace"), false, true};
    static const struct gw_correlation off = {.generator = GW_ID_NONE};
    static const struct gw_route own = {.correlation = &counter}, none = {.correlation = &off};
    struct fake_request fake;
    struct text lines;

    (void)state;
    fake_request_open(&fake, "/", "X-Request-ID: mine\r\nX-Trace: theirs\r\n");
    lines = (struct text){.pool = &fake.rq.pool};
    request_id_setup(&uuid, false);
    fake.rq.trusted_peer = true;
    request_id_make(&fake.rq);
    assert_true(str_eq(fake.rq.request_id, STR("mine")));
    fake.rq.route = &own;
    request_id_use_route(&fake.rq);
    assert_true(str_eq(fake.rq.request_id, STR("theirs")));
    fake.rq.trusted_peer = false;
    request_id_use_route(&fake.rq);
    assert_true(is_uuid_v7(str_head(fake.rq.request_id, 36)) && fake.rq.request_id.at[36] == '#');
    request_id_line(&fake.rq, &lines);
    request_id_echo(&fake.rq, &lines);
    assert_true(str_starts(text_str(&lines), STR("X-Trace: ")));
    assert_int_equal(str_find(text_str(&lines), '\n'), lines.len - 1);
    assert_null(fields_named(&fake.rq.head.fields, STR("X-Trace"), NULL));
    assert_non_null(fields_named(&fake.rq.head.fields, STR("X-Request-ID"), NULL));
    fake.rq.route = &none;
    lines.len = 0;
    request_id_use_route(&fake.rq);
    request_id_line(&fake.rq, &lines);
    request_id_echo(&fake.rq, &lines);
    assert_int_equal(lines.len, 0);
    assert_true(fake.rq.request_id.len > 0); /* errors still have one */
    fake_request_close(&fake);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_uuid),     cmocka_unit_test(test_same_microsecond),
        cmocka_unit_test(test_incoming), cmocka_unit_test(test_counter),
        cmocka_unit_test(test_tracker),  cmocka_unit_test(test_off),
        cmocka_unit_test(test_lines),    cmocka_unit_test(test_route),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
