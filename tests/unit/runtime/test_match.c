/* Methods, variants and the path's rules, over small tables written by hand: /pets, /pets/{id}, /Case. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "fake_request.h"
#include "request/match.h"

enum { TEXTS = 10 };
static const char texts[TEXTS + PATHMAP_SLACK] = "\4pets"
                                                 "\4case";
#define NOWHERE .segment = PATHMAP_NOWHERE
#define ONE_AT(slot) .segment = 1, .base = (slot), .shift = 63
#define PATH(number, shape) .segment = PATHMAP_LEAF, .base = (number), .factor = (shape)
static const struct pathmap_slot slots[] = {
    {ONE_AT(3)}, /* else case */
    {.text = 1, .size = 4, .span = 1, PATH(0, 0)},
    {NOWHERE},
    {.text = 6, .size = 4, .span = 1, PATH(2, 0)},
    {NOWHERE},
    {.text = 1, .size = 4, .span = 1, PATH(1, 2)}, /* pets/{id} */
};
static const struct pathmap_slot roots[] = {
    {NOWHERE},   {NOWHERE}, {NOWHERE}, {NOWHERE}, /* */
    {ONE_AT(1)}, {NOWHERE}, {NOWHERE}, {NOWHERE}, /* */
    {ONE_AT(5)}, {NOWHERE}, {NOWHERE}, {NOWHERE}, /* */
    {NOWHERE},   {NOWHERE}, {NOWHERE}, {NOWHERE},
};
static const uint32_t shapes[] = {0, 2, 0};

/* Switches of the routes that may be switched off. */
static uint32_t list_off, get_off, beta_off, brew_off, any_off;

static const struct gw_route list = {
    .name = STR_INIT("list"), .encoded_slash = URLPATH_SLASH_KEEP, .disabled = &list_off};
static const struct gw_route create = {.name = STR_INIT("create")};
static const struct gw_route get = {
    .name = STR_INIT("get"), .encoded_slash = URLPATH_SLASH_REJECT, .disabled = &get_off};
static const struct gw_route beta = {.name = STR_INIT("beta"), .disabled = &beta_off};
static const struct gw_route brew = {.name = STR_INIT("brew"), .disabled = &brew_off};
static const struct gw_route any = {.name = STR_INIT("any"), .disabled = &any_off};
static const struct gw_route *const routes[] = {&list, &create, &get, &beta};
static const struct str allows[] = {
    STR_INIT("GET, HEAD, POST, OPTIONS"), STR_INIT("GET, HEAD, OPTIONS"),
    STR_INIT("GET, HEAD, OPTIONS, BREW"),
    STR_INIT("GET, HEAD, POST, PUT, DELETE, PATCH, OPTIONS, QUERY")};
static const struct str hosts[] = {STR_INIT("*.test")};
static const struct gw_condition of_host[] = {
    {.kind = GW_IF_HOST, .values = hosts, .value_count = 1}};
static const struct gw_condition of_query[] = {{.kind = GW_IF_QUERY, .name = STR_INIT("beta")}};
static const struct gw_custom customs[] = {{STR_INIT("BREW"), &brew}};
static const struct gw_variant variants[] = {
    {.conditions = of_query,
     .condition_count = 1,
     .methods = {3, GW_METHOD(GET), 2},
     .customs = customs,
     .custom_count = 1},
    {.conditions = of_host,
     .condition_count = 1,
     .methods = {0, GW_METHOD(GET) | GW_METHOD(POST), 3},
     .any = &any},
};
static const struct gw_methods methods[] = {
    {0, GW_METHOD(GET) | GW_METHOD(POST), 0},
    {2, GW_METHOD(GET), 1},
    {0, GW_VARIANTS, 2},
};
static struct gw_paths paths = {
    .map = {.path_count = 3,
            .depth = 3,
            .roots = roots,
            .slots = slots,
            .texts = texts,
            .shapes = shapes},
    .paths = methods,
    .routes = routes,
    .allows = allows,
    .variants = variants,
    .allow_all = STR_INIT("GET, HEAD, POST, OPTIONS"),
    .rules = {.normalize = true, .case_sensitive = true},
};

struct row {
    const char *method, *target, *host;
    enum gw_match want;
    const char *told; /* route's name, Allow, or the first parameter behind a colon */
};

typedef enum gw_match match(struct gw_req *rq, const struct gw_paths *paths);

/* `lines` follow in the head. */
static void check_with(const struct row *row, const char *lines, match *find)
{
    struct fake_request fake;
    struct gw_req *rq = &fake.rq;
    enum gw_match got;
    char told[128];

    fake_request_open(&fake, strcmp(row->target, "*") == 0 ? "/" : row->target, lines);
    if (strcmp(row->target, "*") == 0)
        rq->head.path = STR("*");
    if (strcmp(row->method, "GET") != 0) {
        rq->head.method = method_of(str_of(row->method));
        rq->head.method_text = str_of(row->method);
    }
    rq->host = str_of(row->host);
    got = find(rq, &paths);
    if (got == GW_MATCH_FOUND && rq->route == &get)
        snprintf(told, sizeof told, "%.*s:%.*s", STR_ARG(rq->route->name), STR_ARG(rq->params[0]));
    else if (got == GW_MATCH_FOUND)
        snprintf(told, sizeof told, "%.*s", STR_ARG(rq->route->name));
    else
        snprintf(told, sizeof told, "%.*s", STR_ARG(gw_allow(rq)));
    if (got != row->want || strcmp(told, row->told) != 0)
        fail_msg("%s %s: %d %s", row->method, row->target, got, told);
    assert_true((got == GW_MATCH_BAD_PATH) == (rq->reason != NULL));
    assert_true((got == GW_MATCH_FOUND) == (rq->route != NULL));
    fake_request_close(&fake);
}

