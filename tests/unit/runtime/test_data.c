/* Small texts of JSON and YAML as trees. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "base/data.h"
#include "base/text.h"

static void print(struct text *text, const struct data *data)
{
    switch (data->kind) {
    case DATA_NULL:
        text_add(text, STR("null"));
        return;
    case DATA_PLAIN:
        text_add(text, data->text);
        return;
    case DATA_TEXT:
        text_json(text, data->text);
        return;
    case DATA_LIST:
    case DATA_MAP:
        break;
    }
    text_byte(text, data->kind == DATA_MAP ? '{' : '[');
    for (const struct data *member = data->first; member; member = member->next) {
        if (member != data->first)
            text_byte(text, ' ');
        if (data->kind == DATA_MAP)
            text_printf(text, "%.*s=", STR_ARG(member->key));
        print(text, member);
    }
    text_byte(text, data->kind == DATA_MAP ? '}' : ']');
}

struct row {
    const char *text, *tree; /* NULL: it is refused … */
    const char *what;        /* … with this sentence (its beginning) … */
    uint32_t line;           /* … there */
};

typedef const struct data *read_data(struct pool *pool, struct str text,
                                     struct data_problem *problem);

static void check(const struct row *row, read_data *read)
{
    struct pool pool;
    struct data_problem problem;
    const struct data *data;

    pool_open(&pool, NULL);
    data = read(&pool, str_of(row->text), &problem);
    if (row->tree) {
        struct text text = {.pool = &pool};
        if (!data)
            fail_msg("%s is refused: line %u: %s", row->text, problem.line, problem.what);
        print(&text, data);
        assert_string_equal(pool_copy(&pool, text_str(&text)).at, row->tree);
    } else {
        if (data)
            fail_msg("%s is taken", row->text);
        if (!str_starts(str_of(problem.what), str_of(row->what)) || problem.line != row->line)
            fail_msg("%s: line %u: %s", row->text, problem.line, problem.what);
    }
    pool_close(&pool);
}

static const struct row both[] = {
    {"{}", "{}", NULL, 0},
    {"[1, true, null, \"x\", {\"a\": [2]}]", "[1 true null \"x\" {a=[2]}]", NULL, 0},
    {"{\"a\":\n{\"b\": 1,\n\"b\": 2}}", NULL, "a key stands twice", 3},
    {"[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]", NULL,
     "it is nested too deeply", 1},
};

static void json_is_read(void **state)
{
    static const struct row rows[] = {
        {"{\"a\": \"\\ud83d\\ude00\"}", "{a=\"\xf0\x9f\x98\x80\"}", NULL, 0},
        {"\n\n{\"a\" 1}", NULL, "", 3},
        {"a: 1", NULL, "", 1},
        {"", NULL, "", 1},
        {"{} {}", NULL, "", 1},
    };

    (void)state;
    for (size_t i = 0; i < sizeof both / sizeof *both; i++)
        check(&both[i], data_read_json);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        check(&rows[i], data_read_json);
}

static void yaml_is_read(void **state)
{
    static const struct row rows[] = {
        {"", "null", NULL, 0},
        {"a: 1\nb:\n  - x\n  - 'y'\n  - ~\n", "{a=1 b=[x \"y\" null]}", NULL, 0},
        {"a: {b: c}\n", "{a={b=c}}", NULL, 0},
        {"# only a word\ntrue\n", "true", NULL, 0},
        {"a: 1\na: 2\n", NULL, "a key stands twice", 2},
        {"a: &x 1\nb: *x\n", NULL, "anchors and tags", 1},
        {"a: 1\nb: *x\n", NULL, "anchors and aliases", 2},
        {"a: !!str 1\n", NULL, "anchors and tags", 1},
        {"- &x []\n", NULL, "anchors and tags", 1},
        {"? [a]\n: 1\n", NULL, "a key is a text", 1},
        {"a: 1\n---\nb: 2\n", NULL, "it is more than one document", 2},
        {"a: [1\n", NULL, "did not find", 2},
        {"a: \"\\xZZ\"\n", NULL, "did not find", 1},
        {"\ta: 1\n", NULL, "found character that cannot start", 1},
    };

    (void)state;
    for (size_t i = 0; i < sizeof both / sizeof *both; i++)
        check(&both[i], data_read_yaml);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        check(&rows[i], data_read_yaml);
}

static void a_map_has_so_many_keys(void **state)
{
    struct pool pool;
    struct text text = {.pool = &pool};
    struct data_problem problem;

    (void)state;
    pool_open(&pool, NULL);
    for (int i = 0; i < DATA_MEMBERS; i++)
        text_printf(&text, "k%d: 1\n", i);
    assert_non_null(data_read_yaml(&pool, text_str(&text), &problem));
    text_add(&text, STR("more: 1\n"));
    assert_null(data_read_yaml(&pool, text_str(&text), &problem));
    assert_string_equal(problem.what, "a map has too many keys");
    assert_int_equal(problem.line, DATA_MEMBERS + 1);
    pool_close(&pool);
}

static void members_are_asked_for(void **state)
{
    struct pool pool;
    struct data_problem problem;
    const struct data *data;
    struct str text;
    uint64_t number;
    bool truth;

    (void)state;
    pool_open(&pool, NULL);
    data = data_read_yaml(&pool, STR("n: 12\nq: '12'\nt: true\nl: []\nz:\n"), &problem);
    assert_non_null(data);
    assert_true(data_number(data_get(data, "n"), &number) && number == 12);
    assert_false(data_number(data_get(data, "q"), &number));
    assert_true(data_text(data_get(data, "q"), &text) && str_eq(text, STR("12")));
    assert_true(data_truth(data_get(data, "t"), &truth) && truth);
    assert_false(data_truth(data_get(data, "n"), &truth));
    assert_false(data_text(data_get(data, "l"), &text));
    assert_false(data_text(data_get(data, "z"), &text));
    assert_null(data_get(data, "absent"));
    assert_null(data_get(data_get(data, "l"), "n"));
    assert_null(data_get(NULL, "n"));
    pool_close(&pool);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(json_is_read),
        cmocka_unit_test(yaml_is_read),
        cmocka_unit_test(a_map_has_so_many_keys),
        cmocka_unit_test(members_are_asked_for),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
