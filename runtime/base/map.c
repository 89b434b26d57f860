#include "base/map.h"

#include <sys/random.h>

#include "base/vec.h"

/* Up to here looking at every key is cheaper than hashing one. */
enum { LINEAR_MAX = 8 };

/* Drawn once per process, before any thread exists. */
static uint64_t secret[2];

__attribute__((constructor)) static void draw_secret(void)
{
    /* Without entropy this early in a boot the map still works, it is only predictable. */
    if (getrandom(secret, sizeof secret, GRND_NONBLOCK) != (ssize_t)sizeof secret)
        secret[0] = (uintptr_t)&secret;
}

static uint64_t rotate(uint64_t x, int by)
{
    return x << by | x >> (64 - by);
}

static void round_of(uint64_t v[4])
{
    v[0] += v[1];
    v[2] += v[3];
    v[1] = rotate(v[1], 13) ^ v[0];
    v[3] = rotate(v[3], 16) ^ v[2];
    v[0] = rotate(v[0], 32);
    v[2] += v[1];
    v[0] += v[3];
    v[1] = rotate(v[1], 17) ^ v[2];
    v[3] = rotate(v[3], 21) ^ v[0];
    v[2] = rotate(v[2], 32);
}

/* SipHash-1-3: short keys, and whoever writes them must not be able to make them collide. */
static uint64_t hash(struct str key)
{
    uint64_t v[4] = {secret[0] ^ 0x736f6d6570736575u, secret[1] ^ 0x646f72616e646f6du,
                     secret[0] ^ 0x6c7967656e657261u, secret[1] ^ 0x7465646279746573u};
    uint64_t word;

    for (; key.len >= 8; key = str_from(key, 8)) {
        memcpy(&word, key.at, 8);
        v[3] ^= word;
        round_of(v);
        v[0] ^= word;
    }
    word = (uint64_t)key.len << 56;
    for (size_t i = 0; i < key.len; i++)
        word |= (uint64_t)(unsigned char)key.at[i] << (8 * i);
    v[3] ^= word;
    round_of(v);
    v[0] ^= word;
    v[2] ^= 0xff;
    for (int i = 0; i < 3; i++)
        round_of(v);
    return v[0] ^ v[1] ^ v[2] ^ v[3];
}

/* The slot that holds key, or the free one where it belongs. Needs a free slot. */
static uint32_t *slot_of(const struct map *map, struct str key)
{
    size_t mask = map->slot_count - 1, i = hash(key) & mask;

    while (map->slots[i] != 0 && !str_eq(map->at[map->slots[i] - 1].key, key))
        i = (i + 1) & mask;
    return &map->slots[i];
}

static struct map_entry *find(const struct map *map, struct str key)
{
    uint32_t index;

    if (map->slot_count > 0) {
        index = *slot_of(map, key);
        return index > 0 ? &map->at[index - 1] : NULL;
    }
    for (size_t i = 0; i < map->count; i++)
        if (str_eq(map->at[i].key, key))
            return &map->at[i];
    return NULL;
}

/* Twice as many slots as entries at least, so that probes stay short. */
static void grow_slots(struct map *map, struct pool *pool)
{
    size_t wanted = map->slot_count > 0 ? map->slot_count * 2 : LINEAR_MAX * 4;

    map->slots = pool_alloc(pool, wanted * sizeof *map->slots);
    map->slot_count = wanted;
    for (size_t i = 0; i < map->count; i++)
        *slot_of(map, map->at[i].key) = (uint32_t)i + 1;
}

void *map_get(const struct map *map, struct str key)
{
    struct map_entry *entry = find(map, key);

    return entry ? entry->value : NULL;
}

void *map_set(struct map *map, struct pool *pool, struct str key, void *value)
{
    struct map_entry *entry = find(map, key);

    if (entry) {
        void *former = entry->value;
        entry->value = value;
        return former;
    }
    *vec_add(pool, map) = (struct map_entry){key, value};
    if (map->count > LINEAR_MAX && map->count * 2 > map->slot_count)
        grow_slots(map, pool);
    else if (map->slot_count > 0)
        *slot_of(map, key) = (uint32_t)map->count;
    return NULL;
}
