/* The ways to choose a target, by a clock and by chance that the test sets: targets are taken as often as their
 * weights say, never when they take nothing, and as steadily as each way promises. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "client/balance.h"
#include "client/outlier.h"
#include "fake_upstream.h"

enum { SEED = 20240917, CHOICES = 100000, UNDER_WAY = 800 };

static const struct way {
    const char *name;
    gw_balance *balance;
    uint64_t (*hashes)(struct str key);
    gw_observe *observe;
} ways[] = {
    {"round_robin", balance_in_turn, NULL, NULL},
    {"least_conn", balance_least_conn, NULL, NULL},
    {"random", balance_random, NULL, NULL},
    {"hash", balance_hash, balance_hash_of, NULL},
    {"peak_ewma", balance_peak_ewma, NULL, balance_observe},
};

enum { WAYS = sizeof ways / sizeof *ways };

static void open_way(struct fake_upstream *fake, const struct way *way, struct gw_upstream config,
                     const uint16_t *weights, uint32_t count)
{
    seed_now = SEED;
    config.balance = way->balance;
    config.hashes = way->hashes;
    config.observe = way->observe;
    fake_upstream_open(fake, config, weights, count);
}

/* ---- requests under way ---- */

/* So many at a time; each new one ends another, by chance. A request takes us[its target]. */
struct traffic {
    struct fake_upstream *fake;
    uint32_t under_way, count;
    int at[UNDER_WAY];
    uint32_t us[FAKE_TARGETS_MAX];
    uint64_t chosen[FAKE_TARGETS_MAX];
};

static void end_one(struct traffic *t, uint32_t which)
{
    struct target_share *share = fake_share(t->fake, (uint32_t)t->at[which]);

    share->active--;
    if (t->fake->config.observe)
        t->fake->config.observe(share, t->fake->loop.now, t->us[t->at[which]]);
    t->at[which] = t->at[--t->count];
}

static int begin_one(struct traffic *t)
{
    int chosen = fake_choose(t->fake, 0, random_u64());

    assert_true(chosen >= 0);
    fake_share(t->fake, (uint32_t)chosen)->active++;
    t->at[t->count++] = chosen;
    t->chosen[chosen]++;
    return chosen;
}

static void flow(struct traffic *t, uint32_t choices)
{
    for (uint32_t i = 0; i < choices; i++) {
        if (t->count == t->under_way)
            end_one(t, chance(t->count));
        begin_one(t);
        t->fake->loop.now += chance(10) == 0;
    }
}

/* ---- by weight ---- */

static void assert_share(const char *name, uint32_t target, uint64_t chosen, double share)
{
    double got = 100.0 * (double)chosen / CHOICES;

    if (got < share - 1 || got > share + 1)
        fail_msg("%s, seed %d: target %u gets %.2f %%, not %.2f %%", name, SEED, target, got,
                 share);
}

static void targets_are_taken_as_often_as_their_weights_say(void **state)
{
    static const struct {
        uint16_t weights[6];
        uint32_t count;
    } rows[] = {{{1}, 1}, {{1, 1}, 2}, {{1, 2, 5}, 3}, {{5, 1, 1}, 3}, {{3, 0, 7, 2, 1, 7}, 6}};

    (void)state;
    for (size_t w = 0; w < WAYS; w++) {
        for (size_t r = 0; r < sizeof rows / sizeof *rows; r++) {
            struct fake_upstream fake;
            struct traffic traffic = {.fake = &fake, .under_way = UNDER_WAY};
            double sum = 0;
            open_way(&fake, &ways[w], (struct gw_upstream){0}, rows[r].weights, rows[r].count);
            for (uint32_t i = 0; i < rows[r].count; i++) {
                traffic.us[i] = 1000;
                sum += rows[r].weights[i];
            }
            flow(&traffic, CHOICES);
            for (uint32_t i = 0; i < rows[r].count; i++)
                assert_share(ways[w].name, i, traffic.chosen[i], 100 * rows[r].weights[i] / sum);
            fake_upstream_close(&fake);
        }
    }
}

