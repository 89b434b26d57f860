/* Documents to located trees: YAML 1.2 and JSON, good and bad. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/text.h"
#include "yaml.h"

/* The tree on one line, or the first complaint as "line:col code". */
static struct str outcome(struct job *job, struct str name, struct str bytes)
{
    struct text out = {.pool = &job->pool};
    struct node *root = yaml_read(job, source_add(&job->sources, name, bytes));

    if (root) {
        assert_false(job_failed(job));
        node_json(root, &out, 0);
        return text_str(&out);
    }
    assert_true(job_failed(job));
    struct diag_message m = job->diags.list.at[0];
    return pool_printf(&job->pool, "%u:%u %s", m.loc.line, m.loc.col, m.code);
}

struct row {
    struct str in;
    const char *out;
};

static void check_rows(const struct row *rows, size_t count, struct str name)
{
    for (size_t i = 0; i < count; i++) {
        struct job job;
        job_begin(&job);
        struct str out = outcome(&job, name, rows[i].in);
        if (!str_eq(out, str_of(rows[i].out)))
            fail_msg("row %zu '%.*s'\n gave %s\n  not %s", i, STR_ARG(rows[i].in), out.at,
                     rows[i].out);
        pool_close(&job.pool);
    }
}

#define CHECK(rows, name) check_rows(rows, sizeof(rows) / sizeof *(rows), STR(name))

static void resolves_scalars_by_the_core_schema(void **state)
{
    static const struct row rows[] = {
        {STR_INIT("[null, Null, NULL, ~, ]"), "[null,null,null,null]"},
        {STR_INIT("[nULL, nil, none]"), "[\"nULL\",\"nil\",\"none\"]"},
        {STR_INIT("[true, True, TRUE, false, False, FALSE]"), "[true,true,true,false,false,false]"},
        {STR_INIT("[yes, no, on, off, y, n, tRUE]"),
         "[\"yes\",\"no\",\"on\",\"off\",\"y\",\"n\",\"tRUE\"]"},
        {STR_INIT("[0, 17, 017, 08, -5, +5, 0o17, 0x1F, 0xff]"), "[0,17,17,8,-5,5,15,31,255]"},
        {STR_INIT("[0o8, 0x, 0xg, 0b1, -0x1, +0o7, 0X1F, 0O7]"),
         "[\"0o8\",\"0x\",\"0xg\",\"0b1\",\"-0x1\",\"+0o7\",\"0X1F\",\"0O7\"]"},
        {STR_INIT("[1_000, 1:30, 190:20:30, 2001-12-14, 12e, e3, 0.1.2, 1.2.3]"),
         "[\"1_000\",\"1:30\",\"190:20:30\",\"2001-12-14\",\"12e\",\"e3\",\"0.1.2\",\"1.2.3\"]"},
        {STR_INIT("[1e3, 1.5, -0.5, 1E-3]"), "[1e3,1.5,-0.5,1E-3]"},
        {STR_INIT("[.5, 5., +1.5, +.5e1]"), "[0.5,5.0,1.5,5.0]"}, /* floats stay floats */
        {STR_INIT("[-0., -.0, -0.0, -0]"), "[-0.0,-0.0,-0.0,0]"},
        {STR_INIT("[., .e1, -, +, e, 1e, 1e+]"),
         "[\".\",\".e1\",\"-\",\"+\",\"e\",\"1e\",\"1e+\"]"},
        {STR_INIT("[.inf, -.INF, +.Inf, .nan, .NaN]"),
         "[\".inf\",\"-.INF\",\"+.Inf\",\".nan\",\".NaN\"]"}, /* numbers that JSON cannot say */
        {STR_INIT("[inf, nan, -.nan, .iNF]"), "[\"inf\",\"nan\",\"-.nan\",\".iNF\"]"},
        {STR_INIT("[9223372036854775807, -9223372036854775808]"),
         "[9223372036854775807,-9223372036854775808]"},
        {STR_INIT("[9223372036854775808, 0xffffffffffffffffff]"),
         "[9223372036854775808,4.7223664828696452e+21]"},
        {STR_INIT("['1', \"true\", \"\", '~']"), "[\"1\",\"true\",\"\",\"~\"]"},
        {STR_INIT("a: |\n  12\n"), "{\"a\":\"12\\n\"}"},
        {STR_INIT("a: >\n  x\n  y\n"), "{\"a\":\"x y\\n\"}"},
        {STR_INIT("a:\nb: 1\n"), "{\"a\":null,\"b\":1}"},
        {STR_INIT("\"\\u00e9\\U0001F600\\x41\\0\""), "\"\xc3\xa9\xf0\x9f\x98\x80"
                                                     "A\\u0000\""},
    };

    (void)state;
    CHECK(rows, "x.yaml");
}

