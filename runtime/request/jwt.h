/* jwt: schemes whose tokens the gateway verifies itself, and what they are verified with. Keys of the document and of files
 * are read with all that lives; those that a provider publishes are fetched (request/jwks). */
#ifndef REQUEST_JWT_H
#define REQUEST_JWT_H

#include "base/grant.h"
#include "base/jwt.h"
#include "base/reference.h"
#include "request/carried.h"
#include "request/consumers.h"

struct gw_endpoint;
struct gw_req;
struct worker;

/* ---- configuration: constants of the generated program ---- */

enum gw_jwt_source {
    GW_JWT_SECRET,
    GW_JWT_PUBLIC_KEY, /* PEM, JWK or JWKS */
    GW_JWT_JWKS_FILE,
    GW_JWT_JWKS_URL,
    GW_JWT_CONSUMERS /* each has keys of its own; a claim says whose they are */
};

struct gw_jwks {
    const struct gw_endpoint *from;
    bool
        is_discovery; /* it answers with the provider's configuration, which says where the keys are */
    bool refetch;     /* when a token has an unknown kid */
    uint32_t refresh;  /* ms between two looks */
    uint32_t stale_ok; /* ms for which the last keys hold while there are no others */
};

struct gw_jwt {
    struct str name; /* of the scheme */
    uint32_t index;  /* among all */
    enum gw_jwt_source source;
    struct gw_text key; /* GW_JWT_JWKS_URL: the file to begin with, or none */
    bool secret_is_base64;
    const struct gw_jwks *jwks; /* GW_JWT_JWKS_URL */
    struct str key_claim;       /* GW_JWT_CONSUMERS: of the claims, or of the header */
    uint32_t algorithms;        /* JWS_BIT each: no other is taken */
    struct jwt_rules rules;
    struct gw_token_places places;
    bool run_on_preflight; /* preflights of CORS need a token, too */
    struct gw_claims claims;
    uint32_t cache_size, cache_ttl; /* verified tokens that are remembered, per worker; ms */
};

struct gw_jwts {
    const struct jwt_module *module;
    const struct gw_jwt *const *at;
    uint32_t count;
};

struct text;

struct jwt_module {
    /* The keys that the document or a file has; *set NULL where they come from elsewhere. False: *error, in `pool`, says
     * which variable or file is missing or bad. */
    bool (*read)(const struct gw_jwt *scheme, struct pool *pool, struct jwk_set **set,
                 struct str *error);
    void (*free)(struct jwk_set *set); /* NULL is fine */
    /* A worker's side of keys that are fetched. */
    void (*open)(const struct gw_jwts *jwts, struct worker *worker);
    void (*close)(const struct gw_jwts *jwts, struct worker *worker);
    /* False while keys that are fetched have not come for the first time. */
    bool (*is_ready)(const struct gw_jwts *jwts);
    /* Asks for keys anew that are fetched. */
    void (*refresh)(const struct gw_jwts *jwts);
    /* Prometheus' text. */
    void (*metrics)(const struct gw_jwts *jwts, struct text *text);
};

extern const struct jwt_module jwt_module;
extern const struct credential_kind jwt_credentials;

/* One set of keys from the text of a secret, a PEM or a JWKS. NULL: *why is a sentence in `pool`. */
struct jwk_set *jwt_keys_of(enum gw_jwt_source source, struct str text, bool is_base64,
                            struct pool *pool, const char **why);

#endif
