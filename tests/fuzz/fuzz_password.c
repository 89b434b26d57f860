/* PHC strings. Whatever the text: refused with a phrase, or within the bounds. The hash of what was read is computed at
 * the lowest cost, and the word is either right or wrong. */
#include <stdlib.h>

#include "base/password.h"

static void check(bool fine)
{
    if (!fine)
        abort();
}

static void check_bounds(const struct password *password)
{
    check(password->salt_len >= 8 && password->salt_len <= PASSWORD_BYTES);
    check(password->hash_len >= 16 && password->hash_len <= PASSWORD_BYTES);
    if (password->kind == PASSWORD_SCRYPT) {
        check(password->ln >= 10 && password->ln <= 20 && password->r >= 1 && password->r <= 32 &&
              password->p >= 1 && password->p <= 16);
        check((UINT64_C(128) * password->r << password->ln) <= PASSWORD_MEMORY);
    } else {
        check(password->iterations >= 10000 && password->iterations <= 10000000);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    struct str text = {(const char *)bytes, len};
    struct password password;
    const char *wrong = password_parse(&password, text);

    if (wrong) {
        check(wrong[0] != 0);
        return 0;
    }
    check_bounds(&password);
    password.ln = password.r = password.p = password.iterations = 1;
    check(password_check(&password, text) == PASSWORD_WRONG);
    return 0;
}
