/* The flows of reports. */
#include "gateway.h"

/* POST /reports */
enum gw_next flow_report(struct gw_req *rq)
{
    enum gw_next next;

    switch (rq->at) {
    case AT_START:
        /* security: jobs */
        if (gw_way(rq) && gw_sigv4(rq, &sigv4_of_jobs))
            gw_take(rq);
        if (gw_waits(rq))
            return GW_WAIT;
        if (!gw_is_let_in(rq))
            return gw_unauthorized(rq, GW_ASK_SIGV4, STR("library"));
        GW_FALLTHROUGH;

    case AT_UPSTREAM: /* upstream: library */
        if ((next = gw_proxy(rq, &to_library)) != GW_GO)
            return gw_stay(rq, AT_UPSTREAM, next);
        return gw_reply(rq);
    }
    return GW_DONE;
}
