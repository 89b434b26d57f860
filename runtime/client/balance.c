#include "client/balance.h"

#include <math.h>

#include "base/random.h"

enum {
    SCALE = 100,         /* of weights, so that a slow start has steps */
    LOAD_MORE = 125,     /* percent of its share that a target of a hash may have */
    LOAD_LEAST = 8,      /* it always may have so many */
    EWMA_TAU_MS = 10000, /* what the average remembers */
};

/* Of one that has work under way and has never answered, us: worse than any that is known. */
static const double UNKNOWN_COST = 1e9;

static const double FORGOTTEN_US = 1;

/* What counts of a target's weight now, times SCALE; 0: it is not to be taken. A new one begins with a tenth. */
static uint32_t weight_of(const struct target *target, uint32_t index, const struct pick *pick)
{
    const struct target_share *share = target->share;
    uint64_t ramp, since, passed, weight;

    if (!target->config || target->level != pick->level)
        return 0;
    ramp = target->upstream->config->slow_start;
    since = SHARE_GET(share->well_since);
    passed = pick->now > since ? pick->now - since : 0; /* another worker's clock is ahead */
    weight = (uint64_t)SHARE_GET(share->weight) * SCALE;
    if (weight == 0 || (index < 64 && pick->tried >> index & 1) || SHARE_GET(share->is_drained) ||
        (!pick->panic && !target_is_well(share)))
        return 0;
    if (ramp > 0 && since > 0 && passed < ramp) {
        weight = weight * passed / ramp;
        if (weight < (uint64_t)SHARE_GET(share->weight) * SCALE / 10)
            weight = (uint64_t)SHARE_GET(share->weight) * SCALE / 10;
    }
    return (uint32_t)weight;
}

/* ---- in turn, by what is under way ---- */

/* What is under way at a target for its weight. */
struct load {
    uint32_t active, weight;
};

/* Less than 0: a is less busy than b. */
static int compare_loads(struct load a, struct load b)
{
    uint64_t left = (uint64_t)a.active * b.weight, right = (uint64_t)b.active * a.weight;

    return left < right ? -1 : left > right;
}

static struct load load_of(const struct target *target, uint32_t index, const struct pick *pick)
{
    uint32_t weight = weight_of(target, index, pick);

    return (struct load){weight > 0 ? SHARE_GET(target->share->active) : 0, weight};
}

static struct load load_now(const struct target *target, const struct pick *pick)
{
    return load_of(target, (uint32_t)(target - target->upstream->targets), pick);
}

/* Each round every target gains its weight, the richest is taken and pays the sum. Among those as little busy as
 * `least`; NULL: among all. */
static struct target *take_turn(struct upstream *upstream, const struct pick *pick,
                                const struct load *least)
{
    struct target *best = NULL;
    int64_t sum = 0;

    for (uint32_t i = 0; i < upstream->count; i++) {
        struct target *target = &upstream->targets[i];
        struct load load = load_of(target, i, pick);
        if (load.weight == 0 || (least && compare_loads(load, *least) > 0))
            continue;
        target->turn += load.weight;
        sum += load.weight;
        if (!best || target->turn > best->turn)
            best = target;
    }
    if (best)
        best->turn -= sum;
    return best;
}

struct target *balance_in_turn(struct upstream *upstream, const struct pick *pick)
{
    return take_turn(upstream, pick, NULL);
}

struct target *balance_least_conn(struct upstream *upstream, const struct pick *pick)
{
    struct load least = {0};

    for (uint32_t i = 0; i < upstream->count; i++) {
        struct load load = load_of(&upstream->targets[i], i, pick);
        if (load.weight > 0 && (least.weight == 0 || compare_loads(load, least) < 0))
            least = load;
    }
    return least.weight > 0 ? take_turn(upstream, pick, &least) : NULL;
}

static uint64_t weight_sum(struct upstream *upstream, const struct pick *pick)
{
    uint64_t sum = 0;

    for (uint32_t i = 0; i < upstream->count; i++)
        sum += weight_of(&upstream->targets[i], i, pick);
    return sum;
}

/* One by chance and weight, not `but`, whose weight is not in `sum`. sum > 0. */
static struct target *draw(struct upstream *upstream, const struct pick *pick, uint64_t sum,
                           const struct target *but)
{
    uint64_t ticket = random_u64() % sum;

    for (uint32_t i = 0; i < upstream->count; i++) {
        struct target *target = &upstream->targets[i];
        uint32_t weight = target == but ? 0 : weight_of(target, i, pick);
        if (ticket < weight)
            return target;
        ticket -= weight;
    }
    return NULL; /* a weight has changed meanwhile */
}

/* Two different ones, the second one NULL when there is only one. False: there is none. */
static bool draw_two(struct upstream *upstream, const struct pick *pick, struct target *two[2])
{
    uint64_t sum = weight_sum(upstream, pick);

    two[0] = two[1] = NULL;
    if (sum == 0)
        return false;
    two[0] = draw(upstream, pick, sum, NULL);
    if (!two[0])
        two[0] = balance_in_turn(upstream, pick);
    if (!two[0])
        return false;
    sum -= weight_of(two[0], (uint32_t)(two[0] - upstream->targets), pick);
    if (sum > 0)
        two[1] = draw(upstream, pick, sum, two[0]);
    return true;
}

