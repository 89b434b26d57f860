/* Web shop edge: what the files of this folder share. */
#ifndef GATEWAY_H
#define GATEWAY_H

#include "gw.h"

_Static_assert(GW_ABI == 1, "made for another runtime: run apigw-gen generate again");

/* Routes in document order. */
enum gateway_route {
    ROUTE_LIST_PRODUCTS,
    ROUTE_GET_PRODUCT,
    ROUTE_GET_PROFILE,
    ROUTE_GET_MY_ORDER,
    ROUTE_OLD_SHOP,
    ROUTE_HOME,
    ROUTE_COUNT,
};

/* Where a flow may stand. */
enum { AT_START, AT_UPSTREAM };

extern const struct gw_upstream backend_catalogue;
extern const struct gw_upstream backend_account;
extern const struct gw_upstream backend_legacy;

/* Sent there as it came. */
extern const struct gw_forward to_catalogue;

extern const struct gw_timeouts timeouts_default;
extern const struct gw_errors errors_default;

extern const struct gw_route route_list_products;
extern const struct gw_route route_get_product;
extern const struct gw_route route_get_profile;
extern const struct gw_route route_get_my_order;
extern const struct gw_route route_old_shop;
extern const struct gw_route route_home;

enum gw_next flow_list_products(struct gw_req *rq);
enum gw_next flow_get_product(struct gw_req *rq);
enum gw_next flow_get_profile(struct gw_req *rq);
enum gw_next flow_get_my_order(struct gw_req *rq);
enum gw_next flow_old_shop(struct gw_req *rq);
enum gw_next flow_home(struct gw_req *rq);

#endif
