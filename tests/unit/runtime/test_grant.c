#include "base/grant.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "base/text.h"

static const struct str path[] = {STR_INIT("realm_access"), STR_INIT("roles")};

static const struct data *read(struct pool *pool, const char *json)
{
    struct data_problem problem;
    const struct data *data = data_read_json(pool, str_of(json), &problem);

    assert_non_null(data);
    return data;
}

static const char *groups_of(struct pool *pool, const struct grant *grant)
{
    struct text text = {.pool = pool};

    for (size_t i = 0; i < grant->group_count; i++)
        text_printf(&text, "%s%.*s", i > 0 ? "|" : "", STR_ARG(grant->groups[i]));
    return pool_copy(pool, text_str(&text)).at;
}

/* What is said as groups, and what as scopes. */
static void test_lists(void **state)
{
    static const struct {
        const char *claim, *groups, *scopes;
    } rows[] = {
        {"\"a\"", "a", "a"},
        {"\"a b\"", "a b", "a b"},
        {"\"\"", "", ""},
        {"[]", "", ""},
        {"[\"a\",\"b\"]", "a|b", "a b"},
        {"[\"a b\",\"c\"]", "a b|c", "c"},
        {"\"  a   b \"", "  a   b ", "a b"},
        {"[\"banned\",1,true]", "banned|1|true", "banned"},
        {"[[\"a\"],{\"b\":1},null,\"c\"]", "c", "c"},
        {"{\"a\":\"b\"}", "", ""},
        {"7", "7", ""},
        {"null", "", ""},
    };
    static const struct gw_claims config = {
        .groups = path, .group_count = 2, .scopes = path, .scope_count = 2};
    struct pool pool;

    (void)state;
    pool_open(&pool, NULL);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct str json = pool_printf(&pool, "{\"realm_access\":{\"roles\":%s}}", rows[i].claim);
        struct grant grant;
        grant_read(&grant, &config, read(&pool, json.at), &pool);
        assert_string_equal(groups_of(&pool, &grant), rows[i].groups);
        assert_true(str_eq(grant.scopes, str_of(rows[i].scopes)));
    }
    pool_close(&pool);
}

static void test_where_nothing_is_said(void **state)
{
    static const struct gw_claims none = {0}, all = {.consumer = path,
                                                     .consumer_count = 1,
                                                     .groups = path + 1,
                                                     .group_count = 1,
                                                     .scopes = path,
                                                     .scope_count = 1};
    struct grant grant;
    struct pool pool;

    (void)state;
    pool_open(&pool, NULL);
    grant_read(&grant, &none, read(&pool, "{\"scope\":\"r w\",\"scp\":\"x\",\"roles\":[\"a\"]}"),
               &pool);
    assert_true(str_eq(grant.scopes, STR("r w")) && grant.group_count == 0);
    assert_int_equal(grant.consumer.len, 0);
    grant_read(&grant, &none, read(&pool, "{\"scp\":[\"x\",\"y\"]}"), &pool);
    assert_true(str_eq(grant.scopes, STR("x y")));
    grant_read(&grant, &all, read(&pool, "{\"realm_access\":\"me\",\"scope\":\"r\"}"), &pool);
    assert_true(str_eq(grant.consumer, STR("me")) && str_eq(grant.scopes, STR("me")));
    grant_read(&grant, &all, read(&pool, "{}"), &pool);
    assert_int_equal(grant.consumer.len + grant.scopes.len + grant.group_count, 0);
    pool_close(&pool);
}

static void test_has(void **state)
{
    static const struct str groups[] = {STR_INIT("users"), STR_INIT("")};
    const struct grant grant = {
        .scopes = STR("read write:all"), .groups = groups, .group_count = 2};

    (void)state;
    assert_true(grant_has_scopes(&grant, STR("read")));
    assert_true(grant_has_scopes(&grant, STR("write:all read")));
    assert_true(grant_has_scopes(&grant, STR("")));
    assert_false(grant_has_scopes(&grant, STR("read write")));
    assert_false(grant_has_scopes(&grant, STR("rea")));
    assert_false(grant_has_scopes(&grant, STR("READ")));
    assert_true(grant_has_group(&grant, STR("users")));
    assert_false(grant_has_group(&grant, STR("user")));
    assert_true(grant_has_group(&grant, STR("")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lists),
        cmocka_unit_test(test_where_nothing_is_said),
        cmocka_unit_test(test_has),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
