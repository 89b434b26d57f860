/* gw.h: THE DOOR. All that generated code may include: the constants it defines, the calls a flow may make,
 * and the three things every generated program provides. One program has one gateway, so the linker is the
 * vtable: no function pointers.
 *
 * Steps of a flow return enum gw_next. A step that may wait is called again under the same label when the
 * request is woken, and then collects its result; no local variable lives across a label. */
#ifndef GW_H
#define GW_H

#include "base/pathmap.h"
#include "client/adaptive.h"
#include "client/balance.h"
#include "client/breaker.h"
#include "client/call_h2.h"
#include "client/discover.h"
#include "client/fetch.h"
#include "client/grpc_status.h"
#include "client/levels.h"
#include "client/outlier.h"
#include "client/probe.h"
#include "client/retry.h"
#include "client/upstream.h"
#include "http/message.h"
#include "io/jobs.h"
#include "io/proxy_protocol.h"
#include "policy/acl.h"
#include "policy/aws_sigv4.h"
#include "policy/basic.h"
#include "policy/forward_auth.h"
#include "policy/introspection.h"
#include "policy/ip_restriction.h"
#include "policy/jwt.h"
#include "policy/key_auth.h"
#include "request/hedge.h"
#include "request/match.h"
#include "request/mirror.h"
#include "request/overrides.h"
#include "request/proxied.h"
#include "request/req.h"
#include "request/sticky.h"

/* Counts up with every change of this file that old generated code would not survive. */
#define GW_ABI 1

#define GW_FALLTHROUGH __attribute__((fallthrough))

/* ---- what generated code must define ---- */

extern const struct gateway gateway;            /* data only, see request/req.h */
enum gw_match gateway_match(struct gw_req *rq); /* fills rq->route and the path parameters */
enum gw_next gateway_flow(struct gw_req *rq);   /* starts or resumes the operation's function */

/* ---- what a flow may call ---- */

/* Parks the request under a label: returns `next`, remembering where to go on. */
static inline enum gw_next gw_stay(struct gw_req *rq, int at, enum gw_next next)
{
    rq->at = at;
    return next;
}

/* Sends the request to its upstream and waits for the answer's head. GW_GO: rq->answer is there. GW_DONE:
 * the gateway answered by itself (502, 503, 504 …). Waits. */
enum gw_next gw_proxy(struct gw_req *rq, const struct gw_forward *forward);

/* A proof for `security` of type mutualTLS: the client has shown a certificate, and it was good. Other proofs, and the
 * ways in that they make: request/identity.h, policy/key_auth.h. */
bool gw_certificate(struct gw_req *rq);

/* `websocket`: whether this request may be upgraded, if it asks for that. GW_DONE: refused. */
enum gw_next gw_upgrade(struct gw_req *rq, const struct gw_tunnel *tunnel);

/* One of several forwards by weight; decided once for a request. */
const struct gw_forward *gw_choose(struct gw_req *rq, const struct gw_choice *choice);

/* The same where the runtime file may override some of the weights. */
const struct gw_forward *gw_choose_live(struct gw_req *rq, const struct gw_choice *choice);

/* A switch that the runtime file may override, as it is now. */
static inline bool gw_is_on(const uint32_t *value)
{
    return gw_word(value) != 0;
}

/* Passes the upstream's answer on to the client. Ends the flow. */
enum gw_next gw_reply(struct gw_req *rq);

/* A constant answer: respond, mock. Ends the flow. */
enum gw_next gw_respond(struct gw_req *rq, const struct gw_answer *answer);

/* A redirect; the location may hold path parameters. Ends the flow. */
enum gw_next gw_redirect(struct gw_req *rq, const struct gw_redirect *redirect);

/* A refusal in the configured error format, logged with its reason. Ends the flow. */
enum gw_next gw_deny(struct gw_req *rq, unsigned status, const char *reason);

/* 503 with Retry-After: `maintenance`. Ends the flow. */
enum gw_next gw_maintenance(struct gw_req *rq, unsigned retry_after);

/* Conditions of route[]: gw_header_is … in request/match.h. */

#endif
