#include "client/breaker.h"

#include "base/log.h"
#include "client/adaptive.h"
#include "client/call.h"

#define CONTAINER(type, member, at) ((type *)((char *)(at)-offsetof(type, member)))

/* ---- the circuit ---- */

static void clear_failures(struct upstream_share *share)
{
    memset(share->failures, 0, sizeof share->failures);
}

/* Under the lock. */
static void open_circuit(struct upstream_share *share, uint64_t now)
{
    SHARE_SET(share->open_until, now + share->config->breaker->timeout);
    SHARE_SET(share->circuit, CIRCUIT_OPEN);
    SHARE_ADD(share->total_opened, 1);
    clear_failures(share);
}

static void close_circuit(struct upstream_share *share)
{
    clear_failures(share);
    SHARE_SET(share->circuit, CIRCUIT_CLOSED);
}

static void half_open_circuit(struct upstream_share *share)
{
    share->trials = share->trials_well = 0;
    share->period += share->period == UINT32_MAX ? 2 : 1;
    SHARE_SET(share->circuit, CIRCUIT_HALF_OPEN);
}

static void log_circuit(const struct upstream_share *share, enum circuit now)
{
    static const char *const words[] = {"closed", "open", "half open"};

    (now == CIRCUIT_OPEN ? log_warn : log_info)("upstream %.*s: the circuit is %s",
                                                STR_ARG(share->config->name), words[now]);
}

bool circuit_admits(struct upstream_share *share, uint64_t now, uint32_t *trial,
                    uint32_t *retry_after)
{
    enum circuit before;
    bool goes = false;

    *trial = 0;
    if (SHARE_GET(share->circuit) == CIRCUIT_CLOSED)
        return true;
    pthread_mutex_lock(&share->lock);
    before = share->circuit;
    if (before == CIRCUIT_OPEN && now >= share->open_until)
        half_open_circuit(share);
    if (share->circuit == CIRCUIT_CLOSED) {
        goes = true;
    } else if (share->circuit == CIRCUIT_HALF_OPEN &&
               share->trials < share->config->breaker->half_open_requests) {
        share->trials++;
        *trial = share->period;
        goes = true;
    } else {
        *retry_after =
            now < share->open_until ? (uint32_t)((share->open_until - now + 999) / 1000) : 1;
        SHARE_ADD(share->total_refused, 1);
    }
    pthread_mutex_unlock(&share->lock);
    if (before == CIRCUIT_OPEN && goes)
        log_circuit(share, CIRCUIT_HALF_OPEN);
    return goes;
}

/* One more failure in the window's newest slot; the whole window's sum. Under the lock. */
static uint32_t count_failure(struct upstream_share *share, uint64_t now)
{
    uint32_t length = share->config->breaker->window_size / CIRCUIT_SLOTS;
    uint64_t slot = now / (length > 0 ? length : 1);
    uint32_t sum = 0;

    if (slot >= share->slot + CIRCUIT_SLOTS)
        clear_failures(share);
    else
        for (uint64_t s = share->slot + 1; s <= slot; s++)
            share->failures[s % CIRCUIT_SLOTS] = 0;
    if (slot > share->slot)
        share->slot = slot;
    share->failures[share->slot % CIRCUIT_SLOTS]++;
    for (size_t i = 0; i < CIRCUIT_SLOTS; i++)
        sum += share->failures[i];
    return sum;
}

static bool note_closed(struct upstream_share *share, uint64_t now)
{
    if (count_failure(share, now) < share->config->breaker->threshold)
        return false;
    open_circuit(share, now);
    return true;
}

static bool note_trial(struct upstream_share *share, uint64_t now, bool failed)
{
    if (failed) {
        open_circuit(share, now);
        return true;
    }
    if (++share->trials_well < share->config->breaker->half_open_requests)
        return false;
    close_circuit(share);
    return true;
}

void circuit_note(struct upstream_share *share, uint64_t now, uint32_t trial, bool failed)
{
    bool changed = false;
    enum circuit after;

    if (trial == 0 && (!failed || SHARE_GET(share->circuit) != CIRCUIT_CLOSED))
        return;
    pthread_mutex_lock(&share->lock);
    if (trial == 0 && share->circuit == CIRCUIT_CLOSED)
        changed = note_closed(share, now);
    else if (trial != 0 && share->circuit == CIRCUIT_HALF_OPEN && share->period == trial)
        changed = note_trial(share, now, failed);
    after = share->circuit;
    pthread_mutex_unlock(&share->lock);
    if (changed)
        log_circuit(share, after);
}

void circuit_forget(struct upstream_share *share, uint32_t trial)
{
    if (trial == 0)
        return;
    pthread_mutex_lock(&share->lock);
    if (share->circuit == CIRCUIT_HALF_OPEN && share->period == trial)
        share->trials--;
    pthread_mutex_unlock(&share->lock);
}

