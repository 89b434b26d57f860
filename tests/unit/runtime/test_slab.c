/* Memory for libraries: blocks of every size, taken, resized and given back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/pool.h"
#include "base/slab.h"

enum { PLACES = 256, STEPS = 200000, BIG = 40000 };

struct place {
    unsigned char *block;
    size_t size;
    unsigned char mark;
};

static void check(const struct place *place)
{
    for (size_t i = 0; i < place->size; i++)
        assert_int_equal(place->block[i], place->mark);
}

static void mark(struct place *place, size_t size, unsigned char with)
{
    assert_non_null(place->block);
    assert_int_equal((uintptr_t)place->block % 16, 0);
    place->size = size;
    place->mark = with;
    memset(place->block, with, size);
}

/* Most are small, as in life. */
static size_t random_size(void)
{
    return 1 + (size_t)rand() % (rand() % 4 == 0 ? BIG : 600);
}

static void blocks_are_their_owners_alone(void **state)
{
    struct place places[PLACES] = {0};

    (void)state;
    srand(7);
    for (unsigned step = 0; step < STEPS; step++) {
        struct place *place = &places[rand() % PLACES];
        size_t size = random_size(), had = place->size;
        check(place);
        if (!place->block) {
            place->block = slab_take(size);
            mark(place, size, (unsigned char)step);
        } else if (rand() % 2 == 0) {
            slab_give(place->block);
            *place = (struct place){0};
        } else {
            place->block = slab_resize(place->block, size);
            place->size = size < had ? size : had;
            check(place);
            mark(place, size, (unsigned char)step);
        }
    }
    for (unsigned i = 0; i < PLACES; i++)
        slab_give(places[i].block);
}

static void every_size_comes_back(void **state)
{
    (void)state;
    for (size_t size = 1; size < BIG; size++) {
        struct place place = {.block = slab_take(size)};
        void *again;
        mark(&place, size, 1);
        slab_give(place.block);
        again = slab_take(size);
        assert_non_null(again);
#ifndef POOL_IS_WATCHED
        if (size <= 32 * 1024)
            assert_ptr_equal(again, place.block);
#endif
        slab_give(again);
    }
}

static void edges(void **state)
{
    void *block;

    (void)state;
    assert_null(slab_take(0));
    slab_give(NULL);
    assert_null(slab_resize(NULL, 0));
    assert_non_null(block = slab_resize(NULL, 1));
    assert_null(slab_resize(block, 0));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(blocks_are_their_owners_alone),
        cmocka_unit_test(every_size_comes_back),
        cmocka_unit_test(edges),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
