/* Keys from hostile documents: a JWK Set, a PEM text, a secret. Whatever it is: refused with a sentence, or a set of
 * at most 64 keys, each good for something, that verifies nothing by chance. OpenSSL's errors are cleared away. */
#include <openssl/err.h>
#include <stdlib.h>

#include "base/jwk.h"

static void check(bool fine)
{
    if (!fine)
        abort();
}

static void check_set(struct jwk_set *set, const char *error)
{
    static const char zeros[JWS_SIGNATURE_MAX];
    static const uint16_t sizes[] = {32, 64, 96, 132, 256, 512};
    uint32_t algorithms = 0;

    check(ERR_peek_error() == 0);
    if (!set) {
        check(error[0] != 0 && strlen(error) < JWK_ERROR);
        return;
    }
    check(set->count > 0 && set->count + set->skipped <= JWK_KEYS_MAX);
    for (size_t i = 0; i < set->count; i++) {
        const struct jwk *jwk = &set->keys[i];
        uint32_t own = jws_key_algorithms(jwk->key);

        check(own != 0 && (own & ~(uint32_t)JWS_ALL) == 0 && jwk->kid.len <= JWK_KID_MAX);
        check((own & JWS_ALL_HS) == 0 || (own & ~(uint32_t)JWS_ALL_HS) == 0);
        algorithms |= own;
        for (int a = 0; a < JWS_ALGORITHMS && i < 4; a++)
            for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++)
                if (a != JWS_EDDSA) /* there zeros may be a signature, of a key that is zero, too */
                    check(!jws_verify(jwk->key, (enum jws_algorithm)a, STR("a.b"),
                                      (struct str){zeros, sizes[s]}));
    }
    check(algorithms == set->algorithms);
    jwk_set_free(set);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct str input = {(const char *)bytes, size};
    char error[JWK_ERROR] = "";

    check_set(jwk_set_of_json(input, error), error);
    check_set(jwk_set_of_pem(input, error), error);
    check_set(jwk_set_of_secret(input, error), error);
    return 0;
}