static void keeps_the_kinds(void **state)
{
    struct job job;
    struct node *root;

    (void)state;
    job_begin(&job);
    root = yaml_read(&job, source_add(&job.sources, STR("x"),
                                      STR("[~, true, 017, .inf, on, [], {}, -.inf, .nan, 0x10]")));
    static const enum node_kind kinds[] = {NODE_NULL, NODE_BOOL, NODE_INT,   NODE_FLOAT, NODE_TEXT,
                                           NODE_LIST, NODE_MAP,  NODE_FLOAT, NODE_FLOAT, NODE_INT};
    for (size_t i = 0; i < 10; i++)
        assert_int_equal(root->items[i]->kind, kinds[i]);
    assert_int_equal(root->items[2]->integer, 17);
    assert_true(str_eq(root->items[2]->text, STR("017")));
    assert_true(root->items[3]->number > 1e308);
    assert_true(root->items[7]->number < -1e308);
    assert_true(root->items[8]->number != root->items[8]->number);
    pool_close(&job.pool);
}

static void honours_core_tags_only(void **state)
{
    static const struct row rows[] = {
        {STR_INIT("[!!str 1, ! true, !!int \"7\", !!float 1, !!bool \"true\", !!null '']"),
         "[\"1\",\"true\",7,1,true,null]"},
        {STR_INIT("!!map {a: !!seq [1]}"), "{\"a\":[1]}"},
        {STR_INIT("! {a: ! [1]}"), "{\"a\":[1]}"},
        {STR_INIT("!!str k: 1"), "{\"k\":1}"},
        {STR_INIT("a: !!int x"), "1:4 tag"},
        {STR_INIT("a: !!bool yes"), "1:4 tag"},
        {STR_INIT("a: !!map [1]"), "1:4 tag"},
        {STR_INIT("a: !!seq {}"), "1:4 tag"},
        {STR_INIT("a: !!str [1]"), "1:4 tag"},
        {STR_INIT("a: !!binary aGk="), "1:4 tag"},
        {STR_INIT("a: !!timestamp 2001-12-14"), "1:4 tag"},
        {STR_INIT("a: !!set {x}"), "1:4 tag"},
        {STR_INIT("a: !!python/object:os.system x"), "1:4 tag"},
        {STR_INIT("a: !local {x: 1}"), "1:4 tag"},
        {STR_INIT("%TAG !e! tag:example.com,2000:\n---\na: !e!x 1"), "3:4 tag"},
        {STR_INIT("%TAG !y! tag:yaml.org,2002:\n---\na: !y!str 1"), "{\"a\":\"1\"}"},
    };

    (void)state;
    CHECK(rows, "x.yaml");
}

