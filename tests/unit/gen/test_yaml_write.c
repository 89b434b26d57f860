/* Trees as YAML: what is written is what a person would write, and reads back as the same tree. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/text.h"
#include "yaml.h"
#include "yaml_write.h"

static const struct {
    struct str json;
    const char *yaml;
} rows[] = {
    {STR_INIT("{}"), "{}\n"},
    {STR_INIT("[]"), "[]\n"},
    {STR_INIT("{\"a\": 1, \"b\": [true, null], \"c\": {}, \"d\": []}"),
     "a: 1\nb:\n  - true\n  - null\nc: {}\nd: []\n"},
    {STR_INIT("{\"a\": {\"b\": {\"c\": [[1], {\"d\": 2}]}}}"),
     "a:\n  b:\n    c:\n      -\n        - 1\n      -\n        d: 2\n"},
    {STR_INIT("{\"on\": \"yes\", \"1\": \"2\", \"1e3\": \"~\", \"\": \"\"}"),
     "\"on\": \"yes\"\n\"1\": \"2\"\n\"1e3\": \"~\"\n\"\": \"\"\n"},
    {STR_INIT("{\"/a/{b}\": \"#c\", \"d: e\": \"- f\", \"g\": \" h \"}"),
     "\"/a/{b}\": \"#c\"\n\"d: e\": \"- f\"\ng: \" h \"\n"},
    {STR_INIT("{\"a\": \"two\\nlines\"}"), "a: |-\n  two\n  lines\n"},
    {STR_INIT("{\"a\": \"two\\n\\nlines\\n\"}"), "a: |\n  two\n\n  lines\n"},
    {STR_INIT("{\"a\": \"\\nb\", \"c\": \"d\\n\\n\", \"e\": \" f\\ng\"}"),
     "a: \"\\nb\"\nc: \"d\\n\\n\"\ne: \" f\\ng\"\n"},
    {STR_INIT("{\"a\": \"\\u0000\\u0085\\u2028\\ufeff\\u00e9\\ud83d\\ude00\"}"),
     "a: \"\\u0000\\u0085\\u2028\\ufeff\xc3\xa9\xf0\x9f\x98\x80\"\n"},
    {STR_INIT("{\"a\": [-0, 1.50, 1e400, -0.0]}"), "a:\n  - -0\n  - 1.50\n  - 1e400\n  - -0.0\n"},
};

static struct str as_json(struct job *job, const struct node *node)
{
    struct text out = {.pool = &job->pool};

    node_json(node, &out, 0);
    return text_str(&out);
}

static struct node *read(struct job *job, const char *name, struct str bytes)
{
    struct node *node = yaml_read(job, source_add(&job->sources, str_of(name), bytes));

    assert_non_null(node);
    return node;
}

static void check_row(struct str json, const char *expected)
{
    struct job job;
    job_begin(&job);
    struct text yaml = {.pool = &job.pool};
    struct node *tree = read(&job, "x.json", json);

    yaml_write(tree, &yaml);
    if (expected && !str_eq(text_str(&yaml), str_of(expected)))
        fail_msg("%.*s\n gave %.*s\n  not %s", STR_ARG(json), (int)yaml.len, yaml.at, expected);
    struct str back = as_json(&job, read(&job, "x.yaml", text_str(&yaml)));
    if (!str_eq(back, as_json(&job, tree)))
        fail_msg("%.*s\n came back as %.*s", STR_ARG(json), STR_ARG(back));
    pool_close(&job.pool);
}

static void writes_what_reads_back(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        check_row(rows[i].json, rows[i].yaml);
}

/* Readers look for a key's colon within 1,024 characters. */
static void long_keys_are_marked(void **state)
{
    (void)state;
    for (size_t len = 900; len < 1100; len++) {
        struct pool pool;
        pool_open(&pool, NULL);
        struct text json = {.pool = &pool};
        text_add(&json, STR("{\"a\": {\""));
        for (size_t i = 0; i < len; i++)
            text_byte(&json, 'k');
        text_add(&json, STR("\": {\"b\": [1, \"x\\ny\"]}, \"c\": 2}}"));
        check_row(text_str(&json), NULL);
        pool_close(&pool);
    }
}

static void single_values_are_documents_too(void **state)
{
    static const struct {
        struct str yaml;
        const char *written;
    } singles[] = {
        {STR_INIT("word"), " word\n"},
        {STR_INIT("\"a\\n---\\nb\""), " |-\n  a\n  ---\n  b\n"},
        {STR_INIT("null"), " null\n"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof singles / sizeof *singles; i++) {
        struct job job;
        job_begin(&job);
        struct text yaml = {.pool = &job.pool};
        struct node *tree = read(&job, "x.yaml", singles[i].yaml);
        yaml_write(tree, &yaml);
        assert_string_equal(pool_copy(&job.pool, text_str(&yaml)).at, singles[i].written);
        struct str back = as_json(&job, read(&job, "y.yaml", text_str(&yaml)));
        assert_true(str_eq(back, as_json(&job, tree)));
        pool_close(&job.pool);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(writes_what_reads_back),
        cmocka_unit_test(long_keys_are_marked),
        cmocka_unit_test(single_values_are_documents_too),
    };

    return cmocka_run_group_tests_name("yaml_write", tests, NULL, NULL);
}
