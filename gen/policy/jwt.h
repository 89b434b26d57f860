/* jwt: how the tokens of a scheme are verified, on the scheme itself. */
#ifndef GEN_POLICY_JWT_H
#define GEN_POLICY_JWT_H

#include "policy/endpoint.h"
#include "setting.h"

struct jwt {
    struct ir_jwt value;
    struct endpoint keys_at; /* jwks that are fetched */
};

extern const struct policy_type jwt_type;       /* out: struct jwt */
extern const struct policy_type jwt_jwks_type;  /* the same; inside it */
extern const struct policy_type jwt_cache_type; /* likewise */

#endif
