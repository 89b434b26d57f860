/* The flows of a. */
#include "gateway.h"

/* GET /a */
enum gw_next flow_get_a(struct gw_req *rq)
{
    static const struct gw_forward forwards[] = {
        /* all */ {.upstream = &backend_all},
        /* short */ {.upstream = &backend_short_},
        /* off */ {.upstream = &backend_off},
        /* tcp */ {.upstream = &backend_tcp},
        /* grpc */ {.upstream = &backend_grpc},
        /* rates */ {.upstream = &backend_rates},
        /* ip */ {.upstream = &backend_ip},
        /* header */ {.upstream = &backend_header},
        /* cookie */ {.upstream = &backend_cookie},
    };
    static const uint32_t weights[] = {
        /* all */ 1,
        /* short */ 1,
        /* off */ 1,
        /* tcp */ 1,
        /* grpc */ 1,
        /* rates */ 1,
        /* ip */ 1,
        /* header */ 1,
        /* cookie */ 1,
    };
    static const struct gw_choice choice = {
        .forwards = forwards,
        .weights = weights,
        .count = 9,
        .total = 9,
    };
    enum gw_next next;

    switch (rq->at) {
    case AT_START:
    case AT_UPSTREAM: /* upstream: all 1, short 1, off 1, tcp 1, grpc 1, rates 1, ip 1, header 1, cookie 1 */
        if ((next = gw_proxy(rq, gw_choose(rq, &choice))) != GW_GO)
            return gw_stay(rq, AT_UPSTREAM, next);
        return gw_reply(rq);
    }
    return GW_DONE;
}
