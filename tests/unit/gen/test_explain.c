#include "documents.h"
#include "explain.h"
#include "name.h"
#include "route.h"

static const char document[] = HEAD
    "x-gateway:\n"
    "  path: {encoded_slash: reject}\n"
    "  upstreams: {blue: {targets: [{url: 'http://blue:1/base'}]}, green: {targets: [{url: 'http://green:2'}]}}\n"
    "  upstream: blue\n"
    "paths:\n"
    "  /pets/{petId}:\n"
    "    get: {operationId: getPet, responses: {default: {description: d}}}\n"
    "  /pets/{petId}/photo:\n"
    "    get:\n"
    "      operationId: getPhoto\n"
    "      x-gateway:\n"
    "        route:\n"
    "          - {match: {headers: {X-Beta: ['1']}}, upstream: green, rewrite: {path: '/v2/{petId}'}}\n"
    "          - {upstream: blue}\n"
    "      responses: {default: {description: d}}\n"
    "  /old:\n"
    "    get: {x-gateway: {redirect: {status: 301, location: /pets/1}}, responses: {default: {description: d}}}\n";

static int status;

static const char *answer(struct job *job, const char *method, const char *url, const char *header)
{
    struct gateway *gw = gateway_of(job, document);
    struct ir_header beta = {str_of(header ? header : ""), STR("1")};
    char *text = pool_alloc(&job->pool, 8192);
    FILE *out = fmemopen(text, 8192, "w");

    if (job_failed(job))
        diag_print(&job->diags, stderr, DIAG_TEXT, false);
    assert_false(job_failed(job));
    name_plan(job, gw);
    route_plan(job, gw);
    assert_false(job_failed(job));
    struct explain_request request = {.method = str_of(method),
                                      .url = str_of(url),
                                      .headers = &beta,
                                      .header_count = header != NULL};
    status = explain(job, gw, &request, out);
    fclose(out);
    return text;
}

static void expect(const char *text, const char *part)
{
    if (!strstr(text, part))
        fail_msg("no '%s' in:\n%s", part, text);
}

static void test_found(void **state)
{
    const char *text = answer(*state, "GET", "http://gw/x/../pets/%34%32?a=b", NULL);

    assert_int_equal(status, 0);
    expect(text, "/pets/42\n");
    expect(text, "getPet");
    expect(text, "petId = 42");
    expect(text, "http://blue:1/base/pets/42?a=b");
}

static void test_branches(void **state)
{
    expect(answer(*state, "GET", "/pets/7/photo", NULL), "http://blue:1/base/pets/7/photo");
    expect(answer(*state, "GET", "/pets/7/photo", "x-beta"), "http://green:2/v2/7");
}

static void test_redirect(void **state)
{
    expect(answer(*state, "GET", "/old", NULL), "301 to /pets/1");
    assert_int_equal(status, 0);
}

static void test_refusals(void **state)
{
    const char *text = answer(*state, "POST", "/pets/7", NULL);

    assert_int_equal(status, 1);
    expect(text, "405");
    expect(text, "GET, HEAD, OPTIONS");
    text = answer(*state, "GET", "/pest/7", NULL);
    assert_int_equal(status, 1);
    expect(text, "404");
    expect(text, "/pets/{petId}");
    expect(answer(*state, "GET", "/pets/%00", NULL), "400");
    expect(answer(*state, "GET", "/pets/a%2Fb", NULL), "400");
    expect(answer(*state, "GET", "/..", NULL), "400");
    text = answer(*state, "OPTIONS", "/pets/7", NULL);
    assert_int_equal(status, 0);
    expect(text, "204");
}

static void test_hostile_url(void **state)
{
    const char *text = answer(*state, "GET", "/pets/\x1b[2J\n", NULL);

    assert_null(strchr(text, '\x1b'));
    expect(text, "400");
}

#define test(function) cmocka_unit_test_setup_teardown(function, job_set_up, job_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        test(test_found),    test(test_branches),    test(test_redirect),
        test(test_refusals), test(test_hostile_url),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
