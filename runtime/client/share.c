#include "client/share.h"

#include <stdlib.h>

static struct known {
    struct upstream_share share;
    struct known *next;
} * all;

static pthread_mutex_t all_lock = PTHREAD_MUTEX_INITIALIZER;

static void *aligned(size_t size)
{
    void *at = aligned_alloc(64, (size + 63) & ~(size_t)63);

    if (!at)
        abort();
    memset(at, 0, size);
    return at;
}

static struct known *add(const struct gw_upstream *config, const struct gw_target *targets,
                         uint32_t count)
{
    struct known *known = aligned(sizeof *known);

    known->share.config = config;
    known->share.targets = aligned((count + 1) * sizeof *known->share.targets);
    known->share.count = known->share.live = targets ? count : 0;
    for (uint32_t i = 0; i < known->share.count; i++) {
        known->share.targets[i].config = &targets[i];
        known->share.targets[i].weight = targets[i].weight;
    }
    if (config->breaker && config->breaker->adaptive) {
        known->share.adaptive = aligned(sizeof *known->share.adaptive);
        known->share.adaptive->limit = config->breaker->adaptive->first;
    }
    pthread_mutex_init(&known->share.lock, NULL);
    known->next = all;
    all = known;
    return known;
}

struct upstream_share *share_of(const struct gw_upstream *config, const struct gw_target *targets,
                                uint32_t count)
{
    struct known *known;

    pthread_mutex_lock(&all_lock);
    for (known = all; known && known->share.config != config; known = known->next)
        ;
    if (!known)
        known = add(config, targets, count);
    pthread_mutex_unlock(&all_lock);
    return &known->share;
}

static void known_free(struct known *known)
{
    struct upstream_share *share = &known->share;

    /* What discovery found it keeps in memory of its own, a target in one piece. */
    for (uint32_t i = 0; share->found && i < share->count; i++)
        free((void *)share->targets[i].config);
    free(share->found);
    pthread_mutex_destroy(&known->share.lock);
    free(known->share.targets);
    free(known->share.adaptive);
    free(known);
}

void share_drop(const struct gw_upstream *config)
{
    struct known **at = &all, *known;

    pthread_mutex_lock(&all_lock);
    while (*at && (*at)->share.config != config)
        at = &(*at)->next;
    known = *at;
    if (known)
        *at = known->next;
    pthread_mutex_unlock(&all_lock);
    if (known)
        known_free(known);
}

void share_close(void)
{
    struct known *known;

    while ((known = all)) {
        all = known->next;
        known_free(known);
    }
}
