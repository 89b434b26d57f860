/* Jobs: what comes back, what is refused, who leaves when. Gates hold the threads where a test wants them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>

#include "base/pool.h"
#include "io/jobs.h"

static struct loop loop;

/* The threads' gate: closed, `work_at_the_gate` stands before it. */
static struct {
    pthread_mutex_t lock;
    pthread_cond_t moved;
    unsigned waiting, passed;
    bool is_open;
} gate = {.lock = PTHREAD_MUTEX_INITIALIZER, .moved = PTHREAD_COND_INITIALIZER};

static void set_gate(bool is_open)
{
    pthread_mutex_lock(&gate.lock);
    gate.is_open = is_open;
    pthread_cond_broadcast(&gate.moved);
    pthread_mutex_unlock(&gate.lock);
}

static void wait_for_waiting(unsigned count)
{
    pthread_mutex_lock(&gate.lock);
    while (gate.waiting < count)
        pthread_cond_wait(&gate.moved, &gate.lock);
    pthread_mutex_unlock(&gate.lock);
}

static void wait_for_passed(unsigned count)
{
    pthread_mutex_lock(&gate.lock);
    while (gate.passed < count)
        pthread_cond_wait(&gate.moved, &gate.lock);
    pthread_mutex_unlock(&gate.lock);
}

static int begin(void **state)
{
    (void)state;
    gate.waiting = gate.passed = 0;
    gate.is_open = true;
    return loop_open(&loop) && jobs_module.start() ? 0 : -1;
}

static int end(void **state)
{
    (void)state;
    set_gate(true);
    jobs_module.stop();
    loop_close(&loop);
    jobs_module.close();
    return 0;
}

struct sum {
    int a, b, result;
};

static void work_sum(void *data)
{
    struct sum *sum = data;

    sum->result = sum->a + sum->b;
}

static void work_at_the_gate(void *data)
{
    pthread_mutex_lock(&gate.lock);
    gate.waiting++;
    pthread_cond_broadcast(&gate.moved);
    while (!gate.is_open)
        pthread_cond_wait(&gate.moved, &gate.lock);
    gate.waiting--;
    gate.passed++;
    pthread_cond_broadcast(&gate.moved);
    pthread_mutex_unlock(&gate.lock);
    work_sum(data);
}

/* Who asks: a job and one who waits for it. */
struct asker {
    struct job job;
    struct op_waiter waiter;
    unsigned woken;
};

static void wake(struct loop_call *call)
{
    struct asker *asker = (struct asker *)((char *)call - offsetof(struct asker, waiter.wake));

    asker->woken++;
}

static bool ask(struct asker *asker, void (*work)(void *data), int a, uint64_t timeout_ms)
{
    struct sum *sum;

    *asker = (struct asker){0};
    job_open(&asker->job, sizeof *sum, work);
    sum = asker->job.data;
    assert_int_equal(sum->result, 0);
    *sum = (struct sum){.a = a, .b = 1};
    if (!job_start(&asker->job, &loop, timeout_ms))
        return false;
    op_wait(&asker->job.op, &asker->waiter, wake);
    return true;
}

static void turn_until_woken(struct asker *asker)
{
    while (asker->woken == 0)
        loop_turn(&loop);
    assert_int_equal(asker->woken, 1);
}

static void test_the_work_is_done(void **state)
{
    struct asker asker;

    (void)state;
    assert_true(ask(&asker, work_sum, 41, 0));
    turn_until_woken(&asker);
    assert_int_equal(asker.job.op.state, OP_DONE);
    assert_int_equal(((struct sum *)asker.job.data)->result, 42);
    job_close(&asker.job);
    job_close(&asker.job);
    assert_null(asker.job.data);
}

static void test_an_open_job_may_be_closed(void **state)
{
    struct job job;

    (void)state;
    job_open(&job, 100, work_sum);
    job_close(&job);
    assert_null(job.data);
}

/* Both threads stand at the gate. */
static void hold_threads(struct asker held[JOBS_THREADS])
{
    set_gate(false);
    for (int i = 0; i < JOBS_THREADS; i++)
        assert_true(ask(&held[i], work_at_the_gate, i, 0));
    wait_for_waiting(JOBS_THREADS);
}

