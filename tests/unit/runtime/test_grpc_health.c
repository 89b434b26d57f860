/* The messages of grpc.health.v1.Health/Check. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "client/grpc_health.h"

static void a_request_names_its_service(void **state)
{
    struct pool pool;
    char name[300], wanted[5 + 3 + sizeof name] = "\0\0\0\1\x2f\x0a\xac\x02";
    struct str got;

    (void)state;
    pool_open(&pool, NULL);
    got = grpc_health_request(&pool, STR(""));
    assert_true(str_eq(got, STR("\0\0\0\0\0")));
    got = grpc_health_request(&pool, STR("a.B"));
    assert_true(str_eq(got, STR("\0\0\0\0\5\x0a\3a.B")));
    memset(name, 'n', sizeof name);
    memset(wanted + 8, 'n', sizeof name);
    got = grpc_health_request(&pool, (struct str){name, sizeof name});
    assert_true(str_eq(got, (struct str){wanted, sizeof wanted}));
    pool_close(&pool);
}

static const struct {
    const char *name;
    struct str bytes;
    enum grpc_health told;
} answers[] = {
    {"serving", STR_INIT("\0\0\0\0\2\x08\1"), GRPC_SERVING},
    {"in more bytes than it needs", STR_INIT("\0\0\0\0\3\x08\x81\0"), GRPC_SERVING},
    {"unknown, which is the default", STR_INIT("\0\0\0\0\0"), GRPC_NOT_SERVING},
    {"unknown, in words", STR_INIT("\0\0\0\0\2\x08\0"), GRPC_NOT_SERVING},
    {"not serving", STR_INIT("\0\0\0\0\2\x08\2"), GRPC_NOT_SERVING},
    {"service unknown", STR_INIT("\0\0\0\0\2\x08\3"), GRPC_NOT_SERVING},
    {"a negative status", STR_INIT("\0\0\0\0\x0b\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"),
     GRPC_NOT_SERVING},
    {"the last one counts", STR_INIT("\0\0\0\0\4\x08\2\x08\1"), GRPC_SERVING},
    {"unknown fields",
     STR_INIT("\0\0\0\0\x16\x10\5\x19"
              "12345678"
              "\x22\2ab\x2d"
              "1234"
              "\x08\1"),
     GRPC_SERVING},
    {"a string where the status should be", STR_INIT("\0\0\0\0\3\x0a\1\1"), GRPC_NOT_SERVING},
    {"nothing", STR_INIT(""), GRPC_NO_HEALTH},
    {"a frame that is cut", STR_INIT("\0\0\0\0"), GRPC_NO_HEALTH},
    {"compressed", STR_INIT("\1\0\0\0\2\x08\1"), GRPC_NO_HEALTH},
    {"shorter than it says", STR_INIT("\0\0\0\0\3\x08\1"), GRPC_NO_HEALTH},
    {"longer than it says", STR_INIT("\0\0\0\0\2\x08\1\x08"), GRPC_NO_HEALTH},
    {"two messages", STR_INIT("\0\0\0\0\2\x08\1\0\0\0\0\2\x08\1"), GRPC_NO_HEALTH},
    {"a field without a value", STR_INIT("\0\0\0\0\1\x08"), GRPC_NO_HEALTH},
    {"a number that does not end", STR_INIT("\0\0\0\0\2\x08\x81"), GRPC_NO_HEALTH},
    {"a number of eleven bytes",
     STR_INIT("\0\0\0\0\x0c\x08\x81\x80\x80\x80\x80\x80\x80\x80\x80\x80\0"), GRPC_NO_HEALTH},
    {"a string that is cut", STR_INIT("\0\0\0\0\3\x12\2a"), GRPC_NO_HEALTH},
    {"a string of 2^63 bytes", STR_INIT("\0\0\0\0\x0b\x12\x80\x80\x80\x80\x80\x80\x80\x80\x80\1"),
     GRPC_NO_HEALTH},
    {"eight bytes that are cut",
     STR_INIT("\0\0\0\0\4\x11"
              "123"),
     GRPC_NO_HEALTH},
    {"four bytes that are cut",
     STR_INIT("\0\0\0\0\4\x15"
              "123"),
     GRPC_NO_HEALTH},
    {"a group", STR_INIT("\0\0\0\0\2\x13\x14"), GRPC_NO_HEALTH},
    {"field 0", STR_INIT("\0\0\0\0\2\0\1"), GRPC_NO_HEALTH},
};

/* From memory that ends with the answer, for the sanitizer to watch. */
static void an_answer_is_read(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof answers / sizeof *answers; i++) {
        size_t len = answers[i].bytes.len;
        char *copy = malloc(len > 0 ? len : 1);
        memcpy(copy, answers[i].bytes.at, len);
        if (grpc_health_read((struct str){copy, len}) != answers[i].told)
            fail_msg("%s", answers[i].name);
        free(copy);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_request_names_its_service),
        cmocka_unit_test(an_answer_is_read),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
