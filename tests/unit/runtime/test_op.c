/* Ops: the five ways to end one, and who is told. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>

#include "io/op.h"

static struct loop loop;
static unsigned cancelled;

struct guest {
    struct op_waiter waiter;
    unsigned woken;
};

static int open_loop(void **state)
{
    (void)state;
    cancelled = 0;
    return loop_open(&loop) ? 0 : -1;
}

static int close_loop(void **state)
{
    (void)state;
    loop_close(&loop);
    return 0;
}

static void count_cancel(struct op *op)
{
    assert_int_not_equal(op->state, OP_RUNNING);
    cancelled++;
}

static void count_wake(struct loop_call *call)
{
    struct guest *guest = (struct guest *)((char *)call - offsetof(struct guest, waiter.wake));

    assert_null(guest->waiter.op);
    guest->woken++;
}

static void test_end_wakes_everybody_once(void **state)
{
    struct op op;
    struct guest guests[3] = {0};

    (void)state;
    op_open(&op, &loop, 0, count_cancel);
    assert_int_equal(op.state, OP_RUNNING);
    for (int i = 0; i < 3; i++)
        op_wait(&op, &guests[i].waiter, count_wake);
    op_end(&op, OP_DONE);
    op_end(&op, OP_FAILED);
    op_cancel(&op);
    assert_int_equal(op.state, OP_DONE);
    assert_int_equal(guests[0].woken, 0); /* posted, not called */
    loop_run_posted(&loop);
    for (int i = 0; i < 3; i++)
        assert_int_equal(guests[i].woken, 1);
    assert_int_equal(cancelled, 0);
}

static void test_late_guest_is_woken_too(void **state)
{
    struct op op;
    struct guest guest = {0};

    (void)state;
    op_open(&op, &loop, 0, count_cancel);
    op_end(&op, OP_FAILED);
    op_wait(&op, &guest.waiter, count_wake);
    assert_int_equal(guest.woken, 0);
    loop_run_posted(&loop);
    assert_int_equal(guest.woken, 1);
}

static void test_deadline(void **state)
{
    struct op op;
    struct guest guest = {0};

    (void)state;
    op_open(&op, &loop, 100, count_cancel);
    op_wait(&op, &guest.waiter, count_wake);
    loop.now += 200;
    loop_run_timers(&loop);
    assert_int_equal(op.state, OP_TIMED_OUT);
    assert_int_equal(cancelled, 1);
    loop_run_posted(&loop);
    assert_int_equal(guest.woken, 1);
    op_end(&op, OP_DONE); /* a late reply */
    assert_int_equal(op.state, OP_TIMED_OUT);
}

static void test_end_disarms_the_deadline(void **state)
{
    struct op op;

    (void)state;
    op_open(&op, &loop, 100, count_cancel);
    op_end(&op, OP_DONE);
    loop.now += 200;
    loop_run_timers(&loop);
    assert_int_equal(op.state, OP_DONE);
    assert_int_equal(cancelled, 0);
}

static void test_last_leaver_cancels(void **state)
{
    struct op op;
    struct guest a = {0}, b = {0}, c = {0};

    (void)state;
    op_open(&op, &loop, 0, count_cancel);
    op_wait(&op, &a.waiter, count_wake);
    op_wait(&op, &b.waiter, count_wake);
    op_wait(&op, &c.waiter, count_wake);
    op_leave(&b.waiter, false);
    op_leave(&c.waiter, false);
    op_leave(&c.waiter, false); /* twice */
    assert_int_equal(op.state, OP_RUNNING);
    op_wait(&op, &b.waiter, count_wake);
    op_leave(&a.waiter, false);
    assert_int_equal(op.state, OP_RUNNING);
    op_leave(&b.waiter, false);
    assert_int_equal(op.state, OP_CANCELLED);
    assert_int_equal(cancelled, 1);
    loop_run_posted(&loop);
    assert_int_equal(a.woken + b.woken + c.woken, 0);
}

static void test_kept_op_goes_on(void **state)
{
    struct op op;
    struct guest guest = {0};

    (void)state;
    op_open(&op, &loop, 0, count_cancel);
    op_wait(&op, &guest.waiter, count_wake);
    op_leave(&guest.waiter, true);
    assert_int_equal(op.state, OP_RUNNING);
    op_end(&op, OP_DONE);
    assert_int_equal(cancelled, 0);
}

static void test_leaver_is_not_woken_any_more(void **state)
{
    struct op op;
    struct guest guest = {0};

    (void)state;
    op_open(&op, &loop, 0, NULL);
    op_wait(&op, &guest.waiter, count_wake);
    op_end(&op, OP_DONE);
    op_leave(&guest.waiter, false); /* the wake is posted already */
    loop_run_posted(&loop);
    assert_int_equal(guest.woken, 0);
    op_wait(&op, &guest.waiter, count_wake);
    loop_run_posted(&loop);
    assert_int_equal(guest.woken, 1);
}

static void free_op(struct op *op)
{
    free(op);
}

static void test_cancel_may_free_the_op(void **state)
{
    struct op *op = malloc(sizeof *op), *late = malloc(sizeof *late);
    struct guest guest = {0};

    (void)state;
    op_open(op, &loop, 50, free_op);
    op_wait(op, &guest.waiter, count_wake);
    op_cancel(op);
    op_open(late, &loop, 50, free_op);
    loop.now += 100;
    loop_run_timers(&loop);
    loop_run_posted(&loop);
    assert_int_equal(guest.woken, 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_loop, close_loop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_end_wakes_everybody_once),
        TEST(test_late_guest_is_woken_too),
        TEST(test_deadline),
        TEST(test_end_disarms_the_deadline),
        TEST(test_last_leaver_cancels),
        TEST(test_kept_op_goes_on),
        TEST(test_leaver_is_not_woken_any_more),
        TEST(test_cancel_may_free_the_op),
    };

    return cmocka_run_group_tests_name("op", tests, NULL, NULL);
}
