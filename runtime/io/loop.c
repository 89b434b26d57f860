#include "io/loop.h"

#include <errno.h>
#include <event2/event.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

enum {
    TICK_MS = 8,
    SLOT_BITS = 6,
    LAST_LEVEL = LOOP_LEVELS - 1,
    POSTED_PER_RUN = 256, /* then readiness is asked for again */
    CHUNK_SIZE = 8192,    /* a proxied request fits in one */
    CHUNKS_KEPT = 256,
};

/* ---- the clock ---- */

void loop_read_clock(struct loop *loop)
{
    struct timespec mono, wall;

    clock_gettime(CLOCK_MONOTONIC, &mono);
    clock_gettime(CLOCK_REALTIME, &wall);
    loop->now = (uint64_t)mono.tv_sec * 1000u + (uint64_t)mono.tv_nsec / 1000000u;
    loop->wall_us = (uint64_t)wall.tv_sec * 1000000u + (uint64_t)wall.tv_nsec / 1000u;
    loop->clock_stale = false;
}

void loop_enter(struct loop *loop)
{
    if (loop->clock_stale)
        loop_read_clock(loop);
}

/* ---- timers: a hierarchical wheel ----
 *
 * Level 0 has one slot per tick, each level above one slot per 64 slots of the level below. A timer sits on
 * the level of the highest 6-bit digit in which its tick differs from the tick reached, in the slot of that
 * digit; so below the last level every used slot lies ahead, and nothing wraps. The last level is a ring.
 * When the tick reached enters a slot of an upper level, its timers move down. A slot whose bit is clear is
 * never looked at, and time jumps from used slot to used slot: idle timers cost nothing. */

static uint64_t tick_of(uint64_t ms)
{
    return (ms + TICK_MS - 1) / TICK_MS;
}

static unsigned digit(uint64_t tick, int level)
{
    return (unsigned)(tick >> (SLOT_BITS * level)) & (LOOP_SLOTS - 1);
}

static int level_of(uint64_t tick, uint64_t reached)
{
    int level = (63 - __builtin_clzll(tick ^ reached)) / SLOT_BITS;

    return level < LAST_LEVEL ? level : LAST_LEVEL;
}

static void wheel_link(struct loop *loop, struct timer *timer)
{
    uint64_t reached = loop->wheel_now;
    uint64_t farthest = reached + ((uint64_t)(LOOP_SLOTS - 1) << (SLOT_BITS * LAST_LEVEL));
    uint64_t tick = tick_of(timer->due);
    struct timer **slot;
    int level;

    if (tick <= reached)
        tick = reached + 1;
    if (tick > farthest)
        tick = farthest;
    level = level_of(tick, reached);
    loop->wheel_used[level] |= UINT64_C(1) << digit(tick, level);
    slot = &loop->wheel[level][digit(tick, level)];
    timer->linked = timer->due;
    timer->next = *slot;
    if (timer->next)
        timer->next->link = &timer->next;
    timer->link = slot;
    *slot = timer;
}

static void wheel_unlink(struct timer *timer)
{
    *timer->link = timer->next;
    if (timer->next)
        timer->next->link = timer->link;
    timer->link = NULL;
}

/* The first used slot of a level as a tick; UINT64_MAX: none. Clears the bits of slots emptied since. */
static uint64_t level_next(struct loop *loop, int level)
{
    unsigned here = digit(loop->wheel_now, level);
    uint64_t *used = &loop->wheel_used[level];

    while (*used) {
        uint64_t ahead = here ? *used >> here | *used << (LOOP_SLOTS - here) : *used;
        unsigned distance = (unsigned)__builtin_ctzll(ahead);
        unsigned slot = (here + distance) & (LOOP_SLOTS - 1);

        if (loop->wheel[level][slot]) {
            int shift = SLOT_BITS * level;
            return ((loop->wheel_now >> shift) + distance) << shift;
        }
        *used &= ~(UINT64_C(1) << slot);
    }
    return UINT64_MAX;
}

static uint64_t wheel_next(struct loop *loop)
{
    uint64_t next = UINT64_MAX;

    for (int level = 0; level < LOOP_LEVELS; level++) {
        uint64_t tick = level_next(loop, level);
        if (tick < next)
            next = tick;
    }
    return next;
}

