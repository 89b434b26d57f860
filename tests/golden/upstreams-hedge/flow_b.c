/* The flows of b. */
#include "gateway.h"

/* GET /b */
enum gw_next flow_none(struct gw_req *rq)
{
    enum gw_next next;

    switch (rq->at) {
    case AT_START:
    case AT_UPSTREAM: /* upstream: news */
        if ((next = gw_proxy(rq, &to_news)) != GW_GO)
            return gw_stay(rq, AT_UPSTREAM, next);
        return gw_reply(rq);
    }
    return GW_DONE;
}

/* HEAD /b */
enum gw_next flow_own(struct gw_req *rq)
{
    static const struct gw_retry retry = {
        .module = &retry_module,
        .attempts = 4,
        .on_connect_failure = true,
        /* HEAD */
        .methods = 2,
        .base = 25,
        .max = 250,
        .jitter = true,
        .budget = 20,
        .budget_min = 10,
        .buffer = 65536,
        .hedge = &hedge_module,
        .hedge_delay = 1000,
        .hedge_attempts = 3,
    };
    static const struct gw_forward forward = {
        .upstream = &backend_news,
        .retry = &retry,
    };
    enum gw_next next;

    switch (rq->at) {
    case AT_START:
    case AT_UPSTREAM: /* upstream: news */
        if ((next = gw_proxy(rq, &forward)) != GW_GO)
            return gw_stay(rq, AT_UPSTREAM, next);
        return gw_reply(rq);
    }
    return GW_DONE;
}
