/* ir_security: the part of the IR that says who may call. See ir.h. */
#ifndef GEN_IR_SECURITY_H
#define GEN_IR_SECURITY_H

#include "ir_resilience.h"

enum ir_proof {
    IR_PROOF_CERTIFICATE,
    IR_PROOF_KEY,
    IR_PROOF_JWT,
    IR_PROOF_INTROSPECTION,
    IR_PROOF_BASIC,
    IR_PROOF_SIGV4
};

/* A claim that upstreams are told in a field. */
struct ir_claim_field {
    ir_texts path;
    struct str name;
};

/* What the claims of a token mean: paths into them; empty: nothing, and for `scopes` the usual ones. */
struct ir_claims {
    ir_texts consumer, groups, scopes;
    VEC(struct ir_claim_field) fields;
};

/* Where the keys come from that verify a token. */
enum ir_jwt_source {
    IR_JWT_SECRET,
    IR_JWT_PUBLIC_KEY,
    IR_JWT_JWKS_FILE,
    IR_JWT_JWKS_URL,
    IR_JWT_CONSUMERS
};

/* A key set that is fetched. */
struct ir_jwks {
    struct ir_asked from;
    bool is_discovery; /* it is the provider's configuration that tells where the keys are */
    bool refetch;      /* on an unknown kid */
    uint64_t refresh, stale_ok; /* ms */
};

struct ir_jwt {
    enum ir_jwt_source source;
    struct ir_text
        key; /* the secret, the public key, the file; IR_JWT_JWKS_URL: to begin with, or none */
    bool secret_is_base64;
    struct ir_jwks jwks;
    struct str key_claim; /* IR_JWT_CONSUMERS */
    ir_texts issuers, audiences;
    uint32_t algorithms; /* JWS_BIT each */
    bool need_exp, need_nbf, need_iat;
    uint64_t leeway, maximum_expiration; /* ms; 0: as long as it likes */
    bool run_on_preflight;
    ir_texts headers, cookies, params;
    struct ir_claims claims;
    uint64_t cache_size, cache_ttl; /* 0: none; ms */
    struct loc loc;
};

/* Tokens whose issuer is asked; times in ms. */
struct ir_introspection {
    struct ir_asked from;
    struct ir_text client_id, client_secret;
    struct str hint;
    ir_texts issuers, audiences;
    ir_texts headers, cookies, params;
    struct ir_claims claims;
    uint64_t timeout, cache, negative_cache;
    struct loc loc;
};

/* AWS signatures; times in seconds. */
struct ir_sigv4 {
    struct str region, service;
    uint64_t clock_skew, max_expires;
    bool unsigned_payload;
    ir_texts signed_headers; /* in lower case */
};

/* How passwords are checked. */
struct ir_basic {
    bool hide_credentials;
    uint64_t cache_size, cache_ttl; /* ttl in ms */
    struct loc loc;
};

/* A scheme of `security` that the gateway verifies itself. */
struct ir_scheme {
    struct str name;   /* as the document has it */
    struct str symbol; /* plan */
    enum ir_proof proof;
    bool waits;          /* its proof may park the request */
    bool names_callers;  /* by a consumer or by groups: `acl` has something to go by */
    bool asks_consumers; /* whom it proves is looked up among them */
    ir_texts names;      /* IR_PROOF_KEY: of headers, parameters, cookies */
    bool in_header, in_query, in_cookie, hide_credentials;
    struct ir_jwt jwt;                     /* IR_PROOF_JWT */
    struct ir_introspection introspection; /* IR_PROOF_INTROSPECTION */
    bool takes_body;                       /* its proof may have to know the whole body */
    struct ir_sigv4 sigv4;                 /* IR_PROOF_SIGV4 */
    struct ir_basic basic;                 /* IR_PROOF_BASIC */
};

/* One of `security`: the scheme, by index, and what it must have been granted, apart by single spaces. */
struct ir_requirement {
    uint32_t scheme;
    struct str scopes;
};

/* What proves together who calls; none: nobody need prove anything. */
struct ir_way {
    VEC(struct ir_requirement) all;
};

enum ir_credential_kind { IR_CREDENTIAL_JWT, IR_CREDENTIAL_BASIC, IR_CREDENTIAL_AWS };

struct ir_credential {
    enum ir_credential_kind kind;
    struct str id;
    struct str algorithm; /* IR_CREDENTIAL_JWT */
    struct ir_text secret;
    struct loc loc;
};

struct ir_consumer {
    struct str name, id;
    ir_texts groups;
    VEC(struct ir_text) keys;
    VEC(struct ir_credential) credentials;
    struct loc loc;
};
typedef VEC(struct ir_consumer) ir_consumers;

/* A path into the claims of a token, and the values of which one must stand there. */
struct ir_claim {
    ir_texts path, values;
};

struct ir_acl {
    bool on;
    ir_texts allow, deny;
    VEC(struct ir_claim) claims;
    bool hide_groups_header;
    struct loc loc;
};

/* Who else is asked whether a request may go on. */
struct ir_forward_auth {
    bool on;
    struct ir_asked asked;
    struct str operation; /* who is asked; empty: nobody of the document */
    struct loc operation_loc;
    struct str host;     /* empty: as the upstream has it */
    bool original, body; /* the client's method, its content */
    uint64_t body_max;   /* limits.buffer */
    ir_texts request_headers, response_headers, client_headers;
    struct str uri_header;   /* empty: none */
    uint64_t timeout, cache; /* ms; cache 0: off */
    bool admits_on_error;
    struct loc loc;
};

#endif
