/* Keys of `paths` become segments. */
#include "documents.h"
#include "pathtemplate.h"

static const struct urlpath_rules rules = {.normalize = true, .case_sensitive = true};

/* "/a/{0}.json", a tail as {0...}, empty segments as they are. */
static struct str shape(struct pool *pool, const struct ir_endpoint *e)
{
    struct str s = STR("");

    for (size_t i = 0; i < e->segments.count; i++) {
        s = pool_printf(pool, "%.*s/", STR_ARG(s));
        for (size_t j = 0; j < e->segments.at[i].parts.count; j++) {
            const struct ir_part *part = &e->segments.at[i].parts.at[j];
            if (part->param >= 0)
                s = pool_printf(pool, "%.*s{%d%s}", STR_ARG(s), part->param,
                                e->segments.at[i].tail ? "..." : "");
            else
                s = pool_printf(pool, "%.*s%.*s", STR_ARG(s), STR_ARG(part->literal));
        }
    }
    return e->trailing_slash ? pool_printf(pool, "%.*s/", STR_ARG(s)) : s;
}

static void shapes(void **state)
{
    static const struct {
        const char *pattern;
        bool prefix;
        const char *shape; /* NULL: an error */
        size_t literal;    /* what strip: match cuts */
    } rows[] = {
        {"/", false, "/", 0},
        {"/a", false, "/a", 2},
        {"/a/", false, "/a/", 2},
        {"/a//b", false, "/a//b", 5},
        {"/{x}", false, "/{0}", 0},
        {"/{x}", true, "/{0...}", 0},
        {"/a/{x}/{y}", true, "/a/{0}/{1...}", 2},
        {"/a/{x}.json", false, "/a/{0}.json", 2},
        {"/v{x}", false, "/v{0}", 0},
        {"/{a}...{b}", false, "/{0}...{1}", 0},
        {"/{id}:cancel", false, "/{0}:cancel", 0},
        {"/%7Ea b/é", false, "/~a%20b/%C3%A9", 14},
        {"/a?b=c", false, "/a", 2},
        {"/{a b}", false, "/{0}", 0},
        {"/{x", false, NULL, 0},
        {"/x}", false, NULL, 0},
        {"/{}", false, NULL, 0},
        {"/{x}{y}", false, NULL, 0},
        {"/..", false, NULL, 0},
        {"/%2e%2E/a", false, NULL, 0},
        {"/a/%0", false, NULL, 0},
        {"/a", true, NULL, 0},
        {"/", true, NULL, 0},
        {"/{x}/", true, NULL, 0},
        {"/{x}.json", true, NULL, 0},
    };
    struct job *job = *state;

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct ir_endpoint e = {.pattern = str_of(rows[i].pattern)};
        bool good = pathtemplate_read(job, &e, &rules, rows[i].prefix);
        if (good != (rows[i].shape != NULL))
            fail_msg("%s: %s", rows[i].pattern, good ? "read" : "refused");
        if (!good)
            continue;
        struct str found = shape(&job->pool, &e);
        if (!str_eq(found, str_of(rows[i].shape)))
            fail_msg("%s: %.*s", rows[i].pattern, STR_ARG(found));
        assert_int_equal(pathtemplate_literal(&e), rows[i].literal);
    }
}

static void queries(void **state)
{
    struct ir_endpoint e = {.pattern = STR("/a?x=1&y&z={z}&&w=")};

    assert_true(pathtemplate_read(*state, &e, &rules, false));
    assert_int_equal(e.query.count, 4);
    assert_text(e.query.at[0].values[0], "1");
    assert_int_equal(e.query.at[1].value_count, 0);
    assert_text(e.query.at[2].name, "z");
    assert_int_equal(e.query.at[2].value_count, 0);
    assert_text(e.query.at[3].values[0], "");
}

static void pieces(void **state)
{
    struct job *job = *state;
    struct ir_endpoint e = {.pattern = STR("/a/{x}/{y}")};
    struct pathtemplate_pieces good = {0}, bad = {0};

    assert_true(pathtemplate_read(job, &e, &rules, false));
    assert_true(pathtemplate_fill(job, &e, (struct said){.text = STR("/b/{y}-{x}")}, &good));
    assert_int_equal(good.list.count, 4);
    assert_text(good.list.at[0].literal, "/b/");
    assert_int_equal(good.list.at[1].param, 1);
    assert_text(good.list.at[2].literal, "-");
    assert_int_equal(good.list.at[3].param, 0);
    assert_false(pathtemplate_fill(job, &e, (struct said){.text = STR("/b/{z}")}, &bad));
    assert_false(pathtemplate_fill(job, &e, (struct said){.text = STR("/b/{x")}, &bad));
    assert_int_equal(said(job, "unknown-parameter"), 2);
}

static void as_many_parameters_as_a_request_has_room_for(void **state)
{
    struct job *job = *state;
    struct ir_endpoint e = {0};
    struct str pattern = STR("");

    for (int i = 0; i < PATHTEMPLATE_MAX_PARAMS; i++)
        pattern = pool_printf(&job->pool, "%.*s/{p%d}", STR_ARG(pattern), i);
    e.pattern = pattern;
    assert_true(pathtemplate_read(job, &e, &rules, false));
    e = (struct ir_endpoint){.pattern = pool_printf(&job->pool, "%.*s/{q}", STR_ARG(pattern))};
    assert_false(pathtemplate_read(job, &e, &rules, false));
    assert_int_equal(said(job, "too-many-parameters"), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(shapes, job_set_up, job_tear_down),
        cmocka_unit_test_setup_teardown(queries, job_set_up, job_tear_down),
        cmocka_unit_test_setup_teardown(pieces, job_set_up, job_tear_down),
        cmocka_unit_test_setup_teardown(as_many_parameters_as_a_request_has_room_for, job_set_up,
                                        job_tear_down),
    };

    return cmocka_run_group_tests_name("pathtemplate", tests, NULL, NULL);
}
