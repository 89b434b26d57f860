/* sticky: a cookie that keeps a client with the target, or the upstream, that it was sent to first. */
#ifndef GEN_POLICY_STICKY_H
#define GEN_POLICY_STICKY_H

#include "setting.h"

/* out: struct ir_sticky */
extern const struct policy_type sticky_type;

#endif
