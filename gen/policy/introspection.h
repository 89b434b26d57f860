/* introspection: who is asked about the tokens of a scheme, on the scheme itself. */
#ifndef GEN_POLICY_INTROSPECTION_H
#define GEN_POLICY_INTROSPECTION_H

#include "policy/endpoint.h"
#include "setting.h"

struct introspection {
    struct ir_introspection value;
    struct endpoint at;
};

extern const struct policy_type introspection_type; /* out: struct introspection */

#endif