/* ---- the queue ---- */

static struct upstream *upstream_of(const struct upstream_call *call)
{
    return &call->upstreams->at[call->config->index];
}

static enum breaker_said refuse(struct upstream_call *call, const char *reason,
                                uint32_t retry_after)
{
    call->status = 503;
    call->reason = reason;
    call->retry_after = retry_after;
    return BREAKER_REFUSED;
}

/* Those with a place wait for a connection: nothing stands before them that waits for what they hold. */
static struct call_queue *queue_of(const struct upstream_call *call)
{
    return &upstream_of(call)->pending[call->is_counted ? CALL_WAITS_CONNECTION : CALL_WAITS_PLACE];
}

static void count_pending(const struct upstream_call *call, uint32_t by)
{
    struct upstream_share *share = upstream_of(call)->share;
    struct call_queue *queue = queue_of(call);

    SHARE_SET(queue->count, queue->count + by);
    if (call->is_counted)
        SHARE_ADD(share->starving, by);
}

static void unlink_pending(struct upstream_call *call)
{
    struct call_queue *queue = queue_of(call);
    struct upstream_call **at = &queue->first, *before = NULL;

    while (*at != call) {
        before = *at;
        at = &(*at)->next_waiting;
    }
    *at = call->next_waiting;
    if (queue->last == call)
        queue->last = before;
    call->next_waiting = NULL;
    call->is_pending = false;
    timer_clear(call->upstreams->loop, &call->patience);
    count_pending(call, -1U);
    SHARE_ADD(upstream_of(call)->share->pending, -1);
}

static void on_impatient(struct timer *timer)
{
    struct upstream_call *call = CONTAINER(struct upstream_call, patience, timer);

    unlink_pending(call);
    SHARE_ADD(upstream_of(call)->share->total_overflowed, 1);
    refuse(call, "the upstream was busy for too long", 1);
    call_refused(call);
}

static enum breaker_said join(struct upstream_call *call)
{
    const struct gw_breaker *config = call->config->breaker;
    struct upstream *upstream = upstream_of(call);
    struct upstream_share *share = upstream->share;
    struct call_queue *queue = queue_of(call);

    if (call->is_hedge)
        return refuse(call, "the upstream is busy", 0);
    if (SHARE_ADD(share->pending, 1) > config->max_pending_requests) {
        SHARE_ADD(share->pending, -1);
        SHARE_ADD(share->total_overflowed, 1);
        return refuse(call, "the upstream is busy", 1);
    }
    if (queue->first)
        queue->last->next_waiting = call;
    else
        queue->first = call;
    queue->last = call;
    call->next_waiting = NULL;
    call->is_pending = true;
    count_pending(call, 1);
    call->patience.fire = on_impatient;
    timer_set(upstream->all->loop, &call->patience, config->pending_timeout);
    /* Another worker may have given its place away before it could see this one wait: another look. */
    loop_post(upstream->all->loop, &upstream->wake);
    return BREAKER_WAIT;
}

/* Other workers have a look: those whose calls wait for this, or all, whose idle connections may be in the way. */
static void mail_others(struct upstream *upstream, enum call_wait waits)
{
    struct upstream_share *share = upstream->share;

    pthread_mutex_lock(&share->lock);
    for (struct upstream *other = share->members; other; other = other->next_member)
        if (other != upstream &&
            (waits == CALL_WAITS || SHARE_GET(other->pending[waits].count) > 0))
            loop_mail(other->all->loop, &other->wake);
    pthread_mutex_unlock(&share->lock);
}

static bool has_room_for_connection(const struct upstream *upstream)
{
    return target_may_connect(upstream);
}

/* Something was given away, or a connection rests: what was written for that is seen by whoever has joined before, and
 * if not, it looks itself. */
static void wake(struct upstream *upstream)
{
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    if (SHARE_GET(upstream->share->pending) > 0)
        loop_post(upstream->all->loop, &upstream->wake);
}

/* ---- places ---- */

/* Of requests under way; 0: none. */
static uint32_t limit_of(const struct upstream_share *share)
{
    uint32_t said = share->config->breaker->max_requests, learnt;

    if (!share->adaptive)
        return said;
    learnt = SHARE_GET(share->adaptive->limit);
    return said > 0 && said < learnt ? said : learnt;
}

static bool has_place(const struct upstream_share *share)
{
    uint32_t most = limit_of(share);

    return most == 0 || SHARE_GET(share->active) < most;
}

static bool take_place(struct upstream_share *share)
{
    uint32_t most = limit_of(share);

    if (SHARE_ADD(share->active, 1) > most && most > 0) {
        SHARE_ADD(share->active, -1);
        return false;
    }
    return true;
}

