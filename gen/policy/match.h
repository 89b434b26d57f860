/* match: conditions that a request must meet beyond its path and method. As a policy: hosts, and whether
 * the last parameter takes the rest of the path. In route[]: what chooses a branch. */
#ifndef GEN_POLICY_MATCH_H
#define GEN_POLICY_MATCH_H

#include "setting.h"

struct match {
    VEC(struct ir_condition) all; /* of a branch; parameters by name, index not known yet */
    VEC(struct str) hosts;        /* of the policy */
    bool hosts_said, prefix;
    struct loc prefix_loc;
};

extern const struct policy_type match_type, match_branch_type; /* out: struct match */

#endif
