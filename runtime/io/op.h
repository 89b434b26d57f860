/* op: something under way that a request can wait for: a name lookup, an upstream's answer, a Redis reply,
 * a password check. It has a deadline, can be cancelled, and may wake several waiters. An op stays on its
 * worker. The waiter is told once, by a posted call, never from inside the callback that finished it. */
#ifndef IO_OP_H
#define IO_OP_H

#include "io/loop.h"

enum op_state { OP_RUNNING, OP_DONE, OP_FAILED, OP_TIMED_OUT, OP_CANCELLED };

struct op;

/* One who waits; embedded in the request (or in another op); zeroed it waits for nothing. */
struct op_waiter {
    struct op_waiter *next, **link;
    struct op *op; /* NULL: not waiting, or about to be woken */
    struct loop *loop;
    struct loop_call wake;
};

struct op {
    struct loop *loop;
    enum op_state state;
    struct op_waiter *waiters, **waiters_end;
    struct timer deadline;
    /* Releases what is under way, and may free the op itself; NULL: nothing to release. Called at most
     * once, not after an end. */
    void (*cancel)(struct op *op);
};

/* Begins an op; timeout_ms 0: no deadline. */
void op_open(struct op *op, struct loop *loop, uint64_t timeout_ms, void (*cancel)(struct op *op));

/* Ends it with OP_DONE or OP_FAILED and wakes every waiter. Late calls on an ended op do nothing. */
void op_end(struct op *op, enum op_state state);

/* Nobody is interested any more: cancels unless it has ended. Whoever still waits is woken. */
void op_cancel(struct op *op);

/* Joins and leaves. Joining an ended op posts the wake at once. The last waiter that leaves a running op
 * cancels it unless the op is kept (`keep`: caches that fill for later). A waiter that leaves is not woken
 * any more; leaving twice, or after the wake, does nothing. */
void op_wait(struct op *op, struct op_waiter *waiter, void (*wake)(struct loop_call *call));
void op_leave(struct op_waiter *waiter, bool keep);

#endif
