/* The template language and its escapes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "escape.h"
#include "template.h"

/* One template, one tree of values, one expected text. */
static void expect(const char *name, const char *text, struct value *(*make)(struct pool *),
                   const char *wanted)
{
    struct job job;
    job_begin(&job);
    struct template_set *set = template_set_new(&job);
    struct text out = {.pool = &job.pool};
    struct str file = pool_printf(&job.pool, "%s.mustache", name);
    assert_true(template_add(&job, set, file, str_of(text)));
    template_add(&job, set, STR("part.c.mustache"), STR("a {{{number}}};\n\nb;\n"));
    template_render(&job, set, name, make(&job.pool), &out);
    assert_false(job_failed(&job));
    assert_string_equal(out.at ? out.at : "", wanted);
    pool_close(&job.pool);
}

static void expect_error(const char *name, const char *text, struct value *(*make)(struct pool *),
                         const char *wanted, unsigned line)
{
    struct job job;
    job_begin(&job);
    struct template_set *set = template_set_new(&job);
    struct text out = {.pool = &job.pool};
    struct str file = pool_printf(&job.pool, "%s.mustache", name);
    if (template_add(&job, set, file, str_of(text)))
        template_render(&job, set, name, make(&job.pool), &out);
    assert_true(job_failed(&job));
    const struct diag_message *message = &job.diags.list.at[0];
    if (str_find_str(message->text, str_of(wanted)) == message->text.len)
        fail_msg("'%.*s' does not say '%s'", STR_ARG(message->text), wanted);
    assert_int_equal(message->loc.line, line);
    assert_string_equal(source_get(&job.sources, message->loc.file)->name.at,
                        pool_printf(&job.pool, "templates/%s.mustache", name).at);
    pool_close(&job.pool);
}

static struct value *sample(struct pool *pool)
{
    struct value *map = value_map(pool), *list = value_list(pool), *inner = value_map(pool);
    value_set(pool, map, "text", value_text(pool, STR("a\"b*/c")));
    value_set(pool, map, "name", value_name(pool, STR("get_pet")));
    value_set(pool, map, "number", value_number(pool, 42));
    value_set(pool, map, "yes", value_flag(pool, true));
    value_set(pool, map, "no", value_flag(pool, false));
    value_set(pool, map, "empty", value_list(pool));
    for (int i = 1; i <= 3; i++) {
        struct value *item = value_map(pool);
        value_set(pool, item, "item", value_number(pool, i));
        value_set(pool, item, "first", value_flag(pool, i == 1));
        value_add(pool, list, item);
    }
    value_set(pool, map, "list", list);
    value_set(pool, inner, "number", value_number(pool, 7));
    value_set(pool, map, "inner", inner);
    return map;
}

static void test_sections(void **state)
{
    (void)state;
    expect("x.c", "plain\n", sample, "plain\n");
    expect("x.c", "{{#yes}}in{{/yes}}{{#no}}out{{/no}}\n", sample, "in\n");
    expect("x.c", "{{^yes}}in{{/yes}}{{^no}}out{{/no}}{{^empty}}none{{/empty}}\n", sample,
           "outnone\n");
    expect("x.c", "{{#list}}{{^first}}, {{/first}}{{{item}}}{{/list}}\n", sample, "1, 2, 3\n");
    expect("x.c", "{{#inner}}{{{number}}} {{{name}}}{{/inner}}\n", sample, "7 get_pet\n");
    expect("x.c", "{{#text}}there{{/text}}\n", sample, "there\n");
}

static void test_standalone_lines(void **state)
{
    (void)state;
    expect("x.c", "a\n{{#yes}}\nb\n{{/yes}}\nc\n", sample, "a\nb\nc\n");
    expect("x.c", "a\n  {{#list}}\n  {{{item}}},\n  {{/list}}\nc\n", sample,
           "a\n  1,\n  2,\n  3,\nc\n");
    expect("x.c", "a\n{{! said }}\nb{{! also }}\n", sample, "a\nb\n");
    expect("x.c", "{{#no}}\nb\n{{/no}}", sample, "");
}

static void test_partials(void **state)
{
    (void)state;
    expect("x.c", "{\n    {{> part.c}}\n}\n", sample, "{\n    a 42;\n\n    b;\n}\n");
    expect("x.c", "<{{> part.c}}>\n", sample, "<a 42;\n\nb;>\n");
    expect_error("x.c", "\n{{> missing}}\n", sample, "is no template", 2);
}

static void test_braces_of_c(void **state)
{
    (void)state;
    expect("x.c", "{{{#list}}{{^first}}, {{/first}}{{{item}}}{{/list}}}\n", sample, "{1, 2, 3}\n");
    expect("x.c", "{.param = {{{number}}}},\n", sample, "{.param = 42},\n");
}

static void test_text_is_escaped(void **state)
{
    (void)state;
    expect("x.c", "\"{{text}}\" /* {{text}} */ '\"' \"{{text}}\"\n", sample,
           "\"a\\\"b*\\057c\" /* a\\\"b*\\057c */ '\"' \"a\\\"b*\\057c\"\n");
    expect("x.txt", "{{text}} {{{number}}} {{number}}\n", sample, "a\"b*/c 42 42\n");
}

