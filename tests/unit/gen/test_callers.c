/* Who may call, in words. */
#include "callers.h"
#include "documents.h"

static const char document[] = HEAD
    "x-gateway:\n"
    "  upstreams: {blue: {targets: [{url: 'http://blue:1'}]}}\n"
    "  upstream: blue\n"
    "  consumers_file: {file: /run/more.yaml}\n"
    "  consumers:\n"
    "    batch: {groups: [staff], keys: [{env: A}]}\n"
    "    web: {groups: [public, staff], keys: [{env: B}]}\n"
    "    none: {groups: [staff]}\n"
    "components: {securitySchemes: {key: {type: apiKey, in: header, name: X-Key}}}\n"
    "paths:\n"
    "  /public: {get: {responses: {default: {description: d}}}}\n"
    "  /any: {get: {security: [{key: []}], responses: {default: {description: d}}}}\n"
    "  /or: {get: {security: [{}, {key: []}], responses: {default: {description: d}}}}\n"
    "  /allow: {get: {security: [{key: []}], x-gateway: {acl: {allow: [public, x]}}, "
    "responses: {default: {description: d}}}}\n"
    "  /deny: {get: {security: [{key: []}], x-gateway: {acl: {deny: [public, x]}}, "
    "responses: {default: {description: d}}}}\n"
    "  /both: {get: {security: [{key: []}], x-gateway: {acl: {allow: [staff], deny: [public]}}, "
    "responses: {default: {description: d}}}}\n";

static const struct {
    const char *path, *callers;
} rows[] = {
    {"/public", ""},
    {"/any", "batch, web and those of /run/more.yaml"},
    {"/or", "batch, web and those of /run/more.yaml"},
    {"/allow", "web and those of /run/more.yaml in public or x"},
    {"/deny", "batch and those of /run/more.yaml, not in public or x"},
    {"/both", "batch and those of /run/more.yaml in staff, not in public"},
};

static struct str callers_of(struct job *job, const struct gateway *gw, const char *path)
{
    for (size_t i = 0; i < gw->operations.count; i++)
        if (str_eq(gw->operations.at[i].path, str_of(path)))
            return callers_known(&job->pool, gw, &gw->operations.at[i]);
    return STR("no such path");
}

static void test_known(void **state)
{
    struct job *job = *state;
    const struct gateway *gw = gateway_of(job, document);

    if (job_failed(job))
        diag_print(&job->diags, stderr, DIAG_TEXT, false);
    assert_false(job_failed(job));
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct str found = callers_of(job, gw, rows[i].path);
        if (!str_eq(found, str_of(rows[i].callers)))
            fail_msg("%s: '%.*s'", rows[i].path, STR_ARG(found));
    }
}

static void test_none(void **state)
{
    struct job *job = *state;
    struct gateway *gw = gateway_of(job, document);

    assert_false(job_failed(job));
    gw->consumers_file = STR("");
    gw->consumers.count = 0;
    assert_true(str_eq(callers_of(job, gw, "/any"), STR("none")));
    assert_true(str_eq(callers_of(job, gw, "/public"), STR("")));
}

static void test_groups(void **state)
{
    (void)state;
    struct str a = STR_INIT("a"), b = STR_INIT("b"), both[] = {STR_INIT("a"), STR_INIT("b")};
    ir_texts none = {0}, in_a = {&a, 1, 1}, in_b = {&b, 1, 1}, in_both = {both, 2, 2};
    struct ir_acl off = {.allow = {&a, 1, 1}}, open = {.on = true},
                  allow = {.on = true, .allow = {&a, 1, 1}},
                  deny = {.on = true, .deny = {&b, 1, 1}},
                  mixed = {.on = true, .allow = {&a, 1, 1}, .deny = {&b, 1, 1}};

    assert_true(callers_groups_pass(&off, &none) && callers_groups_pass(&open, &none));
    assert_true(callers_groups_pass(&allow, &in_a) && callers_groups_pass(&allow, &in_both));
    assert_false(callers_groups_pass(&allow, &none) || callers_groups_pass(&allow, &in_b));
    assert_true(callers_groups_pass(&deny, &in_a) && callers_groups_pass(&deny, &none));
    assert_false(callers_groups_pass(&deny, &in_b) || callers_groups_pass(&deny, &in_both));
    assert_true(callers_groups_pass(&mixed, &in_a));
    assert_false(callers_groups_pass(&mixed, &in_both) || callers_groups_pass(&mixed, &none));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_known, job_set_up, job_tear_down),
        cmocka_unit_test_setup_teardown(test_none, job_set_up, job_tear_down),
        cmocka_unit_test(test_groups),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