struct target *balance_random(struct upstream *upstream, const struct pick *pick)
{
    struct target *two[2];

    if (!draw_two(upstream, pick, two))
        return NULL;
    return two[1] && compare_loads(load_now(two[1], pick), load_now(two[0], pick)) < 0 ? two[1]
                                                                                       : two[0];
}

/* ---- by a key ---- */

/* FNV-1a, and murmur3's finish, which spreads short keys over all bits. */
static uint64_t finish(uint64_t h)
{
    h = (h ^ h >> 33) * UINT64_C(0xff51afd7ed558ccd);
    h = (h ^ h >> 33) * UINT64_C(0xc4ceb9fe1a85ec53);
    return h ^ h >> 33;
}

uint64_t balance_hash_of(struct str key)
{
    uint64_t h = UINT64_C(0xcbf29ce484222325);

    for (size_t i = 0; i < key.len; i++)
        h = (h ^ (unsigned char)key.at[i]) * UINT64_C(0x100000001b3);
    return finish(h);
}

/* -ln(u) / weight for a u in (0, 1] that key and target determine: the least of all wins, as often as weights say. */
static double distance(const struct target *target, uint64_t hash, uint32_t weight)
{
    uint64_t bits = finish(hash ^ target->seed) >> 11;

    return -log(((double)bits + 1) / 9007199254740993.0) / weight;
}

/* It has what the bound, rounded up, lets it have: somebody always has less. Of `active` and `sum` in all. A few
 * requests that overlap are no load, and move no key. */
static bool is_overloaded(const struct target *target, uint64_t active, uint64_t weight,
                          uint64_t sum)
{
    uint64_t own = SHARE_GET(target->share->active);

    return own >= LOAD_LEAST && own * sum * 100 >= active * weight * LOAD_MORE;
}

struct target *balance_hash(struct upstream *upstream, const struct pick *pick)
{
    uint64_t active = 1, sum = 0;
    struct target *best = NULL;
    double nearest = 0;

    for (uint32_t i = 0; i < upstream->count; i++) {
        uint32_t weight = weight_of(&upstream->targets[i], i, pick);
        sum += weight;
        active += weight > 0 ? SHARE_GET(upstream->targets[i].share->active) : 0;
    }
    for (uint32_t i = 0; i < upstream->count; i++) {
        struct target *target = &upstream->targets[i];
        uint64_t weight = weight_of(target, i, pick);
        double at;
        if (weight == 0 || is_overloaded(target, active, weight, sum))
            continue;
        at = distance(target, pick->hash, (uint32_t)weight);
        if (!best || at < nearest) {
            best = target;
            nearest = at;
        }
    }
    return best ? best : balance_in_turn(upstream, pick);
}

struct target *balance_sticky(struct upstream *upstream, const struct pick *pick)
{
    for (uint32_t i = 0; i < upstream->count; i++) {
        struct target *target = &upstream->targets[i];
        if (target->seed != pick->wanted)
            continue;
        return target->config && !target->is_leaving && SHARE_GET(target->share->weight) > 0 &&
                       !(i < 64 && pick->tried >> i & 1) &&
                       (pick->panic || target_is_well(target->share))
                   ? target
                   : NULL;
    }
    return NULL;
}

/* ---- by latency ---- */

static double ewma_of(const struct target_share *share)
{
    uint64_t bits = SHARE_GET(share->ewma);
    double value;

    memcpy(&value, &bits, sizeof value);
    return value;
}

static double faded(double value, uint64_t ms)
{
    return value * exp(-(double)ms / EWMA_TAU_MS);
}

/* Two workers that store at once lose one observation: an average can bear that. */
void balance_observe(struct target_share *share, uint64_t now, uint64_t us)
{
    uint64_t at = SHARE_GET(share->ewma_at), bits;
    double value = ewma_of(share);
    double kept = now > at ? exp(-(double)(now - at) / EWMA_TAU_MS) : 1;

    /* Several answers within a millisecond count as if one followed the other closely. */
    if (kept > 0.999)
        kept = 0.999;
    value = (double)us > value ? (double)us : value * kept + (double)us * (1 - kept);
    memcpy(&bits, &value, sizeof bits);
    SHARE_SET(share->ewma, bits);
    SHARE_SET(share->ewma_at, now);
}

/* What one more request costs there, when `rivals` weigh so much on average: they are drawn by weight, which alone
 * decides between idle ones; of what is under way a weight bears its part. */
static double cost_of(const struct target *target, const struct pick *pick, double rivals)
{
    uint64_t at = SHARE_GET(target->share->ewma_at);
    struct load load = load_now(target, pick);
    double value = faded(ewma_of(target->share), pick->now > at ? pick->now - at : 0);

    /* Never heard of, or so long ago that it says nothing. */
    if (value < FORGOTTEN_US)
        return load.active == 0 ? 0 : UNKNOWN_COST + load.active;
    return value * (1 + load.active * rivals / load.weight);
}

struct target *balance_peak_ewma(struct upstream *upstream, const struct pick *pick)
{
    struct target *two[2];
    double rivals;

    if (!draw_two(upstream, pick, two) || !two[1])
        return two[0];
    rivals = ((double)load_now(two[0], pick).weight + load_now(two[1], pick).weight) / 2;
    return cost_of(two[1], pick, rivals) < cost_of(two[0], pick, rivals) ? two[1] : two[0];
}
