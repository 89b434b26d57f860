#include "request/req.h"

#define CONTAINER(type, member, at) ((type *)((char *)(at)-offsetof(type, member)))

static void on_woken(struct loop_call *wake)
{
    struct gw_req *rq = CONTAINER(struct gw_req, wait.wake, wake);

    rq->call.run(&rq->call);
}

enum gw_next req_park(struct gw_req *rq, struct op *op)
{
    if (!rq->wait.op && !rq->wait.wake.queued)
        op_wait(op, &rq->wait, on_woken);
    return GW_WAIT;
}

void req_end(struct gw_req *rq)
{
    rq->ended = true;
    rq->call.run(&rq->call);
}
