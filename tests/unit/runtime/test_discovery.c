/* Targets that come and go by chance, on two workers, with calls that hold on to them: what was published is what both
 * choose from, nobody chooses what has gone, and places are used again only when nobody holds them. */
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
#include "client/call.h"
#include "client/finder.h"
#include "fake_upstream.h"

enum { SEED = 20261130, WORKERS = 2, NAMES = 40, HELD = 60, EVENTS = 100000 };

/* ---- a source that says what the test says ---- */

static struct finder *finder;

static void open_source(struct finder *opened)
{
    finder = opened;
}

static void close_source(struct finder *closed)
{
    assert_ptr_equal(closed, finder);
    finder = NULL;
}

static const struct discovery_source source = {open_source, close_source};

struct scene {
    struct gw_discovery discovery;
    struct gw_upstream config;
    const struct gw_upstream *configs[1];
    struct loop loops[WORKERS];
    struct upstreams *all[WORKERS];
    struct finders *finders;
    uint64_t there; /* names that the last good answer has, by bit */
    struct held {
        struct upstream_call call;
        int worker;
        bool is_set;
        char url[32];
    } held[HELD];
    char urls[NAMES][32];
};

static void open_scene(struct scene *s, struct gw_discovery discovery)
{
    seed_now = SEED;
    share_close();
    *s = (struct scene){.discovery = discovery};
    s->discovery.module = &discovery_module;
    s->discovery.source = &source;
    s->discovery.kind = STR("test");
    s->config = (struct gw_upstream){.name = STR("u"), .discovery = &s->discovery};
    s->configs[0] = &s->config;
    for (int i = 0; i < NAMES; i++)
        snprintf(s->urls[i], sizeof s->urls[i], "10.0.0.%d", i);
    for (int w = 0; w < WORKERS; w++) {
        bool opened = loop_open(&s->loops[w]);
        assert_true(opened);
        s->all[w] =
            upstreams_new(s->configs, 1, &s->loops[w], NULL, NULL, NULL, (struct upstreams_tls){0});
    }
    s->finders = discovery_module.open(s->all[0]);
}

static void close_scene(struct scene *s)
{
    discovery_module.close(s->finders);
    for (int w = 0; w < WORKERS; w++) {
        upstreams_free(s->all[w]);
        loop_close(&s->loops[w]);
    }
    share_close();
}

/* What is mailed is done, and time goes by; a turn of the loop would go by the real clock. */
static void turn(struct scene *s, int worker, uint64_t ms)
{
    struct loop *loop = &s->loops[worker];
    struct loop_call *mail = __atomic_exchange_n(&loop->mail, NULL, __ATOMIC_ACQ_REL), *next;

    for (; mail; mail = next) {
        next = mail->mail_next;
        mail->mailed = false;
        mail->run(mail);
    }
    loop->now += ms;
    loop_run_timers(loop);
    loop_run_posted(loop);
}

static void publish(struct scene *s, uint64_t names)
{
    finder_begin(finder);
    for (int i = 0; i < NAMES; i++)
        if (names >> i & 1)
            finder_add(finder,
                       (struct gw_target){.host = str_of(s->urls[i]), .port = 80, .weight = 1},
                       NULL, 0);
    finder_publish(finder);
    if (names)
        s->there = names;
}

static struct upstream *upstream_of(const struct scene *s, int worker)
{
    return &s->all[worker]->at[0];
}

static struct upstream_share *share_here(const struct scene *s)
{
    return upstream_of(s, 0)->share;
}

/* ---- calls ---- */

static void hold(struct scene *s)
{
    struct held *held = &s->held[chance(HELD)];
    struct target *target;

    if (held->is_set)
        return;
    held->worker = (int)chance(WORKERS);
    target = target_choose(upstream_of(s, held->worker), (struct pick){0});
    if (!target)
        return;
    memset(&held->call, 0, sizeof held->call);
    call_name(&held->call, target);
    held->is_set = true;
    snprintf(held->url, sizeof held->url, "%.*s", STR_ARG(target->config->url));
}

/* What was held is as it was, however long ago it has gone. */
static void let_go(struct scene *s)
{
    struct held *held = &s->held[chance(HELD)];

    if (!held->is_set)
        return;
    assert_true(str_eq(held->call.named->config->url, str_of(held->url)));
    call_name(&held->call, NULL);
    held->is_set = false;
}

/* ---- what has to hold ---- */

static int name_of(struct str url)
{
    uint64_t number;
    struct str text = str_from(url, strlen("http://10.0.0."));

    text = str_head(text, str_find(text, ':'));
    assert_true(str_to_u64(text, &number) && number < NAMES);
    return (int)number;
}

/* Both workers have taken notice: each of the targets that are there, and no other, can be chosen. */
static void check_settled(struct scene *s)
{
    for (int w = 0; w < WORKERS; w++) {
        struct upstream *upstream = upstream_of(s, w);
        uint64_t seen = 0;
        for (uint32_t i = 0; i < upstream->count; i++) {
            const struct target *target = &upstream->targets[i];
            if (target->config && !target->is_leaving)
                seen |= UINT64_C(1) << name_of(target->config->url);
        }
        if (seen != s->there)
            fail_msg("worker %d sees %llx, not %llx", w, (unsigned long long)seen,
                     (unsigned long long)s->there);
        for (int i = 0; i < NAMES; i++) {
            struct target *target = target_choose(upstream, (struct pick){0});
            assert_non_null(target);
            assert_true(s->there >> name_of(target->config->url) & 1);
        }
    }
}

