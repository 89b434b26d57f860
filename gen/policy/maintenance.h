/* maintenance: 503 with Retry-After instead of everything. `true` is the short form. */
#ifndef GEN_POLICY_MAINTENANCE_H
#define GEN_POLICY_MAINTENANCE_H

#include "policy/overridable.h"

struct maintenance {
    uint64_t retry_after;      /* ms */
    struct overridable turned; /* not said: it is on */
};

extern const struct policy_type maintenance_type; /* out: struct maintenance */

#endif