static void test_a_full_queue_is_told(void **state)
{
    struct asker held[JOBS_THREADS], queued[JOBS_QUEUED_MAX], late;

    (void)state;
    hold_threads(held);
    for (int i = 0; i < JOBS_QUEUED_MAX; i++)
        assert_true(ask(&queued[i], work_sum, i, 0));
    assert_false(ask(&late, work_sum, 0, 1000));
    assert_null(late.job.data);
    /* Who leaves the queue makes room. */
    job_close(&queued[JOBS_QUEUED_MAX - 1].job);
    assert_true(ask(&late, work_sum, 6, 1000));
    set_gate(true);
    turn_until_woken(&late);
    assert_int_equal(((struct sum *)late.job.data)->result, 7);
    for (int i = 0; i < JOBS_QUEUED_MAX - 1; i++) {
        turn_until_woken(&queued[i]);
        assert_int_equal(((struct sum *)queued[i].job.data)->result, i + 1);
        job_close(&queued[i].job);
    }
    for (int i = 0; i < JOBS_THREADS; i++) {
        turn_until_woken(&held[i]);
        job_close(&held[i].job);
    }
    job_close(&late.job);
}

static void test_who_leaves_the_queue_never_runs(void **state)
{
    struct asker held[JOBS_THREADS], first, second, third;

    (void)state;
    hold_threads(held);
    assert_true(ask(&first, work_at_the_gate, 1, 0));
    assert_true(ask(&second, work_at_the_gate, 2, 0));
    assert_true(ask(&third, work_at_the_gate, 3, 0));
    op_leave(&second.waiter, false);
    assert_int_equal(second.job.op.state, OP_CANCELLED);
    assert_null(second.job.data);
    job_close(&third.job); /* the last one */
    set_gate(true);
    turn_until_woken(&first);
    turn_until_woken(&held[0]);
    turn_until_woken(&held[1]);
    assert_int_equal(gate.passed, 3);
    assert_int_equal(second.woken, 0);
    assert_int_equal(third.woken, 1); /* told that it is cancelled */
    job_close(&first.job);
    job_close(&held[0].job);
    job_close(&held[1].job);
}

/* The asker's memory is gone while the thread goes on with its own. */
static void test_who_leaves_while_it_runs(void **state)
{
    struct asker *gone = malloc(sizeof *gone), after;

    (void)state;
    set_gate(false);
    assert_true(ask(gone, work_at_the_gate, 1, 0));
    wait_for_waiting(1);
    op_leave(&gone->waiter, false);
    assert_null(gone->job.data);
    memset(gone, 0xee, sizeof *gone);
    free(gone);
    set_gate(true);
    wait_for_passed(1);
    assert_true(ask(&after, work_sum, 1, 0));
    turn_until_woken(&after);
    job_close(&after.job);
}

static void test_a_deadline_while_it_runs(void **state)
{
    struct asker asker;

    (void)state;
    set_gate(false);
    assert_true(ask(&asker, work_at_the_gate, 1, 20));
    wait_for_waiting(1);
    turn_until_woken(&asker);
    assert_int_equal(asker.job.op.state, OP_TIMED_OUT);
    assert_null(asker.job.data);
    job_close(&asker.job);
}

/* It is done, and has not come back, when the loop's end comes. */
static void test_the_end_finds_what_nobody_fetched(void **state)
{
    struct asker fetched, left;

    (void)state;
    assert_true(ask(&fetched, work_sum, 1, 0));
    turn_until_woken(&fetched);
    assert_true(ask(&left, work_at_the_gate, 2, 0));
    wait_for_passed(1);
    jobs_module.stop();
    assert_int_equal(left.job.op.state, OP_RUNNING);
    job_close(&left.job);
    job_close(&fetched.job);
    assert_false(ask(&left, work_sum, 3, 0)); /* there are no threads any more */
}

/* Waits for the end to begin, which is when no job is taken any more, and lets those at the gate through. */
static void *open_at_the_end(void *unused)
{
    struct loop own;
    struct job job;
    bool is_taken = true;

    (void)unused;
    if (!loop_open(&own))
        abort();
    while (is_taken) {
        job_open(&job, 1, work_sum);
        is_taken = job_start(&job, &own, 0);
        job_close(&job);
    }
    loop_close(&own);
    set_gate(true);
    return NULL;
}

