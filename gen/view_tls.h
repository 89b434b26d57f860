/* view_tls: what templates see of the wire: certificates, who is trusted, HTTP/2. */
#ifndef GEN_VIEW_TLS_H
#define GEN_VIEW_TLS_H

#include "ir.h"
#include "value.h"

/* A listener's, by its number; false when it is plain. */
struct value *view_tls(struct pool *pool, size_t index, const struct ir_tls *tls);
struct value *view_redirect_https(struct pool *pool, const struct ir_listener *listener);

/* A pool's; false when it is plain. */
struct value *view_upstream_tls(struct pool *pool, const struct ir_upstream *upstream);

/* Something is served or called over TLS; some pool trusts the roots that are built in. */
bool view_uses_tls(const struct gateway *gw);
/* Some listener asks clients for certificates. */
bool view_asks_clients(const struct gateway *gw);
bool view_uses_roots(const struct gateway *gw);

/* A listener's HTTP/2; false when it speaks HTTP/1.1 alone. */
struct value *view_http2(struct pool *pool, size_t index, const struct ir_http2 *http2);
/* Some listener speaks it; something does, pools included. */
bool view_serves_http2(const struct gateway *gw);
bool view_uses_http2(const struct gateway *gw);

#endif
