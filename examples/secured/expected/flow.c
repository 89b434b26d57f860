/* From a route to its flow. */
#include "gateway.h"

enum gw_next gateway_flow(struct gw_req *rq)
{
    switch ((enum gateway_route)rq->route->index) {
    case ROUTE_LIST_BOOKS:
        return flow_list_books(rq);
    case ROUTE_LIST_LOANS:
        return flow_list_loans(rq);
    case ROUTE_LEND:
        return flow_lend(rq);
    case ROUTE_REPORT:
        return flow_report(rq);
    case ROUTE_SETTINGS:
        return flow_settings(rq);
    case ROUTE_COUNT:
        break;
    }
    return gw_deny(rq, 404, "no route takes this path");
}
