/* respond: a constant answer made by the gateway. */
#ifndef GEN_POLICY_RESPOND_H
#define GEN_POLICY_RESPOND_H

#include "setting.h"

struct respond {
    struct ir_answer answer;
    struct loc loc;
};

extern const struct policy_type respond_type; /* out: struct respond */

#endif
