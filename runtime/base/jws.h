/* jws: a signature (RFC 7515) verified with one key that is ready for it. The key decides which algorithms it is good
 * for, never the text that was signed (RFC 8725 section 3.1): RSA for RS* and PS*, the curve of an EC key for its one
 * ES*, Ed25519 for EdDSA, a secret for the HS* whose hash is no longer than it (RFC 7518 section 3.2). There is no
 * "none". Keys do not change once made and serve all threads. */
#ifndef BASE_JWS_H
#define BASE_JWS_H

#include "base/str.h"

/* RFC 7518 section 3.1 and RFC 8037. */
enum jws_algorithm {
    JWS_HS256,
    JWS_HS384,
    JWS_HS512,
    JWS_RS256,
    JWS_RS384,
    JWS_RS512,
    JWS_PS256,
    JWS_PS384,
    JWS_PS512,
    JWS_ES256,
    JWS_ES384,
    JWS_ES512,
    JWS_EDDSA,
    JWS_ALGORITHMS
};

/* Sets of algorithms are masks of bits. */
#define JWS_BIT(algorithm) (1u << (algorithm))

enum {
    JWS_ALL = (1 << JWS_ALGORITHMS) - 1,
    JWS_ALL_HS = 1 << JWS_HS256 | 1 << JWS_HS384 | 1 << JWS_HS512,
    JWS_ALL_RSA = 1 << JWS_RS256 | 1 << JWS_RS384 | 1 << JWS_RS512 | 1 << JWS_PS256 |
                  1 << JWS_PS384 | 1 << JWS_PS512,
    JWS_SECRET_MIN = 32,     /* bytes, for HS256 */
    JWS_RSA_BITS_MIN = 2048, /* RFC 7518 section 3.3 */
    JWS_RSA_BITS_MAX = 8192, /* beyond it a verification takes too long */
    JWS_SIGNATURE_MAX = JWS_RSA_BITS_MAX / 8
};

/* "HS256" and so on, by exact case; false: there is none of the name. */
bool jws_algorithm_of(struct str name, enum jws_algorithm *algorithm);
struct str jws_algorithm_name(enum jws_algorithm algorithm);

struct jws_key;
struct evp_pkey_st; /* OpenSSL's EVP_PKEY */

/* A key for HS*; NULL: *what says why. The bytes of the secret are copied. */
struct jws_key *jws_key_of_secret(struct str secret, const char **what);

/* A key from the public half of `pkey`, which is only borrowed; NULL: *what says why. */
struct jws_key *jws_key_of_public(struct evp_pkey_st *pkey, const char **what);

/* Wipes what is secret. NULL is fine. */
void jws_key_free(struct jws_key *key);

/* What the key is good for, and all that it is good for once it is bound to some of them (`alg` in RFC 7517 section
 * 4.4); only whoever has just made the key may bind it. */
uint32_t jws_key_algorithms(const struct jws_key *key);
void jws_key_bind(struct jws_key *key, uint32_t algorithms);

/* Whether the key's owner has signed `input`; false, too, when the key is not for the algorithm. `signature` are the
 * bytes, in an ES* of fixed length. Compares secrets in constant time. Leaves OpenSSL's queue of errors as it was. */
bool jws_verify(const struct jws_key *key, enum jws_algorithm algorithm, struct str input,
                struct str signature);

#endif
