/* base64 and base64url, strictly. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "base/base64.h"
#include "jose.h"

typedef bool read_base64(struct pool *pool, struct str text, struct str *bytes);

struct row {
    struct str text;
    struct str bytes; /* at NULL: it is refused */
};

#define ROW(text, bytes)                                                                           \
    {                                                                                              \
        STR_INIT(text), STR_INIT(bytes)                                                            \
    }
#define NOT(text)                                                                                  \
    {                                                                                              \
        STR_INIT(text),                                                                            \
        {                                                                                          \
            NULL, 0                                                                                \
        }                                                                                          \
    }

static void check(const struct row *rows, size_t count, read_base64 *read)
{
    for (size_t i = 0; i < count; i++) {
        struct pool pool;
        struct str bytes;
        bool fine;

        pool_open(&pool, NULL);
        fine = read(&pool, rows[i].text, &bytes);
        if (fine != (rows[i].bytes.at != NULL))
            fail_msg("%.*s is %s", STR_ARG(rows[i].text), fine ? "taken" : "refused");
        assert_true(!fine || str_eq(bytes, rows[i].bytes));
        assert_true(!fine || bytes.at[bytes.len] == '\0');
        pool_close(&pool);
    }
}

static void url_is_read(void **state)
{
    static const struct row rows[] = {
        ROW("", ""),
        ROW("Zg", "f"),
        ROW("Zm8", "fo"),
        ROW("Zm9v", "foo"),
        ROW("Zm9vYg", "foob"),
        ROW("Zm9vYmE", "fooba"),
        ROW("Zm9vYmFy", "foobar"),
        ROW("-_8", "\xfb\xff"),
        ROW("AAAA", "\0\0\0"),
        /* padding */
        NOT("Zg=="),
        NOT("Zg="),
        NOT("Zm8="),
        NOT("Zm9v="),
        NOT("Zm9v===="),
        NOT("="),
        /* a length that no bytes have */
        NOT("Z"),
        NOT("Zm9vY"),
        /* unused bits */
        NOT("Zh"),
        NOT("Zv"),
        NOT("Zm9"),
        NOT("Zm9vYmF"),
        /* the other alphabet, and none */
        NOT("+/8"),
        NOT("-/8"),
        NOT("Zm9v\n"),
        NOT(" Zm9"),
        NOT("Zm 9v"),
        NOT("Zm\t9v"),
        NOT("Zm9v\0Zm9"),
        NOT("Zm9\0"),
        NOT("Zm.v"),
        NOT("Zm\xc3\xb6v"),
        NOT("\xff\xff\xff\xff"),
    };

    (void)state;
    check(rows, sizeof rows / sizeof *rows, base64_read_url);
}

static void standard_is_read(void **state)
{
    static const struct row rows[] = {
        ROW("", ""),
        ROW("Zg==", "f"),
        ROW("Zm8=", "fo"),
        ROW("Zm9v", "foo"),
        ROW("Zm9vYg==", "foob"),
        ROW("+/8=", "\xfb\xff"),
        ROW("dXNlcjpwYXNz", "user:pass"),
        NOT("Zg"),
        NOT("Zg="),
        NOT("Zm8"),
        NOT("Z==="),
        NOT("===="),
        NOT("=="),
        NOT("Zg==Zg=="),
        NOT("Zg=a"),
        NOT("=Zg="),
        NOT("Zm9v===="),
        NOT("Zh=="),
        NOT("Zm9="),
        NOT("-_8="),
        NOT("Zm9v\r\n"),
        NOT("Zm9\n"),
        NOT(" Zm9"),
        NOT("Zg==\n"),
        NOT("Zg=\0"),
    };

    (void)state;
    check(rows, sizeof rows / sizeof *rows, base64_read);
}

static void either_is_read_and_no_mixture(void **state)
{
    static const struct row rows[] = {
        ROW("+/8=", "\xfb\xff"),
        ROW("-_8", "\xfb\xff"),
        ROW("Zm9v", "foo"),
        ROW("Zg", "f"),
        ROW("Zg==", "f"),
        NOT("+/8"),
        NOT("-_8="),
        NOT("+_8="),
        NOT("-/8"),
        NOT("Zm9v\n"),
        NOT("Zh"),
    };

    (void)state;
    check(rows, sizeof rows / sizeof *rows, base64_read_either);
}

/* Of all texts of four characters that are read, one has the bytes. */
static void each_sequence_has_one_text(void **state)
{
    static const char letters[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_=+/ ";
    unsigned taken = 0;
    struct pool pool;

    (void)state;
    pool_open(&pool, NULL);
    for (const char *a = letters; *a; a++)
        for (const char *b = letters; *b; b++) {
            const char two[] = {*a, *b}, three[] = {'Q', *a, *b};
            struct str bytes;
            if (base64_read_url(&pool, (struct str){two, 2}, &bytes)) {
                assert_true(str_eq(jose_base64url(&pool, bytes), (struct str){two, 2}));
                taken++;
            }
            if (base64_read_url(&pool, (struct str){three, 3}, &bytes)) {
                assert_true(str_eq(jose_base64url(&pool, bytes), (struct str){three, 3}));
                taken++;
            }
        }
    assert_int_equal(taken, 64 * 4 + 64 * 16);
    pool_close(&pool);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(url_is_read),
        cmocka_unit_test(standard_is_read),
        cmocka_unit_test(either_is_read_and_no_mixture),
        cmocka_unit_test(each_sequence_has_one_text),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
