/* Server URLs and their variables. */
#include "documents.h"
#include "servers.h"

static const struct api_server *server_of(struct job *job, const char *server)
{
    struct str text = pool_printf(&job->pool, HEAD "paths: {}\nservers: [%s]\n", server);

    return api_of(job, text.at)->servers.at;
}

static void addresses(void **state)
{
    static const struct {
        const char *server;
        const char *scheme, *host, *path; /* scheme NULL: an error */
    } rows[] = {
        {"{url: /}", "", "", ""},
        {"{url: ''}", "", "", ""},
        {"{url: /v1/}", "", "", "/v1"},
        {"{url: v1}", "", "", "/v1"},
        {"{url: ./v1}", "", "", "/v1"},
        {"{url: 'https://a.example.com'}", "https", "a.example.com", ""},
        {"{url: 'https://a.example.com:8443/v1/?x#y'}", "https", "a.example.com", "/v1"},
        {"{url: 'http://user@a/%7Ex'}", "http", "a", "/~x"},
        {"{url: 'http://[::1]:80/v1'}", "http", "[::1]", "/v1"},
        {"{url: 'https://{h}/{b}', variables: {h: {default: x}, b: {default: api/v1}}}", "https",
         "x", "/api/v1"},
        {"{url: '/{b}', variables: {b: {default: ''}}}", "", "", ""},
        {"{url: '/{b}'}", NULL, NULL, NULL},
        {"{url: '/{b', variables: {b: {default: x}}}", NULL, NULL, NULL},
        {"{url: '/a/../..'}", NULL, NULL, NULL},
        {"{url: '/%zz'}", NULL, NULL, NULL},
        {"{url: \"/a\\0b\"}", NULL, NULL, NULL},
    };
    struct job *job = *state;
    static const struct map none;

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct servers_address address;
        bool good;
        job_set_up(state);
        job = *state;
        good = servers_read(job, server_of(job, rows[i].server), &none, &address);
        if (good != (rows[i].scheme != NULL))
            fail_msg("%s: %s", rows[i].server, good ? "read" : "refused");
        if (good) {
            assert_text(address.scheme, rows[i].scheme);
            assert_text(address.host, rows[i].host);
            assert_text(address.path, rows[i].path);
        }
        job_tear_down(state);
    }
}

static void variables_from_the_command_line(void **state)
{
    struct job *job = *state;
    struct map variables = {0};
    struct str v2 = STR("v2"), v9 = STR("v9");
    struct servers_address address;
    const struct api_server *server =
        server_of(job, "{url: '/{v}', variables: {v: {default: v1, enum: [v1, v2]}}}");

    map_set(&variables, &job->pool, STR("v"), &v2);
    assert_true(servers_read(job, server, &variables, &address));
    assert_text(address.path, "/v2");
    map_set(&variables, &job->pool, STR("v"), &v9);
    servers_read(job, server, &variables, &address);
    assert_int_equal(said(job, "bad-variable"), 1);
}

static void hosts(void **state)
{
    struct job *job = *state;
    struct servers_hosts found = {0};
    static const struct map none;

    servers_add_hosts(
        job,
        server_of(job, "{url: 'https://{h}', variables: {h: {default: A.b, enum: [A.b, c.d]}}}"), 1,
        &none, &found);
    assert_int_equal(found.names.count, 2);
    assert_text(found.names.at[0], "a.b");
    assert_text(found.names.at[1], "c.d");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(addresses),
        cmocka_unit_test_setup_teardown(variables_from_the_command_line, job_set_up, job_tear_down),
        cmocka_unit_test_setup_teardown(hosts, job_set_up, job_tear_down),
    };

    return cmocka_run_group_tests_name("servers", tests, NULL, NULL);
}
