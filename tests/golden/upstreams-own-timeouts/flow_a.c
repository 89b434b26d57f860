/* The flows of a. */
#include "gateway.h"

/* GET /a */
enum gw_next flow_weighted(struct gw_req *rq)
{
    static const struct gw_timeouts timeouts_2 = {
        .connect = 5000,
        .send = 60000,
        .read = 60000,
        .request = 0,
        .idle = 300000,
    };
    static const struct gw_forward forwards[] = {
        /* u */ {.upstream = &backend_u},
        /* v */ {.upstream = &backend_v, .timeouts = &timeouts_2},
    };
    static const uint32_t weights[] = {
        /* u */ 1,
        /* v */ 1,
    };
    static const struct gw_choice choice = {
        .forwards = forwards,
        .weights = weights,
        .count = 2,
        .total = 2,
    };
    enum gw_next next;

    switch (rq->at) {
    case AT_START:
    case AT_UPSTREAM: /* upstream: u 1, v 1 */
        if ((next = gw_proxy(rq, gw_choose(rq, &choice))) != GW_GO)
            return gw_stay(rq, AT_UPSTREAM, next);
        return gw_reply(rq);
    }
    return GW_DONE;
}

/* PUT /a */
enum gw_next flow_said(struct gw_req *rq)
{
    static const struct gw_forward forwards[] = {
        /* u */ {.upstream = &backend_u},
        /* v */ {.upstream = &backend_v},
    };
    static const uint32_t weights[] = {
        /* u */ 1,
        /* v */ 1,
    };
    static const struct gw_choice choice = {
        .forwards = forwards,
        .weights = weights,
        .count = 2,
        .total = 2,
    };
    enum gw_next next;

    switch (rq->at) {
    case AT_START:
    case AT_UPSTREAM: /* upstream: u 1, v 1 */
        if ((next = gw_proxy(rq, gw_choose(rq, &choice))) != GW_GO)
            return gw_stay(rq, AT_UPSTREAM, next);
        return gw_reply(rq);
    }
    return GW_DONE;
}

/* POST /a */
enum gw_next flow_branched(struct gw_req *rq)
{
    static const struct str v_query_v[] = {
        STR_INIT("1"),
    };
    /* rewrite: prefix /v, redirects */
    static const struct gw_rewrite v_2_rewrite = {
        .prefix = STR_INIT("/v"),
        .redirects = true,
    };
    static const struct gw_forward v_2_forward = {
        .upstream = &backend_v,
        .rewrite = &v_2_rewrite,
    };
    static const struct str v_2_query_v[] = {
        STR_INIT("2"),
    };
    static const struct gw_timeouts otherwise_timeouts = {
        .connect = 5000,
        .send = 60000,
        .read = 2000,
        .request = 0,
        .idle = 300000,
        .from_client = true,
    };
    static const struct gw_forward otherwise_forward = {
        .upstream = &backend_u,
        .timeouts = &otherwise_timeouts,
    };
    enum gw_next next;

    switch (rq->at) {
    case AT_START:
        /* route: the first that matches */
        if (gw_query_is(rq, STR("v"), v_query_v, 1))
            rq->forward = &to_v;
        else if (gw_query_is(rq, STR("v"), v_2_query_v, 1))
            rq->forward = &v_2_forward;
        else
            rq->forward = &otherwise_forward;
        GW_FALLTHROUGH;

    case AT_UPSTREAM: /* upstream: v, u */
        if ((next = gw_proxy(rq, rq->forward)) != GW_GO)
            return gw_stay(rq, AT_UPSTREAM, next);
        return gw_reply(rq);
    }
    return GW_DONE;
}
