/* Overlays: merging, removing, and that the tree underneath is never written to. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/text.h"
#include "overlay.h"
#include "ref.h"
#include "yaml.h"

static struct str shown(struct job *job, const struct node *node)
{
    struct text text = {.pool = &job->pool};

    node_json(node, &text, 0);
    return text_str(&text);
}

/* The new tree on one line, or the first error as "!line:col code". */
static struct str outcome(struct job *job, const char *document, struct str overlay)
{
    struct node *root =
        yaml_read(job, source_add(&job->sources, STR("doc.yaml"), str_of(document)));
    struct str before = shown(job, root);
    struct node *result =
        overlay_apply(job, root, source_add(&job->sources, STR("overlay.yaml"), overlay));

    assert_true(str_eq(before, shown(job, root)));
    if (result) {
        assert_false(job_failed(job));
        return shown(job, result);
    }
    assert_true(job_failed(job));
    struct diag_message m = job->diags.list.at[0];
    return pool_printf(&job->pool, "!%u:%u %s", m.loc.line, m.loc.col, m.code);
}

struct row {
    const char *document, *actions, *out;
};

static void check_rows(const struct row *rows, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct job job;
        job_begin(&job);
        struct str overlay =
            pool_printf(&job.pool, "overlay: 1.0.0\ninfo: {title: t, version: 1.0.0}\nactions:\n%s",
                        rows[i].actions);
        struct str out = outcome(&job, rows[i].document, overlay);
        if (!str_eq(out, str_of(rows[i].out)))
            fail_msg("%s\n gave %s\n  not %s", rows[i].actions, out.at, rows[i].out);
        pool_close(&job.pool);
    }
}

#define CHECK(rows) check_rows(rows, sizeof(rows) / sizeof *(rows))

static void updates_merge(void **state)
{
    static const struct row rows[] = {
        {"{a: 1}", "- {target: $, update: {b: 2}}", "{\"a\":1,\"b\":2}"},
        {"{a: 1}", "- {target: $, update: {a: 2}}", "{\"a\":2}"},
        {"{a: {x: 1, y: {z: 2}}}", "- {target: $, update: {a: {y: {w: 3}, x: 4}}}",
         "{\"a\":{\"x\":4,\"y\":{\"z\":2,\"w\":3}}}"},
        {"{a: {x: 1}}", "- {target: $.a, update: {y: 2}}", "{\"a\":{\"x\":1,\"y\":2}}"},
        {"{l: [1]}", "- {target: $, update: {l: [2, 3]}}", "{\"l\":[1,2,3]}"},
        {"{l: [1]}", "- {target: $.l, update: [2, 3]}", "{\"l\":[1,2,3]}"},
        {"{l: [1]}", "- {target: $.l, update: {name: n}}", "{\"l\":[1,{\"name\":\"n\"}]}"},
        {"{l: [1]}", "- {target: $.l, update: x}", "{\"l\":[1,\"x\"]}"},
        {"{l: []}", "- {target: $.l, update: []}", "{\"l\":[]}"},
        {"{a: {}}", "- {target: $.a, update: {}}", "{\"a\":{}}"},
        {"{a: true}", "- {target: $, update: {a: {x: 1}}}", "{\"a\":{\"x\":1}}"},
        {"{a: {x: 1}}", "- {target: $, update: {a: false}}", "{\"a\":false}"},
        {"{a: [1]}", "- {target: $, update: {a: {x: 1}}}", "{\"a\":{\"x\":1}}"},
        {"{a: {x: 1}, l: [1], s: y}", "- {target: $, update: {a: , l: , s: }}",
         "{\"a\":{\"x\":1},\"l\":[1],\"s\":null}"},
        {"{a: {g: {}}, b: {g: {}}, c: {}}", "- {target: $.*.g, update: {s: 1}}",
         "{\"a\":{\"g\":{\"s\":1}},\"b\":{\"g\":{\"s\":1}},\"c\":{}}"},
        {"{a: {}}", "- {target: $, update: {}, description: nothing, x-y: 1}", "{\"a\":{}}"},
        {"{a: &m {x: 1}, b: *m}", "- {target: $.a, update: {y: 2}}",
         "{\"a\":{\"x\":1,\"y\":2},\"b\":{\"x\":1}}"},
        {"{a: {}}", "- {target: \"$['a','a']\", update: {l: [1]}}", "{\"a\":{\"l\":[1]}}"},
        {"{a: {l: []}}", "- {target: \"$..['l','l']\", update: 1}", "{\"a\":{\"l\":[1]}}"},
    };

    (void)state;
    CHECK(rows);
}

