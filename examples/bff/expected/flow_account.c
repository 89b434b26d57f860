/* The flows of account. */
#include "gateway.h"

/* GET /me */
enum gw_next flow_get_profile(struct gw_req *rq)
{
    static const struct gw_piece path[] = {
        {.literal = STR_INIT("/v2/profile"), .param = -1},
    };
    /* rewrite: path /v2/profile, redirects */
    static const struct gw_rewrite rewrite = {
        .path = path,
        .path_count = 1,
        .redirects = true,
    };
    static const struct gw_forward forward = {
        .upstream = &backend_account,
        .rewrite = &rewrite,
    };
    enum gw_next next;

    switch (rq->at) {
    case AT_START:
    case AT_UPSTREAM: /* upstream: account */
        if ((next = gw_proxy(rq, &forward)) != GW_GO)
            return gw_stay(rq, AT_UPSTREAM, next);
        return gw_reply(rq);
    }
    return GW_DONE;
}

/* GET /me/orders/{orderId} */
enum gw_next flow_get_my_order(struct gw_req *rq)
{
    static const struct gw_piece path[] = {
        {.literal = STR_INIT("/v2/orders/"), .param = -1},
        /* orderId */ {.param = 0},
    };
    /* rewrite: path /v2/orders/{orderId}, redirects */
    static const struct gw_rewrite rewrite = {
        .path = path,
        .path_count = 2,
        .redirects = true,
    };
    static const struct gw_forward forward = {
        .upstream = &backend_account,
        .rewrite = &rewrite,
    };
    enum gw_next next;

    switch (rq->at) {
    case AT_START:
    case AT_UPSTREAM: /* upstream: account */
        if ((next = gw_proxy(rq, &forward)) != GW_GO)
            return gw_stay(rq, AT_UPSTREAM, next);
        return gw_reply(rq);
    }
    return GW_DONE;
}
