/* What diagnostics look like. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/text.h"
#include "diag.h"

struct fixture {
    struct pool pool;
    struct sources sources;
    struct diags diags;
};

static int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);

    pool_open(&f->pool, NULL);
    f->sources.pool = f->diags.pool = &f->pool;
    f->diags.sources = &f->sources;
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;

    pool_close(&f->pool);
    free(f);
    return 0;
}

static struct str printed(struct fixture *f, enum diag_format format, bool colour)
{
    char *at = NULL;
    size_t len = 0;
    FILE *out = open_memstream(&at, &len);
    struct str text;

    diag_print(&f->diags, out, format, colour);
    fclose(out);
    text = pool_copy(&f->pool, (struct str){at, len});
    free(at);
    return text;
}

static struct loc at(uint32_t file, uint32_t line, uint32_t col)
{
    return (struct loc){file, line, col};
}

static void points_with_a_caret(void **state)
{
    struct fixture *f = *state;

    source_add(&f->sources, STR("petstore.yaml"), STR("a: b\n\n          rate: 0\n"));
    diag_error(&f->diags, at(1, 3, 17), "range", "rate must be at least %d", 1);
    diag_note(&f->diags, at(1, 1, 1), "inherited by 3 operations from here");
    assert_string_equal(printed(f, DIAG_TEXT, false).at,
                        "petstore.yaml:3:17: error: rate must be at least 1 [range]\n"
                        "    3 |           rate: 0\n"
                        "      |                 ^\n"
                        "petstore.yaml:1:1: note: inherited by 3 operations from here\n");
    assert_true(diag_failed(&f->diags));
}

static void sorts_and_drops_duplicates(void **state)
{
    struct fixture *f = *state;

    source_add(&f->sources, STR("a"), STR("x\ny"));
    source_add(&f->sources, STR("b"), STR(""));
    diag_warn(&f->diags, at(2, 1, 1), "w", "last");
    diag_error(&f->diags, at(1, 2, 1), "e", "third");
    diag_error(&f->diags, at(1, 1, 1), "e", "first");
    diag_note(&f->diags, at(1, 2, 1), "belongs to first");
    diag_note(&f->diags, at(0, 0, 0), "belongs to first too");
    diag_error(&f->diags, at(1, 1, 1), "e", "second");
    diag_error(&f->diags, at(1, 1, 1), "e", "first");
    diag_note(&f->diags, at(1, 2, 1), "goes with its message");
    diag_error(&f->diags, at(0, 0, 0), "usage", "nowhere");
    assert_string_equal(printed(f, DIAG_TEXT, false).at, "apigw-gen: error: nowhere [usage]\n"
                                                         "a:1:1: error: first [e]\n"
                                                         "    1 | x\n"
                                                         "      | ^\n"
                                                         "a:2:1: note: belongs to first\n"
                                                         "apigw-gen: note: belongs to first too\n"
                                                         "a:1:1: error: second [e]\n"
                                                         "    1 | x\n"
                                                         "      | ^\n"
                                                         "a:2:1: error: third [e]\n"
                                                         "    2 | y\n"
                                                         "      | ^\n"
                                                         "b:1:1: warning: last [w]\n"
                                                         "4 errors, 1 warning\n");
}

static void warnings_may_count_as_errors(void **state)
{
    struct fixture *f = *state;

    diag_warn(&f->diags, at(0, 0, 0), "w", "one");
    diag_warn(&f->diags, at(0, 0, 0), "w", "two");
    assert_false(diag_failed(&f->diags));
    assert_string_equal(printed(f, DIAG_TEXT, false).at, "apigw-gen: warning: one [w]\n"
                                                         "apigw-gen: warning: two [w]\n"
                                                         "2 warnings\n");
    f->diags.werror = true;
    assert_true(diag_failed(&f->diags));
    assert_string_equal(printed(f, DIAG_TEXT, false).at, "apigw-gen: error: one [w]\n"
                                                         "apigw-gen: error: two [w]\n"
                                                         "2 errors\n");
}

static void quiet_prints_errors_alone(void **state)
{
    struct fixture *f = *state;

    f->diags.quiet = true;
    diag_warn(&f->diags, at(0, 0, 0), "w", "one");
    diag_note(&f->diags, at(0, 0, 0), "more of it");
    assert_string_equal(printed(f, DIAG_TEXT, false).at, "");
    diag_error(&f->diags, at(0, 0, 0), "e", "two");
    assert_string_equal(printed(f, DIAG_TEXT, false).at, "apigw-gen: error: two [e]\n");
    f->diags.werror = true;
    assert_string_equal(printed(f, DIAG_TEXT, false).at, "apigw-gen: error: one [w]\n"
                                                         "apigw-gen: note: more of it\n"
                                                         "apigw-gen: error: two [e]\n"
                                                         "2 errors\n");
}

static void the_gutter_has_room_for_large_numbers(void **state)
{
    struct fixture *f = *state;
    struct text lines = {.pool = &f->pool};

    for (unsigned i = 1; i < 123456; i++)
        text_byte(&lines, '\n');
    text_add(&lines, STR("ab"));
    source_add(&f->sources, STR("x"), text_str(&lines));
    diag_error(&f->diags, at(1, 123456, 2), "c", "m");
    assert_string_equal(printed(f, DIAG_TEXT, false).at, "x:123456:2: error: m [c]\n"
                                                         "123456 | ab\n"
                                                         "       |  ^\n");
}

static void excerpts_align_under_odd_text(void **state)
{
    static const struct {
        struct str line;
        uint32_t col;
        const char *excerpt;
    } rows[] = {
        {STR_INIT("\ta:\tb"), 5, "    1 | \ta:\tb\n      | \t  \t^\n"},
        {STR_INIT("h\xc3\xa9 x"), 4, "    1 | h\xc3\xa9 x\n      |    ^\n"},
        {STR_INIT("\xe6\x97\xa5 x"), 3, "    1 | \xe6\x97\xa5 x\n      |    ^\n"},
        {STR_INIT("a\xe2\x80\x8b x"), 4, "    1 | a<U+200B> x\n      |           ^\n"},
        {STR_INIT("a\xe2\x80\xae x"), 4, "    1 | a<U+202E> x\n      |           ^\n"},
        {STR_INIT("\x1b[31m"), 2, "    1 | <U+001B>[31m\n      |         ^\n"},
        {STR_INIT("\xff x"), 3, "    1 | <FF> x\n      |      ^\n"},
        {STR_INIT("ab"), 3, "    1 | ab\n      |   ^\n"},
        {STR_INIT("ab"), 9, "    1 | ab\n      |   ^\n"}, /* past the end: at the end */
        {STR_INIT("  "), 1, ""},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        void *own = NULL;
        struct fixture *f;
        set_up(&own);
        f = own;
        source_add(&f->sources, STR("x"), rows[i].line);
        diag_error(&f->diags, at(1, 1, rows[i].col), "c", "m");
        struct str want =
            pool_printf(&f->pool, "x:1:%u: error: m [c]\n%s", rows[i].col, rows[i].excerpt);
        assert_string_equal(printed(f, DIAG_TEXT, false).at, want.at);
        tear_down(&own);
    }
}

