/* forwarded: whose word counts about where a request came from. */
#ifndef GEN_POLICY_FORWARDED_H
#define GEN_POLICY_FORWARDED_H

#include "setting.h"

extern const struct policy_type forwarded_type; /* out: struct ir_forwarded */

#endif
