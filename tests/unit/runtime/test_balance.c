/* The ways to choose a target, with a fake clock, seeded loads and no socket: shares, who is left out, who moves. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "client/balance.h"
#include "client/outlier.h"

enum { TARGETS = 3, MANY = 100, ROUNDS = 100000, UNDER_WAY = 160, SUM = 8 };

static const uint16_t weights[TARGETS] = {1, 2, 5};

struct scene {
    struct loop loop;
    struct gw_target targets[MANY];
    struct gw_upstream config;
    const struct gw_upstream *configs[1];
    struct upstreams *upstreams;
    struct upstream *upstream;
    uint64_t seed;
    struct target *under_way[UNDER_WAY];
};

static uint64_t chance(struct scene *scene)
{
    scene->seed = scene->seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return scene->seed >> 33;
}

static void open_scene(struct scene *scene, gw_balance *balance, uint32_t count)
{
    static char urls[MANY][32];

    memset(scene, 0, sizeof *scene);
    scene->seed = 20261127;
    scene->loop.now = 1000;
    for (uint32_t i = 0; i < count; i++) {
        snprintf(urls[i], sizeof urls[i], "http://target-%u", i);
        scene->targets[i] = (struct gw_target){
            .url = str_of(urls[i]), .host = STR("x"), .weight = count == TARGETS ? weights[i] : 1};
    }
    scene->config = (struct gw_upstream){.name = STR("pool"),
                                         .targets = scene->targets,
                                         .target_count = count,
                                         .balance = balance,
                                         .panic_threshold = 0};
    scene->configs[0] = &scene->config;
    scene->upstreams =
        upstreams_new(scene->configs, 1, &scene->loop, NULL, NULL, NULL, (struct upstreams_tls){0});
    scene->upstream = &scene->upstreams->at[0];
}

static void close_scene(struct scene *scene)
{
    upstreams_free(scene->upstreams);
    share_close();
}

static struct target *choose(struct scene *scene, struct pick pick)
{
    return target_choose(scene->upstream, pick);
}

static size_t number(const struct scene *scene, const struct target *target)
{
    assert_non_null(target);
    return (size_t)(target - scene->upstream->targets);
}

/* So many requests with UNDER_WAY at a time, which end in any order and all take as long. */
static void simulate(struct scene *scene, size_t rounds, size_t *taken)
{
    for (size_t i = 0; i < rounds; i++) {
        struct target **slot = &scene->under_way[chance(scene) % UNDER_WAY];
        struct target *target;
        if (*slot)
            SHARE_ADD((*slot)->share->active, -1);
        *slot = NULL;
        target = choose(scene, (struct pick){0});
        taken[number(scene, target)]++;
        SHARE_ADD(target->share->active, 1);
        balance_observe(target->share, scene->loop.now, 1000);
        *slot = target;
        scene->loop.now += i % 10 == 0;
    }
}

static void assert_shares(const size_t *taken, size_t rounds)
{
    for (size_t i = 0; i < TARGETS; i++) {
        double share = (double)taken[i] / (double)rounds, right = weights[i] / (double)SUM;
        if (share < right - 0.01 || share > right + 0.01)
            fail_msg("target %zu has %.4f, not %.4f", i, share, right);
    }
}

static void test_shares_under_load(void **state)
{
    static gw_balance *const ways[] = {NULL, balance_least_conn, balance_random, balance_peak_ewma};
    struct scene scene;

    (void)state;
    for (size_t w = 0; w < sizeof ways / sizeof *ways; w++) {
        size_t taken[TARGETS] = {0};
        open_scene(&scene, ways[w], TARGETS);
        simulate(&scene, ROUNDS, taken);
        assert_shares(taken, ROUNDS);
        close_scene(&scene);
    }
}

static void test_shares_at_rest(void **state)
{
    static gw_balance *const ways[] = {NULL, balance_least_conn, balance_random};
    struct scene scene;

    (void)state;
    for (size_t w = 0; w < sizeof ways / sizeof *ways; w++) {
        size_t taken[TARGETS] = {0};
        open_scene(&scene, ways[w], TARGETS);
        for (size_t i = 0; i < ROUNDS; i++)
            taken[number(&scene, choose(&scene, (struct pick){0}))]++;
        assert_shares(taken, ROUNDS);
        close_scene(&scene);
    }
}

static void test_shares_of_keys(void **state)
{
    struct scene scene;
    size_t taken[TARGETS] = {0};

    (void)state;
    open_scene(&scene, balance_hash, TARGETS);
    for (size_t i = 0; i < ROUNDS; i++) {
        char key[32];
        snprintf(key, sizeof key, "user-%zu", i);
        taken[number(&scene,
                     choose(&scene, (struct pick){.hash = balance_hash_of(str_of(key))}))]++;
    }
    assert_shares(taken, ROUNDS);
    close_scene(&scene);
}

