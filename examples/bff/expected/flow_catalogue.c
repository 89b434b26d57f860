/* The flows of catalogue. */
#include "gateway.h"

/* GET /products */
enum gw_next flow_list_products(struct gw_req *rq)
{
    enum gw_next next;

    switch (rq->at) {
    case AT_START:
    case AT_UPSTREAM: /* upstream: catalogue */
        if ((next = gw_proxy(rq, &to_catalogue)) != GW_GO)
            return gw_stay(rq, AT_UPSTREAM, next);
        return gw_reply(rq);
    }
    return GW_DONE;
}

/* GET /products/{sku} */
enum gw_next flow_get_product(struct gw_req *rq)
{
    enum gw_next next;

    switch (rq->at) {
    case AT_START:
    case AT_UPSTREAM: /* upstream: catalogue */
        if ((next = gw_proxy(rq, &to_catalogue)) != GW_GO)
            return gw_stay(rq, AT_UPSTREAM, next);
        return gw_reply(rq);
    }
    return GW_DONE;
}