/* The slot that has come up: fires what is due, puts the rest where it belongs now. The list is taken off
 * the wheel first; a callback may set and clear any timer, those of the list too. */
static void wheel_visit(struct loop *loop, int level)
{
    unsigned slot = digit(loop->wheel_now, level);
    struct timer *come = loop->wheel[level][slot];

    loop->wheel[level][slot] = NULL;
    loop->wheel_used[level] &= ~(UINT64_C(1) << slot);
    if (come)
        come->link = &come;
    while (come) {
        struct timer *timer = come;
        wheel_unlink(timer);
        if (tick_of(timer->due) > loop->wheel_now) {
            wheel_link(loop, timer);
            continue;
        }
        timer->due = 0;
        timer->fire(timer);
    }
}

void loop_run_timers(struct loop *loop)
{
    uint64_t until = loop->now / TICK_MS;

    while (loop->wheel_now < until) {
        uint64_t next = wheel_next(loop);
        if (next > until) {
            loop->wheel_now = until;
            return;
        }
        loop->wheel_now = next;
        for (int level = LAST_LEVEL; level >= 0; level--)
            if (level == 0 || next % (UINT64_C(1) << (SLOT_BITS * level)) == 0)
                wheel_visit(loop, level);
    }
}

void timer_set(struct loop *loop, struct timer *timer, uint64_t ms)
{
    timer->due = loop->now + ms;
    if (timer->link && timer->linked <= timer->due)
        return;
    if (timer->link)
        wheel_unlink(timer);
    wheel_link(loop, timer);
}

void timer_clear(struct loop *loop, struct timer *timer)
{
    (void)loop;
    if (timer->link)
        wheel_unlink(timer);
    timer->due = 0;
}

/* libevent returns from its wait when this fires; loop_turn does the rest. */
static void on_tick(evutil_socket_t fd, short what, void *arg)
{
    struct loop *loop = arg;

    (void)fd, (void)what;
    loop->tick_due = 0;
}

/* Sees to it that the wait ends when the next timer may be due. A tick armed too early is left alone: it
 * costs one idle turn, re-arming it would cost one call for every timer that is cleared in time. */
static void arm_tick(struct loop *loop)
{
    uint64_t next = wheel_next(loop), due, ms;

    if (next == UINT64_MAX)
        return;
    due = next * TICK_MS;
    if (loop->tick_due != 0 && loop->tick_due <= due)
        return;
    ms = due > loop->now ? due - loop->now : 0;
    loop->tick_due = due;
    event_add(&loop->tick, &(struct timeval){(time_t)(ms / 1000), (suseconds_t)(ms % 1000 * 1000)});
}

/* ---- posted calls ---- */

static void append(struct loop_call ***end, struct loop_call *call)
{
    if (call->queued)
        return;
    call->queued = true;
    call->next = NULL;
    call->link = *end;
    **end = call;
    *end = &call->next;
}

void loop_post(struct loop *loop, struct loop_call *call)
{
    append(&loop->posted_end, call);
}

void loop_post_later(struct loop *loop, struct loop_call *call)
{
    append(&loop->later_end, call);
}

/* The time for what was put off has come: it goes behind what is posted. */
static void post_what_was_put_off(struct loop *loop)
{
    if (!loop->later)
        return;
    *loop->posted_end = loop->later;
    loop->later->link = loop->posted_end;
    loop->posted_end = loop->later_end;
    loop->later = NULL;
    loop->later_end = &loop->later;
}

void loop_unpost(struct loop *loop, struct loop_call *call)
{
    if (!call->queued)
        return;
    call->queued = false;
    *call->link = call->next;
    if (call->next)
        call->next->link = call->link;
    else if (loop->posted_end == &call->next)
        loop->posted_end = call->link;
    else
        loop->later_end = call->link;
}

void loop_run_posted(struct loop *loop)
{
    if (loop->running_posted)
        return;
    loop->running_posted = true;
    for (int left = POSTED_PER_RUN; loop->posted && left > 0; left--) {
        struct loop_call *call = loop->posted;
        loop_unpost(loop, call);
        call->run(call);
    }
    loop->running_posted = false;
}

