/* correlation_id: the name that a request bears from the client to the upstream and into the log. */
#ifndef GEN_POLICY_CORRELATION_ID_H
#define GEN_POLICY_CORRELATION_ID_H

#include "setting.h"

extern const struct policy_type correlation_id_type; /* out: struct ir_correlation */

#endif
