/* The circuit against a model of what breaker.h promises, by a clock and by requests that begin and end in any order
 * from a seed; and who may go, who waits, and who is refused at the limits. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/log.h"
#include "client/breaker.h"
#include "client/call.h"
#include "fake_upstream.h"

enum { EVENTS = 100000, UNDER_WAY = 60, FAILURES_KEPT = 4096 };

static const uint16_t weights[] = {1, 1};

/* ---- the model ---- */

struct model {
    const struct gw_breaker *config;
    enum circuit circuit;
    uint64_t until;                    /* CIRCUIT_OPEN */
    uint32_t times;                    /* it has opened halfway */
    uint32_t under_way, well;          /* trials of this time */
    uint64_t failed_at[FAILURES_KEPT]; /* CIRCUIT_CLOSED */
    uint32_t failures;
    uint64_t opened, refused;
};

static void model_open(struct model *m, uint64_t now)
{
    m->circuit = CIRCUIT_OPEN;
    m->until = now + m->config->timeout;
    m->failures = 0;
    m->opened++;
}

/* *trial: 0, or which time it is one of. */
static bool model_admits(struct model *m, uint64_t now, uint32_t *trial, uint32_t *retry_after)
{
    *trial = 0;
    if (m->circuit == CIRCUIT_OPEN && now >= m->until) {
        m->circuit = CIRCUIT_HALF_OPEN;
        m->under_way = m->well = 0;
        m->times++;
    }
    if (m->circuit == CIRCUIT_CLOSED)
        return true;
    if (m->circuit == CIRCUIT_HALF_OPEN && m->under_way + m->well < m->config->half_open_requests) {
        m->under_way++;
        *trial = m->times;
        return true;
    }
    m->refused++;
    *retry_after = 1;
    while (m->circuit == CIRCUIT_OPEN && now + *retry_after * 1000ull < m->until)
        ++*retry_after;
    return false;
}

static void model_note(struct model *m, uint64_t now, uint32_t trial, bool failed)
{
    uint32_t recent = 0;

    if (trial != 0 && (m->circuit != CIRCUIT_HALF_OPEN || trial != m->times))
        return;
    if (trial != 0) {
        m->under_way--;
        m->well += !failed;
        if (failed)
            model_open(m, now);
        else if (m->well == m->config->half_open_requests)
            m->circuit = CIRCUIT_CLOSED;
        return;
    }
    if (m->circuit != CIRCUIT_CLOSED || !failed)
        return;
    assert_in_range(m->failures, 0, FAILURES_KEPT - 1);
    m->failed_at[m->failures++] = now;
    for (uint32_t i = 0; i < m->failures; i++)
        recent += m->failed_at[i] + m->config->window_size > now;
    if (recent >= m->config->threshold)
        model_open(m, now);
}

static void model_forget(struct model *m, uint32_t trial)
{
    if (trial != 0 && m->circuit == CIRCUIT_HALF_OPEN && trial == m->times)
        m->under_way--;
}

/* ---- both ---- */

struct request {
    uint32_t trial, model_trial;
};

struct simulation {
    struct fake_upstream fake;
    struct upstream_share *share;
    struct model model;
    struct request requests[UNDER_WAY];
    uint32_t count;
    uint64_t seed;
    uint32_t event;
};

static void differ(const struct simulation *s, const char *what)
{
    fail_msg("seed %llu, event %u: %s: circuit %d, not %d", (unsigned long long)s->seed, s->event,
             what, s->share->circuit, s->model.circuit);
}

static void begin_one(struct simulation *s)
{
    struct request *request = &s->requests[s->count];
    uint32_t after = 0, model_after = 0;
    bool goes = circuit_admits(s->share, s->fake.loop.now, &request->trial, &after);

    if (goes != model_admits(&s->model, s->fake.loop.now, &request->model_trial, &model_after))
        differ(s, goes ? "it is let through" : "it is refused");
    if (after != model_after || (request->trial == 0) != (request->model_trial == 0))
        differ(s, "another trial, or another time to come back");
    s->count += goes;
}

