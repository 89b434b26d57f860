/* grpc: what the gateway has to know of gRPC (grpc.io, "gRPC over HTTP/2"): how errors are said, and the client's
 * deadline. Messages and trailers pass as they are. */
#ifndef REQUEST_GRPC_H
#define REQUEST_GRPC_H

#include "request/req.h"

/* The request is a call of gRPC: by its Content-Type. */
bool grpc_is_call(const struct gw_req *rq);

/* grpc-timeout in ms, rounded up; 0: none, or malformed. */
uint32_t grpc_timeout(const struct gw_req *rq);

/* The lines of an answer that is nothing but trailers: Content-Type, grpc-status for an HTTP status by the table of
 * "HTTP to gRPC Status Code Mapping", and grpc-message, percent-encoded. */
struct str grpc_error_lines(struct gw_req *rq, unsigned status, const char *reason);

#endif
