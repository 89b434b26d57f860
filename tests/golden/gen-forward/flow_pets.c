/* The flows of pets. */
#include "gateway.h"

/* GET /pets */
enum gw_next flow_list_pets(struct gw_req *rq)
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

/* GET /pets/{id} */
enum gw_next flow_get_pet(struct gw_req *rq)
{
    /* rewrite: prefix /v2, redirects */
    static const struct gw_rewrite rewrite = {
        .prefix = STR_INIT("/v2"),
        .redirects = true,
    };
    static const struct gw_forward forward = {
        .upstream = &backend_pets,
        .rewrite = &rewrite,
    };
    enum gw_next next;

    switch (rq->at) {
    case AT_START:
    case AT_UPSTREAM: /* upstream: pets */
        if ((next = gw_proxy(rq, &forward)) != GW_GO)
            return gw_stay(rq, AT_UPSTREAM, next);
        return gw_reply(rq);
    }
    return GW_DONE;
}
