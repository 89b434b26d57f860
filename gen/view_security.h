/* view_security: who may call, for the templates. */
#ifndef GEN_VIEW_SECURITY_H
#define GEN_VIEW_SECURITY_H

#include "ir.h"
#include "value.h"

/* The ways in of an operation and the challenges of who takes none; false: nobody is asked. */
struct value *view_security(struct pool *pool, const struct gateway *gw,
                            const struct ir_operation *op);
/* The constants of a struct gw_acl; false when there is none. */
struct value *view_acl(struct pool *pool, const struct ir_acl *acl);
/* Of all apiKey schemes: the constants of a struct gw_key_auth. */
struct value *view_key_schemes(struct pool *pool, const struct gateway *gw);
/* Of all schemes of Basic: the constants of a struct gw_basic. */
struct value *view_basic_schemes(struct pool *pool, const struct gateway *gw);
/* The names under which keys stand in queries: the log hides them. */
struct value *view_key_names(struct pool *pool, const struct gateway *gw);
/* The constants of a struct gw_consumers; false: nobody is known. */
struct value *view_consumers(struct pool *pool, const struct gateway *gw);
/* The fields by which upstreams are told who calls; false: there are none. */
struct value *view_identity_fields(struct pool *pool, const struct gateway *gw);
/* How much of a body a proof of the operation may take in; false: nothing. */
struct value *view_hold(struct pool *pool, const struct gateway *gw, const struct ir_operation *op);
/* True when some scheme checks passwords. */
bool view_uses_passwords(const struct gateway *gw);
/* True when some scheme looks up consumers. */
bool view_uses_consumers(const struct gateway *gw);
/* True when some scheme is proven by cryptography, or by secrets of which digests are kept. */
bool view_uses_crypto(const struct gateway *gw);
/* True when some scheme asks for keys. */
bool view_uses_keys(const struct gateway *gw);

#endif
