/* access_log: which requests are logged and how; merged field by field over the levels. */
#ifndef GEN_POLICY_ACCESS_LOG_H
#define GEN_POLICY_ACCESS_LOG_H

#include "setting.h"

struct access_log {
    bool format_said, full_said;
    struct ir_access_log value;
};

extern const struct policy_type access_log_type;       /* out: struct access_log */
extern const struct policy_type access_log_below_type; /* the same below the document: no output */

/* What `over` says replaces what `under` says; whether it is on is not merged. */
void access_log_merge(struct ir_access_log *under, const struct access_log *over);

#endif
