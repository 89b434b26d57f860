/* The loop: timers by moving its clock, posted calls, the mailbox. Only the last tests wait for real. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <pthread.h>
#include <stdlib.h>

#include "io/loop.h"

static struct loop loop;

static int open_loop(void **state)
{
    (void)state;
    return loop_open(&loop) ? 0 : -1;
}

static int close_loop(void **state)
{
    (void)state;
    loop_close(&loop);
    return 0;
}

static void pass(uint64_t ms)
{
    loop.now += ms;
    loop_run_timers(&loop);
}

/* ---- timers ---- */

struct probe {
    struct timer timer;
    unsigned fired;
    uint64_t wanted; /* the deadline of the model; 0: none */
};

static void count_fire(struct timer *timer)
{
    struct probe *probe = (struct probe *)timer;

    assert_false(timer_is_set(timer));
    probe->fired++;
}

static void test_timer_fires_once(void **state)
{
    struct probe probe = {.timer.fire = count_fire};

    (void)state;
    timer_set(&loop, &probe.timer, 100);
    assert_true(timer_is_set(&probe.timer));
    pass(99);
    assert_int_equal(probe.fired, 0);
    pass(9);
    assert_int_equal(probe.fired, 1);
    pass(100000);
    assert_int_equal(probe.fired, 1);
}

static void test_timer_of_no_time_fires_in_the_next_tick(void **state)
{
    struct probe probe = {.timer.fire = count_fire};

    (void)state;
    timer_set(&loop, &probe.timer, 0);
    pass(0);
    assert_int_equal(probe.fired, 0);
    pass(16);
    assert_int_equal(probe.fired, 1);
}

static void test_timer_moves(void **state)
{
    struct probe probe = {.timer.fire = count_fire};

    (void)state;
    timer_set(&loop, &probe.timer, 1000);
    pass(900);
    timer_set(&loop, &probe.timer, 1000); /* further away: lazily */
    pass(990);
    assert_int_equal(probe.fired, 0);
    timer_set(&loop, &probe.timer, 50000);
    timer_set(&loop, &probe.timer, 40); /* nearer */
    pass(48);
    assert_int_equal(probe.fired, 1);
    timer_set(&loop, &probe.timer, 10);
    timer_clear(&loop, &probe.timer);
    timer_clear(&loop, &probe.timer);
    assert_false(timer_is_set(&probe.timer));
    pass(1000);
    assert_int_equal(probe.fired, 1);
}

static const uint64_t distances[] = {
    1,     7,     8,       9,       500,     511,       512,       513,       4095,      32767,
    32768, 32769, 2097151, 2097152, 2097153, 134217727, 134217728, 134217729, 200000000, 8589934592,
};

static void test_timer_distances(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof distances / sizeof *distances; i++) {
        struct probe probe = {.timer.fire = count_fire};
        timer_set(&loop, &probe.timer, distances[i]);
        pass(distances[i] - 1);
        assert_int_equal(probe.fired, 0);
        pass(9);
        assert_int_equal(probe.fired, 1);
    }
}

/* Two timers in one slot: the first to fire clears the other, a third one sets itself again. */
static struct probe twins[2];

static void fire_and_clear_other(struct timer *timer)
{
    count_fire(timer);
    timer_clear(&loop, &twins[timer == &twins[0].timer].timer);
}

static void fire_and_again(struct timer *timer)
{
    count_fire(timer);
    timer_set(&loop, timer, 20);
}

static void test_timer_callbacks_may_touch_timers(void **state)
{
    struct probe again = {.timer.fire = fire_and_again};

    (void)state;
    for (int i = 0; i < 2; i++) {
        twins[i] = (struct probe){.timer.fire = fire_and_clear_other};
        timer_set(&loop, &twins[i].timer, 50);
    }
    timer_set(&loop, &again.timer, 50);
    pass(64);
    assert_int_equal(twins[0].fired + twins[1].fired, 1);
    assert_int_equal(again.fired, 1);
    pass(32);
    assert_int_equal(again.fired, 2);
    timer_clear(&loop, &again.timer);
}

