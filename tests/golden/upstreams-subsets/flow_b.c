/* The flows of b. */
#include "gateway.h"

/* GET /b */
enum gw_next flow_get_b(struct gw_req *rq)
{
    static const struct gw_forward forward = {
        .upstream = &backend_pets,
        .subset = 1, /* pets:fast v1 */
    };
    enum gw_next next;

    switch (rq->at) {
    case AT_START:
    case AT_UPSTREAM: /* upstream: pets:fast v1 */
        if ((next = gw_proxy(rq, &forward)) != GW_GO)
            return gw_stay(rq, AT_UPSTREAM, next);
        return gw_reply(rq);
    }
    return GW_DONE;
}
