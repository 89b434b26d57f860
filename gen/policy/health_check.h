/* health_check: targets are asked whether they are well. */
#ifndef GEN_POLICY_HEALTH_CHECK_H
#define GEN_POLICY_HEALTH_CHECK_H

#include "setting.h"

extern const struct policy_type health_check_type; /* out: struct ir_health_check */

#endif
