#define OPENSSL_SUPPRESS_DEPRECATED
#include "base/crypto.h"

#include <openssl/crypto.h>
#include <openssl/sha.h>

void crypto_sha256(struct str text, unsigned char out[CRYPTO_SHA256])
{
    SHA256_CTX context;

    SHA256_Init(&context);
    SHA256_Update(&context, text.at, text.len);
    SHA256_Final(out, &context);
    OPENSSL_cleanse(&context, sizeof context);
}

bool crypto_equal(const void *a, const void *b, size_t len)
{
    return CRYPTO_memcmp(a, b, len) == 0;
}
