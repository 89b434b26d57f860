/* tunnel: an Upgrade to another protocol (RFC 9110 section 7.8), above all WebSocket (RFC 6455, over HTTP/2 RFC 8441):
 * what has to be right before, and the bytes of both sides afterwards, as two pumps. Bytes are passed on as
 * they are. When the gateway ends, WebSockets are told by a Close frame between two frames. */
#ifndef REQUEST_TUNNEL_H
#define REQUEST_TUNNEL_H

#include "request/worker.h"

/* Looks at a request that asks for an Upgrade. GW_GO: it does not, or for a protocol that the operation does
 * not have (it then goes on as an ordinary request, without Upgrade), or all is well: the upstream is asked.
 * GW_DONE: refused. */
enum gw_next tunnel_check(struct gw_req *rq, const struct gw_tunnel *config);

/* The line that asks the upstream, "" when nothing is asked. */
struct str tunnel_line(const struct gw_req *rq);

/* The upstream's answer 101: says so to the client and begins to pass bytes. Ends the flow. */
enum gw_next tunnel_start(struct gw_req *rq);

/* Before the request is finished: both pumps stop. */
void tunnel_close(struct gw_req *rq);

/* All of a worker's WebSockets are told to go away; they end soon after. Those that come later as well. */
void tunnels_drain(struct worker *worker);

#endif
