/* The flows of settings. */
#include "gateway.h"

/* GET /settings, for whom ip_restriction_1 admits */
enum gw_next flow_settings(struct gw_req *rq)
{
    enum gw_next next;

    switch (rq->at) {
    case AT_START:
        /* security: keepers */
        if (gw_way(rq) && gw_basic(rq, &basic_of_keepers))
            gw_take(rq);
        if (gw_waits(rq))
            return GW_WAIT;
        if (!gw_is_let_in(rq))
            return gw_unauthorized(rq, GW_ASK_BASIC, STR("library"));
        GW_FALLTHROUGH;

    case AT_UPSTREAM: /* upstream: library */
        if ((next = gw_proxy(rq, &to_library)) != GW_GO)
            return gw_stay(rq, AT_UPSTREAM, next);
        return gw_reply(rq);
    }
    return GW_DONE;
}
