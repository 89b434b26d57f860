/* drain: how the gateway ends: how long it still accepts, how long requests may take to finish. */
#ifndef GEN_POLICY_DRAIN_H
#define GEN_POLICY_DRAIN_H

#include "setting.h"

struct drain {
    struct setting delay, grace;
};

extern const struct policy_type drain_type; /* out: struct drain */

#endif