static void end_one(struct simulation *s, uint32_t failures)
{
    struct request *request = &s->requests[chance(s->count)];

    if (chance(20) == 0) {
        circuit_forget(s->share, request->trial);
        model_forget(&s->model, request->model_trial);
    } else {
        bool failed = chance(100) < failures;
        circuit_note(s->share, s->fake.loop.now, request->trial, failed);
        model_note(&s->model, s->fake.loop.now, request->model_trial, failed);
    }
    *request = s->requests[--s->count];
}

/* The clock goes by tenths of the window, which is how finely the window is told. */
static void simulate(const struct gw_breaker *config, uint64_t seed)
{
    static struct simulation simulation;
    struct simulation *s = &simulation;
    uint32_t failures = 0, step = config->window_size / 10;

    seed_now = seed;
    *s = (struct simulation){.seed = seed, .model.config = config};
    fake_upstream_open(&s->fake, (struct gw_upstream){.breaker = config}, weights, 2);
    s->share = s->fake.upstream->share;
    s->share->period = UINT32_MAX - 5; /* it wraps */
    for (s->event = 0; s->event < EVENTS; s->event++) {
        if (chance(1000) == 0)
            failures = chance(2) ? chance(10) : chance(101);
        if (chance(4) == 0)
            s->fake.loop.now += (uint64_t)step * (chance(50) ? 1 : chance(30));
        if (s->count < UNDER_WAY && chance(2))
            begin_one(s);
        else if (s->count > 0)
            end_one(s, failures);
        if (s->share->circuit != s->model.circuit ||
            (s->model.circuit == CIRCUIT_OPEN && s->share->open_until != s->model.until) ||
            s->share->total_opened != s->model.opened ||
            s->share->total_refused != s->model.refused)
            differ(s, "afterwards");
    }
    assert_true(s->model.opened > 20);
    assert_true(s->model.times > 10);
    fake_upstream_close(&s->fake);
}

static void circuits_are_as_the_model_has_them(void **state)
{
    static const struct gw_breaker configs[] = {
        {&breaker_module, .threshold = 1, .window_size = 10, .timeout = 30,
         .half_open_requests = 1},
        {&breaker_module, .threshold = 5, .window_size = 1000, .timeout = 2500,
         .half_open_requests = 3},
        {&breaker_module, .threshold = 20, .window_size = 60000, .timeout = 30000,
         .half_open_requests = 10},
    };

    (void)state;
    for (uint64_t i = 0; i < sizeof configs / sizeof *configs; i++)
        simulate(&configs[i], 31 + i);
}

/* Between tenths: what is older than the window never counts, what is younger than nine tenths of it always does. */
static void the_window_is_told_to_a_tenth(void **state)
{
    static const struct gw_breaker config = {&breaker_module, .threshold = 2, .window_size = 1000,
                                             .timeout = 1, .half_open_requests = 1};

    (void)state;
    for (uint32_t begin = 0; begin < 100; begin += 7) {
        for (uint32_t gap = 1; gap < 1300; gap += 3) {
            struct fake_upstream fake;
            bool opened;
            fake_upstream_open(&fake, (struct gw_upstream){.breaker = &config}, weights, 2);
            circuit_note(fake.upstream->share, 5000 + begin, 0, true);
            circuit_note(fake.upstream->share, 5000 + begin + gap, 0, true);
            opened = fake.upstream->share->circuit == CIRCUIT_OPEN;
            if ((gap <= 900 && !opened) || (gap >= 1000 && opened))
                fail_msg("%u ms after %u: %s", gap, begin, opened ? "open" : "closed");
            fake_upstream_close(&fake);
        }
    }
}

/* ---- limits ---- */

/* In place of the calls': what the breaker has told them, in order. */
static char told[100];

void call_admitted(struct upstream_call *call)
{
    strcat(told, "+");
    strcat(told, (const char *)call->owner);
}

void call_refused(struct upstream_call *call)
{
    strcat(told, "-");
    strcat(told, (const char *)call->owner);
}

enum { CALLS = 6 };

struct limits {
    struct fake_upstream fake;
    struct upstream_call calls[CALLS];
};

static void limits_open(struct limits *l, const struct gw_breaker *config)
{
    static char names[CALLS][2] = {"a", "b", "c", "d", "e", "f"};

    *told = '\0';
    fake_upstream_open(&l->fake, (struct gw_upstream){.breaker = config}, weights, 2);
    loop_read_clock(&l->fake.loop);
    for (size_t i = 0; i < CALLS; i++) {
        memset(&l->calls[i], 0, sizeof l->calls[i]);
        l->calls[i].upstreams = l->fake.all;
        l->calls[i].config = &l->fake.config;
        l->calls[i].owner = names[i];
    }
}

