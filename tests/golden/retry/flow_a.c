/* The flows of a. */
#include "gateway.h"

/* GET /a */
enum gw_next flow_from_document(struct gw_req *rq)
{
    enum gw_next next;

    switch (rq->at) {
    case AT_START:
    case AT_UPSTREAM: /* upstream: one */
        if ((next = gw_proxy(rq, &to_one)) != GW_GO)
            return gw_stay(rq, AT_UPSTREAM, next);
        return gw_reply(rq);
    }
    return GW_DONE;
}

/* POST /a */
enum gw_next flow_own(struct gw_req *rq)
{
    static const struct gw_status_range retry_statuses[] = {
        {.first = 500, .last = 599},
        {.first = 429, .last = 429},
    };
    static const struct gw_retry retry = {
        .module = &retry_module,
        .attempts = 5,
        .on_reset = true,
        .on_timeout = true,
        .statuses = retry_statuses,
        .status_count = 2,
        /* GET PUT */
        .methods = 9,
        .idempotency_key = true,
        .base = 100,
        .max = 2000,
        .budget = 10,
        .budget_min = 1,
        .per_try_timeout = 500,
        .buffer = 65536,
    };
    static const struct gw_forward forward = {
        .upstream = &backend_one,
        .retry = &retry,
    };
    enum gw_next next;

    switch (rq->at) {
    case AT_START:
    case AT_UPSTREAM: /* upstream: one */
        if ((next = gw_proxy(rq, &forward)) != GW_GO)
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
        .attempts = 1,
        .buffer = 8192,
    };
    static const struct gw_forward forward = {
        .upstream = &backend_one,
        .retry = &retry,
    };
    enum gw_next next;

    switch (rq->at) {
    case AT_START:
    case AT_UPSTREAM: /* upstream: one */
        if ((next = gw_proxy(rq, &forward)) != GW_GO)
            return gw_stay(rq, AT_UPSTREAM, next);
        return gw_reply(rq);
    }
    return GW_DONE;
}
