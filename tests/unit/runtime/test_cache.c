#include "base/cache.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

enum { DAY = 1000 };

static unsigned forgotten;

static void forget(void *value)
{
    assert_non_null(value);
    forgotten++;
}

static const unsigned char *digest(uint32_t n)
{
    static unsigned char bytes[CACHE_DIGEST];

    memset(bytes, 0, sizeof bytes);
    memcpy(bytes + (n & 1 ? 0 : 8), &n, sizeof n); /* even ones share a place */
    return bytes;
}

static struct cached *add(struct cache *cache, uint32_t n, uint64_t until)
{
    struct cached *cached = cache_add(cache, digest(n), until);

    cached->value = pool_new(&cached->pool, uint32_t);
    *(uint32_t *)cached->value = n;
    return cached;
}

static bool knows(struct cache *cache, uint32_t n, uint64_t now)
{
    struct cached *cached = cache_find(cache, digest(n), now);

    if (cached)
        assert_int_equal(*(uint32_t *)cached->value, n);
    return cached != NULL;
}

static void test_finds_what_counts(void **state)
{
    struct cache *cache = cache_new(10, forget);

    (void)state;
    forgotten = 0;
    for (uint32_t n = 1; n <= 6; n++)
        add(cache, n, 10 * n);
    for (uint32_t n = 1; n <= 6; n++)
        assert_true(knows(cache, n, 9));
    assert_false(knows(cache, 7, 9));
    assert_false(knows(cache, 1, 10));
    assert_int_equal(forgotten, 1);
    assert_false(knows(cache, 1, 9)); /* gone is gone */
    assert_true(knows(cache, 6, 59));
    cache_free(cache);
    assert_int_equal(forgotten, 6);
    cache_free(NULL);
}

static void test_the_longest_unasked_goes(void **state)
{
    struct cache *cache = cache_new(3, forget);

    (void)state;
    add(cache, 1, DAY);
    add(cache, 2, DAY);
    add(cache, 4, DAY);
    assert_true(knows(cache, 1, 0));
    add(cache, 6, DAY);
    assert_false(knows(cache, 2, 0));
    assert_true(knows(cache, 1, 0) && knows(cache, 4, 0) && knows(cache, 6, 0));
    add(cache, 8, DAY);
    assert_false(knows(cache, 1, 0));
    cache_free(cache);
}

static void test_of_one(void **state)
{
    struct cache *cache = cache_new(1, NULL);

    (void)state;
    for (uint32_t n = 1; n < 100; n++) {
        add(cache, n, DAY);
        assert_true(knows(cache, n, 0));
        assert_false(knows(cache, n - 1, 0));
    }
    cache_free(cache);
}

static void test_a_newer_finding_takes_the_place(void **state)
{
    struct cache *cache = cache_new(3, forget);

    (void)state;
    forgotten = 0;
    add(cache, 2, 5);
    add(cache, 2, DAY);
    assert_int_equal(forgotten, 1);
    assert_true(knows(cache, 2, 6));
    cache_drop(cache_find(cache, digest(2), 6));
    assert_false(knows(cache, 2, 6));
    cache_free(cache);
}

static void test_who_holds_keeps(void **state)
{
    struct cache *cache = cache_new(2, forget);
    struct cached *held = cached_hold(add(cache, 3, DAY));

    (void)state;
    forgotten = 0;
    cache_clear(cache);
    assert_false(knows(cache, 3, 0));
    assert_int_equal(*(uint32_t *)held->value, 3);
    cache_drop(held); /* nobody's any more */
    assert_int_equal(forgotten, 0);
    cache_free(cache);
    cached_release(held);
    assert_int_equal(forgotten, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_finds_what_counts),
        cmocka_unit_test(test_the_longest_unasked_goes),
        cmocka_unit_test(test_of_one),
        cmocka_unit_test(test_a_newer_finding_takes_the_place),
        cmocka_unit_test(test_who_holds_keeps),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
