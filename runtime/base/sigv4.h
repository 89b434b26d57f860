/* sigv4: AWS Signature Version 4 from the side of who verifies it (docs.aws.amazon.com, "Signature Version 4 for API
 * requests"). Three steps, so that nothing is computed for keys that nobody has:
 *
 *   sigv4_read      what the request claims: the access key, the moment, what is signed. Says whether that is well
 *                   formed, for this region and service, of now, and covers what it must
 *   sigv4_key       the signing key of a secret; stays the same for a day
 *   sigv4_verify    whether the signature is that key's over this request
 *
 * The signature stands in the Authorization field or in the query (a presigned URL). What is signed of the body is a
 * digest that the caller compares with the body's own (sigv4_body_is), or, when the request claims none, the body's
 * own digest, which the caller then brings along.
 *
 * Where verifiers differ: a '+' in the query is a space; empty pairs of a query do not count; for the service s3 the
 * path is taken as it was sent, an encoded slash stays encoded; for all others it is normalised by RFC 3986 section
 * 5.2.4, runs of slashes are one, and what was encoded is encoded again. */
#ifndef BASE_SIGV4_H
#define BASE_SIGV4_H

#include "base/crypto.h"
#include "base/pool.h"

enum {
    SIGV4_MAX_PARAMS = 512,           /* of a query */
    SIGV4_MAX_SIGNED = 100,           /* names of signed header fields */
    SIGV4_MAX_ACCESS_KEY = 128,       /* bytes */
    SIGV4_MAX_SECRET = 256,           /* bytes */
    SIGV4_MAX_EXPIRES = 7 * 24 * 3600 /* seconds */
};

struct sigv4_field {
    struct str name, value;
};

struct sigv4_request {
    struct str method, path, query;   /* as they were received; the path up to '?' */
    const struct sigv4_field *fields; /* of the head, in order, Host among them */
    size_t field_count;
};

struct sigv4_rules {
    struct str region, service;
    uint32_t clock_skew;   /* seconds, either way */
    uint32_t max_expires;  /* seconds: the longest that a presigned URL may live */
    bool unsigned_payload; /* UNSIGNED-PAYLOAD is good enough */
    const struct str
        *signed_headers; /* in lower case: signed when they are there, beside x-amz-* */
    size_t signed_header_count;
};

enum sigv4_payload {
    SIGV4_PAYLOAD_BODY,    /* the body's own digest */
    SIGV4_PAYLOAD_CLAIMED, /* the digest that the request names */
    SIGV4_PAYLOAD_UNSIGNED
};

struct sigv4_param {
    struct str name, value; /* encoded, as they are signed */
};

/* What a request claims. Its strings lie in the request or in the pool. */
struct sigv4 {
    struct str access_key;
    struct str day;            /* YYYYMMDD */
    char moment[17];           /* YYYYMMDDThhmmssZ */
    struct str signed_headers; /* "host;x-amz-date" */
    struct str signature;      /* 64 digits */
    enum sigv4_payload payload;
    struct str claimed; /* SIGV4_PAYLOAD_CLAIMED: 64 digits */
    bool in_query;
    const struct sigv4_param *params; /* sorted */
    size_t param_count;
};

enum sigv4_outcome { SIGV4_NONE, SIGV4_WRONG, SIGV4_READ };

/* SIGV4_NONE: the request is not signed this way. SIGV4_WRONG: *reason is a sentence for people. `now` is in seconds
 * since 1970. */
enum sigv4_outcome sigv4_read(struct pool *pool, const struct sigv4_request *request,
                              const struct sigv4_rules *rules, uint64_t now, struct sigv4 *sigv4,
                              const char **reason);

/* The signing key of a secret of at most SIGV4_MAX_SECRET bytes. The caller wipes it. */
void sigv4_key(struct str secret, struct str day, const struct sigv4_rules *rules,
               unsigned char key[CRYPTO_SHA256]);

/* True when the signature is that key's. `body` is its digest; only looked at, and only then needed, for
 * SIGV4_PAYLOAD_BODY. */
bool sigv4_verify(struct pool *pool, const struct sigv4_request *request,
                  const struct sigv4_rules *rules, const struct sigv4 *sigv4,
                  const unsigned char key[CRYPTO_SHA256], const unsigned char body[CRYPTO_SHA256]);

/* True when a body with that digest is what was signed, or none was. */
bool sigv4_body_is(const struct sigv4 *sigv4, const unsigned char body[CRYPTO_SHA256]);

/* The canonical request, which is what sigv4_verify looks at. */
struct str sigv4_canonical(struct pool *pool, const struct sigv4_request *request,
                           const struct sigv4_rules *rules, const struct sigv4 *sigv4,
                           const unsigned char body[CRYPTO_SHA256]);

#endif
