/* mirror: another upstream that gets copies of what is sent to this one. */
#ifndef GEN_POLICY_MIRROR_H
#define GEN_POLICY_MIRROR_H

#include "policy/upstream.h"

struct mirror {
    struct upstream_choice upstream;
    struct ir_mirror value;
};

/* out: struct mirror */
extern const struct policy_type mirror_type;

#endif
