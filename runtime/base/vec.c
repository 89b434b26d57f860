#include "base/vec.h"

enum { FIRST_ITEMS = 8 };

void *vec_room(struct pool *pool, void *at, size_t size, size_t count, size_t *cap)
{
    char *items = at;

    if (count == *cap) {
        size_t wanted = count > 0 ? count * 2 : FIRST_ITEMS, bytes;
        /* A product that overflows is a size no pool can give: it says so and ends. */
        if (__builtin_mul_overflow(wanted, size, &bytes))
            bytes = SIZE_MAX;
        items = pool_take(pool, bytes);
        if (count > 0)
            memcpy(items, at, count * size);
        *cap = wanted;
    }
    memset(items + count * size, 0, size);
    return items;
}
