/* acl: which groups of consumers may call. */
#ifndef GEN_POLICY_ACL_H
#define GEN_POLICY_ACL_H

#include "setting.h"

extern const struct policy_type acl_type; /* out: struct ir_acl */

#endif
