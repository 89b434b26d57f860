#include "base/cache.h"

#include <stdlib.h>

struct cache {
    struct cached **places;
    size_t mask; /* places - 1 */
    size_t size, count;
    struct cached *newest, *oldest;
    void (*forget)(void *value);
};

struct cache *cache_new(size_t size, void (*forget)(void *value))
{
    struct cache *cache = pool_xmalloc(sizeof *cache);
    size_t places = 1;

    while (places < size)
        places *= 2;
    *cache = (struct cache){.mask = places - 1, .size = size, .forget = forget};
    cache->places = pool_xmalloc(places * sizeof(struct cached *));
    memset(cache->places, 0, places * sizeof(struct cached *));
    return cache;
}

void cache_free(struct cache *cache)
{
    if (!cache)
        return;
    cache_clear(cache);
    free(cache->places);
    free(cache);
}

static struct cached **place_of(const struct cache *cache, const unsigned char *digest)
{
    uint64_t bits;

    memcpy(&bits, digest, sizeof bits);
    return &cache->places[bits & cache->mask];
}

/* ---- the order in which they were asked for ---- */

static void unlink_age(struct cache *cache, struct cached *cached)
{
    *(cached->newer ? &cached->newer->older : &cache->newest) = cached->older;
    *(cached->older ? &cached->older->newer : &cache->oldest) = cached->newer;
}

static void link_newest(struct cache *cache, struct cached *cached)
{
    cached->newer = NULL;
    cached->older = cache->newest;
    *(cache->newest ? &cache->newest->newer : &cache->oldest) = cached;
    cache->newest = cached;
}

/* ---- findings ---- */

struct cached *cached_hold(struct cached *cached)
{
    cached->users++;
    return cached;
}

void cached_release(struct cached *cached)
{
    if (--cached->users > 0)
        return;
    if (cached->forget && cached->value)
        cached->forget(cached->value);
    pool_close_wiped(&cached->pool);
    free(cached);
}

void cache_drop(struct cached *cached)
{
    struct cache *cache = cached->cache;
    struct cached **link;

    if (!cache)
        return;
    link = place_of(cache, cached->digest);
    while (*link != cached)
        link = &(*link)->next;
    *link = cached->next;
    unlink_age(cache, cached);
    cache->count--;
    cached->cache = NULL;
    cached_release(cached);
}

void cache_clear(struct cache *cache)
{
    while (cache->oldest)
        cache_drop(cache->oldest);
}

/* Digests need no comparison in constant time: who can guess one bit of them has the text. */
static struct cached *find(const struct cache *cache, const unsigned char *digest)
{
    struct cached *cached = *place_of(cache, digest);

    while (cached && memcmp(cached->digest, digest, CACHE_DIGEST) != 0)
        cached = cached->next;
    return cached;
}

struct cached *cache_find(struct cache *cache, const unsigned char digest[CACHE_DIGEST],
                          uint64_t now)
{
    struct cached *cached = find(cache, digest);

    if (!cached)
        return NULL;
    if (now >= cached->until) {
        cache_drop(cached);
        return NULL;
    }
    unlink_age(cache, cached);
    link_newest(cache, cached);
    return cached;
}

struct cached *cached_new(struct cache *cache)
{
    struct cached *cached = pool_xmalloc(sizeof *cached);

    *cached = (struct cached){.forget = cache->forget, .users = 1};
    pool_open(&cached->pool, NULL);
    return cached;
}

void cache_put(struct cache *cache, struct cached *cached, const unsigned char digest[CACHE_DIGEST],
               uint64_t until)
{
    struct cached *known = find(cache, digest), **place = place_of(cache, digest);

    if (known)
        cache_drop(known);
    if (cache->count >= cache->size)
        cache_drop(cache->oldest);
    cached->cache = cache;
    cached->until = until;
    memcpy(cached->digest, digest, CACHE_DIGEST);
    cached->next = *place;
    *place = cached_hold(cached);
    link_newest(cache, cached);
    cache->count++;
}

struct cached *cache_add(struct cache *cache, const unsigned char digest[CACHE_DIGEST],
                         uint64_t until)
{
    struct cached *cached = cached_new(cache);

    cache_put(cache, cached, digest, until);
    cached_release(cached);
    return cached;
}
