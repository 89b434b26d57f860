/* deadline: how long the client itself waits for an answer's head: grpc-timeout of a call of gRPC, and
 * X-Request-Timeout where timeouts.from_client lets it. It shortens the gateway's own limit, and each try is told what is
 * left of it. */
#ifndef REQUEST_DEADLINE_H
#define REQUEST_DEADLINE_H

#include "http/h1_head.h"
#include "request/req.h"

/* The seconds of an X-Request-Timeout, "2" or "0.25", in ms, at least 1; 0: that is not what `text` is. */
uint32_t deadline_seconds(struct str text);

/* Sets rq->deadline; the client's field is dropped for ours. False: it is malformed. A malformed grpc-timeout is
 * passed over: gRPC has the server judge it. */
bool deadline_read(struct gw_req *rq);

/* The field with what is left, for a head that goes to an upstream; nothing without a deadline. */
void deadline_put(const struct gw_req *rq, struct head_text *text);

#endif
