/* The flows of b. */
#include "gateway.h"

/* GET /b */
enum gw_next flow_get_b(struct gw_req *rq)
{
    static const struct gw_forward forwards[] = {
        /* plain */ {.upstream = &backend_plain},
        /* off */ {.upstream = &backend_off},
    };
    static const uint32_t weights[] = {
        /* plain */ 1,
        /* off */ 0,
    };
    static const struct gw_choice choice = {
        .forwards = forwards,
        .weights = weights,
        .count = 2,
        .total = 1,
    };
    enum gw_next next;

    switch (rq->at) {
    case AT_START:
    case AT_UPSTREAM: /* upstream: plain 1, off 0 */
        if ((next = gw_proxy(rq, gw_choose(rq, &choice))) != GW_GO)
            return gw_stay(rq, AT_UPSTREAM, next);
        return gw_reply(rq);
    }
    return GW_DONE;
}

/* PUT /b */
enum gw_next flow_put_b(struct gw_req *rq)
{
    static const struct gw_forward off_carts_forwards[] = {
        /* off */ {.upstream = &backend_off},
        /* carts */ {.upstream = &backend_carts},
    };
    static const uint32_t off_carts_weights[] = {
        /* off */ 1,
        /* carts */ 1,
    };
    static const struct str off_carts_ids[] = {
        /* off */ STR_INIT("b4dc66dd"),
        /* carts */ STR_INIT("7c906d4f"),
    };
    static const struct gw_sticky off_carts_sticky = {
        .module = &sticky_module,
        .cookie = STR_INIT("new"),
        .attributes = STR_INIT("; Path=/; HttpOnly; SameSite=Lax"),
        .secure_on_https = true,
    };
    static const struct gw_choice off_carts_choice = {
        .forwards = off_carts_forwards,
        .weights = off_carts_weights,
        .count = 2,
        .total = 2,
        .sticky = &off_carts_sticky,
        .ids = off_carts_ids,
    };
    static const struct str off_carts_header_x_new[] = {
        STR_INIT("yes-please"),
    };
    enum gw_next next;

    switch (rq->at) {
    case AT_START:
        /* route: the first that matches */
        if (gw_header_is(rq, STR("X-New"), off_carts_header_x_new, 1))
            rq->forward = gw_choose(rq, &off_carts_choice);
        else
            rq->forward = &to_off;
        GW_FALLTHROUGH;

    case AT_UPSTREAM: /* upstream: off, carts */
        if ((next = gw_proxy(rq, rq->forward)) != GW_GO)
            return gw_stay(rq, AT_UPSTREAM, next);
        return gw_reply(rq);
    }
    return GW_DONE;
}
