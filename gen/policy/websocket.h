/* websocket: to what a request may be upgraded, and by whom. */
#ifndef GEN_POLICY_WEBSOCKET_H
#define GEN_POLICY_WEBSOCKET_H

#include "setting.h"

extern const struct policy_type websocket_type; /* out: struct ir_websocket */

#endif
