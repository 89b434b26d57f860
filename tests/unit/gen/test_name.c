#include "documents.h"
#include "name.h"

static void test_symbols(void **state)
{
    static const struct {
        const char *text, *symbol;
    } cases[] = {
        {"listUsers", "list_users"},
        {"getPetById", "get_pet_by_id"},
        {"getHTTPStatus", "get_http_status"},
        {"HTTPServer", "http_server"},
        {"v2Users", "v2_users"},
        {"actions/list-artifacts", "actions_list_artifacts"},
        {"snake_case", "snake_case"},
        {"--a..b--", "a_b"},
        {"2fa", "n2fa"},
        {"default", "default_"},
        {"Count", "count_"},
        {"INT", "int_"},
        {"a*/b", "a_b"},
        {"x\"; system(\"", "x_system"},
        {"gr\xC3\xB6\xC3\x9F"
         "e",
         "gr_e"},
    };
    struct job *job = *state;

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct str symbol = name_symbol(&job->pool, str_of(cases[i].text));

        if (!str_eq(symbol, str_of(cases[i].symbol)))
            fail_msg("%s: %.*s", cases[i].text, STR_ARG(symbol));
    }
    assert_true(str_eq(name_upper(&job->pool, STR("get_pet_2")), STR("GET_PET_2")));
}

static bool is_identifier(struct str s)
{
    if (s.len == 0 || s.len > 64 || s.at[0] < 'a' || s.at[0] > 'z')
        return false;
    for (size_t i = 0; i < s.len; i++)
        if (!strchr("abcdefghijklmnopqrstuvwxyz0123456789_", s.at[i]))
            return false;
    return true;
}

static void test_hostile_text(void **state)
{
    struct job *job = *state;
    char *huge = pool_take(&job->pool, 1 << 20);
    char bytes[4];

    for (int i = 0; i < 256; i++)
        for (int j = 0; j < 4; j++) {
            memset(bytes, 'a', 4);
            bytes[j] = (char)i;
            assert_true(is_identifier(name_symbol(&job->pool, (struct str){bytes, 4})));
            assert_true(is_identifier(name_symbol(&job->pool, (struct str){bytes + j, 1})));
        }
    assert_true(is_identifier(name_symbol(&job->pool, STR(""))));
    memset(huge, 'A', 1 << 20);
    assert_true(is_identifier(name_symbol(&job->pool, (struct str){huge, 1 << 20})));
    huge[(1 << 20) - 1] = 'b';
    assert_true(is_identifier(name_symbol(&job->pool, (struct str){huge, 1 << 20})));
}

static void test_collisions(void **state)
{
    static const struct str texts[] = {
        STR_INIT("listUsers"), STR_INIT("list_users"), STR_INIT("list-users"),
        STR_INIT("getPet"),    STR_INIT("get-pet"),    STR_INIT("other"),
    };
    struct job *job = *state;
    struct str *names = name_unique(&job->pool, texts, 6);
    struct str *fewer = name_unique(&job->pool, texts + 1, 5);

    assert_true(str_eq(names[1], STR("list_users"))); /* it is the name */
    assert_true(str_starts(names[0], STR("list_users_")));
    assert_true(str_starts(names[3], STR("get_pet_"))); /* nobody's */
    assert_true(str_starts(names[4], STR("get_pet_")));
    assert_true(str_eq(names[5], STR("other")));
    for (size_t i = 0; i < 6; i++)
        for (size_t j = 0; j < i; j++)
            assert_false(str_eq(names[i], names[j]));
    for (size_t i = 0; i < 5; i++) /* what is added or left out changes no other */
        assert_true(str_eq(fewer[i], names[i + 1]));
}

static void test_forged_suffix(void **state)
{
    struct job *job = *state;
    struct str texts[3] = {STR_INIT("a-b"), STR_INIT("a b"), {NULL, 0}}, *names;

    texts[2] = name_unique(&job->pool, texts, 2)[0];
    names = name_unique(&job->pool, texts, 3);
    for (size_t i = 0; i < 3; i++)
        for (size_t j = 0; j < i; j++)
            assert_false(str_eq(names[i], names[j]));
}

static void test_groups(void **state)
{
    struct job *job = *state;
    struct gateway *gw = gateway_of(
        job,
        HEAD "paths:\n"
             "  /pets/{id}: {get: {tags: [Pet Store, x], responses: {default: {description: d}}}}\n"
             "  /{x}/stock: {get: {responses: {default: {description: d}}}}\n"
             "  /{x}: {get: {responses: {default: {description: d}}}}\n");

    name_plan(job, gw);
    assert_false(job_failed(job));
    assert_true(str_eq(gw->operations.at[0].group, STR("pet_store")));
    assert_true(str_eq(gw->operations.at[1].group, STR("stock")));
    assert_true(str_eq(gw->operations.at[2].group, STR("root")));
}

#define test(function) cmocka_unit_test_setup_teardown(function, job_set_up, job_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        test(test_symbols),       test(test_hostile_text), test(test_collisions),
        test(test_forged_suffix), test(test_groups),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
