/* loop: one event loop per worker thread: readiness through libevent, a coarse clock, timers, posted
 * calls, and a mailbox for other threads. Everything but loop_mail and loop_wake belongs to the loop's own
 * thread. After each event callback, and once per turn, posted calls run from one place (house rule: nobody
 * resumes a request from inside a callback), so a reply is handled while its bytes are still in the cache
 * and the stack never nests. */
#ifndef IO_LOOP_H
#define IO_LOOP_H

#include <event2/event_struct.h>

#include "base/pool.h"

/* A call to be made soon: embedded in what it is about. */
struct loop_call {
    struct loop_call *next;
    void (*run)(struct loop_call *call);
    bool queued;
};

/* A timer: embedded in what it is about; zeroed it is idle. Precise to about 10 ms. */
struct timer {
    struct timer *next, **link;
    uint64_t due;    /* ms of loop->now */
    uint64_t linked; /* where the wheel has it; <= due */
    void (*fire)(struct timer *timer);
};

#define LOOP_LEVELS 4
#define LOOP_SLOTS 64

struct loop {
    struct event_base *base;
    uint64_t now;      /* milliseconds, monotonic; read once per turn */
    uint64_t wall_us;  /* microseconds since 1970, read with now */
    struct pool_cache chunks; /* for request pools */
    struct timer *wheel[LOOP_LEVELS][LOOP_SLOTS];
    uint64_t wheel_used[LOOP_LEVELS]; /* bit per slot */
    uint64_t wheel_now;               /* tick reached */
    struct event tick;
    uint64_t tick_due;
    struct loop_call *posted, **posted_end;
    struct loop_call *mail; /* atomic stack, newest first */
    int mail_fd;
    struct event mail_event;
    bool stopping;
};

/* Opens the loop; false with errno when the system refuses. */
bool loop_open(struct loop *loop);
void loop_close(struct loop *loop);

/* Runs until loop_stop. */
void loop_run(struct loop *loop);
void loop_stop(struct loop *loop);

/* call->run(call) soon, on this thread, outside any callback. Posting a queued call again does nothing. */
void loop_post(struct loop *loop, struct loop_call *call);
/* Takes a queued call out again. */
void loop_unpost(struct loop *loop, struct loop_call *call);

/* The same from any thread. A call can be in one mailbox at a time. */
void loop_mail(struct loop *loop, struct loop_call *call);

/* Runs what is posted; called by io/ behind every callback of libevent. */
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

#endif
