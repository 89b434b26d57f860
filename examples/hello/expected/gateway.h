/* Hello: what the files of this folder share. */
#ifndef GATEWAY_H
#define GATEWAY_H

#include "gw.h"

_Static_assert(GW_ABI == 1, "made for another runtime: run apigw-gen generate again");

/* Routes in document order. */
enum gateway_route {
    ROUTE_SAY_HELLO,
    ROUTE_SAY_HI,
    ROUTE_COUNT,
};

/* Where a flow may stand. */
enum { AT_START, AT_UPSTREAM };

extern const struct gw_timeouts timeouts_default;
extern const struct gw_errors errors_default;

extern const struct gw_route route_say_hello;
extern const struct gw_route route_say_hi;

enum gw_next flow_say_hello(struct gw_req *rq);
enum gw_next flow_say_hi(struct gw_req *rq);

#endif
