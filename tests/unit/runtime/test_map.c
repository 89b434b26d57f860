/* Text to pointer, in insertion order. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/map.h"

static void an_empty_map_finds_nothing(void **state)
{
    struct map map = {0};

    (void)state;
    assert_null(map_get(&map, STR("x")));
    assert_null(map_get(&map, STR("")));
}

static void keys_are_bytes(void **state)
{
    struct map map = {0};
    struct pool pool;
    int one = 1, two = 2, three = 3;

    (void)state;
    pool_open(&pool, NULL);
    assert_null(map_set(&map, &pool, STR("a\0b"), &one));
    assert_null(map_set(&map, &pool, STR("a\0c"), &two));
    assert_null(map_set(&map, &pool, STR(""), &three));
    assert_ptr_equal(map_get(&map, STR("a\0b")), &one);
    assert_ptr_equal(map_get(&map, STR("a\0c")), &two);
    assert_ptr_equal(map_get(&map, (struct str){NULL, 0}), &three);
    assert_null(map_get(&map, STR("a")));
    assert_ptr_equal(map_set(&map, &pool, STR("a\0b"), &three), &one);
    assert_ptr_equal(map_get(&map, STR("a\0b")), &three);
    assert_int_equal(map.count, 3);
    pool_close(&pool);
}

static void order_is_that_of_insertion_at_any_size(void **state)
{
    static int values[20000];
    struct map map = {0};
    struct pool pool;

    (void)state;
    pool_open(&pool, NULL);
    for (int i = 0; i < 20000; i++) {
        struct str key = pool_printf(&pool, "/repos/%d/%d", i % 7, i);
        assert_null(map_get(&map, key));
        assert_null(map_set(&map, &pool, key, &values[i]));
        if (i < 100)
            for (int j = 0; j <= i; j++)
                assert_ptr_equal(map_get(&map, map.at[j].key), &values[j]);
    }
    assert_int_equal(map.count, 20000);
    for (int i = 0; i < 20000; i++) {
        struct str key = pool_printf(&pool, "/repos/%d/%d", i % 7, i);
        assert_true(str_eq(map.at[i].key, key));
        assert_ptr_equal(map_set(&map, &pool, key, &values[0]), &values[i]);
        assert_null(map_get(&map, str_from(key, 1)));
    }
    assert_int_equal(map.count, 20000);
    pool_close(&pool);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_empty_map_finds_nothing),
        cmocka_unit_test(keys_are_bytes),
        cmocka_unit_test(order_is_that_of_insertion_at_any_size),
    };

    return cmocka_run_group_tests_name("map", tests, NULL, NULL);
}
