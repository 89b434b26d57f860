/* adaptive_concurrency against a simulated server: so many workers, a time that a request takes, a queue before them, and
 * clients that ask again at once. By a clock and a seed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "client/adaptive.h"
#include "client/breaker.h"
#include "fake_upstream.h"

enum { CLIENTS_MAX = 2000, STEP_US = 100 };

static const uint16_t weights[] = {1};

struct job {
    uint64_t began, done; /* us; done 0: it waits in the server's queue */
};

struct simulation {
    struct fake_upstream fake;
    struct gw_adaptive config;
    struct gw_breaker breaker;
    uint32_t servers, service_us; /* the upstream, and what it needs for a request, ± 20 % */
    uint32_t clients;             /* want to have one under way each */
    uint64_t now;                 /* us */
    struct job jobs[CLIENTS_MAX]; /* under way, in order of arrival */
    uint32_t count, busy;
    uint64_t answers, latencies; /* since `measure` began */
    uint64_t limits, looks;
};

static struct upstream_share *share_of_it(struct simulation *s)
{
    return s->fake.upstream->share;
}

static void simulation_open(struct simulation *s, uint32_t servers, uint32_t service_us)
{
    memset(s, 0, sizeof *s);
    seed_now = 1;
    s->config = (struct gw_adaptive){.module = &adaptive_module,
                                     .min_concurrency = 3,
                                     .max_concurrency = 1000,
                                     .first = 20,
                                     .interval = 100,
                                     .min_rtt_interval = 30000,
                                     .percentile = 50,
                                     .tolerance = 25};
    s->breaker = (struct gw_breaker){.module = &breaker_module, .adaptive = &s->config};
    s->servers = servers;
    s->service_us = service_us;
    s->now = 1000000000;
    fake_upstream_open(&s->fake, (struct gw_upstream){.breaker = &s->breaker}, weights, 1);
}

static void answer_what_is_done(struct simulation *s)
{
    uint32_t kept = 0;

    for (uint32_t i = 0; i < s->count; i++) {
        struct job job = s->jobs[i];
        if (job.done == 0 || job.done > s->now) {
            s->jobs[kept++] = job;
            continue;
        }
        s->busy--;
        s->answers++;
        s->latencies += s->now - job.began;
        adaptive_module.observe(share_of_it(s), s->now / 1000, s->now - job.began);
    }
    s->count = kept;
}

static void begin_what_may(struct simulation *s)
{
    while (s->count < s->clients && s->count < share_of_it(s)->adaptive->limit)
        s->jobs[s->count++] = (struct job){.began = s->now};
    for (uint32_t i = 0; i < s->count && s->busy < s->servers; i++) {
        if (s->jobs[i].done > 0)
            continue;
        s->jobs[i].done = s->now + s->service_us * (80 + chance(41)) / 100;
        s->busy++;
    }
}

static void run(struct simulation *s, uint32_t seconds)
{
    uint64_t end = s->now + seconds * UINT64_C(1000000);

    s->answers = s->latencies = s->limits = s->looks = 0;
    for (; s->now < end; s->now += STEP_US) {
        answer_what_is_done(s);
        begin_what_may(s);
        s->limits += share_of_it(s)->adaptive->limit;
        s->looks++;
    }
}

/* What the last run had, beside what the server can do. */
static void expect(struct simulation *s, uint32_t seconds, unsigned least_percent_of_all,
                   unsigned most_percent_of_latency)
{
    double could = seconds * 1e6 / s->service_us * s->servers;
    double latency = (double)s->latencies / (double)s->answers;

    if ((double)s->answers < could * least_percent_of_all / 100)
        fail_msg("%.0f answers of %.0f, at a limit of %.1f", (double)s->answers, could,
                 (double)s->limits / (double)s->looks);
    if (latency > (double)s->service_us * most_percent_of_latency / 100)
        fail_msg("latency %.0f us where %u are needed, at a limit of %.1f", latency, s->service_us,
                 (double)s->limits / (double)s->looks);
}

static void under_a_flood_work_is_done_and_little_queues(void **state)
{
    static const struct {
        uint32_t servers, service_us;
    } rows[] = {{1, 10000}, {4, 20000}, {10, 10000}, {50, 5000}, {100, 50000}, {300, 20000}};
    struct simulation s;

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        simulation_open(&s, rows[i].servers, rows[i].service_us);
        s.clients = CLIENTS_MAX;
        run(&s, 20);
        run(&s, 60);
        /* A handful queues in any case: the limit grows by its root. */
        expect(&s, 60, 80, 260 + 600 / rows[i].servers);
        fake_upstream_close(&s.fake);
    }
}

