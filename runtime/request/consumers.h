/* consumers: who may call, by what. The document's and those of a file (JSON or YAML, reloaded) become one table, made
 * anew at every reading; keys are kept as digests alone, other secrets in memory that is wiped. */
#ifndef REQUEST_CONSUMERS_H
#define REQUEST_CONSUMERS_H

#include "base/reference.h"

/* ---- configuration: constants of the generated program ---- */

/* What proves a consumer besides keys: an id that the request carries, and a secret. */
enum gw_credential_kind {
    GW_CREDENTIAL_JWT, /* the value of a claim; the secret or the public key that verifies the token */
    GW_CREDENTIAL_BASIC, /* a user's name; the hash of the password */
    GW_CREDENTIAL_AWS,   /* an access key; its secret key */
    GW_CREDENTIAL_KINDS
};

struct gw_credential {
    enum gw_credential_kind kind;
    struct str id;
    struct str algorithm; /* GW_CREDENTIAL_JWT: "HS256" … */
    struct gw_text secret;
};

struct gw_consumer {
    struct str name, id;
    const struct str *groups;
    uint32_t group_count;
    const struct gw_text *keys;
    uint32_t key_count;
    const struct gw_credential *credentials;
    uint32_t credential_count;
};

struct gw_consumers {
    const struct consumers_module *module;
    const struct gw_consumer *at;
    uint32_t count;
    struct str file; /* empty: none */
    /* What the schemes of the document make of secrets; NULL: no scheme goes by that kind. */
    const struct credential_kind *kinds[GW_CREDENTIAL_KINDS];
};

/* ---- at run time ---- */

struct consumer {
    struct str name, id;
    struct str groups_line; /* "a, b" */
    const struct str *groups;
    size_t group_count;
};

struct credential {
    struct str id, algorithm, secret;
    const struct consumer *consumer;
    void *made; /* by its kind */
    enum gw_credential_kind kind;
    uint32_t owner; /* while they are read: the consumer's number */
};

struct credential_kind {
    /* Sets credential->made. NULL, or a sentence: why the secret is no good. `pool` lasts as long as the credential and is
     * wiped. */
    const char *(*make)(struct credential *credential, struct pool *pool);
    void (*unmake)(struct credential *credential); /* NULL: there is nothing to be released */
};

struct consumers;

struct consumers_module {
    /* Reads all of them. NULL: *error, in `pool`, says which variable, file or line is missing or bad. Secrets are
     * wiped where they were read. */
    struct consumers *(*read)(const struct gw_consumers *config, struct pool *pool,
                              struct str *error);
    void (*free)(struct consumers *consumers);
    /* The one with that key, or NULL. */
    const struct consumer *(*by_key)(const struct consumers *consumers, struct str key);
    const struct consumer *(*by_name)(const struct consumers *consumers, struct str name);
    /* Of a kind that some scheme goes by. */
    const struct credential *(*credential)(const struct consumers *consumers,
                                           enum gw_credential_kind kind, struct str id);
    /* One of them, the same one for the same number; NULL: there are none. */
    const struct credential *(*some)(const struct consumers *consumers,
                                     enum gw_credential_kind kind, uint64_t number);
};

extern const struct consumers_module consumers_module;

#endif