static void long_lines_are_cut_around_the_caret(void **state)
{
    struct fixture *f = *state;
    static char line[1000000];
    struct str text;

    memset(line, 'a', sizeof line);
    line[500000] = 'X';
    source_add(&f->sources, STR("x"), (struct str){line, sizeof line});
    diag_error(&f->diags, at(1, 1, 500001), "c", "m");
    text = printed(f, DIAG_TEXT, false);
    assert_in_range(text.len, 150, 300);
    size_t caret = str_find(text, '^'), mark = str_find(text, 'X');
    struct str second = str_from(text, str_find(text, '\n') + 1);
    size_t line_start = (size_t)(second.at - text.at);
    size_t below_start = line_start + str_find(second, '\n') + 1;
    /* The cut mark in front is three bytes wide and one column. */
    assert_int_equal(mark - line_start - 2, caret - below_start);
}

static void hostile_text_is_shown_safely(void **state)
{
    struct fixture *f = *state;
    static char large[100000];
    struct str text;

    source_add(&f->sources, STR("evil\n::error::x"), STR("k"));
    diag_error(&f->diags, at(1, 1, 1), "c", "key '%s' \xff", "a\n\x1b\xe2\x81\xa6");
    assert_string_equal(printed(f, DIAG_TEXT, false).at,
                        "evil<U+000A>::error::x:1:1: error: key 'a<U+000A><U+001B><U+2066>' <FF> "
                        "[c]\n    1 | k\n      | ^\n");
    memset(large, 'x', sizeof large - 1);
    diag_error(&f->diags, at(1, 1, 1), "c", "key '%s'", large);
    text = printed(f, DIAG_TEXT, false);
    assert_in_range(text.len, 1000, 1400);
}

static void colours_only_when_asked(void **state)
{
    struct fixture *f = *state;

    source_add(&f->sources, STR("x"), STR("k"));
    diag_error(&f->diags, at(1, 1, 1), "c", "m");
    assert_string_equal(printed(f, DIAG_TEXT, true).at,
                        "\033[1mx:1:1: \033[0m\033[1;31merror: \033[0mm [c]\n"
                        "    1 | k\n      | \033[1;32m^\033[0m\n");
}