static void keys_become_text_and_are_unique(void **state)
{
    static const struct row rows[] = {
        {STR_INIT("200: a\ntrue: b\n~: c\n1.0: d\n"),
         "{\"200\":\"a\",\"true\":\"b\",\"~\":\"c\",\"1.0\":\"d\"}"},
        {STR_INIT("'': a"), "{\"\":\"a\"}"},
        {STR_INIT("{a, b: 1}"), "{\"a\":null,\"b\":1}"},
        {STR_INIT("? a\n? b\n: 1\n"), "{\"a\":null,\"b\":1}"},
        {STR_INIT("'<<': 1"), "{\"<<\":1}"},
        {STR_INIT("a: 1\nb: 2\na: 3\n"), "3:1 duplicate-key"},
        {STR_INIT("a: 1\n'a': 3\n"), "2:1 duplicate-key"},
        {STR_INIT("x: {\"\": 1, '': 2}"), "1:12 duplicate-key"},
        {STR_INIT("[{a: 1}, {a: 1}]"), "[{\"a\":1},{\"a\":1}]"},
        {STR_INIT("{a: 1, b: 2, c: 3, d: 4, e: 5, f: 6, g: 7, h: 8, i: 9, j: 10, k: 11, l: 12, "
                  "m: 13, c: 14}"),
         "1:84 duplicate-key"},
        {STR_INIT("[a]: 1"), "1:1 key-kind"},
        {STR_INIT("? {a: 1}\n: 1"), "1:3 key-kind"},
        {STR_INIT("x: &a {k: 1}\ny:\n  <<: *a\n"), "3:3 merge-key"},
        {STR_INIT("<<: {}\n"), "1:1 merge-key"},
    };

    (void)state;
    CHECK(rows, "x.yaml");
}

static void reports_every_duplicate_with_its_first(void **state)
{
    struct job job;

    (void)state;
    job_begin(&job);
    assert_null(yaml_read(&job, source_add(&job.sources, STR("x"), STR("a: 1\na: 2\na: 3\n"))));
    assert_int_equal(job.diags.errors, 2);
    assert_int_equal(job.diags.list.count, 4);
    assert_int_equal(job.diags.list.at[3].severity, DIAG_NOTE);
    assert_int_equal(job.diags.list.at[3].loc.line, 1);
    pool_close(&job.pool);
}

static void expands_aliases_within_reason(void **state)
{
    static const struct row rows[] = {
        {STR_INIT("a: &x [1, 2]\nb: *x\nc: {d: *x}\n"),
         "{\"a\":[1,2],\"b\":[1,2],\"c\":{\"d\":[1,2]}}"},
        {STR_INIT("&k a: 1\nb: *k\n"), "{\"a\":1,\"b\":\"a\"}"},
        {STR_INIT("a: &x k\n*x : 2\n"), "{\"a\":\"k\",\"k\":2}"},
        {STR_INIT("- &x 1\n- &x 2\n- *x\n"), "[1,2,2]"},
        {STR_INIT("a: *x\n"), "1:4 alias"},
        {STR_INIT("a: *x\nb: &x 1\n"), "1:4 alias"},
        {STR_INIT("&a [*a]"), "1:5 alias"},
        {STR_INIT("a: &m {b: {c: *m}}"), "1:15 alias"},
        {STR_INIT("a: &m {x: 1}\n? *m\n: 2\n"), "2:3 key-kind"},
    };

    (void)state;
    CHECK(rows, "x.yaml");
}

static void stops_alias_bombs(void **state)
{
    struct job job;
    struct text bomb = {.pool = &job.pool};

    (void)state;
    job_begin(&job);
    text_add(&bomb, STR("a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n"));
    for (int i = 1; i < 30; i++) {
        text_printf(&bomb, "a%d: &a%d [", i, i);
        for (int j = 0; j < 10; j++)
            text_printf(&bomb, "%s*a%d", j > 0 ? ", " : "", i - 1);
        text_add(&bomb, STR("]\n"));
    }
    struct str out = outcome(&job, STR("bomb.yaml"), text_str(&bomb));
    assert_string_equal(out.at, "7:45 alias");
    pool_close(&job.pool);
}

