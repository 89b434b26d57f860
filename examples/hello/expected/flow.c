/* From a route to its flow. */
#include "gateway.h"

enum gw_next gateway_flow(struct gw_req *rq)
{
    switch ((enum gateway_route)rq->route->index) {
    case ROUTE_SAY_HELLO:
        return flow_say_hello(rq);
    case ROUTE_SAY_HI:
        return flow_say_hi(rq);
    case ROUTE_COUNT:
        break;
    }
    return gw_deny(rq, 404, "no route takes this path");
}