static void test_the_end_leaves_the_queue_alone(void **state)
{
    struct asker held[JOBS_THREADS], queued;
    pthread_t opener;

    (void)state;
    hold_threads(held);
    assert_true(ask(&queued, work_at_the_gate, 1, 0));
    assert_int_equal(pthread_create(&opener, NULL, open_at_the_end, NULL), 0);
    jobs_module.stop();
    pthread_join(opener, NULL);
    assert_int_equal(gate.passed, JOBS_THREADS);
    job_close(&queued.job);
    for (int i = 0; i < JOBS_THREADS; i++)
        job_close(&held[i].job);
}

static void work_look_at_signals(void *data)
{
    sigset_t *set = data;

    pthread_sigmask(SIG_BLOCK, NULL, set);
}

static void test_threads_see_no_signals(void **state)
{
    struct asker asker = {0};
    sigset_t *set;

    (void)state;
    job_open(&asker.job, sizeof *set, work_look_at_signals);
    assert_true(job_start(&asker.job, &loop, 0));
    op_wait(&asker.job.op, &asker.waiter, wake);
    turn_until_woken(&asker);
    set = asker.job.data;
    assert_true(sigismember(set, SIGTERM) && sigismember(set, SIGHUP) && sigismember(set, SIGUSR2));
    assert_false(sigismember(set, SIGSEGV));
    job_close(&asker.job);
}

/* ---- several loops at once ---- */

enum { LIVES = 3, ROUNDS = 500, ASKERS = 16 };

struct life {
    pthread_t thread;
    struct loop loop;
    struct asker askers[ASKERS];
    struct timer pulse;
    unsigned seed, done, wrong;
};

static unsigned chance(struct life *life)
{
    life->seed = life->seed * 1103515245u + 12345u;
    return life->seed >> 16;
}

static void begin_one(struct life *life, struct asker *asker)
{
    struct sum *sum;

    job_open(&asker->job, sizeof *sum, work_sum);
    sum = asker->job.data;
    *sum = (struct sum){.a = (int)chance(life), .b = 1};
    if (job_start(&asker->job, &life->loop, chance(life) % 3))
        op_wait(&asker->job.op, &asker->waiter, wake);
}

/* Asks, comes for the answer, leaves early or is late. */
static void meet(struct life *life, struct asker *asker)
{
    struct sum *sum = asker->job.data;

    if (asker->woken > 0) {
        if (asker->job.op.state == OP_DONE) {
            life->wrong += sum->result != sum->a + 1;
            life->done++;
        }
    } else if (sum && chance(life) % 4 == 0) {
        op_leave(&asker->waiter, false);
    } else {
        if (!sum)
            begin_one(life, asker);
        return;
    }
    job_close(&asker->job);
    *asker = (struct asker){0};
}

static void do_nothing(struct timer *timer)
{
    (void)timer;
}

static void *live(void *arg)
{
    struct life *life = arg;

    life->pulse.fire = do_nothing;
    for (int round = 0; round < ROUNDS || life->done < ROUNDS; round++) {
        for (int i = 0; i < ASKERS; i++)
            meet(life, &life->askers[i]);
        timer_set(&life->loop, &life->pulse, 1);
        loop_turn(&life->loop);
    }
    for (int i = 0; i < ASKERS; i++)
        job_close(&life->askers[i].job);
    return NULL;
}

static void test_several_loops(void **state)
{
    static struct life lives[LIVES];

    (void)state;
    for (unsigned i = 0; i < LIVES; i++) {
        lives[i].seed = i;
        assert_true(loop_open(&lives[i].loop));
        assert_int_equal(pthread_create(&lives[i].thread, NULL, live, &lives[i]), 0);
    }
    for (int i = 0; i < LIVES; i++)
        pthread_join(lives[i].thread, NULL);
    jobs_module.stop();
    for (int i = 0; i < LIVES; i++) {
        assert_int_equal(lives[i].wrong, 0);
        loop_close(&lives[i].loop);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_the_work_is_done),
        TEST(test_an_open_job_may_be_closed),
        TEST(test_a_full_queue_is_told),
        TEST(test_who_leaves_the_queue_never_runs),
        TEST(test_who_leaves_while_it_runs),
        TEST(test_a_deadline_while_it_runs),
        TEST(test_the_end_finds_what_nobody_fetched),
        TEST(test_the_end_leaves_the_queue_alone),
        TEST(test_threads_see_no_signals),
        TEST(test_several_loops),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
