/* token_verify: whether a gateway would take a token, told by base/jwt, the code that gateways run. */
#ifndef GEN_TOKEN_VERIFY_H
#define GEN_TOKEN_VERIFY_H

#include "base/pool.h"

struct jwk_set;

enum { TOKEN_KEY_ERROR = 256 };

/* Keys from a text: JWK or JWK Set as JSON, a public key or certificate as PEM, else the bytes of a secret. NULL:
 * `error` says why not. jwk_set_free frees them. */
struct jwk_set *token_keys(struct str text, char error[TOKEN_KEY_ERROR]);

/* NULL when the token is well formed, was signed by one of the keys and is valid at `now` (seconds since 1970);
 * otherwise the gateway's own sentence. */
const char *token_refusal(struct pool *pool, struct str compact, const struct jwk_set *keys,
                          int64_t now);

#endif
