/* caller_proof: what one scheme makes of a request's credentials. No key, secret or token is ever printed. */
#ifndef GEN_CALLER_PROOF_H
#define GEN_CALLER_PROOF_H

#include "base/grant.h"
#include "caller_input.h"

struct proof {
    enum { PROOF_HOLDS, PROOF_LACKS, PROOF_WRONG, PROOF_UNKNOWN } kind;
    struct str words;    /* why, for people */
    struct str says;     /* of a token that could be read: what it says, true or not; else empty */
    struct str consumer; /* of the document, whose credentials they are; empty: nobody's */
    const struct grant *grant; /* what a token grants, perhaps to another name */
};

struct proof caller_key(const struct caller_request *request, const struct ir_scheme *scheme);
struct proof caller_token(const struct caller_request *request, const struct ir_scheme *scheme);

/* Whether the request has credentials that such schemes would look at. */
bool caller_has_key(const struct caller_request *request, const struct ir_scheme *scheme);
bool caller_has_token(const struct caller_request *request, const struct ir_scheme *scheme);

#endif
