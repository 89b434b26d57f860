/* Petstore: what the files of this folder share. */
#ifndef GATEWAY_H
#define GATEWAY_H

#include "gw.h"

_Static_assert(GW_ABI == 1, "made for another runtime: run apigw-gen generate again");

/* Routes in document order. */
enum gateway_route {
    ROUTE_HEALTH,
    ROUTE_LIST_PETS,
    ROUTE_CREATE_PET,
    ROUTE_GET_PET,
    ROUTE_DELETE_PET,
    ROUTE_GET_ORDER,
    ROUTE_GET_ANIMAL,
    ROUTE_COUNT,
};

/* Where a flow may stand. */
enum { AT_START, AT_UPSTREAM };

extern const struct gw_upstream backend_pets;
extern const struct gw_upstream backend_pets_next;
extern const struct gw_upstream backend_orders;

/* Sent there as it came. */
extern const struct gw_forward to_pets;
extern const struct gw_forward to_pets_next;

extern const struct gw_timeouts timeouts_default;
extern const struct gw_errors errors_default;

extern const struct gw_route route_health;
extern const struct gw_route route_list_pets;
extern const struct gw_route route_create_pet;
extern const struct gw_route route_get_pet;
extern const struct gw_route route_delete_pet;
extern const struct gw_route route_get_order;
extern const struct gw_route route_get_animal;

enum gw_next flow_health(struct gw_req *rq);
enum gw_next flow_list_pets(struct gw_req *rq);
enum gw_next flow_create_pet(struct gw_req *rq);
enum gw_next flow_get_pet(struct gw_req *rq);
enum gw_next flow_delete_pet(struct gw_req *rq);
enum gw_next flow_get_order(struct gw_req *rq);
enum gw_next flow_get_animal(struct gw_req *rq);

#endif
