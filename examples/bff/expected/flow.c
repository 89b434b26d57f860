/* From a route to its flow. */
#include "gateway.h"

enum gw_next gateway_flow(struct gw_req *rq)
{
    switch ((enum gateway_route)rq->route->index) {
    case ROUTE_LIST_PRODUCTS:
        return flow_list_products(rq);
    case ROUTE_GET_PRODUCT:
        return flow_get_product(rq);
    case ROUTE_GET_PROFILE:
        return flow_get_profile(rq);
    case ROUTE_GET_MY_ORDER:
        return flow_get_my_order(rq);
    case ROUTE_OLD_SHOP:
        return flow_old_shop(rq);
    case ROUTE_HOME:
        return flow_home(rq);
    case ROUTE_COUNT:
        break;
    }
    return gw_deny(rq, 404, "no route takes this path");
}