static void removals_leave_the_rest(void **state)
{
    static const struct row rows[] = {
        {"{a: 1, b: 2, c: 3}", "- {target: $.b, remove: true}", "{\"a\":1,\"c\":3}"},
        {"{a: {x: 1}}", "- {target: $.a.x, remove: true}", "{\"a\":{}}"},
        {"[{n: 1}, {n: 2}, {n: 1}, {n: 3}]", "- {target: '$[?@.n==1]', remove: true}",
         "[{\"n\":2},{\"n\":3}]"},
        {"{a: {d: 1, e: {d: 2}}, d: 3}", "- {target: $..d, remove: true}", "{\"a\":{\"e\":{}}}"},
        {"{a: {b: {c: 1}}}", "- {target: $..*, remove: true}", "{}"},
        {"[0, 1, 2, 3]", "- {target: '$[0,2,0]', remove: true}", "[1,3]"},
        {"{a: 1, b: 2}", "- {target: $.a, remove: true, update: {ignored: 1}}", "{\"b\":2}"},
        {"{a: {x: 1}}", "- {target: $.a, remove: false, update: {y: 2}}",
         "{\"a\":{\"x\":1,\"y\":2}}"},
        {"{a: {x: 1}}", "- {target: $.a, remove: false}", "{\"a\":{\"x\":1}}"},
        {"{a: &m {x: 1}, b: *m}", "- {target: $.b.x, remove: true}", "{\"a\":{\"x\":1},\"b\":{}}"},
    };

    (void)state;
    CHECK(rows);
}

static void actions_follow_each_other(void **state)
{
    static const struct row rows[] = {
        {"{a: 1}",
         "- {target: $, update: {b: {c: 1}}}\n- {target: $.b, update: {d: 2}}\n"
         "- {target: $.b.c, remove: true}\n- {target: $.a, remove: true}\n",
         "{\"b\":{\"d\":2}}"},
        /* one update laid on two places: what follows changes only one of them */
        {"{a: {}, b: {}}",
         "- {target: $.*, update: {s: {t: 1}}}\n- {target: $.a.s, update: {u: 2}}\n",
         "{\"a\":{\"s\":{\"t\":1,\"u\":2}},\"b\":{\"s\":{\"t\":1}}}"},
        {"{l: [1]}", "- {target: $.l, update: 2}\n- {target: $.l, update: 3}\n", "{\"l\":[1,2,3]}"},
    };

    (void)state;
    CHECK(rows);
}

static void refuses_bad_actions(void **state)
{
    static const struct row rows[] = {
        {"{a: 1}", "- {target: $.a, update: {x: 1}}", "!4:12 overlay"},
        {"{a: {}}", "- {target: $.a, update: 5}", "!4:25 overlay"},
        {"{a: {}}", "- {target: $.a, update: [1]}", "!4:25 overlay"},
        {"{a: {}}", "- {target: $, remove: true}", "!4:12 overlay"},
        {"{a: {}}", "- {target: $.a}", "!4:3 overlay"},
        {"{a: {}}", "- {update: {}}", "!4:3 overlay"},
        {"{a: {}}", "- {target: 5, update: {}}", "!4:12 overlay"},
        {"{a: {}}", "- {target: $.a, remove: yes}", "!4:25 overlay"},
        {"{a: {}}", "- {target: $.a, udpate: {}, remove: true}", "!4:17 unknown-key"},
        {"{a: {}}", "- nothing", "!4:3 overlay"},
        {"{a: {}}", "  x: 1", "!4:3 overlay"},
        {"{a: {}}", "- {target: '$.a[?length(@)]', update: {}}", "!4:18 jsonpath-unsupported"},
        {"{a: {}}", "- {target: '$.a b', update: {}}", "!4:16 jsonpath"},
        {"{a: {}}", "- {target: $.a b, update: {}}", "!4:15 jsonpath"},
        {"{a: {}}", "- {target: \"$\\u002Ea b\", update: {}}", "!4:12 jsonpath"},
    };

    (void)state;
    CHECK(rows);
}

