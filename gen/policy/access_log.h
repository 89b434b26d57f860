/* access_log: one line for every request. The document says how and where to, the levels below switch it
 * on and off. */
#ifndef GEN_POLICY_ACCESS_LOG_H
#define GEN_POLICY_ACCESS_LOG_H

#include "setting.h"

extern const struct policy_type access_log_type; /* out: struct ir_access_log */

#endif
