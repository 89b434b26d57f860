/* digest: SHA-256 (FIPS 180-4), to name what was built by what it was built from. */
#ifndef GEN_DIGEST_H
#define GEN_DIGEST_H

#include "base/str.h"

struct digest {
    uint32_t state[8];
    uint64_t bytes;
    uint8_t block[64];
};

void digest_begin(struct digest *digest);
void digest_add(struct digest *digest, struct str bytes);

/* Writes 64 hexadecimal digits and a NUL. */
void digest_end(struct digest *digest, char hex[65]);

#endif
