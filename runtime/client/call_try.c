/* The tries of a call: whether it may begin, which target is asked, and what others learn of how it went. */
#include "client/breaker.h"
#include "client/discovery.h"
#include "client/grpc_status.h"
#include "client/outlier.h"
#include "client/retry.h"

static struct upstream *upstream_of(const struct upstream_call *call)
{
    return &call->upstreams->at[call->config->index];
}

/* ---- what others learn of it ---- */

void call_judge(struct upstream_call *call, uint16_t status)
{
    const struct gw_upstream *config = call->config;

    if (!call->at || call->is_judged)
        return;
    call->is_judged = true;
    if (config->outlier)
        config->outlier->module->note(call->at, status, call->upstreams->loop->now);
    if (config->breaker)
        config->breaker->module->note(call, status);
}

void call_judge_head(struct upstream_call *call)
{
    const struct gw_upstream *config = call->config;
    uint16_t status = call->head.status;

    call->answer_us = call_try_us(call);
    stats_add(&call->at->stats.answers, 1);
    stats_add(&call->at->stats.answer_us, (int64_t)call->answer_us);
    if (config->observe)
        config->observe(call->at->share, call->upstreams->loop->now, call->answer_us);
    if (config->grpc)
        status = config->grpc->of_head(&call->head);
    if (status != 0)
        call_judge(call, status);
}

/* A target that a call names is not forgotten; NULL: it names none any more. */
void call_name(struct upstream_call *call, struct target *target)
{
    if (target)
        target->uses++;
    if (call->named)
        call->named->uses--;
    call->named = target;
}

static void begin_try(struct upstream_call *call, struct target *target)
{
    struct upstream *upstream = target->upstream;
    size_t index = (size_t)(target - upstream->targets);

    call->tried |= index < 64 ? UINT64_C(1) << index : 0;
    call_name(call, target);
    call->at = target;
    call->target = target->config;
    call->tries++;
    call->is_judged = false;
    call->try_began_us = call->upstreams->loop->wall_us;
    stats_add(&target->stats.requests, 1);
    if (target_is_counted(upstream)) {
        call->is_trying = true;
        SHARE_ADD(target->share->active, 1);
    }
    if (call->retry)
        call->retry->module->begin(call);
}

void call_end_try(struct upstream_call *call)
{
    if (!call->is_trying)
        return;
    call->is_trying = false;
    SHARE_ADD(call->at->share->active, -1);
}

/* Nothing more will be tried or waited for. */
void call_leave(struct upstream_call *call)
{
    call_end_try(call);
    if (call->is_answered) /* its end was not waited for */
        call_judge(call, call->head.status);
    if (call->is_early)
        call->config->discovery->module->forget(call);
    if (call->again)
        call->retry->module->close(call);
    if (call->config->breaker) {
        call->config->breaker->module->leave(call);
    } else if (call->is_counted) {
        call->is_counted = false;
        SHARE_ADD(upstream_of(call)->share->active, -1);
    }
}

void call_refused(struct upstream_call *call)
{
    call_drop(call);
    op_end(&call->op, OP_FAILED);
}

void call_try_failed(struct upstream_call *call, enum try_end how, uint16_t status,
                     const char *reason)
{
    if (call->op.state != OP_RUNNING)
        return;
    call_judge(call, 0);
    if (!call->again || !call->retry->module->again(call, how)) {
        call_fail(call, status, reason);
        return;
    }
    stats_add(&call->at->stats.failures, 1);
}

void call_undialled(struct upstream_call *call, uint16_t status, const char *reason)
{
    if (call->again || call->retried ||
        call->tries >= target_count(call->at->upstream, call->subset) ||
        call->tries >= CALL_TRIES_MAX) {
        call_try_failed(call, TRY_UNCONNECTED, status, reason);
        return;
    }
    call_judge(call, 0);
    call_end_try(call);
    stats_add(&call->at->stats.failures, 1);
    call_try(call);
}

/* False: it waits for one, or the call has failed. */
static bool may_connect(struct upstream_call *call)
{
    const struct gw_breaker *breaker = call->config->breaker;
    enum breaker_said said = BREAKER_GO;

    if (breaker)
        said = breaker->module->connect(call);
    if (said == BREAKER_REFUSED)
        call_refused(call);
    return said == BREAKER_GO;
}

static bool was_tried(const struct upstream_call *call, const struct target *target)
{
    size_t index = (size_t)(target - target->upstream->targets);

    return index < 64 && call->tried >> index & 1;
}

static const char *no_target(const struct upstream *upstream)
{
    return SHARE_GET(upstream->share->live) == 0 ? "no target of the upstream is known"
                                                 : "no target of the upstream takes requests";
}

void call_try(struct upstream_call *call)
{
    struct target *target = target_choose(upstream_of(call), (struct pick){.tried = call->tried,
                                                                           .subset = call->subset,
                                                                           .hash = call->hash,
                                                                           .wanted = call->wanted});
    struct upstream_conn *conn = NULL;

    if (call->is_hedge && target && was_tried(call, target))
        target = NULL;
    if (!target && !call->is_hedge && upstream_of(call)->found &&
        call->config->discovery->module->wait(call))
        return;
    if (!target) {
        call->at = NULL; /* nobody's failure */
        call_fail(call, 503, no_target(upstream_of(call)));
        return;
    }
    if (!call->config->h2) {
        conn = target_take_idle(target);
        if (!conn && !may_connect(call))
            return;
    }
    begin_try(call, target);
    if (call->config->h2)
        call->config->h2->start(call);
    else if (conn)
        call_use(call, conn);
    else
        call_dial(call);
}

/* False: it waits, or has failed. */
static bool is_admitted(struct upstream_call *call)
{
    const struct gw_breaker *breaker = call->config->breaker;
    enum breaker_said said = BREAKER_GO;

    if (breaker) {
        said = breaker->module->admit(call);
    } else if (call->retry && call->retry->budget > 0) {
        call->is_counted = true;
        SHARE_ADD(upstream_of(call)->share->active, 1);
    }
    if (said == BREAKER_REFUSED)
        call_refused(call);
    return said == BREAKER_GO;
}

void call_admitted(struct upstream_call *call)
{
    call_try(call);
}

void call_begin(struct upstream_call *call)
{
    if (is_admitted(call))
        call_try(call);
}
