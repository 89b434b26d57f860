/* From a route to its flow. */
#include "gateway.h"

enum gw_next gateway_flow(struct gw_req *rq)
{
    switch ((enum gateway_route)rq->route->index) {
    case ROUTE_HEALTH:
        return flow_health(rq);
    case ROUTE_LIST_PETS:
        return flow_list_pets(rq);
    case ROUTE_CREATE_PET:
        return flow_create_pet(rq);
    case ROUTE_GET_PET:
        return flow_get_pet(rq);
    case ROUTE_DELETE_PET:
        return flow_delete_pet(rq);
    case ROUTE_GET_ORDER:
        return flow_get_order(rq);
    case ROUTE_GET_ANIMAL:
        return flow_get_animal(rq);
    case ROUTE_COUNT:
        break;
    }
    return gw_deny(rq, 404, "no route takes this path");
}