static void limits_close(struct limits *l)
{
    struct upstream_share *share = l->fake.upstream->share;

    for (size_t i = 0; i < CALLS; i++)
        breaker_module.leave(&l->calls[i]);
    assert_int_equal(share->active, 0);
    assert_int_equal(share->pending, 0);
    assert_int_equal(share->starving, 0);
    for (int w = 0; w < CALL_WAITS; w++) {
        assert_int_equal(l->fake.upstream->pending[w].count, 0);
        assert_null(l->fake.upstream->pending[w].first);
    }
    fake_upstream_close(&l->fake);
}

/* What each of the six is told at once: go, wait, refused. */
static void limits_of_requests(void **state)
{
    static const struct {
        uint32_t max_requests, max_pending;
        const char *said;
    } rows[] = {
        {0, 0, "gggggg"}, {6, 0, "gggggg"}, {2, 0, "ggrrrr"}, {2, 3, "ggwwwr"}, {1, 9, "gwwwww"},
    };

    (void)state;
    for (size_t r = 0; r < sizeof rows / sizeof *rows; r++) {
        struct gw_breaker config = {&breaker_module, .max_requests = rows[r].max_requests,
                                    .max_pending_requests = rows[r].max_pending,
                                    .pending_timeout = 60000};
        struct limits limits;
        char said[CALLS + 1] = "";
        limits_open(&limits, &config);
        for (size_t i = 0; i < CALLS; i++)
            said[i] = "gwr"[breaker_module.admit(&limits.calls[i])];
        assert_string_equal(said, rows[r].said);
        for (size_t i = 0; i < CALLS; i++)
            assert_int_equal(limits.calls[i].status, said[i] == 'r' ? 503 : 0);
        limits_close(&limits);
    }
}

/* In order of arrival, as places come free; who leaves the queue is not told. */
static void who_waits_goes_in_order(void **state)
{
    static const struct gw_breaker config = {&breaker_module, .max_requests = 2,
                                             .max_pending_requests = 4, .pending_timeout = 60000};
    struct limits limits;

    (void)state;
    limits_open(&limits, &config);
    for (size_t i = 0; i < CALLS; i++)
        breaker_module.admit(&limits.calls[i]);
    breaker_module.leave(&limits.calls[3]);
    loop_run_posted(&limits.fake.loop);
    assert_string_equal(told, "");
    breaker_module.leave(&limits.calls[1]);
    loop_run_posted(&limits.fake.loop);
    assert_string_equal(told, "+c");
    assert_int_equal(breaker_module.admit(&limits.calls[1]), BREAKER_WAIT);
    breaker_module.leave(&limits.calls[5]);
    breaker_module.leave(&limits.calls[0]);
    breaker_module.leave(&limits.calls[2]);
    loop_run_posted(&limits.fake.loop);
    assert_string_equal(told, "+c+e+b");
    limits_close(&limits);
}

static void who_waits_for_too_long_is_refused(void **state)
{
    static const struct gw_breaker config = {&breaker_module, .max_requests = 1,
                                             .max_pending_requests = 4, .pending_timeout = 20};
    struct limits limits;
    uint64_t began;

    (void)state;
    limits_open(&limits, &config);
    began = limits.fake.loop.now;
    for (size_t i = 0; i < 3; i++)
        breaker_module.admit(&limits.calls[i]);
    while (strlen(told) < 4)
        loop_turn(&limits.fake.loop);
    assert_non_null(strstr(told, "-b"));
    assert_non_null(strstr(told, "-c"));
    assert_true(limits.fake.loop.now >= began + 20);
    assert_int_equal(limits.calls[1].status, 503);
    assert_true(limits.calls[1].retry_after > 0);
    breaker_module.leave(&limits.calls[0]);
    assert_int_equal(breaker_module.admit(&limits.calls[1]), BREAKER_GO);
    limits_close(&limits);
}

