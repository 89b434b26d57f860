/* jwt: tokens in compact form (RFC 7519, RFC 7515 section 3.1), taken as RFC 8725 asks for. A token is read, then its
 * signature is verified with a set of keys, then its claims are judged; only all three together let its bearer in.
 * What it costs is bounded by its size and by JWT_TRIES verifications. No state: a result depends on the token, the
 * keys, the rules and the time alone, so that it can be kept until the time that jwt_check tells. */
#ifndef BASE_JWT_H
#define BASE_JWT_H

#include "base/claims.h"
#include "base/jwk.h"

enum {
    JWT_SIZE = 8 * 1024, /* bytes of a token, where nothing else is said */
    JWT_TRIES = 16       /* keys that are tried for one token */
};

struct jwt_token {
    enum jws_algorithm algorithm;
    struct str kid;  /* at NULL: it has none */
    struct str type; /* typ without "application/", as written; at NULL: it has none */
    struct str input, signature;
    const struct data *header;
    const struct data *
        claims; /* an object. Hearsay before jwt_verify: good for choosing a key by them, no more */
};

/* Reads a token of at most `size` bytes, which has to last, into the pool. NULL: it is one.
 * Otherwise a sentence fit for whoever sent it. Refused:
 * - anything but three parts, none empty, in canonical base64url; header and claims that are no JSON objects, with a
 *   member twice at any depth, or nested more than DATA_DEPTH deep;
 * - `alg` that is none of jws.h by exact case, so "none" in each of its spellings;
 * - `crit` and `b64`, as no extension is understood; `zip` and `enc`; `cty` JWT, a token within the token;
 * - `typ` that is neither JWT nor at+jwt (RFC 9068), as tokens for other ends are signed with the same keys;
 * - `kid` that is not a text of at most JWK_KID_MAX bytes.
 * `jwk`, `jku`, `x5u`, `x5c` and `x5t` are let pass and never looked at: the bearer does not choose the key. */
const char *jwt_read(struct pool *pool, struct str text, size_t size, struct jwt_token *token);

enum jwt_verdict {
    JWT_GOOD,
    JWT_BAD_SIGNATURE, /* a key that fits was found, and it is not the signer's */
    JWT_NO_KEY,        /* no key has the token's kid: younger keys may */
    JWT_NOT_ALLOWED /* its algorithm is not among `algorithms`, or no key that it may name is for it */
};

/* Verifies the signature with the keys of the token's kid; with all keys when the token has no kid or no key of the
 * set has one. Of several that fit the first JWT_TRIES are tried. `algorithms` is a mask of those that are allowed. */
enum jwt_verdict jwt_verify(const struct jwt_token *token, const struct jwk_set *keys,
                            uint32_t algorithms);

/* NULL for a good signature; otherwise the sentence for whoever sent the token. */
const char *jwt_verdict_text(enum jwt_verdict verdict);

struct jwt_rules {
    struct claims_rules claims;
    struct str
        type; /* `typ` has to be this one, by any case ("at+jwt"); at NULL: any that jwt_read takes, or none */
};

/* As claims_check. */
const char *jwt_check(const struct jwt_token *token, const struct jwt_rules *rules, uint64_t now,
                      uint64_t *until);

#endif
