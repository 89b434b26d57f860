/* forward_auth: who else is asked whether a request may go on. */
#ifndef GEN_POLICY_FORWARD_AUTH_H
#define GEN_POLICY_FORWARD_AUTH_H

#include "policy/endpoint.h"

struct forward_auth {
    struct ir_forward_auth value;
    struct endpoint endpoint; /* unless value.operation names one of the document */
};

extern const struct policy_type forward_auth_type; /* out: struct forward_auth */

#endif