static void check_share(const struct scene *s)
{
    struct upstream_share *share = share_here(s);
    uint32_t live = 0;

    for (uint32_t i = 0; i < share->count; i++) {
        live += share->targets[i].config && !share->targets[i].is_gone;
        assert_true(share->targets[i].holders <= WORKERS);
    }
    assert_int_equal(live, share->live);
    assert_int_equal(live, __builtin_popcountll(s->there));
}

static void settle(struct scene *s)
{
    for (int w = 0; w < WORKERS; w++)
        turn(s, w, 1);
}

static void targets_come_and_go(void **state)
{
    struct scene s;

    (void)state;
    open_scene(&s, (struct gw_discovery){0});
    publish(&s, 1);
    settle(&s);
    for (int event = 0; event < EVENTS; event++) {
        switch (chance(16)) {
        case 0:
            publish(&s, s.there ^ UINT64_C(1) << chance(NAMES));
            break;
        case 1:
            if (chance(8) == 0)
                publish(&s, random_u64() & ((UINT64_C(1) << NAMES) - 1));
            break;
        case 2:
            finder_fail(finder, "no answer");
            break;
        case 3:
            turn(&s, (int)chance(WORKERS), chance(300));
            break;
        case 4:
            settle(&s);
            check_settled(&s);
            break;
        default:
            if (chance(2))
                hold(&s);
            else
                let_go(&s);
        }
        if (event % 64 == 0)
            check_share(&s);
    }
    /* Nobody holds anything any more: all places but those of who is there can be used again. */
    for (int i = 0; i < HELD; i++)
        if (s.held[i].is_set)
            call_name(&s.held[i].call, NULL);
    for (int i = 0; i < 4; i++)
        for (int w = 0; w < WORKERS; w++)
            turn(&s, w, 200);
    for (uint32_t i = 0; i < share_here(&s)->count; i++)
        assert_int_equal(share_here(&s)->targets[i].holders,
                         share_here(&s)->targets[i].is_gone ? 0 : WORKERS);
    assert_true(share_here(&s)->count <= DISCOVERY_PLACES);
    close_scene(&s);
}

static void what_is_too_much_is_left_out(void **state)
{
    struct scene s;
    char host[32];

    (void)state;
    open_scene(&s, (struct gw_discovery){0});
    finder_begin(finder);
    for (uint16_t i = 0; i < DISCOVERY_TARGETS + 10; i++) {
        snprintf(host, sizeof host, "10.1.%d.%d", i / 256, i % 256);
        finder_add(finder,
                   (struct gw_target){
                       .host = pool_copy(&finder->pool, str_of(host)), .port = 80, .weight = 1},
                   NULL, 0);
    }
    finder_publish(finder);
    settle(&s);
    assert_int_equal(share_here(&s)->live, DISCOVERY_TARGETS);
    assert_int_equal(upstream_of(&s, 1)->count, DISCOVERY_TARGETS);
    close_scene(&s);
}

static void the_last_good_answer_has_an_age(void **state)
{
    struct scene s;

    (void)state;
    open_scene(&s, (struct gw_discovery){.max_age = 10});
    publish(&s, 7);
    settle(&s);
    publish(&s, 0); /* an empty one is no answer */
    turn(&s, 0, 9 * 1000);
    settle(&s);
    assert_int_equal(share_here(&s)->live, 3);
    turn(&s, 0, 2 * 1000);
    settle(&s);
    assert_int_equal(share_here(&s)->live, 0);
    assert_null(target_choose(upstream_of(&s, 1), (struct pick){0}));
    publish(&s, 2);
    settle(&s);
    assert_non_null(target_choose(upstream_of(&s, 1), (struct pick){0}));
    close_scene(&s);
}

static void subsets_are_those_with_the_labels(void **state)
{
    static const struct gw_label v1 = {STR_INIT("version"), STR_INIT("v1")};
    static const struct gw_subset subsets[] = {{&v1, 1}};
    const struct gw_discovery discovery = {.subsets = subsets, .subset_count = 1};
    struct scene s;
    struct target *target;

    (void)state;
    open_scene(&s, discovery);
    finder_begin(finder);
    finder_add(finder, (struct gw_target){.host = STR("10.0.0.1"), .port = 80, .weight = 9}, NULL,
               0);
    finder_add(finder, (struct gw_target){.host = STR("10.0.0.2"), .port = 80, .weight = 1}, &v1,
               1);
    finder_publish(finder);
    settle(&s);
    for (int i = 0; i < 20; i++) {
        target = target_choose(upstream_of(&s, 1), (struct pick){.subset = 1});
        assert_non_null(target);
        assert_true(str_eq(target->config->host, STR("10.0.0.2")));
    }
    assert_int_equal(target_count(upstream_of(&s, 1), 1), 1);
    assert_int_equal(target_count(upstream_of(&s, 1), 0), 2);
    close_scene(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(targets_come_and_go),
        cmocka_unit_test(what_is_too_much_is_left_out),
        cmocka_unit_test(the_last_good_answer_has_an_age),
        cmocka_unit_test(subsets_are_those_with_the_labels),
    };

    log_set_level(LOG_ERROR);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