static void limits_nesting(void **state)
{
    static const char *const names[] = {"x.yaml", "x.json"};
    struct job job;

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        for (int depth = 255; depth <= 257; depth++) {
            job_begin(&job);
            struct text text = {.pool = &job.pool};
            for (int j = 0; j < depth; j++)
                text_byte(&text, '[');
            for (int j = 0; j < depth; j++)
                text_byte(&text, ']');
            struct str out = outcome(&job, str_of(names[i]), text_str(&text));
            if (depth <= 256)
                assert_int_equal(out.len, 2 * depth);
            else
                assert_string_equal(out.at, "1:257 nesting");
            pool_close(&job.pool);
        }
    }
    job_begin(&job); /* a hundred thousand must not take longer than a few */
    struct text text = {.pool = &job.pool};
    for (int j = 0; j < 100000; j++)
        text_byte(&text, '[');
    assert_string_equal(outcome(&job, STR("x.yaml"), text_str(&text)).at, "1:257 nesting");
    pool_close(&job.pool);
}

static void limits_nesting_through_aliases(void **state)
{
    struct job job;
    struct text text = {.pool = &job.pool};

    (void)state;
    job_begin(&job);
    text_add(&text, STR("- &a0 x\n"));
    for (int i = 1; i < 10; i++) {
        text_printf(&text, "- &a%d ", i);
        for (int j = 0; j < 50; j++)
            text_byte(&text, '[');
        text_printf(&text, "*a%d", i - 1);
        for (int j = 0; j < 50; j++)
            text_byte(&text, ']');
        text_byte(&text, '\n');
    }
    assert_string_equal(outcome(&job, STR("x.yaml"), text_str(&text)).at, "7:57 nesting");
    pool_close(&job.pool);
}

static void takes_one_document(void **state)
{
    static const struct row rows[] = {
        {STR_INIT("---\na: 1\n...\n"), "{\"a\":1}"},
        {STR_INIT("%YAML 1.2\n---\na: 1\n"), "{\"a\":1}"},
        {STR_INIT("a: 1\n---\nb: 2\n"), "2:1 documents"},
        {STR_INIT("a: 1\n...\n---\n"), "3:1 documents"},
        {STR_INIT(""), "1:1 empty-document"},
        {STR_INIT("\n# nothing\n"), "1:1 empty-document"},
        {STR_INIT("---\n"), "1:1 empty-document"},
        {STR_INIT("~"), "null"},
        {STR_INIT("%YAML 3.0\n---\na: 1\n"), "1:1 yaml-syntax"},
    };

    (void)state;
    CHECK(rows, "x.yaml");
}

static void accepts_marked_encodings_only(void **state)
{
    static const struct row rows[] = {
        {STR_INIT("\xef\xbb\xbf"
                  "a: \xc3\xa9\n"),
         "{\"a\":\"\xc3\xa9\"}"},
        {STR_INIT("\xff\xfe"
                  "a\0:\0 \0\xe9\0\n\0"),
         "{\"a\":\"\xc3\xa9\"}"},
        {STR_INIT("\xfe\xff"
                  "\0a\0:\0 \0\xe9\0\n"),
         "{\"a\":\"\xc3\xa9\"}"},
        {STR_INIT("\xff\xfe"
                  "a\0:\0 \0\x3d\xd8\x00\xde"),
         "{\"a\":\"\xf0\x9f\x98\x80\"}"},
        {STR_INIT("\xff\xfe"
                  "a\0:\0 \0\x3d\xd8"),
         "1:4 encoding"},
        {STR_INIT("a\0:\0 \0b\0"), "1:2 yaml-syntax"},
        {STR_INIT("\xff\xfe\0\0a\0\0\0"), "1:1 encoding"},
        {STR_INIT("a: caf\xe9\n"), "1:7 encoding"}, /* Latin-1 */
        {STR_INIT("\xc3\xa9: 1\nb: \xc0\x80\n"), "2:4 encoding"},
        {STR_INIT("a: \xed\xa0\x80\n"), "1:4 encoding"},
        {STR_INIT("a: \xc3"), "1:4 encoding"},
        {STR_INIT("\xc3\xa9: 1\nb: \x01\n"), "2:4 yaml-syntax"},
        {STR_INIT("a: b\x00"), "1:5 yaml-syntax"},
    };

    (void)state;
    CHECK(rows, "x.yaml");
}

