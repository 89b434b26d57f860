/* taken: the body of a request as it goes on, and as a whole for proofs that must see it before anything is sent on. */
#ifndef REQUEST_TAKEN_H
#define REQUEST_TAKEN_H

#include "request/req.h"

/* What is to be sent on: what was taken in, and the rest as it comes, no faster than limits.upload_rate. */
struct body_in *taken_body(struct gw_req *rq);

/* What to answer when the body failed, and why. */
uint16_t taken_status(const struct gw_req *rq);
const char *taken_reason(const struct gw_req *rq);

/* For a proof: takes the whole body in, up to limits.buffer. False: the request waits, or the proof does not hold, since the
 * body is too long, was cut off, or finds no room. True: it is what stands in rq->hold->kept; without a hold it is
 * empty. */
bool taken_whole(struct gw_req *rq);

#endif
