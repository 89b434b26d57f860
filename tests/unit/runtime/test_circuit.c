/* The circuit beside a model that is as simple as can be: requests that begin, end well, end badly or are forgotten, in
 * any order, compared after each. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/log.h"
#include "client/breaker.h"

enum { EVENTS = 100000, UNDER_WAY = 12, FAILURES_MAX = 1000 };

static const struct gw_breaker config = {.module = &breaker_module,
                                         .threshold = 5,
                                         .window_size = 1000,
                                         .timeout = 700,
                                         .half_open_requests = 3};

static uint64_t seed = 7;

static uint64_t chance(uint64_t below)
{
    seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (seed >> 33) % below;
}

/* ---- the model ---- */

struct model {
    enum circuit state;
    uint64_t until;
    unsigned period, trials, good;
    uint64_t failures[FAILURES_MAX]; /* when */
    size_t failure_count;
};

/* The window moves in tenths. */
static size_t recent(const struct model *model, uint64_t now)
{
    size_t count = 0;

    for (size_t i = 0; i < model->failure_count; i++)
        count += model->failures[i] / 100 + 10 > now / 100;
    return count;
}

static void model_open(struct model *model, uint64_t now)
{
    model->state = CIRCUIT_OPEN;
    model->until = now + config.timeout;
    model->failure_count = 0;
}

static bool model_admits(struct model *model, uint64_t now, unsigned *period)
{
    *period = 0;
    if (model->state == CIRCUIT_OPEN && now >= model->until) {
        model->state = CIRCUIT_HALF_OPEN;
        model->period++;
        model->trials = model->good = 0;
    }
    if (model->state == CIRCUIT_CLOSED)
        return true;
    if (model->state == CIRCUIT_OPEN || model->trials == config.half_open_requests)
        return false;
    model->trials++;
    *period = model->period;
    return true;
}

static void model_note(struct model *model, uint64_t now, unsigned period, bool failed)
{
    if (period == 0 && model->state == CIRCUIT_CLOSED && failed) {
        assert_true(model->failure_count < FAILURES_MAX);
        model->failures[model->failure_count++] = now;
        if (recent(model, now) >= config.threshold)
            model_open(model, now);
    }
    if (period == 0 || model->state != CIRCUIT_HALF_OPEN || period != model->period)
        return;
    if (failed)
        model_open(model, now);
    else if (++model->good == config.half_open_requests)
        *model = (struct model){.state = CIRCUIT_CLOSED, .period = model->period};
}

/* ---- both ---- */

struct request {
    bool runs;
    uint32_t trial;
    unsigned period;
};

static void begin(struct upstream_share *share, struct model *model, uint64_t now,
                  struct request *request)
{
    uint32_t retry_after = 0;
    bool goes = circuit_admits(share, now, &request->trial, &retry_after);

    assert_int_equal(goes, model_admits(model, now, &request->period));
    request->runs = goes;
    assert_int_equal(request->trial != 0, request->period != 0);
    if (goes)
        return;
    assert_in_range(retry_after, 1, 1);
    if (model->state == CIRCUIT_OPEN)
        assert_true(now + retry_after * 1000 >= model->until);
}

static void end(struct upstream_share *share, struct model *model, uint64_t now,
                struct request *request, unsigned bad)
{
    bool failed = chance(100) < bad;

    request->runs = false;
    if (chance(10) == 0) {
        circuit_forget(share, request->trial);
        if (request->period != 0 && model->state == CIRCUIT_HALF_OPEN &&
            request->period == model->period)
            model->trials--;
        return;
    }
    circuit_note(share, now, request->trial, failed);
    model_note(model, now, request->period, failed);
}

static void run(unsigned bad_in_good_times, unsigned bad_in_bad_times)
{
    static const struct gw_target target = {.url = STR_INIT("a"), .weight = 1};
    const struct gw_upstream upstream = {
        .name = STR("pool"), .targets = &target, .target_count = 1, .breaker = &config};
    struct upstream_share *share = share_of(&upstream, &target, 1);
    struct model model = {.state = CIRCUIT_CLOSED};
    struct request requests[UNDER_WAY] = {{0}};
    uint64_t now = 100000, opened = 0;

    for (size_t event = 0; event < EVENTS; event++) {
        struct request *request = &requests[chance(UNDER_WAY)];
        unsigned bad = event / 500 % 2 ? bad_in_bad_times : bad_in_good_times;
        enum circuit before = model.state;
        now += chance(30);
        if (request->runs)
            end(share, &model, now, request, bad);
        else
            begin(share, &model, now, request);
        opened += before != CIRCUIT_OPEN && model.state == CIRCUIT_OPEN;
        if (share->circuit != model.state)
            fail_msg("event %zu: %d, not %d", event, share->circuit, model.state);
    }
    assert_int_equal(share->total_opened, opened);
    assert_true(opened > 10);
    share_close();
}

static void test_seldom_bad(void **state)
{
    (void)state;
    run(2, 60);
}

static void test_often_bad(void **state)
{
    (void)state;
    run(20, 90);
}

/* A failure counts for a window, no longer. */
static void test_the_window(void **state)
{
    static const struct gw_target target = {.url = STR_INIT("a"), .weight = 1};
    const struct gw_upstream upstream = {
        .name = STR("pool"), .targets = &target, .target_count = 1, .breaker = &config};
    struct upstream_share *share = share_of(&upstream, &target, 1);

    (void)state;
    for (int i = 0; i < 100; i++)
        circuit_note(share, 100000 + (uint64_t)i * 250, 0, true); /* four a second */
    assert_int_equal(share->circuit, CIRCUIT_CLOSED);
    for (int i = 0; i < 5; i++)
        circuit_note(share, 200000 + (uint64_t)i * 100, 0, true);
    assert_int_equal(share->circuit, CIRCUIT_OPEN);
    share_close();
}

static void test_retry_after_is_rounded_up(void **state)
{
    static const struct {
        uint64_t at;
        uint32_t seconds;
    } cases[] = {{100000, 3}, {100001, 3}, {101000, 2}, {101499, 2}, {101500, 1}, {102499, 1}};
    static const struct gw_target target = {.url = STR_INIT("a"), .weight = 1};
    struct gw_breaker slow = config;
    const struct gw_upstream upstream = {
        .name = STR("pool"), .targets = &target, .target_count = 1, .breaker = &slow};
    struct upstream_share *share;
    uint32_t trial, seconds;

    (void)state;
    slow.timeout = 2500;
    share = share_of(&upstream, &target, 1);
    for (int i = 0; i < 5; i++)
        circuit_note(share, 100000, 0, true);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_false(circuit_admits(share, cases[i].at, &trial, &seconds));
        assert_int_equal(seconds, cases[i].seconds);
    }
    assert_true(circuit_admits(share, 102500, &trial, &seconds));
    assert_true(trial != 0);
    share_close();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_seldom_bad),
        cmocka_unit_test(test_often_bad),
        cmocka_unit_test(test_the_window),
        cmocka_unit_test(test_retry_after_is_rounded_up),
    };

    log_set_level(LOG_ERROR);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