/* Many timers against the definition: none early, none later than the tick behind its deadline. */
static void test_timer_model(void **state)
{
    enum { COUNT = 200, STEPS = 20000 };
    static struct probe probes[COUNT];
    unsigned seed = 4711;

    (void)state;
    for (int i = 0; i < COUNT; i++)
        probes[i] = (struct probe){.timer.fire = count_fire};
    for (int step = 0; step < STEPS; step++) {
        struct probe *probe = &probes[rand_r(&seed) % COUNT];
        uint64_t ms = (uint64_t)rand_r(&seed) % (UINT64_C(1) << (rand_r(&seed) % 29));
        if (rand_r(&seed) % 4 == 0) {
            timer_clear(&loop, &probe->timer);
            probe->wanted = 0;
        } else {
            timer_set(&loop, &probe->timer, ms);
            probe->wanted = loop.now + ms;
        }
        uint64_t before = loop.now;
        pass((uint64_t)rand_r(&seed) % (UINT64_C(1) << (rand_r(&seed) % 24)));
        for (int i = 0; i < COUNT; i++) {
            bool fired = probes[i].wanted != 0 && !timer_is_set(&probes[i].timer);
            if (fired) {
                assert_true(probes[i].wanted <= loop.now);
                probes[i].wanted = 0;
            } else if (probes[i].wanted != 0) {
                assert_int_equal(probes[i].timer.due, probes[i].wanted);
                assert_true(probes[i].wanted + 8 > loop.now || loop.now / 8 == before / 8);
            }
        }
    }
    for (int i = 0; i < COUNT; i++)
        timer_clear(&loop, &probes[i].timer);
}

/* ---- posted calls ---- */

struct letter {
    struct loop_call call;
    char name;
};

static char order[1024];
static size_t order_len;

static void note(struct loop_call *call)
{
    assert_false(call->queued);
    order[order_len++] = ((struct letter *)call)->name;
    order[order_len] = '\0';
}

static struct letter letter(char name)
{
    return (struct letter){{.run = note}, name};
}

static void test_posted_calls_run_in_order(void **state)
{
    struct letter a = letter('a'), b = letter('b'), c = letter('c'), d = letter('d');

    (void)state;
    order_len = 0;
    loop_post(&loop, &a.call);
    loop_post(&loop, &b.call);
    loop_post(&loop, &a.call); /* queued already */
    loop_post(&loop, &c.call);
    loop_post(&loop, &d.call);
    loop_unpost(&loop, &b.call);
    loop_unpost(&loop, &b.call);
    loop_unpost(&loop, &d.call); /* the last one */
    loop_run_posted(&loop);
    assert_string_equal(order, "ac");
    loop_post(&loop, &b.call);
    loop_turn(&loop); /* does not wait */
    assert_string_equal(order, "acb");
}

static size_t depth;

static void post_again(struct loop_call *call)
{
    assert_int_equal(depth, 0);
    depth++;
    order_len++;
    loop_post(&loop, call);
    loop_run_posted(&loop); /* as a callback of libevent inside would: nothing runs here */
    depth--;
}

static void test_posted_calls_do_not_nest_and_are_bounded(void **state)
{
    struct loop_call call = {.run = post_again};

    (void)state;
    order_len = 0;
    loop_post(&loop, &call);
    loop_run_posted(&loop);
    assert_true(order_len > 1);
    assert_true(order_len < 1000);
    assert_true(call.queued);
    loop_unpost(&loop, &call);
}

static void put_off(struct loop_call *call)
{
    order_len++;
    loop_post_later(&loop, call);
}

static void test_later_calls_run_once_a_turn(void **state)
{
    struct loop_call call = {.run = put_off};
    struct letter a = letter('a'), b = letter('b'), c = letter('c'), d = letter('d');

    (void)state;
    order_len = 0;
    loop_post_later(&loop, &call);
    loop_run_posted(&loop); /* as behind an event: not yet */
    assert_int_equal(order_len, 0);
    for (size_t turns = 1; turns < 5; turns++) {
        loop_turn(&loop); /* does not wait */
        assert_int_equal(order_len, turns);
    }
    loop_unpost(&loop, &call);
    order_len = 0;
    loop_post_later(&loop, &a.call);
    loop_post_later(&loop, &b.call);
    loop_post_later(&loop, &c.call);
    loop_post(&loop, &d.call);
    loop_post(&loop, &a.call); /* queued already */
    loop_unpost(&loop, &a.call);
    loop_unpost(&loop, &c.call); /* the last one */
    loop_turn(&loop);
    assert_string_equal(order, "db");
    loop_post_later(&loop, &a.call);
    loop_turn(&loop);
    assert_string_equal(order, "dba");
}