/* In each run of eight, the target of weight 5 is never away for more than two turns. */
static void test_turns_are_smooth(void **state)
{
    struct scene scene;
    unsigned gap = 0;

    (void)state;
    open_scene(&scene, NULL, TARGETS);
    for (size_t i = 0; i < 800; i++) {
        gap = number(&scene, choose(&scene, (struct pick){0})) == 2 ? 0 : gap + 1;
        assert_in_range(gap, 0, 2);
    }
    close_scene(&scene);
}

static gw_balance *const all_ways[] = {NULL, balance_least_conn, balance_random, balance_hash,
                                       balance_peak_ewma};
enum { WAYS = sizeof all_ways / sizeof *all_ways };

static void test_who_is_left_out(void **state)
{
    struct scene scene;

    (void)state;
    for (size_t w = 0; w < WAYS; w++) {
        open_scene(&scene, all_ways[w], 5);
        struct target_share *share = scene.upstream->share->targets;
        share[0].is_sick = true;
        share[1].ejected_until = 5000;
        share[2].is_drained = true;
        share[3].weight = 0;
        for (size_t i = 0; i < 1000; i++)
            assert_int_equal(number(&scene, choose(&scene, (struct pick){.hash = chance(&scene)})),
                             4);
        assert_int_equal(number(&scene, choose(&scene, (struct pick){.tried = 1 << 4})), 4);
        share[4].is_drained = true;
        assert_null(choose(&scene, (struct pick){0}));
        close_scene(&scene);
    }
}

static void test_those_that_were_tried_come_last(void **state)
{
    struct scene scene;

    (void)state;
    for (size_t w = 0; w < WAYS; w++) {
        open_scene(&scene, all_ways[w], 5);
        for (size_t i = 0; i < 1000; i++) {
            uint64_t tried = chance(&scene) % 32;
            size_t got = number(
                &scene, choose(&scene, (struct pick){.tried = tried, .hash = chance(&scene)}));
            assert_true(tried == 31 || !(tried >> got & 1));
        }
        close_scene(&scene);
    }
}

static void test_more_targets_than_bits(void **state)
{
    struct scene scene;

    (void)state;
    for (size_t w = 0; w < WAYS; w++) {
        bool taken[MANY] = {0};
        open_scene(&scene, all_ways[w], MANY);
        for (size_t i = 0; i < 20000; i++)
            taken[number(&scene, choose(&scene, (struct pick){.hash = chance(&scene) << 32 |
                                                                      chance(&scene)}))] = true;
        for (size_t i = 0; i < MANY; i++)
            assert_true(taken[i]);
        close_scene(&scene);
    }
}

static void test_panic(void **state)
{
    static const struct gw_health_check check = {.interval = 1};
    struct scene scene;

    (void)state;
    open_scene(&scene, NULL, 4);
    scene.config.check = &check;
    scene.config.panic_threshold = 50;
    struct target_share *share = scene.upstream->share->targets;
    share[0].is_sick = share[1].is_sick = true; /* half of them: no panic yet */
    for (size_t i = 0; i < 100; i++)
        assert_in_range(number(&scene, choose(&scene, (struct pick){0})), 2, 3);
    share[2].is_sick = true;
    bool taken[4] = {0};
    for (size_t i = 0; i < 100; i++)
        taken[number(&scene, choose(&scene, (struct pick){0}))] = true;
    assert_true(taken[0] && taken[1] && taken[2] && taken[3]);
    scene.config.panic_threshold = 0;
    share[3].is_sick = true;
    assert_null(choose(&scene, (struct pick){0}));
    scene.config.check = NULL;
    close_scene(&scene);
}

static void test_slow_start(void **state)
{
    static const struct {
        uint64_t after;
        double least, most;
    } steps[] = {{0, 0.08, 0.10}, {5000, 0.32, 0.35}, {9999, 0.49, 0.5}, {10000, 0.5, 0.5}};
    struct scene scene;

    (void)state;
    open_scene(&scene, NULL, 2);
    scene.config.slow_start = 10000;
    scene.upstream->share->targets[0].well_since = 50000;
    for (size_t s = 0; s < sizeof steps / sizeof *steps; s++) {
        size_t first = 0;
        scene.loop.now = 50000 + steps[s].after;
        for (size_t i = 0; i < 10000; i++)
            first += number(&scene, choose(&scene, (struct pick){0})) == 0;
        double share = (double)first / 10000;
        if (share < steps[s].least || share > steps[s].most)
            fail_msg("after %u ms: %.4f", (unsigned)steps[s].after, share);
    }
    close_scene(&scene);
}

