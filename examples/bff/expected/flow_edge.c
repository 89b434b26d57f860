/* The flows of edge. */
#include "gateway.h"

/* GET /shop/{rest} */
enum gw_next flow_old_shop(struct gw_req *rq)
{
    /* rewrite: strip /shop, redirects */
    static const struct gw_rewrite rewrite = {
        .strip = 5,
        .redirects = true,
    };
    static const struct gw_forward forward = {
        .upstream = &backend_legacy,
        .rewrite = &rewrite,
    };
    enum gw_next next;

    switch (rq->at) {
    case AT_START:
    case AT_UPSTREAM: /* upstream: legacy */
        if ((next = gw_proxy(rq, &forward)) != GW_GO)
            return gw_stay(rq, AT_UPSTREAM, next);
        return gw_reply(rq);
    }
    return GW_DONE;
}

/* GET / */
enum gw_next flow_home(struct gw_req *rq)
{
    static const struct gw_piece pieces[] = {
        {.literal = STR_INIT("/shop/"), .param = -1},
    };
    static const struct gw_redirect redirect = {
        .status = 302,
        .keep_query = true,
        .piece_count = 1,
        .pieces = pieces,
    };

    /* redirect: 302 to /shop/ */
    return gw_redirect(rq, &redirect);
}