static void limits_of_connections(void **state)
{
    static const struct gw_breaker config = {&breaker_module, .max_connections = 2,
                                             .max_pending_requests = 2, .pending_timeout = 60000};
    static const char said[] = "ggwwrr";
    struct limits limits;
    struct target *target;

    (void)state;
    limits_open(&limits, &config);
    target = &limits.fake.upstream->targets[0];
    for (size_t i = 0; i < CALLS; i++) {
        enum breaker_said one;
        assert_int_equal(breaker_module.admit(&limits.calls[i]), BREAKER_GO);
        one = breaker_module.connect(&limits.calls[i]);
        assert_int_equal("gwr"[one], said[i]);
        if (one == BREAKER_GO)
            target_connected(&target[i]);
    }
    loop_run_posted(&limits.fake.loop);
    assert_string_equal(told, "");
    target_disconnected(&target[1]);
    loop_run_posted(&limits.fake.loop);
    assert_memory_equal(told, "+c", 2);
    target_disconnected(&target[0]);
    limits_close(&limits);
}

/* A place is held while a connection is waited for: who waits for a place cannot stand before. */
static void who_has_a_place_is_served_first(void **state)
{
    static const struct gw_breaker config = {&breaker_module, .max_connections = 1,
                                             .max_requests = 2, .max_pending_requests = 4,
                                             .pending_timeout = 60000};
    struct limits limits;
    struct target *target;

    (void)state;
    limits_open(&limits, &config);
    target = &limits.fake.upstream->targets[0];
    assert_int_equal(breaker_module.admit(&limits.calls[0]), BREAKER_GO);
    assert_int_equal(breaker_module.connect(&limits.calls[0]), BREAKER_GO);
    target_connected(target);
    assert_int_equal(breaker_module.admit(&limits.calls[1]), BREAKER_GO);
    assert_int_equal(breaker_module.connect(&limits.calls[1]), BREAKER_WAIT);
    assert_int_equal(breaker_module.admit(&limits.calls[2]), BREAKER_WAIT);
    target_disconnected(target);
    loop_run_posted(&limits.fake.loop);
    assert_string_equal(told, "+b");
    target_connected(target);
    /* The first one tries again, behind one that has waited for a place meanwhile. */
    assert_int_equal(breaker_module.connect(&limits.calls[0]), BREAKER_WAIT);
    target_disconnected(target);
    loop_run_posted(&limits.fake.loop);
    assert_string_equal(told, "+b+a");
    breaker_module.leave(&limits.calls[1]);
    loop_run_posted(&limits.fake.loop);
    assert_string_equal(told, "+b+a+c");
    limits_close(&limits);
}

/* What waits is not let through a circuit that has opened meanwhile. */
static void an_open_circuit_refuses_who_waits(void **state)
{
    static const struct gw_breaker config = {
        &breaker_module, .max_requests = 2,   .max_pending_requests = 4, .pending_timeout = 60000,
        .threshold = 1,  .window_size = 1000, .timeout = 60000,          .half_open_requests = 1};
    struct limits limits;

    (void)state;
    limits_open(&limits, &config);
    for (size_t i = 0; i < 4; i++)
        breaker_module.admit(&limits.calls[i]);
    breaker_module.note(&limits.calls[0], 500);
    assert_int_equal(breaker_module.admit(&limits.calls[4]), BREAKER_REFUSED);
    assert_in_range(limits.calls[4].retry_after, 59, 60);
    breaker_module.leave(&limits.calls[0]);
    loop_run_posted(&limits.fake.loop);
    assert_memory_equal(told, "-c", 2);
    breaker_module.leave(&limits.calls[2]); /* as a refused call does */
    loop_run_posted(&limits.fake.loop);
    assert_string_equal(told, "-c-d");
    limits_close(&limits);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(limits_of_requests),
        cmocka_unit_test(who_waits_goes_in_order),
        cmocka_unit_test(who_waits_for_too_long_is_refused),
        cmocka_unit_test(limits_of_connections),
        cmocka_unit_test(who_has_a_place_is_served_first),
        cmocka_unit_test(an_open_circuit_refuses_who_waits),
        cmocka_unit_test(the_window_is_told_to_a_tenth),
        cmocka_unit_test(circuits_are_as_the_model_has_them),
    };

    log_set_level(LOG_ERROR);
    return cmocka_run_group_tests_name("breaker", tests, NULL, NULL);
}
