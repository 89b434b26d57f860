/* edge: memory whose last byte is followed by a page that cannot be touched, so that reading one
 * byte too far is a crash, with and without sanitizers. */
#ifndef TESTS_EDGE_H
#define TESTS_EDGE_H

#include <assert.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/str.h"

struct edge {
    char *map;
    size_t size; /* readable bytes */
};

static inline struct edge edge_open(size_t room)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE), size = (room / page + 1) * page;
    char *map = mmap(NULL, size + page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    assert(map != MAP_FAILED);
    assert(mprotect(map + size, page, PROT_NONE) == 0);
    return (struct edge){map, size};
}

static inline void edge_close(const struct edge *edge)
{
    munmap(edge->map, edge->size + (size_t)sysconf(_SC_PAGESIZE));
}

/* A copy of s that ends at the edge; valid until the next call. */
static inline struct str edge_put(const struct edge *edge, struct str s)
{
    char *at = edge->map + edge->size - s.len;

    assert(s.len <= edge->size);
    if (s.len > 0)
        memcpy(at, s.at, s.len);
    return (struct str){at, s.len};
}

#endif
