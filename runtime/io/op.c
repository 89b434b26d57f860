#include "io/op.h"

#include <assert.h>
#include <stddef.h>

/* Wakes are posted first and `cancel` is called last: it may free the op. */
static void end(struct op *op, enum op_state state, void (*cancel)(struct op *op))
{
    struct op_waiter *waiter = op->waiters;

    if (op->state != OP_RUNNING)
        return;
    op->state = state;
    op->waiters = NULL;
    op->waiters_end = &op->waiters;
    timer_clear(op->loop, &op->deadline);
    while (waiter) {
        struct op_waiter *next = waiter->next;
        waiter->op = NULL;
        loop_post(op->loop, &waiter->wake);
        waiter = next;
    }
    if (cancel)
        cancel(op);
}

static void on_deadline(struct timer *timer)
{
    struct op *op = (struct op *)((char *)timer - offsetof(struct op, deadline));

    end(op, OP_TIMED_OUT, op->cancel);
}

void op_open(struct op *op, struct loop *loop, uint64_t timeout_ms, void (*cancel)(struct op *op))
{
    *op = (struct op){.loop = loop, .cancel = cancel, .deadline.fire = on_deadline};
    op->waiters_end = &op->waiters;
    if (timeout_ms > 0)
        timer_set(loop, &op->deadline, timeout_ms);
}

void op_end(struct op *op, enum op_state state)
{
    end(op, state, NULL);
}

void op_cancel(struct op *op)
{
    end(op, OP_CANCELLED, op->cancel);
}

void op_wait(struct op *op, struct op_waiter *waiter, void (*wake)(struct loop_call *call))
{
    assert(!waiter->op && !waiter->wake.queued);
    waiter->loop = op->loop;
    waiter->wake.run = wake;
    if (op->state != OP_RUNNING) {
        loop_post(op->loop, &waiter->wake);
        return;
    }
    waiter->op = op;
    waiter->next = NULL;
    waiter->link = op->waiters_end;
    *op->waiters_end = waiter;
    op->waiters_end = &waiter->next;
}

void op_leave(struct op_waiter *waiter, bool keep)
{
    struct op *op = waiter->op;

    if (!op) {
        if (waiter->wake.queued)
            loop_unpost(waiter->loop, &waiter->wake);
        return;
    }
    waiter->op = NULL;
    *waiter->link = waiter->next;
    if (waiter->next)
        waiter->next->link = waiter->link;
    else
        op->waiters_end = waiter->link;
    if (!op->waiters && !keep)
        op_cancel(op);
}
