/* ip_restriction: which addresses may call: those in `allow`, when there is one, and none of those in `deny`. */
#ifndef GEN_POLICY_IP_RESTRICTION_H
#define GEN_POLICY_IP_RESTRICTION_H

#include "setting.h"

extern const struct policy_type ip_restriction_type; /* out: struct ir_ip_restriction */

#endif
