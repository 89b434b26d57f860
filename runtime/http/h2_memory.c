#include "http/h2_memory.h"

#include <stdint.h>
#include <string.h>

#include "base/slab.h"

static void *take(size_t size, void *arg)
{
    (void)arg;
    return slab_take(size);
}

static void give(void *block, void *arg)
{
    (void)arg;
    slab_give(block);
}

static void *take_zeroed(size_t count, size_t size, void *arg)
{
    void *block = count > 0 && size > SIZE_MAX / count ? NULL : slab_take(count * size);

    (void)arg;
    return block ? memset(block, 0, count * size) : NULL;
}

static void *resize(void *block, size_t size, void *arg)
{
    (void)arg;
    return slab_resize(block, size);
}

nghttp2_mem h2_memory = {NULL, take, give, take_zeroed, resize};
