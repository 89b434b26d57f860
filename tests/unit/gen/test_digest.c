/* SHA-256 against the vectors of FIPS 180-4 and at every cut of its input. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "digest.h"

static void expect(struct str text, const char *wanted)
{
    for (size_t cut = 0; cut <= text.len; cut++) {
        struct digest digest;
        char hex[65];
        digest_begin(&digest);
        digest_add(&digest, str_head(text, cut));
        digest_add(&digest, str_from(text, cut));
        digest_end(&digest, hex);
        assert_string_equal(hex, wanted);
    }
}

static void test_vectors(void **state)
{
    (void)state;
    expect(STR(""), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    expect(STR("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    expect(STR("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq"),
           "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_vectors)};
    return cmocka_run_group_tests_name("digest", tests, NULL, NULL);
}
