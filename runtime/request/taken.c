#include "request/taken.h"

#include "request/hold.h"
#include "request/identity.h"
#include "request/pace.h"

struct body_in *taken_body(struct gw_req *rq)
{
    if (rq->hold)
        return hold_body(rq->hold);
    if (rq->route->upload_rate > 0)
        return pace_open(rq, &rq->x->in, rq->route->upload_rate);
    return &rq->x->in;
}

uint16_t taken_status(const struct gw_req *rq)
{
    return rq->x->refused ? rq->x->refused : 400;
}

const char *taken_reason(const struct gw_req *rq)
{
    return rq->x->refusal ? rq->x->refusal : "the client left before the answer";
}

static bool is_too_long(struct gw_req *rq)
{
    return identity_fails(rq, 413, "the body is too long for what has to be known of it");
}

bool taken_whole(struct gw_req *rq)
{
    const uint64_t limit = rq->route->hold;

    if (rq->head.framing == FRAMING_NONE)
        return true;
    if (rq->head.framing == FRAMING_LENGTH && rq->head.length > limit)
        return is_too_long(rq);
    if (!rq->hold)
        rq->hold = hold_start(rq, taken_body(rq), limit);
    if (rq->hold->op.state == OP_RUNNING) {
        req_park(rq, &rq->hold->op);
        return false;
    }
    if (rq->hold->op.state != OP_DONE)
        return identity_fails(rq, taken_status(rq), taken_reason(rq));
    if (rq->hold->full && rq->hold->kept.out_len < limit)
        return identity_fails(rq, 503, "there is no room for the body");
    return !rq->hold->full || is_too_long(rq);
}
