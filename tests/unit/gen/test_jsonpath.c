/* JSONPath: what is selected, in which order, and what is no query. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/text.h"
#include "jsonpath.h"
#include "yaml.h"

/* The selected values on one line, or the complaint as "!column code". */
static struct str outcome(struct job *job, const char *document, const char *query)
{
    struct node *root =
        yaml_read(job, source_add(&job->sources, STR("doc.yaml"), str_of(document)));
    uint32_t file = source_add(&job->sources, STR("query"), str_of(query));
    struct text out = {.pool = &job->pool};
    struct jsonpath_hits hits = {0};
    struct jsonpath *path;

    assert_non_null(root);
    path = jsonpath_parse(job, str_of(query), (struct loc){file, 1, 1});
    if (!path || !jsonpath_select(job, path, root, &hits)) {
        assert_int_equal(job->diags.errors, 1);
        struct diag_message m = job->diags.list.at[0];
        return pool_printf(&job->pool, "!%u %s", m.loc.col, m.code);
    }
    assert_int_equal(job->diags.errors, 0);
    text_add(&out, STR(""));
    for (size_t i = 0; i < hits.list.count; i++) {
        text_add(&out, i > 0 ? STR(" ") : STR(""));
        node_json(hits.list.at[i]->node, &out, 0);
    }
    return text_str(&out);
}

struct row {
    const char *query, *out;
};

static void check_rows(const char *document, const struct row *rows, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct job job;
        job_begin(&job);
        struct str out = outcome(&job, document, rows[i].query);
        if (!str_eq(out, str_of(rows[i].out)))
            fail_msg("%s\n gave %s\n  not %s", rows[i].query, out.at, rows[i].out);
        pool_close(&job.pool);
    }
}

#define CHECK(document, rows) check_rows(document, rows, sizeof(rows) / sizeof *(rows))

static void selects_by_name_and_index(void **state)
{
    static const struct row rows[] = {
        {"$.a", "{\"b\":[1,2,3],\"c d\":true}"},
        {"$.a.b", "[1,2,3]"},
        {"$['a']['c d']", "true"},
        {"$[\"a\"][\"c d\"]", "true"},
        {"$.a.b[0]", "1"},
        {"$.a.b[-1]", "3"},
        {"$.a.b[3]", ""},
        {"$.a.b[-4]", ""},
        {"$.a.b[0,2,0]", "1 3 1"},
        {"$ .a [ 'b' , 'c d' ]", "[1,2,3] true"},
        {"$.a\n.b", "[1,2,3]"},
        {"$.zz.b", ""},
        {"$.a.b.x", ""},
        {"$.a[0]", ""},
        {"$['\\u0061'].b[1]", "2"},
        {"$['it\\'s']", "\"quote\""},
        {"$[\"it's\"]", "\"quote\""},
        {"$['say \"x\"']", "\"double\""},
        {"$[\"say \\\"x\\\"\"]", "\"double\""},
        {"$['\\ud83d\\ude00']", "\"smile\""},
        {"$['\xf0\x9f\x98\x80']", "\"smile\""},
        {"$.\xc3\xa9", "\"accent\""},
        {"$['a\\\\b\\/\\n']", "\"escapes\""},
        {"$['']", "\"empty\""},
        {"$.200", "!3 jsonpath"},
        {"$['200']", "\"ok\""},
    };

    (void)state;
    CHECK("{a: {b: [1, 2, 3], c d: true}, \"it's\": quote, 'say \"x\"': double, "
          "\"\\U0001F600\": smile, \xc3\xa9: accent, \"a\\\\b/\\n\": escapes, '': empty, 200: ok}",
          rows);
}