/* Nothing under way when the next one comes: chance and turns alone have to do it. */
static void an_idle_upstream_is_shared_by_weight_too(void **state)
{
    static const uint16_t weights[] = {1, 2, 5};

    (void)state;
    for (size_t w = 0; w < WAYS; w++) {
        struct fake_upstream fake;
        struct traffic traffic = {.fake = &fake, .under_way = 1, .us = {1000, 1000, 1000}};
        if (ways[w].observe) /* who has not answered for longer is taken for faster */
            continue;
        open_way(&fake, &ways[w], (struct gw_upstream){0}, weights, 3);
        for (uint32_t i = 0; i < CHOICES; i++) {
            begin_one(&traffic);
            end_one(&traffic, 0);
        }
        for (uint32_t i = 0; i < 3; i++)
            assert_share(ways[w].name, i, traffic.chosen[i], 100 * weights[i] / 8.0);
        fake_upstream_close(&fake);
    }
}

/* With weights 1, 2, 5 the rare one comes every 8 turns, and the frequent one never waits for more than 2. */
static void turns_are_spread_evenly(void **state)
{
    static const uint16_t weights[] = {1, 2, 5};
    static const int gaps[] = {8, 5, 2};
    struct fake_upstream fake;
    int last[3] = {-1, -1, -1};

    (void)state;
    open_way(&fake, &ways[0], (struct gw_upstream){0}, weights, 3);
    for (int i = 0; i < 8000; i++) {
        int chosen = fake_choose(&fake, 0, 0);
        if (last[chosen] >= 0 && i - last[chosen] > gaps[chosen])
            fail_msg("target %d waits for %d turns", chosen, i - last[chosen]);
        last[chosen] = i;
    }
    fake_upstream_close(&fake);
}

/* ---- who takes nothing ---- */

static void weigh_nothing(struct target_share *share)
{
    share->weight = 0;
}

static void drain(struct target_share *share)
{
    share->is_drained = true;
}

static void sicken(struct target_share *share)
{
    share->is_sick = true;
}

static void eject(struct target_share *share)
{
    share->ejected_until = UINT64_MAX;
}

static void who_takes_nothing_is_never_chosen(void **state)
{
    static void (*const causes[])(struct target_share *) = {weigh_nothing, drain, sicken, eject};
    static const uint16_t weights[] = {3, 9, 1, 2};

    (void)state;
    for (size_t w = 0; w < WAYS; w++) {
        for (size_t c = 0; c < sizeof causes / sizeof *causes; c++) {
            struct fake_upstream fake;
            open_way(
                &fake, &ways[w],
                (struct gw_upstream){.check = &(struct gw_health_check){0},
                                     .outlier = &(struct gw_outlier){.module = &outlier_module}},
                weights, 4);
            causes[c](fake_share(&fake, 1));
            for (int i = 0; i < 2000; i++)
                /* Not even where the others were tried. */
                assert_int_not_equal(fake_choose(&fake, chance(16), random_u64()), 1);
            for (uint32_t i = 0; i < 4; i++)
                causes[c](fake_share(&fake, i));
            assert_int_equal(fake_choose(&fake, 0, 1), -1);
            assert_int_equal(fake_choose(&fake, 5, 1), -1);
            fake_upstream_close(&fake);
        }
    }
}

static void tried_targets_are_for_want_of_others(void **state)
{
    static const uint16_t weights[] = {1, 2, 5, 1};

    (void)state;
    for (size_t w = 0; w < WAYS; w++) {
        struct fake_upstream fake;
        open_way(&fake, &ways[w], (struct gw_upstream){0}, weights, 4);
        for (int i = 0; i < 4000; i++) {
            uint32_t tried = chance(15);
            int chosen = fake_choose(&fake, tried, random_u64());
            if (chosen < 0 || tried >> chosen & 1)
                fail_msg("%s: %d after %x", ways[w].name, chosen, tried);
        }
        assert_true(fake_choose(&fake, 15, 1) >= 0);
        fake_share(&fake, 3)->is_drained = true;
        assert_true(fake_choose(&fake, 7, 1) >= 0);
        fake_upstream_close(&fake);
    }
}

/* Below the threshold all are taken for well, at the threshold they are not; drained ones and those without weight
 * do not count and are not taken. */
static void few_that_are_well_are_a_panic(void **state)
{
    static const uint16_t weights[] = {1, 1, 1, 1, 1, 1};

    (void)state;
    for (size_t w = 0; w < WAYS; w++) {
        for (uint32_t sick = 0; sick <= 4; sick++) {
            struct fake_upstream fake;
            uint32_t seen = 0;
            open_way(
                &fake, &ways[w],
                (struct gw_upstream){.panic_threshold = 50, .check = &(struct gw_health_check){0}},
                weights, 6);
            fake_share(&fake, 4)->is_drained = true;
            fake_share(&fake, 5)->weight = 0;
            for (uint32_t i = 0; i < sick; i++)
                fake_share(&fake, i)->is_sick = true;
            for (int i = 0; i < 1000; i++)
                seen |= 1u << fake_choose(&fake, 0, random_u64());
            assert_int_equal(seen, sick > 2 ? 15 : 15 & ~((1u << sick) - 1));
            fake_upstream_close(&fake);
        }
    }
}

