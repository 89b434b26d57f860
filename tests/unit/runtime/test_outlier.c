/* Ejections against a model of what outlier.h and struct gw_outlier promise, by a clock and by faults that chance
 * makes from a seed: after each event both say the same of every target. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/log.h"
#include "client/balance.h"
#include "client/outlier.h"
#include "fake_upstream.h"

enum { TARGETS = 5, EVENTS = 100000 };

static const uint16_t weights[TARGETS] = {1, 2, 3, 1, 1};

/* ---- the model ---- */

struct model_target {
    uint64_t until; /* 0: it is not ejected */
    uint64_t back;  /* it came back then */
    uint64_t first; /* failure of those that max_fails counts; 0: none */
    uint32_t in_row, fails, requests, successes, ejections, total;
};

struct model {
    const struct gw_outlier *config;
    struct model_target at[TARGETS];
    uint64_t next_look;
};

static uint32_t model_ejected(const struct model *m)
{
    uint32_t ejected = 0;

    for (int i = 0; i < TARGETS; i++)
        ejected += m->at[i].until != 0;
    return ejected;
}

static bool model_may_eject(const struct model *m)
{
    if (m->config->max_ejection_percent == 0)
        return false;
    return model_ejected(m) == 0 ||
           (model_ejected(m) + 1) * 100 <= TARGETS * m->config->max_ejection_percent;
}

static void model_eject(struct model *m, struct model_target *target, uint64_t now)
{
    uint64_t time = (uint64_t)m->config->base_ejection_time * (target->ejections + 1);

    target->in_row = target->fails = 0;
    target->first = 0;
    if (target->until != 0 || !model_may_eject(m))
        return;
    target->until =
        now + (time < m->config->max_ejection_time ? time : m->config->max_ejection_time);
    target->ejections++;
    target->total++;
}

static bool model_counts(const struct model *m, int i)
{
    return m->at[i].until == 0 && m->at[i].requests >= m->config->success_rate_request_volume;
}

static void model_judge(struct model *m, uint64_t now)
{
    long double mean = 0, variance = 0, rates[TARGETS], least;
    bool counts[TARGETS];
    uint32_t count = 0;

    for (int i = 0; i < TARGETS; i++) {
        counts[i] = model_counts(m, i);
        if (!counts[i])
            continue;
        rates[i] = (long double)m->at[i].successes / m->at[i].requests;
        mean += rates[i];
        count++;
    }
    if (m->config->success_rate_stdev_factor == 0 || count == 0 ||
        count < m->config->success_rate_minimum_hosts)
        return;
    mean /= count;
    for (int i = 0; i < TARGETS; i++)
        variance += counts[i] ? (rates[i] - mean) * (rates[i] - mean) / count : 0;
    least = mean - __builtin_sqrtl(variance) * m->config->success_rate_stdev_factor / 1000;
    for (int i = 0; i < TARGETS; i++)
        if (counts[i] && rates[i] < least - 1e-10L)
            model_eject(m, &m->at[i], now);
}

static void model_look_at_rates(struct model *m, uint64_t now)
{
    bool is_first = m->next_look == 0;

    if (now < m->next_look)
        return;
    m->next_look = now + m->config->interval;
    if (!is_first)
        model_judge(m, now);
    for (int i = 0; i < TARGETS; i++) {
        struct model_target *target = &m->at[i];
        target->requests = target->successes = 0;
        if (!is_first && target->until == 0 && target->ejections > 0 &&
            now >= target->back + m->config->interval)
            target->ejections--;
    }
}

static void model_note(struct model *m, int i, uint16_t status, uint64_t now)
{
    struct model_target *target = &m->at[i];
    bool failed = status == 0 || status >= 500;

    target->requests++;
    target->successes += !failed;
    if (target->until == 0 && !failed) {
        target->in_row = 0;
    } else if (target->until == 0) {
        if (target->first == 0 || now >= target->first + m->config->fail_timeout) {
            target->first = now;
            target->fails = 0;
        }
        target->in_row++;
        target->fails++;
        if ((m->config->consecutive_5xx && target->in_row >= m->config->consecutive_5xx) ||
            (m->config->max_fails && target->fails >= m->config->max_fails))
            model_eject(m, target, now);
    }
    model_look_at_rates(m, now);
}

