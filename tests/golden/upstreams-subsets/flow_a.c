/* The flows of a. */
#include "gateway.h"

/* GET /a */
enum gw_next flow_get_a(struct gw_req *rq)
{
    static const struct gw_forward forwards[] = {
        /* pets:v1 */ {.upstream = &backend_pets, .subset = 3},
        /* pets:v2 */ {.upstream = &backend_pets, .subset = 4},
    };
    static const uint32_t weights[] = {
        /* pets:v1 */ 95,
        /* pets:v2 */ 5,
    };
    static const struct gw_choice choice = {
        .forwards = forwards,
        .weights = weights,
        .count = 2,
        .total = 100,
    };
    enum gw_next next;

    switch (rq->at) {
    case AT_START:
    case AT_UPSTREAM: /* upstream: pets:v1 95, pets:v2 5 */
        if ((next = gw_proxy(rq, gw_choose(rq, &choice))) != GW_GO)
            return gw_stay(rq, AT_UPSTREAM, next);
        return gw_reply(rq);
    }
    return GW_DONE;
}

/* POST /a */
enum gw_next flow_post_a(struct gw_req *rq)
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
