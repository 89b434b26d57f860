#define OPENSSL_SUPPRESS_DEPRECATED
#include "base/crypto.h"

#include <openssl/crypto.h>
#include <openssl/sha.h>

_Static_assert(sizeof(SHA256_CTX) <= sizeof(struct crypto_pieces), "OpenSSL's state has grown");

void crypto_pieces_open(struct crypto_pieces *pieces)
{
    SHA256_Init((SHA256_CTX *)pieces->state);
}

void crypto_pieces_add(struct crypto_pieces *pieces, struct str text)
{
    SHA256_Update((SHA256_CTX *)pieces->state, text.at, text.len);
}

void crypto_pieces_close(struct crypto_pieces *pieces, unsigned char out[CRYPTO_SHA256])
{
    SHA256_Final(out, (SHA256_CTX *)pieces->state);
    OPENSSL_cleanse(pieces, sizeof *pieces);
}

void crypto_sha256(struct str text, unsigned char out[CRYPTO_SHA256])
{
    struct crypto_pieces pieces;

    crypto_pieces_open(&pieces);
    crypto_pieces_add(&pieces, text);
    crypto_pieces_close(&pieces, out);
}

/* The digest of the key, each byte changed, and the text. */
static void hmac_half(const unsigned char key[SHA256_CBLOCK], unsigned char change, struct str text,
                      unsigned char out[CRYPTO_SHA256])
{
    unsigned char block[SHA256_CBLOCK];
    struct crypto_pieces pieces;

    for (size_t i = 0; i < sizeof block; i++)
        block[i] = key[i] ^ change;
    crypto_pieces_open(&pieces);
    crypto_pieces_add(&pieces, (struct str){(const char *)block, sizeof block});
    crypto_pieces_add(&pieces, text);
    crypto_pieces_close(&pieces, out);
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
