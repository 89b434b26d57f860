/* crypto: digests and comparisons of secrets. OpenSSL's low-level functions: nothing is fetched or allocated, and a
 * program that needs no more of OpenSSL links no more of it. */
#ifndef BASE_CRYPTO_H
#define BASE_CRYPTO_H

#include "base/str.h"

enum { CRYPTO_SHA256 = 32 };

void crypto_sha256(struct str text, unsigned char out[CRYPTO_SHA256]);

/* The same of a text that comes in pieces. */
struct crypto_pieces {
    uint64_t state[14]; /* OpenSSL's */
};
void crypto_pieces_open(struct crypto_pieces *pieces);
void crypto_pieces_add(struct crypto_pieces *pieces, struct str text);
void crypto_pieces_close(struct crypto_pieces *pieces, unsigned char out[CRYPTO_SHA256]);

/* HMAC with SHA-256 (RFC 2104). `out` may be the key's own bytes. */
void crypto_hmac_sha256(struct str key, struct str text, unsigned char out[CRYPTO_SHA256]);

/* In a time that does not depend on where they differ. */
bool crypto_equal(const void *a, const void *b, size_t len);

/* Overwrites what no one may find later. */
void crypto_wipe(void *at, size_t len);

#endif
