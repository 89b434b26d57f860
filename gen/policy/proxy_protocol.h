/* proxy_protocol: whose PROXY header a listener believes, and which one an upstream gets. */
#ifndef GEN_POLICY_PROXY_PROTOCOL_H
#define GEN_POLICY_PROXY_PROTOCOL_H

#include "setting.h"

/* out: struct ir_proxy_protocol; enum ir_proxy_header */
extern const struct policy_type proxy_protocol_type, proxy_protocol_out_type;

#endif
