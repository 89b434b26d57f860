/* What templates can see, and how it is printed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "value.h"

static void test_dump(void **state)
{
    (void)state;
    struct pool pool;
    pool_open(&pool, NULL);
    struct value *map = value_map(&pool), *list = value_list(&pool), *item = value_map(&pool);
    value_set(&pool, map, "text", value_text(&pool, STR("a \"b\"")));
    value_set(&pool, map, "name", value_name(&pool, STR("get_pet")));
    value_set(&pool, map, "number", value_number(&pool, -7));
    value_set(&pool, map, "yes", value_flag(&pool, true));
    value_set(&pool, map, "nothing", value_text_or_false(&pool, STR("")));
    value_set(&pool, item, "n", value_number(&pool, 1));
    value_add(&pool, list, item);
    value_set(&pool, map, "list", list);
    value_set(&pool, map, "empty", value_list(&pool));
    struct text out = {.pool = &pool};
    value_dump(map, &out);
    assert_string_equal(out.at,
                        "{\n  \"text\": \"a \\\"b\\\"\",\n  \"name\": get_pet,\n  \"number\": -7,\n"
                        "  \"yes\": true,\n  \"nothing\": false,\n  \"list\": [\n    {\n"
                        "      \"n\": 1\n    }\n  ],\n  \"empty\": []\n}\n");
    pool_close(&pool);
}

static void test_get(void **state)
{
    (void)state;
    struct pool pool;
    pool_open(&pool, NULL);
    struct value *map = value_map(&pool);
    value_set(&pool, map, "a", value_number(&pool, 1));
    value_set(&pool, map, "ab", value_number(&pool, 2));
    assert_string_equal(value_get(map, STR("ab"))->text.at, "2");
    assert_null(value_get(map, STR("b")));
    assert_null(value_get(map, STR("")));
    pool_close(&pool);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_get), cmocka_unit_test(test_dump)};
    return cmocka_run_group_tests_name("value", tests, NULL, NULL);
}
