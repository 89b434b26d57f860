/* fake_upstream: an upstream with targets and no sockets, a clock that the test sets, and chance with a seed: the
 * runtime's random numbers are these, too, so that every run is the same. */
#ifndef FAKE_UPSTREAM_H
#define FAKE_UPSTREAM_H

#include "base/random.h"
#include "client/target.h"

enum { FAKE_TARGETS_MAX = 100 };

/* ---- chance (S. Vigna's splitmix64) ---- */

static uint64_t seed_now;

uint64_t random_u64(void)
{
    uint64_t z = seed_now += UINT64_C(0x9e3779b97f4a7c15);

    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

void random_bytes(void *to, size_t len)
{
    for (size_t i = 0; i < len; i++)
        ((unsigned char *)to)[i] = (unsigned char)random_u64();
}

/* 0 … limit - 1 */
static inline uint32_t chance(uint32_t limit)
{
    return (uint32_t)(random_u64() % limit);
}

/* ---- the upstream ---- */

struct fake_upstream {
    struct loop loop;
    struct gw_upstream config;
    struct gw_target targets[FAKE_TARGETS_MAX];
    char urls[FAKE_TARGETS_MAX][32];
    const struct gw_upstream *configs[1];
    struct upstreams *all;
    struct upstream *upstream;
};

/* `config`: all but the targets. */
static inline void fake_upstream_open(struct fake_upstream *fake, struct gw_upstream config,
                                      const uint16_t *weights, uint32_t count)
{
    bool opened;

    share_close(); /* what a test that failed has left */
    *fake = (struct fake_upstream){.config = config};
    fake->config.name = STR("u");
    fake->config.targets = fake->targets;
    fake->config.target_count = count;
    for (uint32_t i = 0; i < count; i++) {
        snprintf(fake->urls[i], sizeof fake->urls[i], "http://target-%u", i);
        fake->targets[i] =
            (struct gw_target){.url = str_of(fake->urls[i]), .port = 80, .weight = weights[i]};
    }
    fake->configs[0] = &fake->config;
    opened = loop_open(&fake->loop);
    assert_true(opened);
    fake->loop.now = 1000000;
    fake->all =
        upstreams_new(fake->configs, 1, &fake->loop, NULL, NULL, NULL, (struct upstreams_tls){0});
    fake->upstream = &fake->all->at[0];
}

static inline void fake_upstream_close(struct fake_upstream *fake)
{
    upstreams_free(fake->all);
    loop_close(&fake->loop);
    share_close();
}

static inline struct target_share *fake_share(const struct fake_upstream *fake, uint32_t target)
{
    return fake->upstream->targets[target].share;
}

/* The index of the one that is chosen, -1: none. */
static inline int fake_choose(const struct fake_upstream *fake, uint64_t tried, uint64_t hash)
{
    struct target *target =
        target_choose(fake->upstream, (struct pick){.tried = tried, .hash = hash});

    return target ? (int)(target - fake->upstream->targets) : -1;
}

#endif
