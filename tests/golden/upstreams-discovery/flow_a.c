/* The flows of a. */
#include "gateway.h"

/* GET /a */
enum gw_next flow_get_a(struct gw_req *rq)
{
    static const struct gw_forward forwards[] = {
        /* pets */ {.upstream = &backend_pets},
        /* dogs */ {.upstream = &backend_dogs},
        /* cats:v1 */ {.upstream = &backend_cats, .subset = 1},
        /* cats:say \"hi\" */ {.upstream = &backend_cats, .subset = 2},
        /* birds */ {.upstream = &backend_birds},
        /* ants */ {.upstream = &backend_ants},
        /* bees */ {.upstream = &backend_bees},
    };
    static const uint32_t weights[] = {
        /* pets */ 1,
        /* dogs */ 1,
        /* cats:v1 */ 2,
        /* cats:say \"hi\" */ 1,
        /* birds */ 1,
        /* ants */ 1,
        /* bees */ 1,
    };
    static const struct gw_choice choice = {
        .forwards = forwards,
        .weights = weights,
        .count = 7,
        .total = 8,
    };
    enum gw_next next;

    switch (rq->at) {
    case AT_START:
    case AT_UPSTREAM: /* upstream: pets 1, dogs 1, cats:v1 2, cats:say \"hi\" 1, birds 1, ants 1, bees 1 */
        if ((next = gw_proxy(rq, gw_choose(rq, &choice))) != GW_GO)
            return gw_stay(rq, AT_UPSTREAM, next);
        return gw_reply(rq);
    }
    return GW_DONE;
}
