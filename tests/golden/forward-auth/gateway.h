/* asked: what the files of this folder share. */
#ifndef GATEWAY_H
#define GATEWAY_H

#include "gw.h"

_Static_assert(GW_ABI == 1, "made for another runtime: run apigw-gen generate again");

/* Routes in document order. */
enum gateway_route {
    ROUTE_DOCUMENT,
    ROUTE_NOBODY,
    ROUTE_SAME_HOST,
    ROUTE_UPSTREAM,
    ROUTE_OPERATION,
    ROUTE_ANSWER,
    ROUTE_VERIFY,
    ROUTE_COUNT,
};

/* Where a flow may stand. */
enum { AT_START, AT_UPSTREAM };

extern const struct gw_upstream backend_app;
extern const struct gw_upstream backend_auth;
extern const struct gw_upstream backend_auth_example_com;

/* roots.c: PEM, in pieces. */
extern const char *const gateway_roots[];

/* Sent there as it came. */
extern const struct gw_forward to_app;

extern const struct gw_timeouts timeouts_default;
extern const struct gw_errors errors_default;

extern const struct gw_route route_document;
extern const struct gw_route route_nobody;
extern const struct gw_route route_same_host;
extern const struct gw_route route_upstream;
extern const struct gw_route route_operation;
extern const struct gw_route route_answer;
extern const struct gw_route route_verify;

enum gw_next flow_document(struct gw_req *rq);
enum gw_next flow_nobody(struct gw_req *rq);
enum gw_next flow_same_host(struct gw_req *rq);
enum gw_next flow_upstream(struct gw_req *rq);
enum gw_next flow_operation(struct gw_req *rq);
enum gw_next flow_answer(struct gw_req *rq);
enum gw_next flow_verify(struct gw_req *rq);

#endif