static void places_syntax_errors(void **state)
{
    static const struct row rows[] = {
        {STR_INIT("a: [1, 2\nb: 3\n"), "2:2 yaml-syntax"},
        {STR_INIT("a: b: c\n"), "1:5 yaml-syntax"},
        {STR_INIT("a: 1\n\tb: 2\n"), "2:1 yaml-syntax"},
        {STR_INIT("\xc3\xa9\xc3\xa9: \"\xc3\xa9\nx\n"), "3:1 yaml-syntax"},
        {STR_INIT("a: 'x\n"), "2:1 yaml-syntax"},
        {STR_INIT("a: @x\n"), "1:4 yaml-syntax"},
        {STR_INIT("- a\nb: 1\n"), "2:1 yaml-syntax"},
        {STR_INIT("a: \"\\q\"\n"), "1:5 yaml-syntax"},
        {STR_INIT("{\n"), "2:1 yaml-syntax"},
        {STR_INIT("a: 1\n b: 2\n"), "2:3 yaml-syntax"},
    };

    (void)state;
    CHECK(rows, "x.yaml");
}

static void places_are_lines_and_characters(void **state)
{
    struct str yaml = STR("h\xc3\xa9\xf0\x9f\x98\x80: [\xc3\xa9, b]\r\n"
                          "\xe6\x97\xa5: x # \xc3\xa9\xc3\xa9\r\n"
                          "k:\r\n  - \xc3\xa9: deep\r\n    l: |\r\n      \xc3\xa9\r\n"
                          "z: \"\xc3\xa9\\\r\n  b\"\r\nend: 1");
    struct job job;
    const struct node *root, *deep;

    (void)state;
    job_begin(&job);
    root = yaml_read(&job, source_add(&job.sources, STR("x"), yaml));
    assert_non_null(root);
    static const uint32_t keys[][4] = {
        {1, 1, 1, 6}, {2, 1, 2, 4}, {3, 1, 4, 3}, {7, 1, 7, 4}, {9, 1, 9, 6}};
    for (size_t i = 0; i < 5; i++) {
        assert_int_equal(root->members[i].key_loc.line, keys[i][0]);
        assert_int_equal(root->members[i].key_loc.col, keys[i][1]);
        assert_int_equal(root->members[i].value->loc.line, keys[i][2]);
        assert_int_equal(root->members[i].value->loc.col, keys[i][3]);
    }
    assert_int_equal(root->members[0].value->items[1]->loc.col, 10);
    deep = root->members[2].value->items[0];
    assert_int_equal(deep->members[0].value->loc.line, 4);
    assert_int_equal(deep->members[0].value->loc.col, 8);
    assert_int_equal(deep->members[1].key_loc.line, 5);
    assert_int_equal(deep->members[1].key_loc.col, 5);
    pool_close(&job.pool);
}

static void json_follows_its_own_rules(void **state)
{
    static const struct row rows[] = {
        {STR_INIT("{\"a\":[1,2.50,true,null,\"\\ud83d\\ude00\\/\"]}"),
         "{\"a\":[1,2.50,true,null,\"\xf0\x9f\x98\x80/\"]}"},
        {STR_INIT("[18446744073709551615, -0, 1e3]"), "[18446744073709551615,0,1e3]"},
        {STR_INIT("\xef\xbb\xbf{\"a\":1}"), "{\"a\":1}"},
        {STR_INIT("{\"<<\":{}}"), "{\"<<\":{}}"},
        {STR_INIT("{\"a\":1,}"), "1:8 json-syntax"},
        {STR_INIT("{\"\xc3\xa9\":1,\n \"b\":'x'}"), "2:6 json-syntax"},
        {STR_INIT("{\"a\":1,\n\"a\":2}"), "2:1 duplicate-key"},
        {STR_INIT("{\"a\":1,\n\"\\u0061\":2}"), "2:1 duplicate-key"},
        {STR_INIT("{\"a\":\"\\ud83d\"}"), "1:7 json-syntax"},
        {STR_INIT("{\"a\":1} x"), "1:9 json-syntax"},
        {STR_INIT("[01]"), "1:2 json-syntax"},
        {STR_INIT("a: 1"), "1:1 json-syntax"},
        {STR_INIT(""), "1:1 json-syntax"},
        {STR_INIT("[\"\xff\"]"), "1:3 encoding"},
        {STR_INIT("\"\xc3\xa9\"\n\n\n\t]"), "4:2 json-syntax"},
    };

    (void)state;
    CHECK(rows, "x.json");
}

