#include "base/slab.h"

#include <malloc.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/pool.h"

#ifdef POOL_IS_WATCHED

void *slab_take(size_t size)
{
    return size > 0 ? malloc(size) : NULL;
}

void *slab_resize(void *block, size_t size)
{
    if (size > 0)
        return realloc(block, size);
    free(block);
    return NULL;
}

void slab_give(void *block)
{
    free(block);
}

#else

/* A class is a count of 16 byte units, exact up to 16 of them, then eight classes to each doubling. What
 * malloc(16n + 8) hands out has that very size and nothing around it to spare, and malloc knows it: a block
 * needs no head of ours, and its class is found again from malloc_usable_size. */
enum { UNIT = 16, UNITS_MAX = 2048, CLASSES = 72 };
enum { KEPT_BYTES = 256 * 1024 }; /* by a thread, of each class */
/* Blocks from here on begin on a page: of a big one that is written in part the rest stays untouched. */
enum { PAGED_UNITS = 1024, PAGE = 4096 };

union block {
    union block *next; /* in a list */
};

struct list {
    union block *first;
    size_t bytes;
};

static _Thread_local struct list lists[CLASSES];

/* The first class of blocks that have `units`. */
static uint32_t class_of(size_t units)
{
    uint32_t last = (uint32_t)units - 1, shift;

    if (last < 16)
        return last;
    shift = 28 - (uint32_t)__builtin_clz(last);
    return shift * 8 + (last >> shift);
}

static size_t units_of(uint32_t class)
{
    return class < 16 ? class + 1 : (size_t)(class % 8 + 9) << (class / 8 - 1);
}

static size_t bytes_of(size_t units)
{
    return units * UNIT + UNIT / 2;
}

static size_t units_for(size_t size)
{
    return size <= bytes_of(1) ? 1 : (size - UNIT / 2 + UNIT - 1) / UNIT;
}

static void *new_block(size_t units)
{
    void *block = NULL;

    if (units < PAGED_UNITS)
        return malloc(bytes_of(units));
    return posix_memalign(&block, PAGE, bytes_of(units)) == 0 ? block : NULL;
}

void *slab_take(size_t size)
{
    size_t units = units_for(size);
    union block *block;
    struct list *list;

    if (size == 0)
        return NULL;
    if (size > bytes_of(UNITS_MAX))
        return malloc(size);
    list = &lists[class_of(units)];
    block = list->first;
    if (!block)
        return new_block(units_of(class_of(units)));
    list->first = block->next;
    list->bytes -= bytes_of(units_of(class_of(units)));
    return block;
}

/* The list for a block, NULL for one that is too big. The heap may have given a little more than was asked for. */
static struct list *list_of(void *block)
{
    size_t units = (malloc_usable_size(block) - UNIT / 2) / UNIT;
    uint32_t class;

    if (units > UNITS_MAX + 1)
        return NULL;
    if (units > UNITS_MAX)
        units = UNITS_MAX;
    class = class_of(units);
    return &lists[units_of(class) > units ? class - 1 : class];
}

void slab_give(void *at)
{
    union block *block = at;
    struct list *list = block ? list_of(block) : NULL;

    if (!list || list->bytes >= KEPT_BYTES) {
        free(block);
        return;
    }
    block->next = list->first;
    list->first = block;
    list->bytes += bytes_of(units_of((uint32_t)(list - lists)));
}

void *slab_resize(void *block, size_t size)
{
    size_t had;
    void *moved;

    if (!block)
        return slab_take(size);
    if (size == 0) {
        slab_give(block);
        return NULL;
    }
    had = malloc_usable_size(block);
    if (size > bytes_of(UNITS_MAX) && had > bytes_of(UNITS_MAX))
        return realloc(block, size);
    if (size <= had && had <= bytes_of(UNITS_MAX) + UNIT)
        return block;
    moved = slab_take(size);
    if (!moved)
        return NULL;
    memcpy(moved, block, had < size ? had : size);
    slab_give(block);
    return moved;
}

#endif
