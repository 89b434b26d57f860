/* jwk: the keys that a token may be signed with (RFC 7517, 7518 section 6, 8037), read from one text. A set does not
 * change once made: any thread may ask it, and whoever replaces it frees the old one when nobody asks it any more. It
 * has memory of its own, which is wiped with it. What a key of a document refers to elsewhere (x5u, x5c) is not
 * looked at, nor are private members.
 *
 * Refused as a whole, with a sentence that tells the key by its place: what cannot be read strictly, and keys that
 * are for signatures but weak or wrong. Skipped and counted: keys of another type, curve, use, or algorithm, as a
 * provider publishes them for others. */
#ifndef BASE_JWK_H
#define BASE_JWK_H

#include "base/jws.h"

enum {
    JWK_KEYS_MAX = 64, /* skipped ones included */
    JWK_TEXT_MAX = 256 * 1024,
    JWK_KID_MAX = 256, /* bytes */
    JWK_ERROR = 200    /* bytes of a sentence with its NUL */
};

struct jwk {
    struct str kid; /* at NULL: it has none */
    struct jws_key *key;
};

struct jwk_set {
    const struct jwk *keys;
    size_t count;        /* at least 1 */
    size_t skipped;      /* keys that are not for verifying, for the log */
    uint32_t algorithms; /* a mask: what some key of the set is good for */
    bool has_kids;       /* some key has one */
};

/* A shared secret for HS*, of at least 32 bytes. A PEM text is none: a public key that is taken for a secret lets
 * everybody sign. NULL, here and below: the sentence in `error` says why, without showing what is secret. */
struct jwk_set *jwk_set_of_secret(struct str secret, char error[JWK_ERROR]);

/* One PEM block: PUBLIC KEY (SubjectPublicKeyInfo), or CERTIFICATE, of which only the key matters. Refused: private
 * keys, and more than one block, as a certificate's chain is no list of signers. */
struct jwk_set *jwk_set_of_pem(struct str text, char error[JWK_ERROR]);

/* One JWK or a JWK Set, as JSON. */
struct jwk_set *jwk_set_of_json(struct str text, char error[JWK_ERROR]);

/* NULL is fine. */
void jwk_set_free(struct jwk_set *set);

#endif