static void selects_slices(void **state)
{
    static const struct row rows[] = {
        {"$[1:3]", "1 2"},
        {"$[5:]", "5 6"},
        {"$[:2]", "0 1"},
        {"$[1:5:2]", "1 3"},
        {"$[5:1:-2]", "5 3"},
        {"$[::-1]", "6 5 4 3 2 1 0"},
        {"$[:]", "0 1 2 3 4 5 6"},
        {"$[-2:]", "5 6"},
        {"$[:-5]", "0 1"},
        {"$[::0]", ""},
        {"$[3:1]", ""},
        {"$[10:]", ""},
        {"$[-100:2]", "0 1"},
        {"$[100::-3]", "6 3 0"},
        {"$[1 : 3 : 1]", "1 2"},
        {"$[::9007199254740991]", "0"},
        {"$[::-9007199254740991]", "6"},
        {"$[-9007199254740991:9007199254740991]", "0 1 2 3 4 5 6"},
        {"$[9007199254740992]", "!3 jsonpath"},
        {"$[01]", "!3 jsonpath"},
        {"$[-0]", "!3 jsonpath"},
        {"$[1:2:3:4]", "!8 jsonpath"},
        {"$[-]", "!3 jsonpath"},
        {"$[1.0]", "!4 jsonpath"},
        {"$[-01]", "!3 jsonpath"},
    };

    (void)state;
    CHECK("[0, 1, 2, 3, 4, 5, 6]", rows);
}

static void selects_wildcards_and_descendants(void **state)
{
    static const struct row rows[] = {
        {"$.*", "{\"x\":1} [5,{\"x\":2}]"},
        {"$[*].x", "1"},
        {"$..x", "1 2"},
        {"$..[0]", "5"},
        {"$..*", "{\"x\":1} [5,{\"x\":2}] 1 5 {\"x\":2} 2"},
        {"$..['x', 0]", "1 5 2"},
        {"$.l..x", "2"},
        {"$..x..y", ""},
        {"$..", "!4 jsonpath"},
        {"$...x", "!4 jsonpath"},
        {"$.", "!3 jsonpath"},
        {"$.*.*", "1 5 {\"x\":2}"},
    };

    (void)state;
    CHECK("{a: {x: 1}, l: [5, {x: 2}]}", rows);
}

static void filters(void **state)
{
    static const struct row rows[] = {
        {"$[?@.n]", "{\"n\":1,\"s\":\"a\"} {\"n\":2.0,\"s\":\"b\"} {\"n\":null}"},
        {"$[?@.n==1].s", "\"a\""},
        {"$[?@.n==2].s", "\"b\""},
        {"$[?@.n==2.0e0].s", "\"b\""},
        {"$[?@.n!=1].s", "\"b\" \"c\""},
        {"$[?@.n<2].s", "\"a\""},
        {"$[?@.n<=2].s", "\"a\" \"b\""},
        {"$[?@.n>1].s", "\"b\""},
        {"$[?@.n>=1].s", "\"a\" \"b\""},
        {"$[?2>@.n].s", "\"a\""},
        {"$[?@.s>'a'].s", "\"b\" \"c\""},
        {"$[?@.s=='a' || @.s==\"c\"].s", "\"a\" \"c\""},
        {"$[?@.s && @.n].s", "\"a\" \"b\""},
        {"$[?@.s && !@.n].s", "\"c\""},
        {"$[?@.s && !(@.n == 1)].s", "\"b\" \"c\""},
        {"$[?!@.s]", "{\"n\":null} 7 {\"l\":[1,2]}"},
        {"$[?@.n==null]", "{\"n\":null}"},
        {"$[?@.n==@.m].s", "\"c\""},
        {"$[?@==7]", "7"},
        {"$[?@>=7]", "7"},
        {"$[?@.s=='a' && @.n==1 || @.n==2 && @.s=='b'].s", "\"a\" \"b\""},
        {"$[?(@.s=='a' || @.s=='b') && @.n==2].s", "\"b\""},
        {"$[?@.l[1]==2].l[0]", "1"},
        {"$[?@.l==$[5].l].l", "[1,2]"},
        {"$[?@.l[?@>1]].l", "[1,2]"},
        {"$[?@.b==true]", ""},
        {"$[?true==true]", "{\"n\":1,\"s\":\"a\"} {\"n\":2.0,\"s\":\"b\"} {\"s\":\"c\"} "
                           "{\"n\":null} 7 {\"l\":[1,2]}"},
        {"$[?1==1.0 && -0==0 && 1e1==10 && '1'!=1].s", "\"a\" \"b\" \"c\""},
        {"$[?'a'<'b' && !('b'<'a') && null<=null && !(null<null)].s", "\"a\" \"b\" \"c\""},
        {"$[ ? @.s == 'a' ].s", "\"a\""},
        {"$[?$[0].n==1].s", "\"a\" \"b\" \"c\""},
        {"$[?@['s']=='a'].n", "1"},
    };

    (void)state;
    CHECK("[{n: 1, s: a}, {n: 2.0, s: b}, {s: c}, {n: null}, 7, {l: [1, 2]}]", rows);
}