static void refuses_what_is_no_overlay(void **state)
{
    static const struct {
        struct str text;
        const char *out;
    } rows[] = {
        {STR_INIT("overlay: 1.0.0\nactions: []"), "{\"a\":1}"},
        {STR_INIT("overlay: 1.0.3\nx-y: 1\nextends: doc.yaml\ninfo: {}\nactions: []"), "{\"a\":1}"},
        {STR_INIT("{}"), "!1:1 overlay"},
        {STR_INIT("[]"), "!1:1 overlay"},
        {STR_INIT("overlay: 1.0\nactions: []"), "!1:10 overlay"},
        {STR_INIT("overlay: 1.1.0\nactions: []"), "!1:10 overlay"},
        {STR_INIT("overlay: 1.0.0"), "!1:1 overlay"},
        {STR_INIT("overlay: 1.0.0\nactions: {}"), "!2:10 overlay"},
        {STR_INIT("overlay: 1.0.0\naction: []\nactions: []"), "!2:1 unknown-key"},
        {STR_INIT("overlay: ["), "!1:11 yaml-syntax"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct job job;
        job_begin(&job);
        assert_string_equal(outcome(&job, "a: 1", rows[i].text).at, rows[i].out);
        pool_close(&job.pool);
    }
}

static void a_target_without_match_is_a_warning(void **state)
{
    struct job job;

    (void)state;
    job_begin(&job);
    struct str out = outcome(&job, "a: 1",
                             STR("overlay: 1.0.0\nactions:\n- target: $.b\n"
                                 "  remove: true\n- target: $\n  update: {c: 1}"));
    assert_string_equal(out.at, "{\"a\":1,\"c\":1}");
    assert_int_equal(job.diags.warnings, 1);
    assert_string_equal(job.diags.list.at[0].code, "overlay-no-match");
    assert_int_equal(job.diags.list.at[0].loc.line, 3);
    pool_close(&job.pool);
}

static void references_see_the_new_document(void **state)
{
    struct str overlay = STR("overlay: 1.0.0\nactions:\n- target: $.defs\n  update:\n"
                             "    New: {$ref: '#/defs/Old'}\n    Old: changed\n"
                             "- target: $\n  update: {use: {$ref: '#/defs/New'}}\n");
    struct job job;
    struct node *roots[2];
    uint32_t overlay_file;

    (void)state;
    job_begin(&job);
    overlay_file = source_add(&job.sources, STR("overlay.yaml"), overlay);
    for (int i = 0; i < 2; i++) { /* one overlay over two documents */
        struct str text = pool_printf(&job.pool, "defs: {Old: old, Which: w%d}\n", i);
        roots[i] = yaml_read(&job, source_add(&job.sources, STR("doc"), text));
        roots[i] = overlay_apply(&job, roots[i], overlay_file);
        assert_non_null(roots[i]);
    }
    for (int i = 0; i < 2; i++) {
        struct node *found = ref_follow(&job, node_get(roots[i], "use"));
        assert_non_null(found);
        assert_true(str_eq(found->text, STR("changed")));
    }
    assert_false(job_failed(&job));
    pool_close(&job.pool);
}

static void what_an_overlay_adds_keeps_its_place(void **state)
{
    struct job job;
    struct node *root;
    const struct member *added;

    (void)state;
    job_begin(&job);
    root = yaml_read(&job, source_add(&job.sources, STR("doc"), STR("a: {b: 1}")));
    root = overlay_apply(&job, root,
                         source_add(&job.sources, STR("over"),
                                    STR("overlay: 1.0.0\nactions:\n- target: $.a\n  update:\n"
                                        "    c: 2\n    b: 3\n")));
    added = node_member(node_get(root, "a"), STR("c"));
    assert_int_equal(added->key_loc.file, 2);
    assert_int_equal(added->value->loc.line, 5);
    assert_int_equal(node_get(node_get(root, "a"), "b")->loc.line, 6);
    assert_int_equal(root->loc.file, 1);
    pool_close(&job.pool);
}

static void nesting_stays_limited(void **state)
{
    struct job job;
    struct text overlay = {.pool = &job.pool};

    (void)state;
    job_begin(&job);
    text_add(&overlay, STR("overlay: 1.0.0\nactions:\n"));
    for (int i = 0; i < 3; i++) {
        text_add(&overlay, STR("- target: $..bottom\n  update: "));
        for (int j = 0; j < 100; j++)
            text_add(&overlay, STR("{\"a\":"));
        text_printf(&overlay, "{\"bottom\": {}}");
        for (int j = 0; j < 100; j++)
            text_byte(&overlay, '}');
        text_byte(&overlay, '\n');
    }
    /* The selected ones nest: each round goes a hundred levels deeper. */
    assert_string_equal(outcome(&job, "bottom: {}", text_str(&overlay)).at, "!8:11 nesting");
    pool_close(&job.pool);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(updates_merge),
        cmocka_unit_test(removals_leave_the_rest),
        cmocka_unit_test(actions_follow_each_other),
        cmocka_unit_test(refuses_bad_actions),
        cmocka_unit_test(refuses_what_is_no_overlay),
        cmocka_unit_test(a_target_without_match_is_a_warning),
        cmocka_unit_test(references_see_the_new_document),
        cmocka_unit_test(what_an_overlay_adds_keeps_its_place),
        cmocka_unit_test(nesting_stays_limited),
    };

    return cmocka_run_group_tests_name("overlay", tests, NULL, NULL);
}
