/* The flows of orders. */
#include "gateway.h"

/* GET /orders/{orderId} */
enum gw_next flow_get_order(struct gw_req *rq)
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