static void it_stays_so_for_an_hour(void **state)
{
    struct simulation s;

    (void)state;
    simulation_open(&s, 10, 20000);
    s.clients = 200;
    run(&s, 20);
    for (int i = 0; i < 12; i++) {
        run(&s, 300);
        expect(&s, 300, 80, 260);
    }
    fake_upstream_close(&s.fake);
}

static void without_a_flood_nobody_is_limited(void **state)
{
    struct simulation s;

    (void)state;
    simulation_open(&s, 100, 10000);
    s.clients = 15;
    run(&s, 30);
    assert_true(share_of_it(&s)->adaptive->limit > 100);
    expect(&s, 30, 14, 115);
    fake_upstream_close(&s.fake);
}

static void a_server_that_becomes_slower_and_faster_is_followed(void **state)
{
    struct simulation s;

    (void)state;
    simulation_open(&s, 10, 10000);
    s.clients = 500;
    run(&s, 20);
    s.service_us = 60000;
    run(&s, 60); /* at first that looks like a queue; behind a probe it is how it is */
    run(&s, 60);
    expect(&s, 60, 80, 260);
    s.servers = 40;
    run(&s, 60);
    run(&s, 60);
    expect(&s, 60, 80, 260);
    s.service_us = 5000;
    run(&s, 30);
    run(&s, 60);
    expect(&s, 60, 80, 260);
    fake_upstream_close(&s.fake);
}

static void the_bounds_hold(void **state)
{
    struct simulation s;

    (void)state;
    simulation_open(&s, 500, 10000);
    s.config.max_concurrency = 60;
    s.clients = 1000;
    for (int i = 0; i < 60; i++) {
        run(&s, 1);
        assert_in_range(share_of_it(&s)->adaptive->limit, 3, 60);
    }
    s.servers = 1;
    for (int i = 0; i < 60; i++) {
        run(&s, 1);
        assert_in_range(share_of_it(&s)->adaptive->limit, 3, 60);
    }
    fake_upstream_close(&s.fake);
}

static void a_few_answers_change_nothing(void **state)
{
    struct simulation s;
    uint64_t now;

    (void)state;
    simulation_open(&s, 1, 10000);
    now = s.now / 1000;
    for (int i = 0; i < 9; i++)
        adaptive_module.observe(share_of_it(&s), now + 1000 * (uint64_t)i, 1000000);
    assert_int_equal(share_of_it(&s)->adaptive->limit, 20);
    fake_upstream_close(&s.fake);
}

static void buckets_are_an_eighth_wide(void **state)
{
    uint32_t before = 0;

    (void)state;
    for (uint64_t us = 0; us < 3000000; us += us < 10000 ? 1 : 997) {
        uint32_t counts[ADAPTIVE_BUCKETS] = {0};
        uint32_t bucket = adaptive_bucket(us);
        assert_true(bucket >= before && bucket < ADAPTIVE_BUCKETS);
        counts[bucket] = 1;
        assert_in_range(adaptive_percentile(counts, 50), us, us + us / 8 + 1);
        before = bucket;
    }
    assert_int_equal(adaptive_bucket(UINT64_MAX), ADAPTIVE_BUCKETS - 1);
}

static void percentiles(void **state)
{
    uint32_t counts[ADAPTIVE_BUCKETS] = {0};

    (void)state;
    assert_int_equal(adaptive_percentile(counts, 50), 0);
    counts[1] = 50;
    counts[5] = 49;
    counts[7] = 1;
    assert_int_equal(adaptive_percentile(counts, 1), 1);
    assert_int_equal(adaptive_percentile(counts, 50), 1);
    assert_int_equal(adaptive_percentile(counts, 51), 5);
    assert_int_equal(adaptive_percentile(counts, 99), 5);
    assert_int_equal(adaptive_percentile(counts, 100), 7);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(buckets_are_an_eighth_wide),
        cmocka_unit_test(percentiles),
        cmocka_unit_test(a_few_answers_change_nothing),
        cmocka_unit_test(without_a_flood_nobody_is_limited),
        cmocka_unit_test(under_a_flood_work_is_done_and_little_queues),
        cmocka_unit_test(it_stays_so_for_an_hour),
        cmocka_unit_test(a_server_that_becomes_slower_and_faster_is_followed),
        cmocka_unit_test(the_bounds_hold),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
