/* Addresses to and from text. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <netinet/in.h>
#include <sys/un.h>

#include "io/address.h"

static const struct {
    const char *in;
    uint16_t default_port;
    const char *out; /* NULL: refused */
} rows[] = {
    {"1.2.3.4:80", 0, "1.2.3.4:80"},
    {"0.0.0.0:0", 0, "0.0.0.0:0"},
    {"[::1]:443", 0, "[::1]:443"},
    {"[::]:65535", 0, "[::]:65535"},
    {"[2001:DB8:0:0::1]:1", 0, "[2001:db8::1]:1"},
    {":8080", 0, "[::]:8080"},
    {"unix:/run/gw.sock", 0, "unix:/run/gw.sock"},
    {"unix:@gw", 0, "unix:@gw"},
    {"[::ffff:1.2.3.4]:5", 0, "1.2.3.4:5"},
    {"9.9.9.9", 53, "9.9.9.9:53"},
    {"9.9.9.9:54", 53, "9.9.9.9:54"},
    {"2620:fe::fe", 53, "[2620:fe::fe]:53"},
    {"[2620:fe::fe]", 53, "[2620:fe::fe]:53"},
    {"9.9.9.9", 0, NULL},
    {"[::1]", 0, NULL},
    {"", 0, NULL},
    {"", 53, NULL},
    {":", 0, NULL},
    {"localhost:80", 0, NULL},
    {"1.2.3.4:65536", 0, NULL},
    {"1.2.3.4:080", 0, NULL},
    {"1.2.3.4: 80", 0, NULL},
    {"1.2.3:80", 0, NULL},
    {"1.2.3.4.5:80", 0, NULL},
    {"01.2.3.4:80", 0, NULL},
    {"[1.2.3.4]:80", 0, NULL},
    {"[::1]80", 0, NULL},
    {"[::1", 0, NULL},
    {"[]:80", 0, NULL},
    {"::1:80:", 53, NULL},
    {"unix:", 0, NULL},
    {"unix:@", 0, NULL},
};

static void test_text(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct address address;
        char text[ADDRESS_TEXT];
        bool good = address_parse(&address, str_of(rows[i].in), rows[i].default_port);
        if (good != (rows[i].out != NULL))
            fail_msg("%s: %s", rows[i].in, good ? "taken" : "refused");
        if (good) {
            address_text(&address, text);
            assert_string_equal(text, rows[i].out);
        }
    }
}

static void test_host_is_without_port(void **state)
{
    struct address address;
    char text[ADDRESS_TEXT];

    (void)state;
    assert_true(address_parse(&address, STR("[::ffff:10.0.0.1]:80"), 0));
    assert_string_equal(address_host(&address, text).at, "10.0.0.1");
    assert_true(address_parse(&address, STR("[fe80::1]:80"), 0));
    assert_string_equal(address_host(&address, text).at, "fe80::1");
    assert_true(address_parse(&address, STR("unix:/x"), 0));
    assert_string_equal(address_host(&address, text).at, "");
    assert_int_equal(address_port(&address), 0);
}

static void test_unix_limits(void **state)
{
    struct address address;
    char path[200], text[ADDRESS_TEXT];
    size_t most = sizeof((struct sockaddr_un){0}).sun_path - 1;

    (void)state;
    memset(path, 'x', sizeof path);
    assert_true(address_unix(&address, (struct str){path, most}));
    assert_int_equal(address_text(&address, text).len, most + 5);
    assert_false(address_unix(&address, (struct str){path, most + 1}));
    assert_false(address_unix(&address, (struct str){"/a\0b", 4}));
    /* What accept() reports for a peer without a path. */
    address = (struct address){.at.ss_family = AF_UNIX, .len = sizeof(sa_family_t)};
    assert_string_equal(address_text(&address, text).at, "unix:");
}

static void test_eq(void **state)
{
    static const char *all[] = {"1.2.3.4:1", "1.2.3.4:2", "1.2.3.5:1", "[::1]:1",
                                "[::2]:1",   "unix:/a",   "unix:/ab",  "unix:@a"};
    enum { COUNT = sizeof all / sizeof *all };
    struct address a, b;

    (void)state;
    for (int i = 0; i < COUNT; i++)
        for (int j = 0; j < COUNT; j++) {
            assert_true(address_parse(&a, str_of(all[i]), 0));
            assert_true(address_parse(&b, str_of(all[j]), 0));
            assert_int_equal(address_eq(&a, &b), i == j);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_text),
        cmocka_unit_test(test_host_is_without_port),
        cmocka_unit_test(test_unix_limits),
        cmocka_unit_test(test_eq),
    };

    return cmocka_run_group_tests_name("address", tests, NULL, NULL);
}
