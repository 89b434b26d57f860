/* Users: what the files of this folder share. */
#ifndef GATEWAY_H
#define GATEWAY_H

#include "gw.h"

_Static_assert(GW_ABI == 1, "made for another runtime: run apigw-gen generate again");

/* Routes in document order. */
enum gateway_route {
    ROUTE_GET_A,
    ROUTE_POST_A,
    ROUTE_PUT_A,
    ROUTE_COUNT,
};

/* Where a flow may stand. */
enum { AT_START, AT_UPSTREAM };

extern const struct gw_upstream backend_pets;

/* Who calls, by a key. */
extern const struct gw_key_auth key_of_key;

/* Who calls, by a user's name and password. */
extern const struct gw_basic basic_of_basic;
extern const struct gw_basic basic_of_hidden_one;

/* Sent there as it came. */
extern const struct gw_forward to_pets;

extern const struct gw_timeouts timeouts_default;
extern const struct gw_errors errors_default;

extern const struct gw_route route_get_a;
extern const struct gw_route route_post_a;
extern const struct gw_route route_put_a;

enum gw_next flow_get_a(struct gw_req *rq);
enum gw_next flow_post_a(struct gw_req *rq);
enum gw_next flow_put_a(struct gw_req *rq);

#endif
