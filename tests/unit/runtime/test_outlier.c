/* Ejections beside a model that is as simple as can be: random answers of five targets, compared after each. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/log.h"
#include "client/outlier.h"

enum { TARGETS = 5, EVENTS = 100000, PERCENT = 40, MOST = 2 /* 40 % of 5 */ };

static uint64_t seed = 42;

static uint64_t chance(uint64_t below)
{
    seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (seed >> 33) % below;
}

/* ---- the model ---- */

struct model_target {
    bool ejected;
    uint64_t until;
    uint32_t ejections, in_row, window;
    uint64_t window_at;
    uint32_t requests, good;
};

struct model {
    const struct gw_outlier *config;
    struct model_target targets[TARGETS];
    uint64_t next_look;
};

static unsigned out_count(const struct model *model)
{
    unsigned count = 0;

    for (size_t i = 0; i < TARGETS; i++)
        count += model->targets[i].ejected;
    return count;
}

static void model_eject(struct model *model, struct model_target *target, uint64_t now)
{
    uint64_t time = (uint64_t)model->config->base_ejection_time * (target->ejections + 1);

    target->in_row = target->window = 0;
    target->window_at = 0;
    if (target->ejected || out_count(model) >= MOST)
        return;
    if (time > model->config->max_ejection_time)
        time = model->config->max_ejection_time;
    target->ejected = true;
    target->until = now + time;
    target->ejections++;
}

/* What is left out where few have volume is left out here, too; the factor of these tests is 1.1. */
static void model_rates(struct model *model, uint64_t now)
{
    double rates[TARGETS], mean = 0, square = 0;
    bool counts[TARGETS];
    unsigned count = 0;

    for (size_t i = 0; i < TARGETS; i++) {
        struct model_target *t = &model->targets[i];
        counts[i] = !t->ejected && t->requests >= model->config->success_rate_request_volume;
        rates[i] = counts[i] ? (double)t->good / t->requests : 0;
        count += counts[i];
        mean += rates[i];
    }
    if (model->config->success_rate_stdev_factor == 0 ||
        count < model->config->success_rate_minimum_hosts)
        return;
    mean /= count;
    for (size_t i = 0; i < TARGETS; i++)
        square += counts[i] ? (rates[i] - mean) * (rates[i] - mean) : 0;
    square /= count;
    for (size_t i = 0; i < TARGETS; i++) {
        double below = mean - rates[i];
        if (counts[i] && below > 0 && below * below > square * 1.21)
            model_eject(model, &model->targets[i], now);
    }
}

static void model_look_at_rates(struct model *model, uint64_t now)
{
    bool first = model->next_look == 0;

    if (now < model->next_look)
        return;
    model->next_look = now + model->config->interval;
    if (!first)
        model_rates(model, now);
    for (size_t i = 0; i < TARGETS; i++) {
        struct model_target *t = &model->targets[i];
        t->requests = t->good = 0;
        if (!first && !t->ejected && t->ejections > 0)
            t->ejections--;
    }
}

static void model_note(struct model *model, size_t i, uint16_t status, uint64_t now)
{
    struct model_target *t = &model->targets[i];
    bool failed = status == 0 || status >= 500;

    t->requests++;
    t->good += !failed;
    if (!t->ejected && !failed)
        t->in_row = 0;
    if (!t->ejected && failed) {
        if (t->window_at == 0 || now - t->window_at >= model->config->fail_timeout) {
            t->window_at = now;
            t->window = 0;
        }
        t->in_row++;
        t->window++;
        if (model->config->consecutive_5xx > 0 && t->in_row >= model->config->consecutive_5xx)
            model_eject(model, t, now);
        else if (model->config->max_fails > 0 && t->window >= model->config->max_fails)
            model_eject(model, t, now);
    }
    model_look_at_rates(model, now);
}