static enum breaker_said pass_circuit(struct upstream_call *call)
{
    uint32_t retry_after;

    if (call->config->breaker->threshold == 0 ||
        circuit_admits(upstream_of(call)->share, call->upstreams->loop->now, &call->trial,
                       &retry_after))
        return BREAKER_GO;
    return refuse(call, "the circuit of the upstream is open", retry_after);
}

/* An open circuit refuses at once, however many wait. */
static enum breaker_said admit(struct upstream_call *call)
{
    struct upstream_share *share = upstream_of(call)->share;

    if (SHARE_GET(share->circuit) == CIRCUIT_OPEN &&
        call->upstreams->loop->now < SHARE_GET(share->open_until))
        return pass_circuit(call);
    if (upstream_of(call)->pending[CALL_WAITS_PLACE].first || !take_place(share))
        return join(call);
    call->is_counted = true;
    return pass_circuit(call);
}

static enum breaker_said may_connect(struct upstream_call *call)
{
    struct upstream *upstream = upstream_of(call);
    enum breaker_said said;

    if (has_room_for_connection(upstream) || target_evict_idle(upstream))
        return BREAKER_GO;
    said = join(call);
    if (said == BREAKER_WAIT)
        mail_others(upstream, CALL_WAITS);
    return said;
}

/* False: nobody can go. */
static bool serve_one(struct upstream *upstream)
{
    struct upstream_call *starving = upstream->pending[CALL_WAITS_CONNECTION].first;
    struct upstream_call *call = upstream->pending[CALL_WAITS_PLACE].first;

    if (starving && (has_room_for_connection(upstream) || target_has_idle(upstream))) {
        unlink_pending(starving);
        call_admitted(starving);
        return true;
    }
    if (!call || !take_place(upstream->share))
        return false;
    unlink_pending(call);
    call->is_counted = true;
    if (pass_circuit(call) == BREAKER_GO)
        call_admitted(call);
    else
        call_refused(call);
    return true;
}

/* What is left is for those who wait elsewhere. They are told only of what they can take, so that nobody tells it in turn. */
static void leave_to_others(struct upstream *upstream)
{
    const struct upstream_share *share = upstream->share;
    const struct call_queue *own = upstream->pending;
    uint32_t starving = SHARE_GET(share->starving), pending = SHARE_GET(share->pending);
    bool others_starve = starving > own[CALL_WAITS_CONNECTION].count;

    if (others_starve && own[CALL_WAITS_CONNECTION].count == 0 &&
        !has_room_for_connection(upstream))
        target_evict_idle(upstream);
    if (others_starve && has_room_for_connection(upstream))
        mail_others(upstream, CALL_WAITS_CONNECTION);
    if (pending - starving > own[CALL_WAITS_PLACE].count && has_place(share))
        mail_others(upstream, CALL_WAITS_PLACE);
}

static void serve(struct loop_call *posted)
{
    struct upstream *upstream = CONTAINER(struct upstream, wake, posted);

    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    while (serve_one(upstream))
        ;
    for (uint32_t i = 0; upstream->config->h2 && i < upstream->count; i++)
        upstream->config->h2->wake(&upstream->targets[i]);
    if (SHARE_GET(upstream->share->pending) > 0)
        leave_to_others(upstream);
}

/* A refusal says nothing of how long work takes; no answer does when it was waited for as long as for others. */
static void note_latency(struct upstream_call *call, uint16_t status)
{
    const struct gw_adaptive *config = call->config->breaker->adaptive;
    struct upstream_share *share = upstream_of(call)->share;
    uint64_t us = call->is_answered ? call->answer_us : call_try_us(call);

    if (status >= 500 || (status == 0 && us < SHARE_GET(share->adaptive->least_us)))
        return;
    config->module->observe(share, call->upstreams->loop->now, us);
}

static void note(struct upstream_call *call, uint16_t status)
{
    if (call->config->breaker->adaptive)
        note_latency(call, status);
    if (call->config->breaker->threshold == 0)
        return;
    circuit_note(upstream_of(call)->share, call->upstreams->loop->now, call->trial,
                 status == 0 || status >= 500);
    call->trial = 0;
}

static void leave(struct upstream_call *call)
{
    struct upstream *upstream = upstream_of(call);

    if (call->is_pending)
        unlink_pending(call);
    circuit_forget(upstream->share, call->trial);
    call->trial = 0;
    if (call->is_counted) {
        call->is_counted = false;
        SHARE_ADD(upstream->share->active, -1);
        wake(upstream);
    }
}

const struct breaker_module breaker_module = {admit, may_connect, serve, wake, note, leave};