static void test_text_stays_in_its_place(void **state)
{
    (void)state;
    expect_error("x.c", "int {{text}};\n", sample, "outside a string or comment", 1);
    expect_error("x.h", "// {{text}}\n", sample, "outside a string or comment", 1);
    expect_error("x.c", "'{{text}}'\n", sample, "outside a string or comment", 1);
    expect_error("x.c", "\"\\\\\" {{text}}\n", sample, "outside a string or comment", 1);
    expect_error("x.c", "int {{{text}}};\n", sample, "may not be written raw", 1);
    expect_error("x.c", "\"{{{text}}}\"\n", sample, "may not be written raw", 1);
    expect_error("Makefile", "a\n# {{text}}\n", sample, "text in a Makefile", 2);
    expect_error("Makefile", "{{{text}}}\n", sample, "may not be written raw", 1);
    expect_error("x.txt", "{{{text}}}\n", sample, "may not be written raw", 1);
    expect_error("x.c", "/* {{text}}/ */\n", sample, "directly behind a tag", 1);
    expect_error("x.c", "/*\n{{#yes}}\n */\n{{/yes}}\n", sample, "section ends inside", 2);
}

static void test_strictness(void **state)
{
    (void)state;
    expect_error("x.c", "a\n\n{{{nobody}}}\n", sample, "'nobody' is not a name", 3);
    expect_error("x.c", "{{#nobody}}\n{{/nobody}}\n", sample, "'nobody' is not a name", 1);
    expect_error("x.c", "\"{{list}}\"\n", sample, "'list' is no text", 1);
    expect_error("x.c", "{{{no}}}\n", sample, "'no' is no text", 1);
    expect_error("x.c", "a\n{{#yes}}\n", sample, "section without an end", 2);
    expect_error("x.c", "{{/yes}}\n", sample, "not open", 1);
    expect_error("x.c", "{{#yes}}{{/no}}\n", sample, "not open", 1);
    expect_error("x.c", "{{{name}}\n", sample, "without an end", 1);
    expect_error("x.c", "{{=<% %>=}}\n", sample, "a name is made of", 1);
    expect_error("x.c", "{{&text}}\n", sample, "a name is made of", 1);
}

struct escape_row {
    struct str in;
    const char *c, *line;
};

static void test_escapes(void **state)
{
    (void)state;
    static const struct escape_row rows[] = {
        {STR_INIT("plain text"), "plain text", "plain text"},
        {STR_INIT("a\"b\\c"), "a\\\"b\\\\c", "a\"b\\\\c"},
        {STR_INIT("a\nb\r\tc"), "a\\nb\\r\\tc", "a\\nb\\u{d}\\u{9}c"},
        {STR_INIT("a\0b"), "a\\000b", "a\\u{0}b"},
        {STR_INIT("\x01"
                  "7"),
         "\\0017", "\\u{1}7"},
        {STR_INIT("?\?/ ?\?="), "?\\?/ ?\\?=", "?\?/ ?\?="},
        {STR_INIT("?\?\?"), "?\\?\\?", "?\?\?"},
        {STR_INIT("*/ /* //"), "*\\057 /\\052 //", "*/ /* //"},
        {STR_INIT("**//**/"), "**\\057/\\052*\\057", "**//**/"},
        {STR_INIT("/a/*/ evil"), "/a/\\052/ evil", "/a/*/ evil"},
        {STR_INIT("caf\xc3\xa9"), "caf\xc3\xa9", "caf\xc3\xa9"},
        {STR_INIT("\xe2\x80\xae"
                  "x"),
         "\\342\\200\\256x", "\\u{202e}x"},
        {STR_INIT("\xff\xfe"), "\\377\\376", "\\xff\\xfe"},
        {STR_INIT("\xef\xbb\xbf"), "\\357\\273\\277", "\\u{feff}"},
        {STR_INIT("$(shell id) %n"), "$(shell id) %n", "$(shell id) %n"},
    };
    struct pool pool;
    pool_open(&pool, NULL);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct text c = {.pool = &pool}, line = {.pool = &pool};
        escape_c(&c, rows[i].in);
        escape_line(&line, rows[i].in);
        assert_string_equal(c.at, rows[i].c);
        assert_string_equal(line.at, rows[i].line);
    }
    pool_close(&pool);
}

/* Two texts side by side must not make a mark out of two harmless halves. */
static void test_escapes_join(void **state)
{
    (void)state;
    static const char *const pairs[][3] = {{"a*", "/b", "a*\\057b"},
                                           {"a/", "*b", "a/\\052b"},
                                           {"?", "?", "?\\?"},
                                           {"a\\", "\"", "a\\\\\\\""}};
    struct pool pool;
    pool_open(&pool, NULL);
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
        struct text out = {.pool = &pool};
        escape_c(&out, str_of(pairs[i][0]));
        escape_c(&out, str_of(pairs[i][1]));
        assert_string_equal(out.at, pairs[i][2]);
    }
    pool_close(&pool);
}

/* Every template of the program parses and finds its partials. */
static void test_baked_templates(void **state)
{
    (void)state;
    struct job job;
    job_begin(&job);
    bool good = template_read(&job, STR("")) != NULL;
    if (!good)
        diag_print(&job.diags, stderr, DIAG_TEXT, false);
    assert_true(good);
    assert_true(template_baked_count > 5);
    pool_close(&job.pool);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_escapes),         cmocka_unit_test(test_escapes_join),
        cmocka_unit_test(test_sections),        cmocka_unit_test(test_standalone_lines),
        cmocka_unit_test(test_partials),        cmocka_unit_test(test_braces_of_c),
        cmocka_unit_test(test_text_is_escaped), cmocka_unit_test(test_text_stays_in_its_place),
        cmocka_unit_test(test_strictness),      cmocka_unit_test(test_baked_templates),
    };
    return cmocka_run_group_tests_name("template", tests, NULL, NULL);
}
