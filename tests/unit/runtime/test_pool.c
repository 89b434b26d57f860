/* Memory with one end, and what grows in it: pool, vec, text. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/pool.h"
#include "base/text.h"
#include "base/vec.h"

static void takes_nothing_when_opened(void **state)
{
    struct pool pool;

    (void)state;
    pool_open(&pool, NULL);
    assert_null(pool.chunks);
    pool_close(&pool);
    assert_null(pool.chunks);
}

static void gives_aligned_zeroed_memory(void **state)
{
    struct pool pool;

    (void)state;
    pool_open(&pool, NULL);
    for (size_t size = 0; size < 300; size++) {
        unsigned char *at = pool_alloc(&pool, size);
        assert_int_equal((uintptr_t)at % 8, 0);
        if (size % 16 == 0)
            assert_int_equal((uintptr_t)at % 16, 0);
        for (size_t i = 0; i < size; i++)
            assert_int_equal(at[i], 0);
        memset(at, 0xAA, size);
        pool_copy(&pool, STR("x")); /* makes the next one crooked */
    }
    pool_close(&pool);
}

static void large_pieces_keep_the_current_chunk(void **state)
{
    struct pool pool;
    char *before, *large, *after;

    (void)state;
    pool_open(&pool, NULL);
    large = pool_take(&pool, 3u << 20); /* as the very first piece */
    memset(large, 1, 3u << 20);
    before = pool_take(&pool, 16);
    large = pool_take(&pool, 100000);
    memset(large, 1, 100000);
    after = pool_take(&pool, 16);
    assert_ptr_equal(after, before + 16);
    pool_close(&pool);
}

static void holds_many_pieces(void **state)
{
    struct pool pool;
    char **pieces = malloc(20000 * sizeof *pieces);

    (void)state;
    assert_non_null(pieces);
    pool_open(&pool, NULL);
    for (size_t i = 0; i < 20000; i++) {
        pieces[i] = pool_take(&pool, i % 700 + 1);
        memset(pieces[i], (int)(i & 0x7F), i % 700 + 1);
    }
    for (size_t i = 0; i < 20000; i++)
        for (size_t j = 0; j <= i % 700; j++)
            assert_int_equal(pieces[i][j], i & 0x7F);
    pool_close(&pool);
    free(pieces);
}

static void cached_chunks_are_reused_last_in_first_out(void **state)
{
    struct pool_cache cache = {.chunk_size = 4096, .idle_max = 2};
    struct pool one, two;
    struct pool_chunk *kept;

    (void)state;
    pool_open(&one, &cache);
    pool_take(&one, 100);
    pool_take(&one, 50000); /* no chunk of the cache: not kept */
    kept = one.chunks;
    pool_close(&one);
    assert_int_equal(cache.idle_count, 1);
    assert_ptr_equal(cache.idle, kept);
    pool_open(&two, &cache);
    pool_take(&two, 1);
    assert_ptr_equal(two.chunks, kept);
    assert_int_equal(cache.idle_count, 0);
    for (int i = 0; i < 30; i++)
        pool_take(&two, 1500);
    pool_close(&two);
    assert_int_equal(cache.idle_count, 2);
    while ((kept = cache.idle)) {
        cache.idle = *(struct pool_chunk **)kept;
        free(kept);
    }
}

static char order[8];
static size_t order_len;

static void note(void *arg)
{
    order[order_len++] = *(const char *)arg;
}

static void deferred_calls_run_in_reverse(void **state)
{
    struct pool pool;

    (void)state;
    pool_open(&pool, NULL);
    pool_defer(&pool, note, "a");
    pool_defer(&pool, note, "b");
    pool_defer(&pool, note, "c");
    pool_close(&pool);
    assert_memory_equal(order, "cba", 3);
    assert_int_equal(order_len, 3);
    pool_close(&pool);
    assert_int_equal(order_len, 3);
}

