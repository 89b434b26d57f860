#include "base/pool.h"

#include <stdio.h>
#include <stdlib.h>

#ifdef POOL_IS_WATCHED
#include <sanitizer/asan_interface.h>
#define HIDE(at, size) __asan_poison_memory_region((at), (size))
#define SHOW(at, size) __asan_unpoison_memory_region((at), (size))
#else
#define HIDE(at, size) ((void)0)
#define SHOW(at, size) ((void)0)
#endif

enum { FIRST_CHUNK = 8 * 1024, LARGEST_CHUNK = 1024 * 1024 };

/*   chunks ─▶ ┌ next ─▶ … ┬ size ┬ bytes handed out ┬ free ┐
 *                                                 at ▲      ▲ end
 * Only the first chunk of the list is being filled. A piece too large for chunks gets one of its own,
 * linked second, so that filling goes on where it was. */
struct pool_chunk {
    struct pool_chunk *next;
    size_t size; /* with this header */
    _Alignas(16) char bytes[];
};

struct pool_defer {
    struct pool_defer *next;
    void (*fn)(void *arg);
    void *arg;
};

static void out_of_memory(size_t size)
{
    fprintf(stderr, "out of memory (%zu bytes wanted)\n", size);
    abort();
}

void *pool_xmalloc(size_t size)
{
    return pool_xrealloc(NULL, size);
}

void *pool_xrealloc(void *old, size_t size)
{
    void *memory = realloc(old, size > 0 ? size : 1);

    if (!memory)
        out_of_memory(size);
    return memory;
}

void pool_open(struct pool *pool, struct pool_cache *cache)
{
    *pool = (struct pool){.cache = cache};
}

static void chunk_free(struct pool_cache *cache, struct pool_chunk *chunk)
{
    if (!cache || chunk->size != cache->chunk_size || cache->idle_count >= cache->idle_max) {
        SHOW(chunk->bytes, chunk->size - sizeof *chunk);
        free(chunk);
        return;
    }
    HIDE(chunk->bytes, chunk->size - sizeof *chunk);
    chunk->next = cache->idle;
    cache->idle = chunk;
    cache->idle_count++;
}

void pool_cache_close(struct pool_cache *cache)
{
    while (cache->idle) {
        struct pool_chunk *chunk = cache->idle;
        cache->idle = chunk->next;
        free(chunk);
    }
    cache->idle_count = 0;
}

void pool_close(struct pool *pool)
{
    struct pool_chunk *chunk;
    struct pool_defer *defer;

    /* A deferred call may still take memory or defer another. */
    while ((defer = pool->defers)) {
        pool->defers = defer->next;
        defer->fn(defer->arg);
    }
    while ((chunk = pool->chunks)) {
        pool->chunks = chunk->next;
        chunk_free(pool->cache, chunk);
    }
    pool_open(pool, pool->cache);
}

void pool_close_wiped(struct pool *pool)
{
    for (struct pool_chunk *chunk = pool->chunks; chunk; chunk = chunk->next) {
        SHOW(chunk->bytes, chunk->size - sizeof *chunk);
        explicit_bzero(chunk->bytes, chunk->size - sizeof *chunk);
    }
    pool_close(pool);
}

static struct pool_chunk *chunk_new(size_t size)
{
    struct pool_chunk *chunk = pool_xmalloc(size);

    chunk->size = size;
    return chunk;
}

/* The next chunk to fill: a fixed size with a cache, else twice the size of the last. */
static struct pool_chunk *chunk_next(struct pool *pool, size_t size)
{
    struct pool_cache *cache = pool->cache;
    struct pool_chunk *chunk;

    if (!cache || !cache->idle)
        return chunk_new(size);
    chunk = cache->idle;
    cache->idle = chunk->next;
    cache->idle_count--;
    return chunk;
}

static size_t chunk_size(const struct pool *pool)
{
    size_t size;

    if (pool->cache)
        return pool->cache->chunk_size;
    if (!pool->end)
        return FIRST_CHUNK;
    size = pool->chunks->size * 2;
    return size < LARGEST_CHUNK ? size : LARGEST_CHUNK;
}

static void *take_oversize(struct pool *pool, size_t size)
{
    struct pool_chunk *chunk, *first = pool->chunks;

    if (size > PTRDIFF_MAX - sizeof *chunk)
        out_of_memory(size);
    chunk = chunk_new(sizeof *chunk + size);
    if (pool->end) {
        chunk->next = first->next;
        first->next = chunk;
    } else {
        chunk->next = first;
        pool->chunks = chunk;
    }
    return chunk->bytes;
}

static void *take_chunk(struct pool *pool, size_t size)
{
    size_t next = chunk_size(pool);
    struct pool_chunk *chunk;

    /* More than half a chunk would leave too much of the current one unused. */
    if (size > (next - sizeof *chunk) / 2)
        return take_oversize(pool, size);
    chunk = chunk_next(pool, next);
    chunk->next = pool->chunks;
    pool->chunks = chunk;
    pool->at = chunk->bytes + size;
    pool->end = (char *)chunk + chunk->size;
    SHOW(chunk->bytes, size);
    HIDE(pool->at, (size_t)(pool->end - pool->at));
    return chunk->bytes;
}

void *pool_take_aligned(struct pool *pool, size_t size, size_t align)
{
    size_t pad = -(uintptr_t)pool->at & (align - 1);
    size_t room = (size_t)(pool->end - pool->at);
    char *at;

    if (pad > room || size > room - pad || !pool->at)
        return take_chunk(pool, size);
    at = pool->at + pad;
    pool->at = at + size;
    SHOW(at, size);
    return at;
}

void *pool_alloc(struct pool *pool, size_t size)
{
    return memset(pool_take(pool, size), 0, size);
}

struct str pool_copy(struct pool *pool, struct str s)
{
    char *copy = pool_take_aligned(pool, s.len + 1, 1);

    if (s.len > 0)
        memcpy(copy, s.at, s.len);
    copy[s.len] = '\0';
    return (struct str){copy, s.len};
}

struct str pool_vprintf(struct pool *pool, const char *format, va_list args)
{
    size_t room = (size_t)(pool->end - pool->at);
    va_list again;
    int len;
    char *at;

    va_copy(again, args);
    SHOW(pool->at, room);
    len = vsnprintf(pool->at, room, format, args);
    if (len < 0)
        len = 0;
    if ((size_t)len < room) {
        at = pool->at;
        pool->at += len + 1;
    } else {
        at = pool_take_aligned(pool, (size_t)len + 1, 1);
        vsnprintf(at, (size_t)len + 1, format, again);
    }
    HIDE(pool->at, (size_t)(pool->end - pool->at));
    va_end(again);
    return (struct str){at, (size_t)len};
}

struct str pool_printf(struct pool *pool, const char *format, ...)
{
    va_list args;
    struct str s;

    va_start(args, format);
    s = pool_vprintf(pool, format, args);
    va_end(args);
    return s;
}

void pool_defer(struct pool *pool, void (*fn)(void *arg), void *arg)
{
    struct pool_defer *defer = pool_take(pool, sizeof *defer);

    *defer = (struct pool_defer){pool->defers, fn, arg};
    pool->defers = defer;
}
