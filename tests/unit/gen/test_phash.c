#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "phash.h"

static void check_perfect(size_t count)
{
    struct pool pool;
    struct phash phash;
    uint64_t *keys = malloc((count + 1) * sizeof *keys);
    size_t first, second, slots = 0;
    uint8_t *seen;

    pool_open(&pool, NULL);
    for (size_t i = 0; i < count; i++) {
        char text[32];
        int len = snprintf(text, sizeof text, "segment-%zu", i);

        keys[i] = pathmap_whole_key((struct str){text, (size_t)len});
    }
    assert_true(phash_build(&pool, keys, count, &phash, &first, &second));
    seen = calloc((size_t)1 << phash.bits, PHASH_SLOTS);
    for (size_t i = 0; i < count; i++) {
        uint32_t part = phash.bits ? pathmap_part(keys[i], phash.bits) : 0;
        uint32_t slot = pathmap_slot_of(keys[i], phash.parts[part].factor, phash.parts[part].shift);

        assert_true(slot < phash.parts[part].slots);
        assert_false(seen[PHASH_SLOTS * part + slot]);
        seen[PHASH_SLOTS * part + slot] = 1;
    }
    for (size_t i = 0; i < (size_t)1 << phash.bits; i++)
        slots += phash.parts[i].slots;
    assert_true(slots <= 6 * count + 1);
    free(seen);
    free(keys);
    pool_close(&pool);
}

static void test_sizes(void **state)
{
    (void)state;
    for (size_t count = 0; count <= 70; count++)
        check_perfect(count);
    check_perfect(1000);
    check_perfect(50000);
}

static void test_equal_keys_are_named(void **state)
{
    struct pool pool;
    struct phash phash;
    uint64_t keys[] = {5, 1000, 77, 1000, 12345678};
    size_t first, second;

    (void)state;
    pool_open(&pool, NULL);
    assert_false(phash_build(&pool, keys, 5, &phash, &first, &second));
    assert_int_equal(first, 1);
    assert_int_equal(second, 3);
    pool_close(&pool);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sizes),
        cmocka_unit_test(test_equal_keys_are_named),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
