/* circuit_breaker: what an upstream is spared. */
#ifndef GEN_POLICY_CIRCUIT_BREAKER_H
#define GEN_POLICY_CIRCUIT_BREAKER_H

#include "setting.h"

extern const struct policy_type circuit_breaker_type; /* out: struct ir_breaker */

#endif
