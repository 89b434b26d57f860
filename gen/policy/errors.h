/* errors: what an answer looks like that the gateway makes because something is wrong. Merged field by field
 * over the levels. */
#ifndef GEN_POLICY_ERRORS_H
#define GEN_POLICY_ERRORS_H

#include "setting.h"

struct errors {
    bool format_said, type_base_said, request_id_said, overrides_said;
    struct ir_errors value;
};

extern const struct policy_type errors_type, errors_override_type; /* out: struct errors */

void errors_merge(struct ir_errors *under, const struct errors *over);

#endif
