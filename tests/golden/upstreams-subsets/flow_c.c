/* The flows of c. */
#include "gateway.h"

/* GET /c */
enum gw_next flow_get_c(struct gw_req *rq)
{
    static const struct gw_forward pets_v2_forward = {
        .upstream = &backend_pets,
        .subset = 4, /* pets:v2 */
    };
    static const struct str pets_v2_header_x_version[] = {
        STR_INIT("v2"),
    };
    static const struct gw_forward otherwise_forward = {
        .upstream = &backend_pets,
        .subset = 3, /* pets:v1 */
    };
    enum gw_next next;

    switch (rq->at) {
    case AT_START:
        /* route: the first that matches */
        if (gw_header_is(rq, STR("X-Version"), pets_v2_header_x_version, 1))
            rq->forward = &pets_v2_forward;
        else
            rq->forward = &otherwise_forward;
        GW_FALLTHROUGH;

    case AT_UPSTREAM: /* upstream: pets */
        if ((next = gw_proxy(rq, rq->forward)) != GW_GO)
            return gw_stay(rq, AT_UPSTREAM, next);
        return gw_reply(rq);
    }
    return GW_DONE;
}
