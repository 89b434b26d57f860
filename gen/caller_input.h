/* caller_input: what `explain` is asked about a caller, what the request carries where credentials stand, and the secrets
 * of the document as far as their variables and files are at hand. */
#ifndef GEN_CALLER_INPUT_H
#define GEN_CALLER_INPUT_H

#include "ir.h"

/* --jwks [SCHEME=]FILE: the keys that the gateway would fetch; without a name for all schemes that do. */
struct caller_jwks {
    struct str scheme, file;
};

struct caller_request {
    struct pool *pool;
    const struct gateway *gw;
    const struct ir_operation *op;
    struct str method;
    const struct ir_header *headers;
    size_t header_count;
    struct str query;
    const struct caller_jwks *jwks;
    size_t jwks_count;
    uint64_t now; /* seconds since 1970 */
};

struct carried {
    struct str text;
    bool is_escaped; /* as a piece of a query */
    size_t count;    /* of those that differ */
};

/* One more finding; an empty one is none. */
void carried_add(struct carried *carried, struct str text);
void carried_in_cookies(const struct caller_request *request, struct str name,
                        struct carried *carried);
void carried_in_query(const struct caller_request *request, struct str name,
                      struct carried *carried);

/* A value of the document that is known only where it runs, into memory that is wiped with `secrets`; false: *error says
 * what is missing here. */
bool caller_secret(const struct ir_text *text, struct pool *secrets, struct str *value,
                   struct str *error);

#endif