static void prints(void **state)
{
    struct pool pool;
    char *large = malloc(100001);
    struct str s;

    (void)state;
    assert_non_null(large);
    memset(large, 'y', 100000);
    large[100000] = '\0';
    pool_open(&pool, NULL);
    s = pool_printf(&pool, "%s-%d", "x", 7);
    assert_string_equal(s.at, "x-7");
    assert_int_equal(s.len, 3);
    s = pool_printf(&pool, "%s", "");
    assert_int_equal(s.len, 0);
    assert_string_equal(s.at, "");
    s = pool_printf(&pool, "%s", large);
    assert_int_equal(s.len, 100000);
    for (int i = 0; i < 20000; i++) {
        s = pool_printf(&pool, "%d", i);
        assert_int_equal(atoi(s.at), i);
    }
    s = pool_copy(&pool, (struct str){NULL, 0});
    assert_string_equal(s.at, "");
    pool_close(&pool);
    free(large);
}

static void vec_grows(void **state)
{
    VEC(uint32_t) numbers = {0};
    struct pool pool;

    (void)state;
    pool_open(&pool, NULL);
    for (uint32_t i = 0; i < 5000; i++) {
        uint32_t *item = vec_add(&pool, &numbers);
        assert_int_equal(*item, 0);
        *item = i;
    }
    assert_int_equal(numbers.count, 5000);
    for (uint32_t i = 0; i < 5000; i++)
        assert_int_equal(numbers.at[i], i);
    pool_close(&pool);
}

static void text_grows(void **state)
{
    struct pool pool;
    struct text text = {.pool = &pool};

    (void)state;
    pool_open(&pool, NULL);
    for (int i = 0; i < 1000; i++) {
        text_add(&text, STR("ab"));
        text_byte(&text, 'c');
        text_printf(&text, "%c%s", 'd', "e");
        assert_int_equal(text.at[text.len], 0);
    }
    assert_int_equal(text.len, 5000);
    for (size_t i = 0; i < text.len; i++)
        assert_int_equal(text.at[i], "abcde"[i % 5]);
    pool_close(&pool);
}

static void text_quotes_json(void **state)
{
    static const struct {
        struct str plain, quoted;
    } rows[] = {
        {STR_INIT(""), STR_INIT("\"\"")},
        {STR_INIT("a\"b\\c/d"), STR_INIT("\"a\\\"b\\\\c/d\"")},
        {STR_INIT("\b\f\n\r\t"), STR_INIT("\"\\b\\f\\n\\r\\t\"")},
        {STR_INIT("\0\x1f\x7f"), STR_INIT("\"\\u0000\\u001f\\u007f\"")},
        {STR_INIT("h\xc3\xa9 \xf0\x9f\x98\x80"), STR_INIT("\"h\xc3\xa9 \xf0\x9f\x98\x80\"")},
        {STR_INIT("\xff"), STR_INIT("\"\xef\xbf\xbd\"")},
        {STR_INIT("\xed\xa0\x80"), STR_INIT("\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\"")},
        {STR_INIT("a\xc3"), STR_INIT("\"a\xef\xbf\xbd\"")},
    };
    struct pool pool;

    (void)state;
    pool_open(&pool, NULL);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct text text = {.pool = &pool};
        text_json(&text, rows[i].plain);
        assert_int_equal(text.len, rows[i].quoted.len);
        assert_memory_equal(text.at, rows[i].quoted.at, text.len);
    }
    pool_close(&pool);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(takes_nothing_when_opened),
        cmocka_unit_test(gives_aligned_zeroed_memory),
        cmocka_unit_test(large_pieces_keep_the_current_chunk),
        cmocka_unit_test(holds_many_pieces),
        cmocka_unit_test(cached_chunks_are_reused_last_in_first_out),
        cmocka_unit_test(deferred_calls_run_in_reverse),
        cmocka_unit_test(prints),
        cmocka_unit_test(vec_grows),
        cmocka_unit_test(text_grows),
        cmocka_unit_test(text_quotes_json),
    };

    return cmocka_run_group_tests_name("pool", tests, NULL, NULL);
}
