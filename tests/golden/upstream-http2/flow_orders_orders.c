/* The flows of orders_orders. */
#include "gateway.h"

/* POST /orders.Orders/Get */
enum gw_next flow_orders(struct gw_req *rq)
{
    enum gw_next next;

    switch (rq->at) {
    case AT_START:
    case AT_UPSTREAM: /* upstream: orders */
        if ((next = gw_proxy(rq, &to_orders)) != GW_GO)
            return gw_stay(rq, AT_UPSTREAM, next);
        return gw_reply(rq);
    }
    return GW_DONE;
}

/* POST /orders.Orders/Own */
enum gw_next flow_own(struct gw_req *rq)
{
    static const struct gw_retry retry = {
        .module = &retry_module,
        .attempts = 3,
        /* unavailable */
        .grpc_statuses = 16384,
        /* GET HEAD PUT DELETE OPTIONS TRACE QUERY */
        .methods = 731,
        .idempotency_key = true,
        .base = 25,
        .max = 250,
        .jitter = true,
        .budget = 20,
        .budget_min = 10,
        .buffer = 65536,
    };
    static const struct gw_forward forward = {
        .upstream = &backend_orders,
        .retry = &retry,
    };
    enum gw_next next;

    switch (rq->at) {
    case AT_START:
    case AT_UPSTREAM: /* upstream: orders */
        if ((next = gw_proxy(rq, &forward)) != GW_GO)
            return gw_stay(rq, AT_UPSTREAM, next);
        return gw_reply(rq);
    }
    return GW_DONE;
}
