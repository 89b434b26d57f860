/* proxied: the PROXY protocol on both sides: whose connections begin with a header, and how a request's client is
 * introduced to an upstream that wants one. */
#ifndef REQUEST_PROXIED_H
#define REQUEST_PROXIED_H

#include "io/proxy_room.h"
#include "request/req.h"

/* Of a listener: a constant of the generated program. */
struct gw_proxy_protocol {
    const struct gw_forwarded *from; /* its lists of trusted proxies: who must send a header */
    bool unix_peers;                 /* so must whoever comes over a unix socket */
    const struct proxy_room_module *room;
};

/* The header for a new connection, in rq's pool; empty when the upstream wants none. The source is the client as
 * the log names it, with its port when it came itself and 0 when other proxies stand between; the destination is
 * our end of its connection. Needs: forwarded_resolve. */
struct str proxied_greeting(struct gw_req *rq, const struct gw_upstream *upstream);

#endif
