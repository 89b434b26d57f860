/* password: what is kept of a password: a salt and a slow hash, written as a PHC string.
 *   $scrypt$ln=15,r=8,p=3$SALT$HASH             RFC 7914
 *   $pbkdf2-sha256$i=600000$SALT$HASH           RFC 8018; also pbkdf2-sha512, and "i=600000,l=32"
 *   $pbkdf2-sha256$600000$SALT$HASH             passlib's spelling, with its alphabet ('.' for '+')
 * Salts and hashes are base64 without padding. What a check may cost is bounded when the text is read; it takes
 * up to seconds, and belongs on a thread of its own (io/jobs.h). */
#ifndef BASE_PASSWORD_H
#define BASE_PASSWORD_H

#include "base/str.h"

enum {
    PASSWORD_BYTES = 64,                /* salt and hash, at most */
    PASSWORD_MEMORY = 64 * 1024 * 1024, /* of a check */
    PASSWORD_TEXT = 128                 /* what password_make writes, with a NUL */
};

enum password_kind { PASSWORD_SCRYPT, PASSWORD_PBKDF2_SHA256, PASSWORD_PBKDF2_SHA512 };

/* Plain data: may be copied, and given to another thread. */
struct password {
    enum password_kind kind;
    uint32_t ln, r, p;   /* scrypt: N is 2^ln */
    uint32_t iterations; /* pbkdf2 */
    uint8_t salt_len, hash_len;
    unsigned char salt[PASSWORD_BYTES], hash[PASSWORD_BYTES];
};

/* Reads a PHC string; NULL, or what is wrong with it: a phrase that names no part of it. Takes scrypt with ln 10 to
 * 20, r 1 to 32 and p 1 to 16 within PASSWORD_MEMORY; 10,000 to 10,000,000 iterations; salts of 8 to 64 bytes, hashes of
 * 16 to 64. */
const char *password_parse(struct password *password, struct str text);

enum password_verdict { PASSWORD_RIGHT, PASSWORD_WRONG, PASSWORD_FAILED /* for lack of memory */ };

/* Is it this word? Takes the same time for every word of about the same length. May run on any thread. A word has less
 * than 2 GiB and no NUL bytes: HMAC, below both kinds, does not see those at its end. */
enum password_verdict password_check(const struct password *password, struct str word);

/* A new PHC string for a word: scrypt with 32 MiB, as OWASP advises. False: for lack of memory. */
bool password_make(struct str word, char text[PASSWORD_TEXT]);

#endif
