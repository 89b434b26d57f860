/* The flows of home. */
#include "gateway.h"

/* GET /home */
enum gw_next flow_home(struct gw_req *rq)
{
    static const struct str one_header_x_tenant_id[] = {
        STR_INIT("a"),
        /* or */ STR_INIT("b"),
    };
    static const struct str two_hosts[] = {
        STR_INIT("beta.example.com"),
    };
    static const struct str two_header_x_stage[] = {
        STR_INIT("canary"),
    };
    static const struct str two_query_beta[] = {
        STR_INIT("1"),
    };
    static const struct gw_forward otherwise_forwards[] = {
        /* one */ {.upstream = &backend_one},
        /* two */ {.upstream = &backend_two},
    };
    static const uint32_t otherwise_weights[] = {
        /* one */ 95,
        /* two */ 5,
    };
    static const struct gw_choice otherwise_choice = {
        .forwards = otherwise_forwards,
        .weights = otherwise_weights,
        .count = 2,
        .total = 100,
    };
    enum gw_next next;

    switch (rq->at) {
    case AT_START:
        /* route: the first that matches */
        if (gw_header_is(rq, STR("X-Tenant-Id"), one_header_x_tenant_id, 2))
            rq->forward = &to_one;
        else if (gw_host_is(rq, two_hosts, 1) &&
                 gw_header_is(rq, STR("X-Stage"), two_header_x_stage, 1) &&
                 gw_query_is(rq, STR("beta"), two_query_beta, 1))
            rq->forward = &to_two;
        else
            rq->forward = gw_choose(rq, &otherwise_choice);
        GW_FALLTHROUGH;

    case AT_UPSTREAM: /* upstream: one, two */
        if ((next = gw_proxy(rq, rq->forward)) != GW_GO)
            return gw_stay(rq, AT_UPSTREAM, next);
        return gw_reply(rq);
    }
    return GW_DONE;
}
