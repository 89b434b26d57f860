/* mirror: another upstream that gets copies of what is sent to this one. */
#ifndef GEN_POLICY_MIRROR_H
#define GEN_POLICY_MIRROR_H

#include "setting.h"

struct mirror {
    struct said upstream; /* a name, or a name and a subset: "shadow", "shadow:v2" */
    struct ir_mirror value;
};

/* out: struct mirror */
extern const struct policy_type mirror_type;

#endif