/* The path is found alike whether much or little of the head stands behind it, and when nothing is switched off. */
static void check(const struct row *row)
{
    check_with(row, "", gw_match);
    check_with(row, "", gw_match_present);
    check_with(row,
               "User-Agent: somebody who tells a long story about himself\r\n"
               "Accept: application/json\r\n",
               gw_match);
}

static void test_methods(void **state)
{
    static const struct row rows[] = {
        {"GET", "/pets", "", GW_MATCH_FOUND, "list"},
        {"HEAD", "/pets", "", GW_MATCH_FOUND, "list"},
        {"POST", "/pets", "", GW_MATCH_FOUND, "create"},
        {"PUT", "/pets", "", GW_MATCH_NO_METHOD, "GET, HEAD, POST, OPTIONS"},
        {"BREW", "/pets", "", GW_MATCH_NO_METHOD, "GET, HEAD, POST, OPTIONS"},
        {"TRACE", "/pets", "", GW_MATCH_NO_METHOD, "GET, HEAD, POST, OPTIONS"},
        {"OPTIONS", "/pets", "", GW_MATCH_OPTIONS, "GET, HEAD, POST, OPTIONS"},
        {"POST", "/pets/7", "", GW_MATCH_NO_METHOD, "GET, HEAD, OPTIONS"},
        {"GET", "/pets/7", "", GW_MATCH_FOUND, "get:7"},
        {"GET", "/pets/7/", "", GW_MATCH_NO_PATH, ""},
        {"GET", "/pets/", "", GW_MATCH_NO_PATH, ""},
        {"GET", "//pets", "", GW_MATCH_NO_PATH, ""},
        {"GET", "/", "", GW_MATCH_NO_PATH, ""},
        {"GET", "/a/b/c/d", "", GW_MATCH_NO_PATH, ""},
        {"OPTIONS", "*", "", GW_MATCH_OPTIONS, "GET, HEAD, POST, OPTIONS"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        check(&rows[i]);
}

static void test_normal_form(void **state)
{
    static const struct row rows[] = {
        {"GET", "/%70ets", "", GW_MATCH_FOUND, "list"},
        {"GET", "/x/../pets", "", GW_MATCH_FOUND, "list"},
        {"GET", "/pets/%7e%2d", "", GW_MATCH_FOUND, "get:~-"},
        {"GET", "/pets/%c3%a9", "", GW_MATCH_FOUND, "get:%C3%A9"},
        {"GET", "/..", "", GW_MATCH_BAD_PATH, ""},
        {"GET", "/pets/%00", "", GW_MATCH_BAD_PATH, ""},
        {"GET", "/pets/a%2Fb", "", GW_MATCH_BAD_PATH, ""}, /* the operation refuses it */
        {"GET", "/none%2Fb", "", GW_MATCH_NO_PATH, ""},    /* the document does not */
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        check(&rows[i]);
}

static void test_variants(void **state)
{
    static const struct row rows[] = {
        {"GET", "/case?beta", "", GW_MATCH_FOUND, "beta"},
        {"GET", "/case?beta=1", "a.test", GW_MATCH_FOUND, "beta"},
        {"GET", "/case", "a.test", GW_MATCH_FOUND, "list"},
        {"POST", "/case?beta", "a.test", GW_MATCH_FOUND, "create"},
        {"POST", "/case?beta", "", GW_MATCH_NO_METHOD, "GET, HEAD, OPTIONS, BREW"},
        {"BREW", "/case?beta", "", GW_MATCH_FOUND, "brew"},
        {"BREW", "/case", "a.test", GW_MATCH_FOUND, "any"},
        {"PATCH", "/case", "a.test", GW_MATCH_FOUND, "any"},
        {"OPTIONS", "/case", "a.test", GW_MATCH_FOUND, "any"},
        {"TRACE", "/case?beta", "a.test", GW_MATCH_NO_METHOD,
         "GET, HEAD, OPTIONS, BREW, POST, PUT, DELETE, PATCH, QUERY"},
        {"OPTIONS", "/case?beta", "", GW_MATCH_OPTIONS, "GET, HEAD, OPTIONS, BREW"},
        {"GET", "/case", "test", GW_MATCH_NO_PATH, ""},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        check(&rows[i]);
}

static void check_off(uint32_t *off, uint32_t *off_too, const struct row *rows, size_t count)
{
    *off = *off_too = 1;
    for (size_t i = 0; i < count; i++)
        check_with(&rows[i], "", gw_match_present);
    *off = *off_too = 0;
}

/* As if they were not in the document. */
static void test_switched_off(void **state)
{
    static const struct row lists[] = {
        {"GET", "/pets", "", GW_MATCH_NO_METHOD, "POST, OPTIONS"},
        {"HEAD", "/pets", "", GW_MATCH_NO_METHOD, "POST, OPTIONS"},
        {"POST", "/pets", "", GW_MATCH_FOUND, "create"},
        {"OPTIONS", "/pets", "", GW_MATCH_OPTIONS, "POST, OPTIONS"},
        {"PUT", "/pets", "", GW_MATCH_NO_METHOD, "POST, OPTIONS"},
        {"GET", "/pets/7", "", GW_MATCH_FOUND, "get:7"},
        {"GET", "/case", "a.test", GW_MATCH_FOUND, "any"},
        {"HEAD", "/case", "a.test", GW_MATCH_FOUND, "any"},
        {"GET", "/none", "", GW_MATCH_NO_PATH, ""},
    };
    static const struct row gets[] = {
        {"GET", "/pets/7", "", GW_MATCH_NO_PATH, ""},
        {"POST", "/pets/7", "", GW_MATCH_NO_PATH, ""},
        {"OPTIONS", "/pets/7", "", GW_MATCH_NO_PATH, ""},
        {"GET", "/pets/a%2Fb", "", GW_MATCH_NO_PATH, ""}, /* nobody is there to refuse it */
    };
    static const struct row betas[] = {
        {"GET", "/case?beta", "a.test", GW_MATCH_FOUND, "list"},
        {"GET", "/case?beta", "", GW_MATCH_NO_PATH, ""},
        {"BREW", "/case?beta", "", GW_MATCH_NO_PATH, ""},
        {"BREW", "/case?beta", "a.test", GW_MATCH_FOUND, "any"},
    };
    static const struct row brews[] = {
        {"GET", "/case?beta", "", GW_MATCH_NO_METHOD, "OPTIONS, BREW"},
        {"BREW", "/case?beta", "", GW_MATCH_FOUND, "brew"},
        {"PATCH", "/case", "a.test", GW_MATCH_NO_METHOD, "GET, HEAD, POST, OPTIONS"},
        {"OPTIONS", "/case", "a.test", GW_MATCH_OPTIONS, "GET, HEAD, POST, OPTIONS"},
    };
    static const struct row anys[] = {
        {"TRACE", "/case", "a.test", GW_MATCH_NO_METHOD,
         "GET, HEAD, POST, PUT, DELETE, PATCH, OPTIONS, QUERY"},
        {"OPTIONS", "/case", "a.test", GW_MATCH_FOUND, "any"},
    };

    (void)state;
    check_off(&list_off, &list_off, lists, sizeof lists / sizeof *lists);
    check_off(&get_off, &get_off, gets, sizeof gets / sizeof *gets);
    check_off(&beta_off, &brew_off, betas, sizeof betas / sizeof *betas);
    check_off(&beta_off, &any_off, brews, sizeof brews / sizeof *brews);
    check_off(&list_off, &beta_off, anys, sizeof anys / sizeof *anys);
}

static void test_case(void **state)
{
    static const struct row rows[] = {
        {"GET", "/PETS", "", GW_MATCH_FOUND, "list"},
        {"GET", "/Pets/AbC", "", GW_MATCH_FOUND, "get:AbC"},
        {"GET", "/CASE?beta", "", GW_MATCH_FOUND, "beta"},
    };

    (void)state;
    paths.rules.case_sensitive = false;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        check(&rows[i]);
    paths.rules.case_sensitive = true;
}

static void test_conditions(void **state)
{
    const struct str yes[] = {STR_INIT("1"), STR_INIT("yes")};
    struct fake_request fake;

    (void)state;
    fake_request_open(&fake, "/v1/a?q=%79es", "X-Beta: no\r\nX-Beta: yes\r\nEmpty:\r\n");
    assert_true(gw_header_is(&fake.rq, STR("x-beta"), yes, 2));
    assert_true(gw_header_is(&fake.rq, STR("empty"), NULL, 0));
    assert_false(gw_header_is(&fake.rq, STR("x-beta"), yes, 1));
    assert_false(gw_header_is(&fake.rq, STR("x-none"), NULL, 0));
    assert_true(gw_query_is(&fake.rq, STR("q"), yes, 2));
    assert_false(gw_query_is(&fake.rq, STR("q"), yes, 1));
    assert_true(gw_path_starts(&fake.rq, STR("/v1")));
    assert_false(gw_path_starts(&fake.rq, STR("/v")));
    fake.rq.params[3] = STR("yes");
    assert_true(gw_param_is(&fake.rq, 3, yes, 2));
    assert_false(gw_param_is(&fake.rq, 3, yes, 1));
    fake_request_close(&fake);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_methods),    cmocka_unit_test(test_normal_form),
        cmocka_unit_test(test_variants),   cmocka_unit_test(test_case),
        cmocka_unit_test(test_conditions), cmocka_unit_test(test_switched_off),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
