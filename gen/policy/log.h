/* log: what the gateway says about itself on standard error. */
#ifndef GEN_POLICY_LOG_H
#define GEN_POLICY_LOG_H

#include "policy/overridable.h"

struct log_rules {
    int level; /* one of IR_LEVEL_… */
    struct overridable turned;
};

extern const struct policy_type log_type; /* out: struct log_rules */

/* {default: info}; out: struct log_rules. */
extern const struct policy_type log_level_type;

#endif
