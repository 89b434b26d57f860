/* The flows of d. */
#include "gateway.h"

/* GET /d */
enum gw_next flow_from_path(struct gw_req *rq)
{
    static const struct gw_retry retry_1 = {
        .module = &retry_module,
        .attempts = 3,
        .on_reset = true,
        /* GET HEAD PUT DELETE OPTIONS TRACE QUERY */
        .methods = 731,
        .base = 25,
        .max = 250,
        .jitter = true,
        .buffer = 8192,
    };
    static const struct gw_retry retry_2 = {
        .module = &retry_module,
        .attempts = 3,
        .on_reset = true,
        /* GET HEAD PUT DELETE OPTIONS TRACE QUERY */
        .methods = 731,
        .base = 25,
        .max = 250,
        .jitter = true,
        .buffer = 8192,
    };
    static const struct gw_forward forwards[] = {
        /* one */ {.upstream = &backend_one, .retry = &retry_1},
        /* two */ {.upstream = &backend_two, .retry = &retry_2},
    };
    static const uint32_t weights[] = {
        /* one */ 3,
        /* two */ 1,
    };
    static const struct gw_choice choice = {
        .forwards = forwards,
        .weights = weights,
        .count = 2,
        .total = 4,
    };
    enum gw_next next;

    switch (rq->at) {
    case AT_START:
    case AT_UPSTREAM: /* upstream: one 3, two 1 */
        if ((next = gw_proxy(rq, gw_choose(rq, &choice))) != GW_GO)
            return gw_stay(rq, AT_UPSTREAM, next);
        return gw_reply(rq);
    }
    return GW_DONE;
}
