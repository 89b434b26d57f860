/* From a route to its flow. */
#include "gateway.h"

enum gw_next gateway_flow(struct gw_req *rq)
{
    switch ((enum gateway_route)rq->route->index) {
    case ROUTE_GET_ORDER:
        return flow_get_order(rq);
    case ROUTE_HOME:
        return flow_home(rq);
    case ROUTE_COUNT:
        break;
    }
    return gw_deny(rq, 404, "no route takes this path");
}