static void test_only_the_keys_of_a_target_that_leaves_move(void **state)
{
    enum { KEYS = 5000, LEFT = 3 };
    struct scene scene;
    static size_t before[KEYS];
    size_t moved = 0;

    (void)state;
    open_scene(&scene, balance_hash, 10);
    for (size_t i = 0; i < KEYS; i++)
        before[i] = number(&scene, choose(&scene, (struct pick){.hash = i * 77777777777777777}));
    scene.upstream->share->targets[LEFT].is_drained = true;
    for (size_t i = 0; i < KEYS; i++) {
        size_t after = number(&scene, choose(&scene, (struct pick){.hash = i * 77777777777777777}));
        if (before[i] == LEFT)
            moved++;
        else
            assert_int_equal(after, before[i]);
    }
    assert_in_range(moved, KEYS / 10 - 100, KEYS / 10 + 100);
    close_scene(&scene);
}

/* However popular a key, its target has at most 5/4 of its share of what is under way, rounded up; but eight. */
static void test_loads_are_bounded(void **state)
{
    struct scene scene;

    (void)state;
    open_scene(&scene, balance_hash, TARGETS);
    for (uint32_t active = 1; active <= 400; active++) {
        struct target *target = choose(&scene, (struct pick){.hash = 42});
        size_t i = number(&scene, target);
        SHARE_ADD(target->share->active, 1);
        double bound = 1.25 * active * weights[i] / SUM;
        if (target->share->active > 8 && target->share->active > bound + 1)
            fail_msg("%u of %u at target %zu", target->share->active, active, i);
    }
    close_scene(&scene);
}

static void test_a_slow_target_is_avoided(void **state)
{
    struct scene scene;
    size_t taken[2] = {0};

    (void)state;
    open_scene(&scene, balance_peak_ewma, 2);
    balance_observe(scene.upstream->targets[0].share, 1000, 10000);
    balance_observe(scene.upstream->targets[1].share, 1000, 1000);
    for (size_t i = 0; i < 1000; i++)
        taken[number(&scene, choose(&scene, (struct pick){0}))]++;
    assert_int_equal(taken[0], 0);
    /* What was slow once is forgotten. */
    scene.loop.now += 60000;
    balance_observe(scene.upstream->targets[1].share, scene.loop.now, 1000);
    taken[0] = 0;
    for (size_t i = 0; i < 1000; i++)
        taken[number(&scene, choose(&scene, (struct pick){0}))]++;
    assert_true(taken[0] > 100);
    close_scene(&scene);
}

static void test_averages(void **state)
{
    struct target_share share = {0};
    double value;

    (void)state;
    balance_observe(&share, 1000, 500);
    memcpy(&value, &share.ewma, sizeof value);
    assert_true(value == 500);
    balance_observe(&share, 1001, 900); /* a peak counts at once */
    memcpy(&value, &share.ewma, sizeof value);
    assert_true(value == 900);
    balance_observe(&share, 1002, 100); /* and fades */
    memcpy(&value, &share.ewma, sizeof value);
    assert_true(value < 900 && value > 890);
    balance_observe(&share, 101002, 100);
    memcpy(&value, &share.ewma, sizeof value);
    assert_true(value >= 100 && value < 101);
    balance_observe(&share, 90000, 100); /* a clock that went back does no harm */
    memcpy(&value, &share.ewma, sizeof value);
    assert_true(value >= 100 && value < 101);
}

static void test_one_and_none(void **state)
{
    struct scene scene;

    (void)state;
    for (size_t w = 0; w < WAYS; w++) {
        open_scene(&scene, all_ways[w], 1);
        assert_int_equal(number(&scene, choose(&scene, (struct pick){.tried = 1})), 0);
        scene.upstream->share->targets[0].weight = 0;
        assert_null(choose(&scene, (struct pick){0}));
        close_scene(&scene);
        open_scene(&scene, all_ways[w], 0);
        assert_null(choose(&scene, (struct pick){0}));
        close_scene(&scene);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_shares_under_load),
        cmocka_unit_test(test_shares_at_rest),
        cmocka_unit_test(test_shares_of_keys),
        cmocka_unit_test(test_turns_are_smooth),
        cmocka_unit_test(test_who_is_left_out),
        cmocka_unit_test(test_those_that_were_tried_come_last),
        cmocka_unit_test(test_more_targets_than_bits),
        cmocka_unit_test(test_panic),
        cmocka_unit_test(test_slow_start),
        cmocka_unit_test(test_only_the_keys_of_a_target_that_leaves_move),
        cmocka_unit_test(test_loads_are_bounded),
        cmocka_unit_test(test_a_slow_target_is_avoided),
        cmocka_unit_test(test_averages),
        cmocka_unit_test(test_one_and_none),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