static void json_is_recognised_by_its_content(void **state)
{
    static const struct row rows[] = {
        {STR_INIT(" \n{\"a\":\"\\ud83d\\ude00\"}"), "{\"a\":\"\xf0\x9f\x98\x80\"}"},
        {STR_INIT("[\"x\ty\"]"), "[\"x\\ty\"]"}, /* no JSON, but YAML */
        {STR_INIT("{a: 1, # flow YAML\n}"), "{\"a\":1}"},
        {STR_INIT("{\"a\":1,\"a\":2}"), "1:8 duplicate-key"},
        {STR_INIT("[01, 0x10]"), "[1,16]"},
        {STR_INIT("{\"a\":1}\n---\n{}"), "2:1 documents"},
    };

    (void)state;
    CHECK(rows, "-");
}

static void reads_and_complains_once(void **state)
{
    struct job job;
    uint32_t good, bad;

    (void)state;
    job_begin(&job);
    good = source_add(&job.sources, STR("good"), STR("a: 1"));
    bad = source_add(&job.sources, STR("bad"), STR("a: ["));
    assert_ptr_equal(yaml_read(&job, good), yaml_read(&job, good));
    assert_null(yaml_read(&job, bad));
    assert_null(yaml_read(&job, bad));
    assert_int_equal(job.diags.errors, 1);
    assert_null(yaml_read(&job, 0));
    assert_null(yaml_read(&job, 9));
    pool_close(&job.pool);
}

static void looks_things_up(void **state)
{
    struct job job;
    const struct node *root;

    (void)state;
    job_begin(&job);
    root = yaml_read(&job, source_add(&job.sources, STR("x"), STR("a: {b: [1]}\nc: x")));
    assert_string_equal(node_kind_name(node_get(node_get(root, "a"), "b")), "a list");
    assert_null(node_get(root, "z"));
    assert_null(node_get(NULL, "a"));
    assert_null(node_get(node_get(root, "c"), "x"));
    assert_true(str_eq(node_member(root, STR("c"))->key, STR("c")));
    struct text text = {.pool = &job.pool};
    node_json(root, &text, 2);
    assert_string_equal(text.at, "{\n  \"a\": {\n    \"b\": [\n      1\n    ]\n  },\n"
                                 "  \"c\": \"x\"\n}");
    pool_close(&job.pool);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(resolves_scalars_by_the_core_schema),
        cmocka_unit_test(keeps_the_kinds),
        cmocka_unit_test(honours_core_tags_only),
        cmocka_unit_test(keys_become_text_and_are_unique),
        cmocka_unit_test(reports_every_duplicate_with_its_first),
        cmocka_unit_test(expands_aliases_within_reason),
        cmocka_unit_test(stops_alias_bombs),
        cmocka_unit_test(limits_nesting),
        cmocka_unit_test(limits_nesting_through_aliases),
        cmocka_unit_test(takes_one_document),
        cmocka_unit_test(accepts_marked_encodings_only),
        cmocka_unit_test(places_syntax_errors),
        cmocka_unit_test(places_are_lines_and_characters),
        cmocka_unit_test(json_follows_its_own_rules),
        cmocka_unit_test(json_is_recognised_by_its_content),
        cmocka_unit_test(reads_and_complains_once),
        cmocka_unit_test(looks_things_up),
    };

    return cmocka_run_group_tests_name("yaml", tests, NULL, NULL);
}
