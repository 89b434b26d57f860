/* cache: what has been found out about something, for a while: about a token, a password, a request to be allowed. It is
 * known by a digest of all that the finding depends on. Bounded: the one that was not asked for longest goes first. Of one
 * thread; a finding lasts until the cache and all who hold it have let go. */
#ifndef BASE_CACHE_H
#define BASE_CACHE_H

#include "base/pool.h"

enum { CACHE_DIGEST = 32 };

struct cache;

struct cached {
    struct pool pool; /* of the finding */
    void *value;      /* the finder's own */
    uint64_t until;   /* in the unit of `now`: from then on it counts no more */

    /* private */
    struct cached *next;          /* of the same place */
    struct cached *newer, *older; /* by when they were asked for */
    struct cache *cache;          /* NULL: it is there for its holders alone */
    void (*forget)(void *value);
    uint32_t users;
    unsigned char digest[CACHE_DIGEST];
};

/* `size` findings at most; `forget` releases a value that is not needed any more (NULL: its pool is all there is). */
struct cache *cache_new(size_t size, void (*forget)(void *value));
/* Holders keep what they hold. NULL is none. */
void cache_free(struct cache *cache);

/* What is known and still counts, or NULL. */
struct cached *cache_find(struct cache *cache, const unsigned char digest[CACHE_DIGEST],
                          uint64_t now);
/* A finding in the making: its pool is open, its value NULL. The caller holds it, and nobody finds it before cache_put. */
struct cached *cached_new(struct cache *cache);
/* It takes the place of what was known. */
void cache_put(struct cache *cache, struct cached *cached, const unsigned char digest[CACHE_DIGEST],
               uint64_t until);
/* Both at once; the cache alone holds it. */
struct cached *cache_add(struct cache *cache, const unsigned char digest[CACHE_DIGEST],
                         uint64_t until);
/* It counts no more. */
void cache_drop(struct cached *cached);
/* None does. */
void cache_clear(struct cache *cache);

struct cached *cached_hold(struct cached *cached);
void cached_release(struct cached *cached);

#endif
