/* tls: certificates, versions and who is trusted, of a listener and of a pool. */
#ifndef GEN_POLICY_TLS_H
#define GEN_POLICY_TLS_H

#include "setting.h"

extern const struct policy_type tls_listener_type;    /* out: struct ir_tls, defaults in place */
extern const struct policy_type tls_client_auth_type; /* the same */
extern const struct policy_type tls_upstream_type;    /* out: struct ir_upstream_tls */
extern const struct policy_type tls_endpoint_type;    /* the same, beside a `url` */

#endif