/* ---- slow start ---- */

static void who_comes_back_gets_to_its_weight_slowly(void **state)
{
    static const struct {
        int since; /* ms */
        double part;
    } rows[] = {{0, 0.1},     {500, 0.1}, {1000, 0.1}, {2500, 0.25}, {5000, 0.5},
                {9900, 0.99}, {10000, 1}, {50000, 1},  {-1, 0.1}};
    static const uint16_t weights[] = {4, 4};

    (void)state;
    for (size_t w = 0; w < WAYS; w++) {
        for (size_t r = 0; r < sizeof rows / sizeof *rows; r++) {
            struct fake_upstream fake;
            struct traffic traffic = {.fake = &fake, .under_way = 400, .us = {1000, 1000}};
            open_way(&fake, &ways[w], (struct gw_upstream){.slow_start = 10000}, weights, 2);
            for (uint32_t i = 0; i < CHOICES; i++) {
                /* Another worker's clock may be ahead. */
                fake_share(&fake, 1)->well_since = fake.loop.now - (uint64_t)rows[r].since;
                flow(&traffic, 1);
            }
            assert_share(ways[w].name, 1, traffic.chosen[1],
                         100 * rows[r].part / (1 + rows[r].part));
            fake_upstream_close(&fake);
        }
    }
}

/* ---- by a key ---- */

enum { KEYS = 20000 };

static void a_key_has_its_target_and_only_its_keys_move(void **state)
{
    static const uint16_t weights[] = {1, 2, 5, 3, 3};
    struct fake_upstream fake;
    static int before[KEYS];

    (void)state;
    open_way(&fake, &ways[3], (struct gw_upstream){0}, weights, 5);
    for (uint32_t k = 0; k < KEYS; k++)
        before[k] = fake_choose(&fake, 0, balance_hash_of((struct str){(char *)&k, sizeof k}));
    for (int gone = 0; gone < 5; gone++) {
        fake_share(&fake, (uint32_t)gone)->is_drained = true;
        for (uint32_t k = 0; k < KEYS; k++) {
            uint64_t hash = balance_hash_of((struct str){(char *)&k, sizeof k});
            int now = fake_choose(&fake, 0, hash);
            if (before[k] == gone ? now == gone : now != before[k])
                fail_msg("key %u goes from %d to %d without %d", k, before[k], now, gone);
        }
        fake_share(&fake, (uint32_t)gone)->is_drained = false;
    }
    fake_upstream_close(&fake);
}

/* As many requests as one likes for one key, or for few: nobody has more than 5/4 of its share, rounded up; but eight. */
static void loads_are_bounded(void **state)
{
    static const uint16_t weights[] = {1, 2, 5, 1};

    (void)state;
    for (uint32_t keys = 1; keys <= 9; keys += 4) {
        struct fake_upstream fake;
        struct traffic traffic = {.fake = &fake, .under_way = UNDER_WAY};
        open_way(&fake, &ways[3], (struct gw_upstream){0}, weights, 4);
        for (uint32_t i = 0; i < CHOICES; i++) {
            if (traffic.count > 0 && chance(UNDER_WAY) < traffic.count)
                end_one(&traffic, chance(traffic.count));
            int chosen = fake_choose(&fake, 0, balance_hash_of(str_of("k")) + chance(keys));
            uint32_t active = ++fake_share(&fake, (uint32_t)chosen)->active;
            traffic.at[traffic.count++] = chosen;
            /* ceil(5/4 * share): 36 = 4 * the sum of the weights */
            if (active > 8 && active > (5 * traffic.count * weights[chosen] + 35) / 36)
                fail_msg("seed %d: %u of %u at target %d", SEED, active, traffic.count, chosen);
        }
        fake_upstream_close(&fake);
    }
}

/* ---- by latency ---- */

static void the_slow_one_is_avoided(void **state)
{
    static const uint16_t weights[] = {1, 1, 1, 1};
    struct fake_upstream fake;
    struct traffic traffic = {.fake = &fake, .under_way = 100, .us = {1000, 1000, 10000, 1000}};

    (void)state;
    open_way(&fake, &ways[4], (struct gw_upstream){0}, weights, 4);
    flow(&traffic, CHOICES);
    assert_in_range(traffic.chosen[2], 1, CHOICES / 20);
    fake_upstream_close(&fake);
}

