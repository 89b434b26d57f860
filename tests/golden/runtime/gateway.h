/* T: what the files of this folder share. */
#ifndef GATEWAY_H
#define GATEWAY_H

#include "gw.h"

_Static_assert(GW_ABI == 1, "made for another runtime: run apigw-gen generate again");

/* Routes in document order. */
enum gateway_route {
    ROUTE_LIST_PETS,
    ROUTE_ADD_PET,
    ROUTE_GET_PET,
    ROUTE_PUT_PET,
    ROUTE_R,
    ROUTE_S,
    ROUTE_COUNT,
};

/* Where a flow may stand. */
enum { AT_START, AT_UPSTREAM };

extern const struct gw_upstream backend_stable;
extern const struct gw_upstream backend_canary;

/* What the runtime file may override, as it is now. */
enum runtime_value {
    RUNTIME_MAINTENANCE,
    RUNTIME_LOG_LEVEL,
    RUNTIME_UPSTREAM_STABLE,
    RUNTIME_UPSTREAM_CANARY,
    RUNTIME_PETS_DISABLED,
    RUNTIME_ADD_PET_DISABLED,
    RUNTIME_ADD_PET_UPSTREAM_CANARY,
    RUNTIME_PETS_ID_MAINTENANCE,
    RUNTIME_PETS_ID_ROUTE_0_UPSTREAM_STABLE,
    RUNTIME_PETS_ID_ROUTE_0_UPSTREAM_CANARY,
    RUNTIME_COUNT,
};
extern uint32_t turned[RUNTIME_COUNT];

/* Sent there as it came. */
extern const struct gw_forward to_canary;

extern const struct gw_timeouts timeouts_default;
extern const struct gw_errors errors_default;

extern const struct gw_route route_list_pets;
extern const struct gw_route route_add_pet;
extern const struct gw_route route_get_pet;
extern const struct gw_route route_put_pet;
extern const struct gw_route route_r;
extern const struct gw_route route_s;

enum gw_next flow_list_pets(struct gw_req *rq);
enum gw_next flow_add_pet(struct gw_req *rq);
enum gw_next flow_get_pet(struct gw_req *rq);
enum gw_next flow_put_pet(struct gw_req *rq);
enum gw_next flow_r(struct gw_req *rq);
enum gw_next flow_s(struct gw_req *rq);

#endif