static void model_look(struct model *m, int i, uint64_t now)
{
    struct model_target *target = &m->at[i];

    if (target->until == 0 || now < target->until)
        return;
    target->until = target->in_row = target->fails = 0;
    target->first = 0;
    target->back = now;
}

/* ---- both ---- */

static void compare(const struct model *m, const struct fake_upstream *fake, uint64_t seed,
                    uint32_t event)
{
    for (uint32_t i = 0; i < TARGETS; i++) {
        const struct target_share *share = fake_share(fake, i);
        const struct model_target *target = &m->at[i];
        if (share->ejected_until != target->until || share->ejections != target->ejections ||
            share->total_ejections != target->total)
            fail_msg("seed %llu, event %u, target %u: until %llu not %llu, ejections %u not %u",
                     (unsigned long long)seed, event, i, (unsigned long long)share->ejected_until,
                     (unsigned long long)target->until, share->ejections, target->ejections);
    }
    if (fake->upstream->share->ejected != model_ejected(m))
        fail_msg("seed %llu, event %u: %u are ejected, not %u", (unsigned long long)seed, event,
                 fake->upstream->share->ejected, model_ejected(m));
}

/* All are looked at; an ejected one is taken only where fewer than the threshold are well. */
static void choose(struct model *m, const struct fake_upstream *fake, uint64_t seed, uint32_t event)
{
    int chosen = fake_choose(fake, chance(4) ? 0 : chance(32), random_u64());
    bool panic;

    for (int i = 0; i < TARGETS; i++)
        model_look(m, i, fake->loop.now);
    panic = (TARGETS - model_ejected(m)) * 100 < TARGETS * fake->config.panic_threshold;
    if (chosen < 0 ? model_ejected(m) < TARGETS : m->at[chosen].until != 0 && !panic)
        fail_msg("seed %llu, event %u: target %d is chosen", (unsigned long long)seed, event,
                 chosen);
}

/* Each target fails by a rate of its own, which changes now and then. */
static void simulate(const struct gw_outlier *config, gw_balance *balance, uint64_t seed)
{
    static const uint16_t failures[] = {500, 502, 503, 504, 599, 0};
    static const uint16_t successes[] = {200, 204, 301, 404, 499};
    struct fake_upstream fake;
    struct model model = {.config = config};
    uint32_t rates[TARGETS] = {0};

    seed_now = seed;
    fake_upstream_open(
        &fake, (struct gw_upstream){.outlier = config, .balance = balance, .panic_threshold = 50},
        weights, TARGETS);
    for (uint32_t event = 0; event < EVENTS; event++) {
        uint32_t i = chance(TARGETS), kind = chance(10);
        struct target *target = &fake.upstream->targets[i];
        if (chance(500) == 0)
            rates[i] = chance(3) == 0 ? chance(101) : chance(10);
        fake.loop.now += chance(3) == 0 ? chance(20) : chance(1000) == 0 ? chance(20000) : 0;
        if (kind == 0) {
            config->module->look(target, fake.loop.now);
            model_look(&model, (int)i, fake.loop.now);
        } else if (kind < 3) {
            choose(&model, &fake, seed, event);
        } else {
            uint16_t status = chance(100) < rates[i] ? failures[chance(6)] : successes[chance(5)];
            config->module->note(target, status, fake.loop.now);
            model_note(&model, (int)i, status, fake.loop.now);
        }
        compare(&model, &fake, seed, event);
    }
    for (uint32_t i = 0; i < TARGETS; i++)
        assert_true(config->max_ejection_percent == 0 || fake_share(&fake, i)->total_ejections > 0);
    fake_upstream_close(&fake);
}

#define TIMES                                                                                      \
    .module = &outlier_module, .fail_timeout = 300, .interval = 1000, .base_ejection_time = 400,   \
    .max_ejection_time = 1500

static const struct gw_outlier consecutive = {TIMES, .consecutive_5xx = 3,
                                              .max_ejection_percent = 50};
static const struct gw_outlier within = {TIMES, .max_fails = 4, .max_ejection_percent = 10};
static const struct gw_outlier rates = {
    TIMES,
    .success_rate_minimum_hosts = 3,
    .success_rate_request_volume = 10,
    .success_rate_stdev_factor = 1200,
    .max_ejection_percent = 40,
};
static const struct gw_outlier everything = {
    TIMES,
    .consecutive_5xx = 5,
    .max_fails = 8,
    .success_rate_minimum_hosts = 2,
    .success_rate_request_volume = 3,
    .success_rate_stdev_factor = 900,
    .max_ejection_percent = 100,
};
static const struct gw_outlier nobody = {TIMES, .consecutive_5xx = 1, .max_ejection_percent = 0};

