/* jwt: how the tokens of a scheme are verified, on the scheme itself. */
#ifndef GEN_POLICY_JWT_H
#define GEN_POLICY_JWT_H

#include "setting.h"

extern const struct policy_type jwt_type;       /* out: struct ir_jwt */
extern const struct policy_type jwt_jwks_type;  /* the same; inside it */
extern const struct policy_type jwt_cache_type; /* likewise */

#endif
