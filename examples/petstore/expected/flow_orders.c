/* The flows of orders. */
#include "gateway.h"

/* GET /v1/orders/{orderId} */
enum gw_next flow_get_order(struct gw_req *rq)
{
    /* rewrite: strip /v1, redirects */
    static const struct gw_rewrite rewrite = {
        .strip = 3,
        .redirects = true,
    };
    static const struct gw_forward forward = {
        .upstream = &backend_orders,
        .rewrite = &rewrite,
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
