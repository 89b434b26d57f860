/* The flows of a. */
#include "gateway.h"

/* GET /a */
enum gw_next flow_get_a(struct gw_req *rq)
{
    enum gw_next next;

    switch (rq->at) {
    case AT_START:
    case AT_UPSTREAM: /* upstream: pets */
        if ((next = gw_proxy(rq, &to_pets)) != GW_GO)
            return gw_stay(rq, AT_UPSTREAM, next);
        return gw_reply(rq);
    }
    return GW_DONE;
}

/* POST /a */
enum gw_next flow_post_a(struct gw_req *rq)
{
    static const struct gw_forward forwards[] = {
        /* pets */ {.upstream = &backend_pets},
        /* carts */ {.upstream = &backend_carts},
    };
    static const uint32_t weights[] = {
        /* pets */ 9,
        /* carts */ 1,
    };
    static const struct str ids[] = {
        /* pets */ STR_INIT("3be1d422"),
        /* carts */ STR_INIT("7c906d4f"),
    };
    static const struct gw_sticky sticky = {
        .module = &sticky_module,
        .cookie = STR_INIT("release"),
        .attributes = STR_INIT("; Path=/; Max-Age=86400; HttpOnly; SameSite=Lax"),
        .secure_on_https = true,
    };
    static const struct gw_choice choice = {
        .forwards = forwards,
        .weights = weights,
        .count = 2,
        .total = 10,
        .sticky = &sticky,
        .ids = ids,
    };
    enum gw_next next;

    switch (rq->at) {
    case AT_START:
    case AT_UPSTREAM: /* upstream: pets 9, carts 1, sticky by cookie release */
        if ((next = gw_proxy(rq, gw_choose(rq, &choice))) != GW_GO)
            return gw_stay(rq, AT_UPSTREAM, next);
        return gw_reply(rq);
    }
    return GW_DONE;
}
