/* pool: memory with one end. Everything of one compilation, connection or request is taken from its pool
 * and given back at once by pool_close. Out of memory is one message and abort(), here and nowhere else:
 * the sizes that reach a pool are bounded at the doors, so it is the machine that failed, not the input.
 * Not thread-safe: a pool and its chunk cache belong to one thread. */
#ifndef BASE_POOL_H
#define BASE_POOL_H

#include <stdarg.h>

#include "base/str.h"

/* Under AddressSanitizer what a pool has not handed out, or has taken back, must not be touched: chunks
 * that are reused would hide that. */
#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define POOL_IS_WATCHED 1
#endif
#endif
#ifdef __SANITIZE_ADDRESS__
#define POOL_IS_WATCHED 1
#endif

/* Chunks of one size kept for reuse by the pools of one worker, so that the steady state never allocates. */
struct pool_cache {
    struct pool_chunk *idle;
    size_t chunk_size;
    size_t idle_count, idle_max;
};

/* Frees the chunks that are kept. */
void pool_cache_close(struct pool_cache *cache);

struct pool_defer;

struct pool {
    char *at, *end;
    struct pool_chunk *chunks;
    struct pool_defer *defers;
    struct pool_cache *cache;
};

/* An empty pool. `cache` may be NULL: chunks then come from malloc and grow. Takes no memory before the
 * first allocation. */
void pool_open(struct pool *pool, struct pool_cache *cache);

/* Runs the deferred calls, last first, and gives all memory back. The pool may be opened again. */
void pool_close(struct pool *pool);

/* The same for a pool without a cache, whose memory is overwritten first: secrets stood in it. */
void pool_close_wiped(struct pool *pool);

/* `size` zeroed bytes, aligned for any type. */
void *pool_alloc(struct pool *pool, size_t size);

/* The same without zeroing. A type aligned to 16 has a size that is a multiple of 16: smaller ones need not pay
 * for it. */
static inline void *pool_take(struct pool *pool, size_t size);

#define pool_new(pool, type) ((type *)pool_alloc((pool), sizeof(type)))

/* Without zeroing, for any alignment (a power of 2). */
void *pool_take_aligned(struct pool *pool, size_t size, size_t align);

/* A copy that ends in a NUL byte (not counted in len). */
struct str pool_copy(struct pool *pool, struct str s);

/* Formatted text, NUL-terminated. */
struct str pool_printf(struct pool *pool, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
struct str pool_vprintf(struct pool *pool, const char *format, va_list args)
    __attribute__((format(printf, 2, 0)));

/* fn(arg) is called by pool_close, in reverse order of the calls. */
void pool_defer(struct pool *pool, void (*fn)(void *arg), void *arg);

static inline void *pool_take(struct pool *pool, size_t size)
{
    size_t align = size % 16 == 0 ? 16 : 8;
#ifndef POOL_IS_WATCHED
    size_t pad = -(uintptr_t)pool->at & (align - 1), room = (size_t)(pool->end - pool->at);

    if (pad <= room && size <= room - pad && pool->at) {
        char *at = pool->at + pad;
        pool->at = at + size;
        return at;
    }
#endif
    return pool_take_aligned(pool, size, align);
}

/* Like malloc/realloc, never NULL: for what outlives every pool. */
void *pool_xmalloc(size_t size);
void *pool_xrealloc(void *old, size_t size);

#endif
