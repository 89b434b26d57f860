/* disabled: as if an operation were not in the document; `true` is the short form of always. */
#ifndef GEN_POLICY_DISABLED_H
#define GEN_POLICY_DISABLED_H

#include "policy/overridable.h"

extern const struct policy_type disabled_type; /* out: struct overridable */

#endif