/* One that was fast long ago and answers nothing now does not draw what others could serve. */
static void old_praise_is_forgotten(void **state)
{
    static const uint16_t weights[] = {1, 1, 1};
    struct fake_upstream fake;
    uint32_t chosen[3] = {0};

    (void)state;
    open_way(&fake, &ways[4], (struct gw_upstream){0}, weights, 3);
    for (uint32_t i = 0; i < 3; i++)
        balance_observe(fake_share(&fake, i), fake.loop.now, 1000);
    fake.loop.now += 3600 * 1000;
    for (uint32_t i = 1; i < 3; i++)
        balance_observe(fake_share(&fake, i), fake.loop.now, 1000);
    for (uint32_t i = 0; i < 300; i++) {
        int which = fake_choose(&fake, 0, 0);
        chosen[which]++;
        fake_share(&fake, (uint32_t)which)->active += which == 0; /* the others answer at once */
    }
    if (chosen[0] > 10)
        fail_msg("seed %d: %u of 300", SEED, chosen[0]);
    fake_upstream_close(&fake);
}

static double average(const struct target_share *share)
{
    double value;

    memcpy(&value, &share->ewma, sizeof value);
    return value;
}

static void averages_follow_peaks_and_fade(void **state)
{
    struct target_share share = {0};

    (void)state;
    balance_observe(&share, 1000, 500);
    assert_true(average(&share) == 500);
    balance_observe(&share, 1001, 900); /* a peak counts at once … */
    assert_true(average(&share) == 900);
    balance_observe(&share, 1002, 100); /* … and fades */
    assert_true(average(&share) < 900 && average(&share) > 890);
    balance_observe(&share, 101002, 100);
    assert_true(average(&share) >= 100 && average(&share) < 101);
    balance_observe(&share, 90000, 100); /* a clock that is behind does no harm */
    assert_true(average(&share) >= 100 && average(&share) < 101);
}

/* ---- many, one, none ---- */

static void many_one_and_none(void **state)
{
    uint16_t weights[FAKE_TARGETS_MAX];

    (void)state;
    for (uint32_t i = 0; i < FAKE_TARGETS_MAX; i++)
        weights[i] = 1;
    for (size_t w = 0; w < WAYS; w++) {
        struct fake_upstream fake;
        struct traffic traffic = {.fake = &fake, .under_way = UNDER_WAY};
        open_way(&fake, &ways[w], (struct gw_upstream){0}, weights, FAKE_TARGETS_MAX);
        flow(&traffic, CHOICES);
        for (uint32_t i = 0; i < FAKE_TARGETS_MAX; i++)
            assert_share(ways[w].name, i, traffic.chosen[i], 1);
        assert_true(fake_choose(&fake, UINT64_MAX, 7) >= 64);
        fake_upstream_close(&fake);
        open_way(&fake, &ways[w], (struct gw_upstream){0}, weights, 1);
        assert_int_equal(fake_choose(&fake, 0, 1), 0);
        assert_int_equal(fake_choose(&fake, 1, 1), 0);
        fake_upstream_close(&fake);
        open_way(&fake, &ways[w], (struct gw_upstream){0}, weights, 0);
        assert_int_equal(fake_choose(&fake, 0, 1), -1);
        fake_upstream_close(&fake);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(targets_are_taken_as_often_as_their_weights_say),
        cmocka_unit_test(an_idle_upstream_is_shared_by_weight_too),
        cmocka_unit_test(turns_are_spread_evenly),
        cmocka_unit_test(who_takes_nothing_is_never_chosen),
        cmocka_unit_test(tried_targets_are_for_want_of_others),
        cmocka_unit_test(few_that_are_well_are_a_panic),
        cmocka_unit_test(who_comes_back_gets_to_its_weight_slowly),
        cmocka_unit_test(a_key_has_its_target_and_only_its_keys_move),
        cmocka_unit_test(loads_are_bounded),
        cmocka_unit_test(the_slow_one_is_avoided),
        cmocka_unit_test(averages_follow_peaks_and_fade),
        cmocka_unit_test(old_praise_is_forgotten),
        cmocka_unit_test(many_one_and_none),
    };

    return cmocka_run_group_tests_name("balance", tests, NULL, NULL);
}
