/* maintenance: 503 with Retry-After instead of everything. `true` is the short form. */
#ifndef GEN_POLICY_MAINTENANCE_H
#define GEN_POLICY_MAINTENANCE_H

#include "setting.h"

extern const struct policy_type maintenance_type; /* out: uint64_t, retry_after in ms */

#endif
