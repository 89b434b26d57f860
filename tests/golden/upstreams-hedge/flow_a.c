/* The flows of a. */
#include "gateway.h"

/* GET /a */
enum gw_next flow_from_upstream(struct gw_req *rq)
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

/* PUT /a */
enum gw_next flow_off(struct gw_req *rq)
{
    static const struct gw_retry retry = {
        .module = &retry_module,
        .attempts = 3,
        .on_connect_failure = true,
        /* GET HEAD PUT DELETE OPTIONS TRACE QUERY */
        .methods = 731,
        .base = 25,
        .max = 250,
        .jitter = true,
        .budget = 20,
        .budget_min = 10,
        .buffer = 65536,
    };
    static const struct gw_forward forward = {
        .upstream = &backend_pets,
        .retry = &retry,
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