/* ---- the mailbox ---- */

void loop_mail(struct loop *loop, struct loop_call *call)
{
    struct loop_call *top = __atomic_load_n(&loop->mail, __ATOMIC_RELAXED);
    int saved = errno;

    if (__atomic_exchange_n(&call->mailed, true, __ATOMIC_ACQ_REL))
        return;
    do
        call->mail_next = top;
    while (!__atomic_compare_exchange_n(&loop->mail, &top, call, true, __ATOMIC_RELEASE,
                                        __ATOMIC_RELAXED));
    /* Whoever found the box empty rings; the loop takes all letters at once. */
    if (!top)
        (void)!write(loop->mail_fd, &(uint64_t){1}, sizeof(uint64_t));
    errno = saved;
}

static struct loop_call *oldest_first(struct loop_call *call)
{
    struct loop_call *first = NULL;

    while (call) {
        struct loop_call *next = call->mail_next;
        call->mail_next = first;
        first = call;
        call = next;
    }
    return first;
}

/* Edge-triggered: every ring is a new edge, so the counter need not be read. */
static void on_mail(evutil_socket_t fd, short what, void *arg)
{
    struct loop *loop = arg;
    struct loop_call *call = __atomic_exchange_n(&loop->mail, NULL, __ATOMIC_ACQUIRE);

    (void)fd, (void)what;
    loop_enter(loop);
    call = oldest_first(call);
    while (call) {
        struct loop_call *next = call->mail_next;
        loop_post(loop, call);
        /* From here on another thread may mail it again. */
        __atomic_store_n(&call->mailed, false, __ATOMIC_RELEASE);
        call = next;
    }
    loop_run_posted(loop);
}

/* ---- the loop ---- */

static struct event_base *base_new(void)
{
    struct event_config *config = event_config_new();
    struct event_base *base = NULL;

    if (!config)
        return NULL;
    /* Our own clock serves the timers; epoll because the streams need edges. */
    event_config_require_features(config, EV_FEATURE_ET | EV_FEATURE_EARLY_CLOSE);
    event_config_set_flag(config, EVENT_BASE_FLAG_NOLOCK | EVENT_BASE_FLAG_NO_CACHE_TIME |
                                      EVENT_BASE_FLAG_IGNORE_ENV);
    base = event_base_new_with_config(config);
    event_config_free(config);
    return base;
}

bool loop_open(struct loop *loop)
{
    *loop = (struct loop){.mail_fd = -1};
    loop->posted_end = &loop->posted;
    loop->later_end = &loop->later;
    loop->chunks = (struct pool_cache){.chunk_size = CHUNK_SIZE, .idle_max = CHUNKS_KEPT};
    loop_read_clock(loop);
    loop->wheel_now = loop->now / TICK_MS;
    loop->base = base_new();
    if (!loop->base)
        return false;
    loop->mail_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (loop->mail_fd < 0) {
        event_base_free(loop->base);
        return false;
    }
    event_assign(&loop->mail_event, loop->base, loop->mail_fd, EV_READ | EV_ET | EV_PERSIST,
                 on_mail, loop);
    event_assign(&loop->tick, loop->base, -1, 0, on_tick, loop);
    event_add(&loop->mail_event, NULL);
    return true;
}

void loop_close(struct loop *loop)
{
    event_del(&loop->mail_event);
    event_del(&loop->tick);
    close(loop->mail_fd);
    event_base_free(loop->base);
    pool_cache_close(&loop->chunks);
}

void loop_turn(struct loop *loop)
{
    arm_tick(loop);
    loop->clock_stale = true;
    event_base_loop(loop->base,
                    loop->posted || loop->later ? EVLOOP_ONCE | EVLOOP_NONBLOCK : EVLOOP_ONCE);
    loop_enter(loop);
    loop_run_timers(loop);
    post_what_was_put_off(loop);
    loop_run_posted(loop);
}

void loop_run(struct loop *loop)
{
    loop->stopping = false;
    while (!loop->stopping)
        loop_turn(loop);
}

void loop_stop(struct loop *loop)
{
    loop->stopping = true;
}
