/* basic: how a scheme of type http, scheme basic, checks passwords; on the scheme itself. */
#ifndef GEN_POLICY_BASIC_H
#define GEN_POLICY_BASIC_H

#include "setting.h"

extern const struct policy_type basic_type; /* out: struct ir_basic */
extern const struct policy_type basic_cache_type;

/* Where nothing is said. */
struct ir_basic basic_by_default(void);

#endif
