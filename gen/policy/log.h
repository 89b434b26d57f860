/* log: what the gateway says about itself on standard error. */
#ifndef GEN_POLICY_LOG_H
#define GEN_POLICY_LOG_H

#include "setting.h"

extern const struct policy_type log_type; /* out: int, one of IR_LEVEL_… */

#endif
