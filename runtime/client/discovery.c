#include "client/discovery.h"

#include <stdlib.h>

#include "client/call.h"
#include "client/finder.h"
#include "client/levels.h"
#include "client/probe.h"

enum {
    SWEEP_MS = 100,        /* how often those that leave are looked at */
    WAIT_DEFAULT_MS = 5000 /* for the first answer, where connecting has no limit */
};

#define CONTAINER(type, member, at) ((type *)((char *)(at)-offsetof(type, member)))

/* One worker's side of an upstream. */
struct upstream_found {
    struct upstream *upstream;
    struct loop_call apply;
    struct timer sweep;
    struct op first;    /* the first answer */
    uint64_t masks[64]; /* of subsets */
};

/* ---- each worker: what has changed ---- */

static struct probes *probes_of(const struct upstream *upstream)
{
    return upstream->config->check ? upstream->all->probes : NULL;
}

/* Under the lock. */
static void take(struct upstream *upstream, uint32_t index)
{
    struct target_share *share = &upstream->share->targets[index];

    share->holders++;
    target_open(upstream, index, share->config);
    if (probes_of(upstream))
        upstream->config->check->module->watch(upstream->all->probes, &upstream->targets[index]);
}

static void begin_to_leave(struct target *target)
{
    const struct upstream *upstream = target->upstream;

    target->is_leaving = true;
    target->level = LEVELS; /* no choice is of that one */
    if (probes_of(upstream))
        upstream->config->check->module->unwatch(upstream->all->probes, target);
}

static bool may_be_forgotten(struct target *target)
{
    target_close_idle(target);
    return target->uses == 0 && SHARE_GET(target->stats.connections) == 0 && !target->name.pending;
}

/* True when some are still leaving. */
static bool let_go(struct upstream *upstream)
{
    bool some = false;

    for (uint32_t i = 0; i < upstream->count; i++) {
        struct target *target = &upstream->targets[i];
        struct target_share *share = target->share;
        if (!target->config || !target->is_leaving)
            continue;
        if (!may_be_forgotten(target)) {
            some = true;
            continue;
        }
        target_forget(target);
        pthread_mutex_lock(&upstream->share->lock);
        share->holders--;
        pthread_mutex_unlock(&upstream->share->lock);
    }
    return some;
}

static void on_sweep(struct timer *timer)
{
    struct upstream_found *found = CONTAINER(struct upstream_found, sweep, timer);

    if (let_go(found->upstream))
        timer_set(found->upstream->all->loop, timer, SWEEP_MS);
}

static void set_masks(struct upstream *upstream)
{
    const struct gw_discovery *config = upstream->config->discovery;

    for (uint32_t s = 0; s < config->subset_count; s++) {
        uint64_t mask = 0;
        for (uint32_t i = 0; i < upstream->count; i++) {
            const struct target *target = &upstream->targets[i];
            if (target->config && !target->is_leaving && target->config->subsets >> s & 1)
                mask |= UINT64_C(1) << i;
        }
        upstream->found->masks[s] = mask;
    }
}

/* What was published becomes what this worker goes by. */
static void on_apply(struct loop_call *call)
{
    struct upstream *upstream = CONTAINER(struct upstream_found, apply, call)->upstream;
    struct upstream_share *share = upstream->share;
    bool is_asked;

    pthread_mutex_lock(&share->lock);
    for (uint32_t i = 0; i < share->count; i++) {
        struct target *target = &upstream->targets[i];
        if (share->targets[i].is_gone && target->config && !target->is_leaving)
            begin_to_leave(target);
        else if (share->targets[i].config && !share->targets[i].is_gone && !target->config)
            take(upstream, i);
    }
    SHARE_SET(upstream->count, share->count);
    is_asked = share->found->is_asked;
    pthread_mutex_unlock(&share->lock);
    if (upstream->config->levels)
        upstream->config->levels->set(upstream);
    set_masks(upstream);
    on_sweep(&upstream->found->sweep);
    if (is_asked)
        op_end(&upstream->found->first, OP_DONE);
}

void discovery_tell(struct upstream_share *share)
{
    for (struct upstream *member = share->members; member; member = member->next_member)
        loop_mail(member->all->loop, &member->found->apply);
}

/* Whoever comes first makes what all share. */
static void open_share(struct upstream *upstream)
{
    const struct gw_upstream *config = upstream->config;
    struct upstream_share *share = share_of(config, NULL, discovery_places(config->discovery));

    pthread_mutex_lock(&share->lock);
    if (!share->found) {
        share->found = pool_xmalloc(sizeof *share->found);
        *share->found = (struct found){0};
    }
    pthread_mutex_unlock(&share->lock);
    upstream->share = share;
}

static void join(struct upstream *upstream)
{
    struct upstream_found *found = pool_xmalloc(sizeof *found);

    *found = (struct upstream_found){
        .upstream = upstream, .apply.run = on_apply, .sweep.fire = on_sweep};
    upstream->found = found;
    open_share(upstream);
    /* Pages that no target has used cost nothing. */
    upstream->targets =
        calloc(discovery_places(upstream->config->discovery), sizeof *upstream->targets);
    if (!upstream->targets)
        abort();
    op_open(&found->first, upstream->all->loop, 0, NULL);
    loop_mail(upstream->all->loop, &found->apply);
}

static void leave(struct upstream *upstream)
{
    struct upstream_found *found = upstream->found;

    timer_clear(upstream->all->loop, &found->sweep);
    op_cancel(&found->first);
    free(found);
    upstream->found = NULL;
}

static uint64_t subset_mask(const struct upstream *upstream, uint64_t subset)
{
    return upstream->found->masks[__builtin_ctzll(subset)];
}

/* ---- each worker: requests that come before the first answer ---- */

static void forget(struct upstream_call *call)
{
    call->is_early = false;
    op_leave(&call->found, true);
    timer_clear(call->upstreams->loop, &call->patience);
}

static void on_found(struct loop_call *wake)
{
    struct upstream_call *call = CONTAINER(struct upstream_call, found.wake, wake);

    forget(call);
    call_try(call);
}

static void on_impatient(struct timer *timer)
{
    struct upstream_call *call = CONTAINER(struct upstream_call, patience, timer);

    forget(call);
    call->at = NULL;
    call_fail(call, 503, "the targets of the upstream are not known yet");
}

static bool wait_for_first(struct upstream_call *call)
{
    struct upstream *upstream = &call->upstreams->at[call->config->index];
    uint32_t limit = call->timeouts->connect > 0 ? call->timeouts->connect : WAIT_DEFAULT_MS;

    if (upstream->found->first.state != OP_RUNNING)
        return false;
    call->is_early = true;
    call->patience.fire = on_impatient;
    timer_set(call->upstreams->loop, &call->patience, limit);
    op_wait(&upstream->found->first, &call->found, on_found);
    return true;
}

const struct discovery_module discovery_module = {
    join, leave, subset_mask, wait_for_first, forget, finders_open, finders_close,
};
