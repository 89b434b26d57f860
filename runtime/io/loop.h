/* loop: one event loop per worker thread: readiness through libevent, a coarse clock, timers, posted
 * calls, and a mailbox for other threads. Everything but loop_mail belongs to the loop's own thread. After
 * each event callback, and once per turn, posted calls run from one place (house rule: nobody resumes a
 * request from inside a callback), so a reply is handled while its bytes are still in the cache and the
 * stack never nests.
 *
 * A turn is one epoll_wait and the callbacks of what it reported, then the timers that are due: a deadline
 * never fires before data that has already arrived. */
#ifndef IO_LOOP_H
#define IO_LOOP_H

#include <event2/event_struct.h>

#include "base/pool.h"

/* A call to be made soon: embedded in what it is about; zeroed (but for `run`) it is idle. */
struct loop_call {
    struct loop_call *next, **link;
    struct loop_call *mail_next; /* a call may be posted and mailed at the same time */
    void (*run)(struct loop_call *call);
    bool queued;
    bool mailed; /* atomic */
};

/* A timer: embedded in what it is about; zeroed (but for `fire`) it is idle. Precise to about 10 ms, never
 * early. */
struct timer {
    struct timer *next, **link;
    uint64_t due;    /* ms of loop->now; 0: idle */
    uint64_t linked; /* where the wheel has it; <= due */
    void (*fire)(struct timer *timer);
};

#define LOOP_LEVELS 4
#define LOOP_SLOTS 64

struct loop {
    struct event_base *base;
    uint64_t now;             /* milliseconds, monotonic; read once per turn */
    uint64_t wall_us;         /* microseconds since 1970, read with now */
    struct pool_cache chunks; /* for request pools */
    struct timer *wheel[LOOP_LEVELS][LOOP_SLOTS];
    uint64_t wheel_used[LOOP_LEVELS]; /* bit per slot; may say yes for a slot emptied since */
    uint64_t wheel_now;               /* tick reached */
    struct event tick;
    uint64_t tick_due; /* when `tick` wakes the loop; 0: not armed */
    struct loop_call *posted, **posted_end;
    struct loop_call *later, **later_end;
    struct loop_call *mail; /* atomic stack, newest first */
    int mail_fd;
    struct event mail_event;
    bool clock_stale; /* a new turn: the first callback reads the clock */
    bool running_posted;
    bool stopping;
};

/* Opens the loop; false with errno when the system refuses. */
bool loop_open(struct loop *loop);
/* Closes it; what was posted or mailed and has not run is forgotten. */
void loop_close(struct loop *loop);

/* Runs until loop_stop. */
void loop_run(struct loop *loop);
void loop_stop(struct loop *loop);

/* One turn: waits for at most one report of readiness, or not at all when something is posted. */
void loop_turn(struct loop *loop);

/* call->run(call) soon, on this thread, outside any callback, in the order of posting. Posting a queued
 * call again does nothing. */
void loop_post(struct loop *loop, struct loop_call *call);
/* The same in the next turn, behind all that has become ready until then: for long work done in pieces. */
void loop_post_later(struct loop *loop, struct loop_call *call);
/* Takes a queued call out again. */
void loop_unpost(struct loop *loop, struct loop_call *call);

/* The same from any thread, and from a signal handler. Mailing a call that is still under way does nothing;
 * it must stay in memory until it has run. */
void loop_mail(struct loop *loop, struct loop_call *call);

/* The two brackets around every callback of libevent; only io/ calls them. The first one keeps the clock
 * right; the second runs what is posted, a bounded number of calls. */
void loop_enter(struct loop *loop);
void loop_run_posted(struct loop *loop);

/* (Re)arms: fires once, `ms` from now. Moving a deadline further away is one store (the wheel follows when
 * the old slot comes up). */
void timer_set(struct loop *loop, struct timer *timer, uint64_t ms);
void timer_clear(struct loop *loop, struct timer *timer);
static inline bool timer_is_set(const struct timer *timer)
{
    return timer->due != 0;
}

/* Re-reads the clock: for code that waited on something else than the loop. */
void loop_read_clock(struct loop *loop);

/* Fires the timers that are due at loop->now; loop_turn does it. */
void loop_run_timers(struct loop *loop);

#endif
