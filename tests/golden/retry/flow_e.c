/* The flows of e. */
#include "gateway.h"

/* GET /e */
enum gw_next flow_each(struct gw_req *rq)
{
    /* rewrite: prefix /v2, redirects */
    static const struct gw_rewrite rewrite = {
        .prefix = STR_INIT("/v2"),
        .redirects = true,
    };
    static const struct gw_forward forwards[] = {
        /* one */ {.upstream = &backend_one, .rewrite = &rewrite, .retry = &retry_of_one},
        /* two */ {.upstream = &backend_two, .rewrite = &rewrite, .retry = &retry_of_two},
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
