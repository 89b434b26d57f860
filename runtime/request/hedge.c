#include "request/hedge.h"

#include "client/retry.h"
#include "request/worker.h"

#define CONTAINER(type, member, at) ((type *)((char *)(at)-offsetof(type, member)))

struct hedge;

/* One of the calls for a request. */
struct hedge_call {
    struct hedge *hedge;
    struct upstream_call *call;
    struct op_waiter ended;
};

/* All of them; in the request's pool. */
struct hedge {
    struct op op;
    struct gw_req *rq;
    struct timer late; /* another one is due */
    uint64_t began;    /* loop->now */
    uint32_t count;
    struct hedge_call at[HEDGE_CALLS_MAX]; /* the first is no hedge */
};

static struct upstream_share *share_of_hedge(const struct hedge *hedge)
{
    const struct upstream_call *first = hedge->at[0].call;

    return first->upstreams->at[first->config->index].share;
}

/* ---- the end ---- */

static void leave(struct hedge *hedge)
{
    timer_clear(&hedge->rq->worker->loop, &hedge->late);
    for (uint32_t i = 0; i < hedge->count; i++)
        op_leave(&hedge->at[i].ended, true);
}

/* Gives up all calls but this one, which comes to know of their tries. */
static void give_up_others(struct hedge *hedge, struct upstream_call *kept)
{
    uint32_t beside = 0;

    for (uint32_t i = 0; i < hedge->count; i++) {
        if (hedge->at[i].call == kept)
            continue;
        beside += hedge->at[i].call->tries;
        call_close(hedge->at[i].call);
    }
    kept->beside = (uint8_t)beside;
}

/* The request is over: its own call is closed by whoever ends it. */
static void on_cancel(struct op *op)
{
    struct hedge *hedge = CONTAINER(struct hedge, op, op);

    leave(hedge);
    give_up_others(hedge, hedge->rq->upstream);
}

static void settle(struct hedge *hedge, struct hedge_call *best)
{
    leave(hedge);
    give_up_others(hedge, best->call);
    if (best != &hedge->at[0] && best->call->op.state == OP_DONE)
        SHARE_ADD(share_of_hedge(hedge)->total_hedges_won, 1);
    hedge->rq->upstream = best->call;
    op_end(&hedge->op, OP_DONE);
}

/* How good a call is for the request, as it stands. */
enum worth { WORTH_NOTHING, WORTH_WAITING_BESIDE, WORTH_TAKING };

static enum worth worth_of(const struct upstream_call *call)
{
    if (call->op.state != OP_DONE)
        return WORTH_NOTHING;
    return retry_names_answer(call) ? WORTH_WAITING_BESIDE : WORTH_TAKING;
}

static void on_ended(struct loop_call *wake)
{
    struct hedge_call *best = CONTAINER(struct hedge_call, ended.wake, wake);
    struct hedge *hedge = best->hedge;
    bool is_waiting = false;

    for (uint32_t i = 0; i < hedge->count; i++) {
        struct hedge_call *one = &hedge->at[i];
        is_waiting = is_waiting || one->call->op.state == OP_RUNNING;
        if (worth_of(one->call) > worth_of(best->call))
            best = one;
    }
    if (!is_waiting || worth_of(best->call) == WORTH_TAKING)
        settle(hedge, best);
}

/* ---- another one ---- */

static void add(struct hedge *hedge, struct upstream_call *call)
{
    struct hedge_call *one = &hedge->at[hedge->count++];

    one->hedge = hedge;
    one->call = call;
    op_wait(&call->op, &one->ended, on_ended);
}

/* ms until every call under way has been waited for as long as it takes, at the earliest. The time between two tries and
 * in the breaker's queue is none of a target's. */
static uint64_t time_left(const struct hedge *hedge)
{
    uint64_t delay = hedge->at[0].call->retry->hedge_delay, left = 0;

    for (uint32_t i = 0; i < hedge->count; i++) {
        const struct upstream_call *call = hedge->at[i].call;
        uint64_t ms = call_is_trying(call) ? call_try_us(call) / 1000 : 0;
        if (call->op.state == OP_RUNNING && ms < delay && delay - ms > left)
            left = delay - ms;
    }
    return left;
}

/* ms until timeouts.request; UINT32_MAX: it is off. */
static uint32_t deadline_of(const struct hedge *hedge)
{
    uint32_t all = call_time(hedge->at[0].call);
    uint64_t passed = hedge->rq->worker->loop.now - hedge->began;

    if (all == 0)
        return UINT32_MAX;
    return passed < all ? all - (uint32_t)passed : 0;
}

/* False: the budget, the breaker or the targets do not let it. */
static bool send_beside(struct hedge *hedge, uint32_t deadline)
{
    struct upstream_call *first = hedge->at[0].call, *call = call_copy(first);

    call->is_hedge = true;
    call->deadline = deadline < UINT32_MAX ? deadline : 0;
    call->tried = first->tried;
    call_start(call);
    if (call->tries == 0) {
        call_close(call);
        return false;
    }
    SHARE_ADD(share_of_hedge(hedge)->total_hedges, 1);
    first->tried |= call->tried; /* its retries, too, go elsewhere */
    first->beside = (uint8_t)(first->beside + call->tries);
    add(hedge, call);
    return true;
}

static bool may_send(const struct hedge *hedge)
{
    const struct upstream_call *first = hedge->at[0].call;

    return hedge->count < first->retry->hedge_attempts &&
           first->tries + first->beside < first->retry->attempts;
}

static void on_late(struct timer *timer)
{
    struct hedge *hedge = CONTAINER(struct hedge, late, timer);
    struct loop *loop = &hedge->rq->worker->loop;
    uint64_t left = time_left(hedge);
    uint32_t deadline = deadline_of(hedge);

    if (left > 0)
        timer_set(loop, &hedge->late, left);
    else if (deadline > 0 && may_send(hedge) && send_beside(hedge, deadline) && may_send(hedge))
        timer_set(loop, &hedge->late, hedge->at[0].call->retry->hedge_delay);
}

/* ---- the module ---- */

/* Methods that change nothing (RFC 9110 section 9.2.1) and `retry` does not exclude, without content. */
static bool is_hedged(const struct gw_req *rq)
{
    static const uint32_t safe = 1u << METHOD_GET | 1u << METHOD_HEAD | 1u << METHOD_OPTIONS;
    const struct upstream_call *call = rq->upstream;

    return (safe & call->retry->methods) >> call->method & 1 && !call->body &&
           call->upgrade_to.len == 0;
}

static struct op *begin(struct gw_req *rq)
{
    struct loop *loop = &rq->worker->loop;
    struct upstream_call *first = rq->upstream;
    struct hedge *hedge;

    if (first->op.state != OP_RUNNING || !is_hedged(rq) ||
        target_count(&first->upstreams->at[first->config->index], first->subset) < 2)
        return &first->op;
    hedge = pool_new(&rq->pool, struct hedge);
    hedge->rq = rq;
    hedge->began = loop->now;
    hedge->late.fire = on_late;
    op_open(&hedge->op, loop, 0, on_cancel);
    add(hedge, first);
    timer_set(loop, &hedge->late, first->retry->hedge_delay);
    return &hedge->op;
}

const struct hedge_module hedge_module = {begin};
