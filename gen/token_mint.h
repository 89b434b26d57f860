/* token_mint: signs a token by libjwt 1.10.2: HS, RS and ES of 256, 384 and 512 bits, `typ` always JWT. */
#ifndef GEN_TOKEN_MINT_H
#define GEN_TOKEN_MINT_H

#include "base/pool.h"

struct token_order {
    struct str alg;    /* "RS256"; empty: as the key suggests */
    struct str key;    /* a private key as PEM, or a secret */
    struct str kid;    /* `at` NULL: none */
    struct str claims; /* a JSON object without duplicates */
};

/* "HS256, HS384, …": what --alg takes. */
extern const char token_mint_algs[];
bool token_mint_knows(struct str alg);

/* The token in `pool`; false: *error says what is wrong with the key or the claims. *remark, when not empty, says
 * why gateways would refuse the token nevertheless. */
bool token_mint(struct pool *pool, const struct token_order *order, struct str *token,
                struct str *remark, struct str *error);

#endif
