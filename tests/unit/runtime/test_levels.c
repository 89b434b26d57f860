/* Zones and priorities: who is asked first, as targets fall sick by chance, against the rule of levels.h; with a clock
 * and with chance that the test sets. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "client/balance.h"
#include "client/levels.h"
#include "fake_upstream.h"

enum { SEED = 20261130, TARGETS = 6, CHOICES = 20000, ROUNDS = 300 };

struct place {
    const char *zone;
    uint16_t priority, weight;
};

static void open_places(struct fake_upstream *fake, const char *zone, const struct place *places)
{
    static const uint16_t weights[TARGETS] = {1, 1, 1, 1, 1, 1};

    seed_now = SEED;
    upstreams_stand_in(str_of(zone));
    fake_upstream_open(fake, (struct gw_upstream){.levels = &levels_module}, weights, TARGETS);
    for (int i = 0; i < TARGETS; i++) {
        fake->targets[i].zone = str_of(places[i].zone);
        fake->targets[i].priority = places[i].priority;
        fake_share(fake, (uint32_t)i)->weight = places[i].weight;
    }
    levels_module.set(fake->upstream);
}

static void close_places(struct fake_upstream *fake)
{
    upstreams_stand_in(STR(""));
    fake_upstream_close(fake);
}

/* How often each is taken, of CHOICES. */
static void choose_often(struct fake_upstream *fake, uint64_t tried, uint32_t taken[TARGETS])
{
    memset(taken, 0, TARGETS * sizeof *taken);
    for (int i = 0; i < CHOICES; i++) {
        int chosen = fake_choose(fake, tried, 0);
        if (chosen >= 0)
            taken[chosen]++;
    }
}

static void sicken(struct fake_upstream *fake, uint32_t sick)
{
    for (uint32_t i = 0; i < TARGETS; i++)
        fake_share(fake, i)->is_sick = sick >> i & 1;
}

/* ---- rows ---- */

static const struct place two_zones[TARGETS] = {{"a", 0, 1}, {"a", 0, 1}, {"b", 0, 1},
                                                {"b", 0, 1}, {"", 1, 1},  {"a", 2, 1}};

static void rows_are_as_they_are_told(void **state)
{
    static const struct {
        const char *zone;
        uint32_t sick, tried;
        double percent[TARGETS];
    } rows[] = {
        {"a", 0, 0, {50, 50}},
        {"b", 0, 0, {0, 0, 50, 50}},
        {"c", 0, 0, {25, 25, 25, 25}},   /* nobody is near */
        {"", 0, 0, {25, 25, 25, 25}},    /* nobody knows */
        {"a", 1, 0, {0, 70, 15, 15}},    /* half of it: 7/10 stay */
        {"a", 3, 0, {0, 0, 50, 50}},     /* none of it */
        {"a", 15, 0, {0, 0, 0, 0, 100}}, /* nobody of the first number */
        {"a", 31, 0, {0, 0, 0, 0, 0, 100}},
        {"a", 63, 0, {0}},
        {"a", 13, 0, {0, 100}}, /* half of it, and nobody elsewhere: backups are for later */
        {"a", 0, 1, {0, 100}},  /* what was tried bears its part, but not again */
        {"a", 0, 3, {0, 0, 50, 50}},
        {"a", 0, 15, {0, 0, 0, 0, 100}},
        {"a", 12, 3, {0, 0, 0, 0, 100}},
    };

    (void)state;
    for (size_t r = 0; r < sizeof rows / sizeof *rows; r++) {
        struct fake_upstream fake;
        uint32_t taken[TARGETS];
        open_places(&fake, rows[r].zone, two_zones);
        sicken(&fake, rows[r].sick);
        choose_often(&fake, rows[r].tried, taken);
        for (int i = 0; i < TARGETS; i++) {
            double percent = 100.0 * taken[i] / CHOICES;
            if (percent < rows[r].percent[i] - 1 || percent > rows[r].percent[i] + 1)
                fail_msg("row %zu: target %d gets %.2f %%, not %.2f %%", r, i, percent,
                         rows[r].percent[i]);
        }
        close_places(&fake);
    }
}

static void when_all_were_tried_they_begin_anew(void **state)
{
    struct fake_upstream fake;
    uint32_t taken[TARGETS];

    (void)state;
    open_places(&fake, "a", two_zones);
    choose_often(&fake, 63, taken);
    assert_int_equal(taken[0] + taken[1], CHOICES);
    close_places(&fake);
}

/* ---- chance ---- */

/* What a set of targets has to offer, worked out the slow way: the level that has to be the first to be asked. */
static int first_level(const struct place *places, const char *zone, uint32_t sick)
{
    int best = -1;

    for (int i = 0; i < TARGETS; i++) {
        bool near = zone[0] == 0 || places[i].zone[0] == 0 || !strcmp(places[i].zone, zone);
        int level = 2 * places[i].priority + !near;
        if (places[i].weight > 0 && !(sick >> i & 1) && (best < 0 || level < best))
            best = level;
    }
    return best;
}

static void nobody_is_asked_before_his_turn(void **state)
{
    static const char *const zones[] = {"", "a", "b", "c"};
    struct place places[TARGETS];

    (void)state;
    for (int round = 0; round < ROUNDS; round++) {
        struct fake_upstream fake;
        const char *zone;
        uint32_t sick, taken[TARGETS];
        int first;
        seed_now = SEED + (uint64_t)round;
        zone = zones[chance(4)];
        sick = chance(64);
        for (int i = 0; i < TARGETS; i++)
            places[i] = (struct place){zones[chance(4)], (uint16_t)chance(3), (uint16_t)chance(4)};
        open_places(&fake, zone, places);
        sicken(&fake, sick);
        seed_now = SEED + (uint64_t)round;
        choose_often(&fake, 0, taken);
        first = first_level(places, zone, sick);
        for (int i = 0; i < TARGETS; i++) {
            bool near = zone[0] == 0 || places[i].zone[0] == 0 || !strcmp(places[i].zone, zone);
            int level = 2 * places[i].priority + !near;
            bool may = level == first || (first % 2 == 0 && level == first + 1);
            if (taken[i] > 0 && (!may || sick >> i & 1 || places[i].weight == 0))
                fail_msg("round %d: target %d of level %d is asked, the first one is %d", round, i,
                         level, first);
            if (level == first && !(sick >> i & 1) && places[i].weight > 0 && taken[i] == 0)
                fail_msg("round %d: target %d of the first level is not asked", round, i);
        }
        close_places(&fake);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_are_as_they_are_told),
        cmocka_unit_test(when_all_were_tried_they_begin_anew),
        cmocka_unit_test(nobody_is_asked_before_his_turn),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
