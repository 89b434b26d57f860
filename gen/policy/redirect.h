/* redirect: the gateway sends the client elsewhere. */
#ifndef GEN_POLICY_REDIRECT_H
#define GEN_POLICY_REDIRECT_H

#include "setting.h"

struct redirect {
    uint32_t status;
    struct said location; /* with {parameters} */
    bool keep_query;
    struct loc loc;
};

extern const struct policy_type redirect_type; /* out: struct redirect */

#endif