static void refuses_what_is_no_query(void **state)
{
    static const struct row rows[] = {
        {"", "!1 jsonpath"},
        {"a", "!1 jsonpath"},
        {"@.a", "!1 jsonpath"},
        {" $", "!1 jsonpath"},
        {"$ ", "!2 jsonpath"},
        {"$a", "!2 jsonpath"},
        {"$.a b", "!4 jsonpath"},
        {"$.a-b", "!4 jsonpath"},
        {"$. a", "!3 jsonpath"},
        {"$.'a'", "!3 jsonpath"},
        {"$[", "!3 jsonpath"},
        {"$[]", "!3 jsonpath"},
        {"$['a'", "!6 jsonpath"},
        {"$['a',]", "!7 jsonpath"},
        {"$['a' 'b']", "!7 jsonpath"},
        {"$[a]", "!3 jsonpath"},
        {"$['a]", "!3 jsonpath"},
        {"$['a\\']", "!3 jsonpath"},
        {"$['\\x']", "!3 jsonpath"},
        {"$['\\\"']", "!3 jsonpath"},
        {"$[\"\\'\"]", "!3 jsonpath"},
        {"$['\\ud800']", "!3 jsonpath"},
        {"$['a\tb']", "!3 jsonpath"},
        {"$[?]", "!4 jsonpath"},
        {"$[?@.a==]", "!9 jsonpath"},
        {"$[?@.a=1]", "!7 jsonpath"},
        {"$[?1]", "!5 jsonpath"},
        {"$[?'a']", "!7 jsonpath"},
        {"$[?@.a==1 &&]", "!13 jsonpath"},
        {"$[?(@.a==1]", "!11 jsonpath"},
        {"$[?!@.a==1]", "!5 jsonpath"},
        {"$[?@.*==1]", "!4 jsonpath"},
        {"$[?@..a==1]", "!4 jsonpath"},
        {"$[?@.a==@[0:1]]", "!9 jsonpath"},
        {"$[?@.a==01]", "!9 jsonpath"},
        {"$[?@.a==1.]", "!9 jsonpath"},
        {"$[?@.a==True]", "!9 jsonpath"},
        {"$[?@.a==b]", "!9 jsonpath"},
        {"$[?@.a==1==2]", "!10 jsonpath"},
        {"$[?length(@.a)>1]", "!4 jsonpath-unsupported"},
        {"$[?@.a==1 && match(@.b, 'x')]", "!14 jsonpath-unsupported"},
        {"$[?@.a == count(@.*)]", "!11 jsonpath-unsupported"},
        {"$[(@.length-1)]", "!3 jsonpath"},
        {"$.a~", "!4 jsonpath"},
        {"$['\xc3\xa9'].b!", "!9 jsonpath"}, /* columns are characters */
    };

    (void)state;
    CHECK("{a: 1}", rows);
}

static void limits_depth_and_work(void **state)
{
    struct job job;
    struct text query = {.pool = &job.pool}, document = {.pool = &job.pool};

    (void)state;
    job_begin(&job);
    text_add(&query, STR("$[?"));
    for (int i = 0; i < 10000; i++)
        text_byte(&query, '(');
    assert_string_equal(outcome(&job, "a: 1", query.at).at, "!68 jsonpath");
    pool_close(&job.pool);
    job_begin(&job);
    query = (struct text){.pool = &job.pool};
    for (int i = 0; i < 20000; i++)
        text_add(&query, i == 0 ? STR("$") : STR("..*"));
    query.len = 60001;
    query.at[query.len] = '\0';
    for (int i = 0; i < 60; i++)
        text_byte(&document, '[');
    for (int i = 0; i < 60; i++)
        text_byte(&document, ']');
    /* At most 59 levels survive, but what remains of the first ones multiplies. */
    assert_string_equal(outcome(&job, document.at, query.at).at, "!1 jsonpath");
    pool_close(&job.pool);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(selects_by_name_and_index),
        cmocka_unit_test(selects_slices),
        cmocka_unit_test(selects_wildcards_and_descendants),
        cmocka_unit_test(filters),
        cmocka_unit_test(refuses_what_is_no_query),
        cmocka_unit_test(limits_depth_and_work),
    };

    return cmocka_run_group_tests_name("jsonpath", tests, NULL, NULL);
}
