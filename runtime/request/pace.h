/* pace: a request's body is read no faster than limits.upload_rate. A body_in in front of the carrier's. */
#ifndef REQUEST_PACE_H
#define REQUEST_PACE_H

#include "request/req.h"

/* Lives in the request's pool. */
struct body_in *pace_open(struct gw_req *rq, struct body_in *source, uint64_t bytes_per_second);

#endif
