/* Forward: what the files of this folder share. */
#ifndef GATEWAY_H
#define GATEWAY_H

#include "gw.h"

_Static_assert(GW_ABI == 1, "made for another runtime: run apigw-gen generate again");

/* Routes in document order. */
enum gateway_route {
    ROUTE_LIST_PETS,
    ROUTE_GET_PET,
    ROUTE_COUNT,
};

/* Where a flow may stand. */
enum { AT_START, AT_UPSTREAM };

extern const struct gw_upstream backend_pets;

/* Sent there as it came. */
extern const struct gw_forward to_pets;

extern const struct gw_timeouts timeouts_default;
extern const struct gw_errors errors_default;

extern const struct gw_route route_list_pets;
extern const struct gw_route route_get_pet;

enum gw_next flow_list_pets(struct gw_req *rq);
enum gw_next flow_get_pet(struct gw_req *rq);

#endif