static void model_look(struct model *model, size_t i, uint64_t now)
{
    struct model_target *t = &model->targets[i];

    if (!t->ejected || now < t->until)
        return;
    t->ejected = false;
    t->in_row = t->window = 0;
    t->window_at = 0;
}

/* ---- both ---- */

static void compare(const struct model *model, const struct upstream *upstream, size_t event)
{
    for (size_t i = 0; i < TARGETS; i++) {
        const struct model_target *right = &model->targets[i];
        const struct target_share *got = &upstream->share->targets[i];
        if ((got->ejected_until != 0) != right->ejected ||
            (right->ejected && got->ejected_until != right->until) ||
            got->ejections != right->ejections)
            fail_msg("event %zu, target %zu: until %llu (%u), not %llu (%u)", event, i,
                     (unsigned long long)got->ejected_until, got->ejections,
                     (unsigned long long)(right->ejected ? right->until : 0), right->ejections);
    }
}

static void run(const struct gw_outlier *config)
{
    static const struct gw_target targets[TARGETS] = {{.url = STR_INIT("a"), .weight = 1},
                                                      {.url = STR_INIT("b"), .weight = 1},
                                                      {.url = STR_INIT("c"), .weight = 1},
                                                      {.url = STR_INIT("d"), .weight = 1},
                                                      {.url = STR_INIT("e"), .weight = 1}};
    const struct gw_upstream upstream_config = {.name = STR("pool"),
                                                .targets = targets,
                                                .target_count = TARGETS,
                                                .outlier = config,
                                                .panic_threshold = 0};
    const struct gw_upstream *configs[] = {&upstream_config};
    struct loop loop = {.now = 1000};
    struct upstreams *upstreams =
        upstreams_new(configs, 1, &loop, NULL, NULL, NULL, (struct upstreams_tls){0});
    struct upstream *upstream = &upstreams->at[0];
    struct model model = {.config = config};

    for (size_t event = 0; event < EVENTS; event++) {
        size_t i = chance(TARGETS);
        unsigned bad = i == 0 ? 40 : i == 1 ? 10 : 3; /* of a hundred */
        static const uint16_t failures[] = {500, 503, 599, 0}, good[] = {200, 304, 404, 499};
        uint16_t status = chance(100) < bad ? failures[chance(4)] : good[chance(4)];
        loop.now += chance(20);
        if (chance(4) == 0) {
            struct target *target;
            for (size_t t = 0; t < TARGETS; t++)
                model_look(&model, t, loop.now);
            target = target_choose(upstream, (struct pick){0});
            assert_non_null(target);
            assert_false(model.targets[target - upstream->targets].ejected);
        } else {
            outlier_module.note(&upstream->targets[i], status, loop.now);
            model_note(&model, i, status, loop.now);
        }
        compare(&model, upstream, event);
    }
    upstreams_free(upstreams);
    share_close();
}

static const struct gw_outlier all = {.module = &outlier_module,
                                      .consecutive_5xx = 4,
                                      .max_fails = 9,
                                      .fail_timeout = 500,
                                      .interval = 1000,
                                      .success_rate_minimum_hosts = 3,
                                      .success_rate_request_volume = 10,
                                      .success_rate_stdev_factor = 1100,
                                      .base_ejection_time = 700,
                                      .max_ejection_time = 2500,
                                      .max_ejection_percent = PERCENT};

static void test_failures_in_a_row(void **state)
{
    struct gw_outlier config = all;

    (void)state;
    config.max_fails = 0;
    config.success_rate_stdev_factor = 0;
    run(&config);
}

static void test_failures_within_a_time(void **state)
{
    struct gw_outlier config = all;

    (void)state;
    config.consecutive_5xx = 0;
    config.success_rate_stdev_factor = 0;
    run(&config);
}

static void test_all_at_once(void **state)
{
    (void)state;
    run(&all);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_failures_in_a_row),
        cmocka_unit_test(test_failures_within_a_time),
        cmocka_unit_test(test_all_at_once),
    };

    log_set_level(LOG_ERROR);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
