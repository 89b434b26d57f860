#include "client/levels.h"

#include "base/random.h"

/* ---- who is of which ---- */

/* Of the priorities that are there, how many come before this one's. */
static uint32_t rank_of(const struct upstream *upstream, const struct target *target)
{
    uint32_t rank = 0;

    for (uint32_t i = 0; i < upstream->count; i++) {
        const struct target *other = &upstream->targets[i];
        bool is_new = other->config && !other->is_leaving &&
                      other->config->priority < target->config->priority;
        for (uint32_t j = 0; is_new && j < i; j++)
            is_new = !upstream->targets[j].config || upstream->targets[j].is_leaving ||
                     upstream->targets[j].config->priority != other->config->priority;
        rank += is_new;
    }
    return rank;
}

static void set(struct upstream *upstream)
{
    struct str zone = upstreams_zone();

    upstream->has_levels = false;
    for (uint32_t i = 0; i < upstream->count; i++) {
        struct target *target = &upstream->targets[i];
        uint32_t rank;
        if (!target->config || target->is_leaving)
            continue;
        rank = rank_of(upstream, target);
        if (rank > (LEVELS - 1) / 2)
            rank = (LEVELS - 1) / 2;
        target->level = (uint8_t)(2 * rank + (zone.len > 0 && target->config->zone.len > 0 &&
                                              !str_eq(target->config->zone, zone)));
        upstream->has_levels = upstream->has_levels || target->level > 0;
    }
}

/* ---- the choice ---- */

/* What a level has to offer, by weight. */
struct level {
    uint64_t all, well;
    bool is_able; /* some target is well and was not tried */
};

static void add_to_level(struct level *level, const struct target *target, bool was_tried,
                         bool panic)
{
    uint32_t weight = SHARE_GET(target->share->weight);
    bool is_well = panic || target_is_well(target->share);

    if (weight == 0 || SHARE_GET(target->share->is_drained))
        return;
    level->all += weight;
    level->well += is_well ? weight : 0;
    level->is_able = level->is_able || (is_well && !was_tried);
}

/* Envoy's overprovisioning factor is 1.4. */
static bool bears_all(const struct level *level)
{
    return level->well * 7 >= level->all * 5 || random_u64() % (level->all * 5) < level->well * 7;
}

static uint8_t choose(const struct upstream *upstream, const struct pick *pick)
{
    struct level levels[LEVELS] = {{0}};

    for (uint32_t i = 0; i < upstream->count; i++) {
        const struct target *target = &upstream->targets[i];
        if (target->config && !target->is_leaving)
            add_to_level(&levels[target->level], target, i < 64 && pick->tried >> i & 1,
                         pick->panic);
    }
    for (uint8_t l = 0; l < LEVELS; l++) {
        bool others_of_zone = l % 2 == 0 && levels[l + 1].is_able;
        if (levels[l].is_able && (!others_of_zone || bears_all(&levels[l])))
            return l;
    }
    return 0;
}

const struct levels_module levels_module = {set, choose};
