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

/* The digest of the key, each byte changed, and the text. */
static void hmac_half(const unsigned char key[SHA256_CBLOCK], unsigned char change, struct str text,
                      unsigned char out[CRYPTO_SHA256])
{
    unsigned char block[SHA256_CBLOCK];
    SHA256_CTX context;

    for (size_t i = 0; i < sizeof block; i++)
        block[i] = key[i] ^ change;
    SHA256_Init(&context);
    SHA256_Update(&context, block, sizeof block);
    SHA256_Update(&context, text.at, text.len);
    SHA256_Final(out, &context);
    OPENSSL_cleanse(&context, sizeof context);
    OPENSSL_cleanse(block, sizeof block);
}

void crypto_hmac_sha256(struct str key, struct str text, unsigned char out[CRYPTO_SHA256])
{
    unsigned char block[SHA256_CBLOCK] = {0}, inner[CRYPTO_SHA256];

    if (key.len > sizeof block)
        crypto_sha256(key, block);
    else if (key.len > 0)
        memcpy(block, key.at, key.len);
    hmac_half(block, 0x36, text, inner);
    hmac_half(block, 0x5C, (struct str){(const char *)inner, sizeof inner}, out);
    OPENSSL_cleanse(block, sizeof block);
    OPENSSL_cleanse(inner, sizeof inner);
}

bool crypto_equal(const void *a, const void *b, size_t len)
{
    return CRYPTO_memcmp(a, b, len) == 0;
}

void crypto_wipe(void *at, size_t len)
{
    OPENSSL_cleanse(at, len);
}