/* ---- the mailbox ---- */

enum { SENDERS = 4, LETTERS = 2000 };

static struct mail {
    struct loop_call call;
    unsigned received;
} mails[SENDERS][LETTERS];
static unsigned received;

static void receive(struct loop_call *call)
{
    ((struct mail *)call)->received++;
    if (++received == SENDERS * LETTERS)
        loop_stop(&loop);
}

static void *send_all(void *arg)
{
    struct mail *letters = arg;

    for (int i = 0; i < LETTERS; i++) {
        letters[i].call.run = receive;
        loop_mail(&loop, &letters[i].call);
    }
    return NULL;
}

static void test_mail_from_threads(void **state)
{
    pthread_t threads[SENDERS];

    (void)state;
    for (int i = 0; i < SENDERS; i++)
        pthread_create(&threads[i], NULL, send_all, mails[i]);
    loop_run(&loop);
    for (int i = 0; i < SENDERS; i++)
        pthread_join(threads[i], NULL);
    for (int i = 0; i < SENDERS; i++)
        for (int j = 0; j < LETTERS; j++)
            assert_int_equal(mails[i][j].received, 1);
}

static void test_mail_keeps_the_order_of_one_sender(void **state)
{
    struct letter a = letter('a'), b = letter('b'), c = letter('c');

    (void)state;
    order_len = 0;
    loop_mail(&loop, &a.call);
    loop_mail(&loop, &b.call);
    loop_mail(&loop, &a.call); /* still under way */
    loop_mail(&loop, &c.call);
    loop_turn(&loop);
    assert_string_equal(order, "abc");
    loop_mail(&loop, &a.call);
    loop_turn(&loop);
    assert_string_equal(order, "abca");
}

/* ---- waiting for real ---- */

static void fire_and_stop(struct timer *timer)
{
    (void)timer;
    loop_stop(&loop);
}

static void test_run_waits_for_timers(void **state)
{
    struct timer timer = {.fire = fire_and_stop};
    uint64_t before = loop.now, wall = loop.wall_us;

    (void)state;
    timer_set(&loop, &timer, 30);
    loop_run(&loop);
    assert_true(loop.now >= before + 30);
    assert_true(loop.wall_us > wall);
}

enum { TICK_MS = 8 }; /* as in loop.c */

/* Thousands of deadlines far away: the loop sleeps until the first slot that matters. */
static void test_idle_timers_do_not_wake_the_loop(void **state)
{
    static struct probe probes[1000];

    (void)state;
    for (size_t i = 0; i < 1000; i++) {
        probes[i] = (struct probe){.timer.fire = count_fire};
        timer_set(&loop, &probes[i].timer, 60000 + i);
    }
    struct letter a = letter('a');
    loop_post(&loop, &a.call);
    loop_turn(&loop); /* arms the tick */
    /* The slot of the last level that they are in may begin at any time, once in three quarters of an hour. */
    assert_true(loop.tick_due > loop.now + 16000 || loop.tick_due % (TICK_MS << 18) == 0);
    for (size_t i = 0; i < 1000; i++)
        timer_clear(&loop, &probes[i].timer);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_loop, close_loop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_timer_fires_once),
        TEST(test_timer_of_no_time_fires_in_the_next_tick),
        TEST(test_timer_moves),
        TEST(test_timer_distances),
        TEST(test_timer_callbacks_may_touch_timers),
        TEST(test_timer_model),
        TEST(test_posted_calls_run_in_order),
        TEST(test_posted_calls_do_not_nest_and_are_bounded),
        TEST(test_later_calls_run_once_a_turn),
        TEST(test_mail_from_threads),
        TEST(test_mail_keeps_the_order_of_one_sender),
        TEST(test_run_waits_for_timers),
        TEST(test_idle_timers_do_not_wake_the_loop),
    };

    return cmocka_run_group_tests_name("loop", tests, NULL, NULL);
}
