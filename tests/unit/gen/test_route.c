/* Paths, variants, conflicts: from a document to the matcher's plan. */
#include "base/text.h"
#include "documents.h"
#include "name.h"
#include "route.h"

static struct gateway *planned(struct job *job, const char *text)
{
    struct gateway *gw = gateway_of(job, text);

    name_plan(job, gw);
    if (gw)
        route_plan(job, gw);
    return gw;
}

#define OP "{responses: {default: {description: d}}}"
#define PATHS HEAD "paths:\n"

static const struct route_path *path_at(const struct gateway *gw, size_t i)
{
    assert_true(i < gw->routes->paths.count);
    return &gw->routes->paths.at[i];
}

static void test_methods_and_allow(void **state)
{
    struct job *job = *state;
    struct gateway *gw = planned(job, PATHS "  /pets: {get: " OP ", post: " OP "}\n"
                                            "  /pets/{id}: {delete: " OP ", head: " OP "}\n");
    const struct route_variant *pets, *pet;

    assert_false(job_failed(job));
    assert_int_equal(gw->routes->paths.count, 2);
    pets = &path_at(gw, 0)->variants.at[0];
    pet = &path_at(gw, 1)->variants.at[0];
    assert_true(str_eq(pets->allow, STR("GET, HEAD, POST, OPTIONS")));
    assert_true(str_eq(pet->allow, STR("HEAD, DELETE, OPTIONS")));
    assert_true(str_eq(gw->routes->allow_all, STR("GET, HEAD, POST, DELETE, OPTIONS")));
    assert_int_equal(route_find(pets, STR("HEAD"))->operation, 0);
    assert_null(route_find(pets, STR("PUT")));
    assert_null(route_find(pet, STR("GET")));
}

static void test_any_method(void **state)
{
    struct job *job = *state;
    struct gateway *gw =
        planned(job, PATHS "  /a:\n    get: " OP "\n    x-gateway: {any_method: " OP "}\n");
    const struct route_variant *variant;

    assert_false(job_failed(job));
    variant = &path_at(gw, 0)->variants.at[0];
    assert_non_null(route_find(variant, STR("BREW")));
    assert_null(route_find(variant, STR("TRACE")));
    assert_null(route_find(variant, STR("CONNECT")));
    assert_true(str_eq(variant->allow, STR("GET, HEAD, POST, PUT, DELETE, PATCH, OPTIONS, QUERY")));
}

static void test_same_shape(void **state)
{
    struct job *job = *state;
    struct gateway *gw = planned(job, PATHS "  /a/{x}: {get: " OP "}\n  /a/{y}: {post: " OP "}\n");

    assert_false(job_failed(job));
    assert_int_equal(gw->routes->paths.count, 1);
    assert_int_equal(said(job, "same-shape"), 1);
    assert_int_equal(line_of(job, "same-shape"), 6);
}

static void test_conflict(void **state)
{
    struct job *job = *state;

    planned(job, PATHS "  /a/{x}: {get: " OP "}\n  /a/{y}: {get: " OP "}\n");
    assert_int_equal(said(job, "route-conflict"), 1);
    assert_int_equal(line_of(job, "route-conflict"), 6);
    assert_non_null(strstr(job->diags.list.at[job->diags.list.count - 2].text.at, "/a/y"));
}

static void test_no_conflict_between_ranks(void **state)
{
    struct job *job = *state;
    struct gateway *gw = planned(job, PATHS "  /a/{x}: {get: " OP "}\n  /a/b: {get: " OP
                                            "}\n  /a/{x}.json: {get: " OP "}\n"
                                            "  /a/{x}/: {get: " OP "}\n");

    assert_false(job_failed(job));
    assert_int_equal(gw->routes->paths.count, 4);
    assert_int_equal(said(job, "same-shape"), 0);
}

static void test_hosts(void **state)
{
    struct job *job = *state;
    struct gateway *gw =
        planned(job, PATHS "  /a:\n    x-gateway: {hosts: ['*.example.com']}\n    get: " OP "\n"
                           "  /a?x=1:\n    get: " OP "\n"
                           "  /a?:\n    x-gateway: {hosts: [api.example.com]}\n    get: " OP "\n");
    const struct route_path *path;

    if (job_failed(job))
        diag_print(&job->diags, stderr, DIAG_TEXT, false);
    assert_false(job_failed(job));
    assert_int_equal(gw->routes->paths.count, 1);
    path = path_at(gw, 0);
    assert_int_equal(path->variants.count, 3);
    assert_true(str_eq(path->variants.at[0].hosts[0], STR("api.example.com")));
    assert_true(str_eq(path->variants.at[1].hosts[0], STR("*.example.com")));
    assert_int_equal(path->variants.at[2].conditions.count, 1);
}

static void test_overlapping_hosts(void **state)
{
    struct job *job = *state;

    planned(job,
            PATHS "  /a/{x}:\n    x-gateway: {hosts: [one.test, two.test]}\n    get: " OP "\n"
                  "  /a/{y}:\n    x-gateway: {hosts: [two.test, three.test]}\n    get: " OP "\n");
    assert_int_equal(said(job, "route-conflict"), 1);
    assert_non_null(
        strstr(job->diags.list.at[job->diags.list.count - 2].text.at, "http://two.test/a/y"));
}

static void test_internal_is_not_served(void **state)
{
    struct job *job = *state;
    struct gateway *gw =
        planned(job, PATHS "  /a:\n    get: {x-gateway: {internal: true}, responses: {default: "
                           "{description: d}}}\n  /{x}: {get: " OP "}\n");

    assert_false(job_failed(job));
    assert_int_equal(gw->routes->paths.count, 2);
    assert_int_equal(path_at(gw, 0)->variants.count, 0);
}

static void test_too_deep(void **state)
{
    struct job *job = *state;
    struct text text = {.pool = &job->pool};

    text_add(&text, STR(PATHS "  "));
    for (int i = 0; i < PATHMAP_SEGMENTS; i++)
        text_add(&text, STR("/a"));
    text_add(&text, STR("/: {get: " OP "}\n"));
    planned(job, text.at);
    assert_int_equal(said(job, "path-too-deep"), 1);
}

static void test_too_ambiguous(void **state)
{
    struct job *job = *state;
    struct text text = {.pool = &job->pool};

    text_add(&text, STR(PATHS));
    for (int i = 0; i <= PATHMAP_TRIALS; i++)
        text_printf(&text, "  /{x}.kind%d: {get: " OP "}\n", i);
    planned(job, text.at);
    assert_int_equal(said(job, "too-ambiguous"), 1);
}

#define test(function) cmocka_unit_test_setup_teardown(function, job_set_up, job_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        test(test_methods_and_allow),
        test(test_any_method),
        test(test_same_shape),
        test(test_conflict),
        test(test_no_conflict_between_ranks),
        test(test_hosts),
        test(test_overlapping_hosts),
        test(test_internal_is_not_served),
        test(test_too_deep),
        test(test_too_ambiguous),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