static void speaks_json(void **state)
{
    struct fixture *f = *state;

    assert_string_equal(printed(f, DIAG_JSON, false).at, "[]\n");
    source_add(&f->sources, STR("a \"b\".yaml"), STR("k"));
    diag_error(&f->diags, at(1, 1, 1), "c", "bad '%s'", "\"\\\n");
    diag_note(&f->diags, at(1, 1, 1), "n1");
    diag_note(&f->diags, at(0, 0, 0), "n2");
    diag_warn(&f->diags, at(1, 0, 0), "w", "m");
    assert_string_equal(
        printed(f, DIAG_JSON, false).at,
        "[\n {\"severity\":\"warning\",\"code\":\"w\",\"message\":\"m\","
        "\"file\":\"a \\\"b\\\".yaml\",\"notes\":[]},"
        "\n {\"severity\":\"error\",\"code\":\"c\",\"message\":\"bad '\\\"\\\\<U+000A>'\","
        "\"file\":\"a \\\"b\\\".yaml\",\"line\":1,\"column\":1,\"notes\":["
        "{\"message\":\"n1\",\"file\":\"a \\\"b\\\".yaml\",\"line\":1,\"column\":1},"
        "{\"message\":\"n2\"}]}\n]\n");
}

static void speaks_sarif(void **state)
{
    struct fixture *f = *state;

    source_add(&f->sources, STR("a b%.yaml"), STR("k"));
    diag_error(&f->diags, at(1, 1, 1), "c", "m");
    diag_note(&f->diags, at(1, 2, 3), "n");
    diag_warn(&f->diags, at(0, 0, 0), "w", "nowhere");
    diag_error(&f->diags, at(1, 1, 1), "c", "m2");
    assert_string_equal(
        printed(f, DIAG_SARIF, false).at,
        "{\"$schema\":\"https://json.schemastore.org/sarif-2.1.0.json\",\n \"version\":\"2.1.0\",\n"
        " \"runs\":[{\"tool\":{\"driver\":{\"name\":\"apigw-gen\",\"rules\":[{\"id\":\"w\"},"
        "{\"id\":\"c\"}]}},\n"
        "  \"columnKind\":\"unicodeCodePoints\",\n  \"results\":[\n"
        "   {\"ruleId\":\"w\",\"level\":\"warning\",\"message\":{\"text\":\"nowhere\"},"
        "\"locations\":[]},\n"
        "   {\"ruleId\":\"c\",\"level\":\"error\",\"message\":{\"text\":\"m\"},\"locations\":["
        "{\"physicalLocation\":{\"artifactLocation\":{\"uri\":\"a%20b%25.yaml\"},"
        "\"region\":{\"startLine\":1,\"startColumn\":1}}}],\"relatedLocations\":["
        "{\"physicalLocation\":{\"artifactLocation\":{\"uri\":\"a%20b%25.yaml\"},"
        "\"region\":{\"startLine\":2,\"startColumn\":3}},\"message\":{\"text\":\"n\"}}]},\n"
        "   {\"ruleId\":\"c\",\"level\":\"error\",\"message\":{\"text\":\"m2\"},\"locations\":["
        "{\"physicalLocation\":{\"artifactLocation\":{\"uri\":\"a%20b%25.yaml\"},"
        "\"region\":{\"startLine\":1,\"startColumn\":1}}}]}]}]}\n");
}

static void speaks_github(void **state)
{
    struct fixture *f = *state;

    source_add(&f->sources, STR("a,b:c%.yaml"), STR("k"));
    diag_error(&f->diags, at(1, 1, 2), "c", "100%% of: a,\nb");
    diag_note(&f->diags, at(1, 1, 1), "n");
    diag_warn(&f->diags, at(0, 0, 0), "w", "m");
    assert_string_equal(printed(f, DIAG_GITHUB, false).at,
                        "::warning title=w::m\n"
                        "::error file=a%2Cb%3Ac%25.yaml,line=1,col=2,title=c::"
                        "100%25 of: a,<U+000A>b%0Aa,b:c%25.yaml:1:1: note: n\n");
}

static void suggests_the_nearest(void **state)
{
    static const struct str names[] = {STR_INIT("rate"), STR_INIT("upstream"),
                                       STR_INIT("upstreams"), STR_INIT("id")};
    static const struct {
        const char *wrong, *answer;
    } rows[] = {
        {"upstraem", "; did you mean 'upstream'?"},
        {"upstreamz", "; did you mean 'upstream'?"},
        {"rat", "; did you mean 'rate'?"},
        {"ids", "; did you mean 'id'?"},
        {"x", ""},
        {"", ""},
        {"timeout", ""},
        {"xy", ""},
    };
    struct fixture *f = *state;

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct str answer = diag_suggest(&f->pool, str_of(rows[i].wrong), names, 4);
        assert_true(str_eq(answer, str_of(rows[i].answer)));
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(points_with_a_caret),
        TEST(sorts_and_drops_duplicates),
        TEST(warnings_may_count_as_errors),
        TEST(quiet_prints_errors_alone),
        TEST(the_gutter_has_room_for_large_numbers),
        TEST(excerpts_align_under_odd_text),
        TEST(long_lines_are_cut_around_the_caret),
        TEST(hostile_text_is_shown_safely),
        TEST(colours_only_when_asked),
        TEST(speaks_json),
        TEST(speaks_sarif),
        TEST(speaks_github),
        TEST(suggests_the_nearest),
    };

    return cmocka_run_group_tests_name("diag", tests, NULL, NULL);
}