static void ejections_are_as_the_model_has_them(void **state)
{
    static const struct gw_outlier *const configs[] = {&consecutive, &within, &rates, &everything,
                                                       &nobody};
    static gw_balance *const balances[] = {NULL, balance_least_conn, balance_random, balance_hash,
                                           balance_peak_ewma};

    (void)state;
    for (uint64_t i = 0; i < sizeof configs / sizeof *configs; i++)
        simulate(configs[i], balances[i], 7 + i);
}

/* ---- by hand ---- */

static void fail_times(struct fake_upstream *fake, uint32_t target, int times)
{
    while (times-- > 0)
        outlier_module.note(&fake->upstream->targets[target], 500, fake->loop.now);
}

static void each_ejection_after_another_is_longer_up_to_the_most(void **state)
{
    static const uint64_t times[] = {400, 800, 1200, 1500, 1500};
    struct fake_upstream fake;

    (void)state;
    fake_upstream_open(&fake, (struct gw_upstream){.outlier = &consecutive}, weights, TARGETS);
    for (size_t i = 0; i < sizeof times / sizeof *times; i++) {
        fail_times(&fake, 1, 3);
        assert_int_equal(fake_share(&fake, 1)->ejected_until, fake.loop.now + times[i]);
        fake.loop.now += times[i] - 1;
        assert_int_not_equal(fake_choose(&fake, 29, 0), 1);
        assert_int_not_equal(fake_share(&fake, 1)->ejected_until, 0);
        fake.loop.now++;
        assert_int_equal(fake_choose(&fake, 29, 0), 1);
        assert_int_equal(fake_share(&fake, 1)->ejected_until, 0);
    }
    fake_upstream_close(&fake);
}

/* It was away for a part of the interval: that is no reason to trust it more. A whole interval without is one. */
static void trust_comes_back_by_whole_intervals(void **state)
{
    struct fake_upstream fake;

    (void)state;
    fake_upstream_open(&fake, (struct gw_upstream){.outlier = &consecutive}, weights, TARGETS);
    fail_times(&fake, 1, 3); /* the interval begins, too */
    fake.loop.now += 400;
    fake_choose(&fake, 0, 0);
    fake.loop.now += 600;
    outlier_module.note(&fake.upstream->targets[0], 200, fake.loop.now);
    assert_int_equal(fake_share(&fake, 1)->ejections, 1);
    fake.loop.now += 1000;
    outlier_module.note(&fake.upstream->targets[0], 200, fake.loop.now);
    assert_int_equal(fake_share(&fake, 1)->ejections, 0);
    fake_upstream_close(&fake);
}

/* Whatever the rate, where all have the same nobody is worse than the others. */
static void equals_are_not_ejected(void **state)
{
    (void)state;
    for (int successes = 0; successes <= 100; successes++) {
        struct fake_upstream fake;
        fake_upstream_open(&fake, (struct gw_upstream){.outlier = &rates}, weights, TARGETS);
        outlier_module.note(&fake.upstream->targets[0], 200, fake.loop.now);
        fake.loop.now += 500;
        for (int i = 0; i < 100; i++)
            for (int t = 0; t < 3; t++)
                outlier_module.note(&fake.upstream->targets[t], i < successes ? 200 : 500,
                                    fake.loop.now);
        fake.loop.now += 500;
        outlier_module.note(&fake.upstream->targets[4], 200, fake.loop.now);
        if (fake.upstream->share->ejected > 0)
            fail_msg("%u are ejected at %d %%", fake.upstream->share->ejected, successes);
        fake_upstream_close(&fake);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_ejection_after_another_is_longer_up_to_the_most),
        cmocka_unit_test(trust_comes_back_by_whole_intervals),
        cmocka_unit_test(equals_are_not_ejected),
        cmocka_unit_test(ejections_are_as_the_model_has_them),
    };

    log_set_level(LOG_ERROR);
    return cmocka_run_group_tests_name("outlier", tests, NULL, NULL);
}
