/* T: what the files of this folder share. */
#ifndef GATEWAY_H
#define GATEWAY_H

#include "gw.h"

_Static_assert(GW_ABI == 1, "made for another runtime: run apigw-gen generate again");

/* Routes in document order. */
enum gateway_route {
    ROUTE_FROM_DOCUMENT,
    ROUTE_OWN,
    ROUTE_OFF,
    ROUTE_FROM_UPSTREAM,
    ROUTE_UPSTREAM_OFF,
    ROUTE_FROM_PATH,
    ROUTE_EACH,
    ROUTE_COUNT,
};

/* Where a flow may stand. */
enum { AT_START, AT_UPSTREAM };

extern const struct gw_upstream backend_one;
extern const struct gw_retry retry_of_one;
extern const struct gw_upstream backend_two;
extern const struct gw_retry retry_of_two;
extern const struct gw_upstream backend_not;
extern const struct gw_retry retry_of_not;

/* Sent there as it came. */
extern const struct gw_forward to_one;
extern const struct gw_forward to_two;
extern const struct gw_forward to_not;

extern const struct gw_timeouts timeouts_default;
extern const struct gw_errors errors_default;

extern const struct gw_route route_from_document;
extern const struct gw_route route_own;
extern const struct gw_route route_off;
extern const struct gw_route route_from_upstream;
extern const struct gw_route route_upstream_off;
extern const struct gw_route route_from_path;
extern const struct gw_route route_each;

enum gw_next flow_from_document(struct gw_req *rq);
enum gw_next flow_own(struct gw_req *rq);
enum gw_next flow_off(struct gw_req *rq);
enum gw_next flow_from_upstream(struct gw_req *rq);
enum gw_next flow_upstream_off(struct gw_req *rq);
enum gw_next flow_from_path(struct gw_req *rq);
enum gw_next flow_each(struct gw_req *rq);

#endif
