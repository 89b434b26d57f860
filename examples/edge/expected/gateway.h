/* The edge of a shop: what the files of this folder share. */
#ifndef GATEWAY_H
#define GATEWAY_H

#include "gw.h"

_Static_assert(GW_ABI == 1, "made for another runtime: run apigw-gen generate again");

/* Routes in document order. */
enum gateway_route {
    ROUTE_GET_ORDER,
    ROUTE_HOME,
    ROUTE_COUNT,
};

/* Where a flow may stand. */
enum { AT_START, AT_UPSTREAM };

extern const struct gw_upstream backend_orders;

/* Sent there as it came. */
extern const struct gw_forward to_orders;

extern const struct gw_timeouts timeouts_default;
extern const struct gw_errors errors_default;

extern const struct gw_route route_get_order;
extern const struct gw_route route_home;

enum gw_next flow_get_order(struct gw_req *rq);
enum gw_next flow_home(struct gw_req *rq);

#endif
