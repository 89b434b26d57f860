/* Counting, and Prometheus' text of it. promtool itself is asked in tests/e2e/test_metrics.py. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "fake_request.h"
#include "gw.h"
#include "metrics.h"

static const struct gw_route get_pet = {.name = STR_INIT("getPet"),
                                        .method = STR_INIT("GET"),
                                        .path = STR_INIT("/pets/{petId}"),
                                        .index = 0};
static const struct gw_route odd = {
    .name = STR_INIT("a\"b\\c\nd"), .method = STR_INIT("*"), .path = STR_INIT("/odd"), .index = 1};
static const struct gw_route *const routes[] = {&get_pet, &odd};
static const struct gw_upstream pets = {.name = STR_INIT("pets"), .index = 0};
static const struct gw_upstream *const upstreams[] = {&pets};

const struct gateway gateway = {
    .name = STR_INIT("test"),
    .version = STR_INIT("1.2"),
    .build_id = STR_INIT("abc"),
    .upstreams = upstreams,
    .upstream_count = 1,
    .routes = routes,
    .route_count = 2,
};

static struct worker two[2];
static struct pool pool;

static int setup(void **state)
{
    (void)state;
    memset(two, 0, sizeof two);
    pool_open(&pool, NULL);
    workers = two;
    worker_count = 2;
    for (unsigned i = 0; i < 2; i++) {
        two[i].loop.now = 5000;
        two[i].loop.wall_us = 1700000005000000ull;
        two[i].metrics = metrics_open(gateway.route_count);
        two[i].upstreams = upstreams_new(upstreams, 1, &two[i].loop, NULL, NULL, &fake_limits,
                                         (struct upstreams_tls){0});
    }
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 2; i++) {
        metrics_close(two[i].metrics);
        upstreams_free(two[i].upstreams);
    }
    pool_close(&pool);
    return 0;
}

/* One finished request that took so many microseconds. */
static void request(struct worker *worker, const struct gw_route *route, unsigned status,
                    uint64_t us)
{
    struct gw_req rq = {.route = route, .status = (uint16_t)status, .worker = worker};

    rq.started_us = worker->loop.wall_us - us;
    rq.started_ms = worker->loop.now - us / 1000;
    rq.bytes_in = 10;
    rq.bytes_out = 100;
    metrics_request_begin(worker);
    metrics_request(worker, &rq);
}

static const char *render(void)
{
    struct text text = {.pool = &pool};

    metrics_render(&text);
    return text.at;
}

static void has(const char *text, const char *line)
{
    if (!strstr(text, line))
        fail_msg("no line\n%s\nin\n%s", line, text);
}

static void test_empty(void **state)
{
    const char *text = render();

    (void)state;
    has(text, "apigw_build_info{name=\"test\",version=\"1.2\",build=\"abc\"} 1\n");
    has(text, "\napigw_workers 2\n");
    has(text, "\napigw_http_requests_in_flight 0\n");
    has(text, "\napigw_http_connections_active 0\n");
    has(text, "\napigw_access_log_lines_dropped_total 0\n");
    has(text, "\nprocess_cpu_seconds_total ");
    has(text, "\nprocess_start_time_seconds ");
    assert_null(strstr(text, "getPet"));
    assert_int_equal(text[strlen(text) - 1], '\n');
}

static void test_requests(void **state)
{
    const char *text;

    (void)state;
    request(&two[0], &get_pet, 200, 400);
    request(&two[1], &get_pet, 204, 1500);
    request(&two[1], &get_pet, 404, 99999999);
    request(&two[0], NULL, 404, 100);
    request(&two[0], NULL, 0, 100);
    text = render();
    has(text, "\napigw_http_requests_total{route=\"getPet\",method=\"GET\",status=\"2xx\"} 2\n");
    has(text, "\napigw_http_requests_total{route=\"getPet\",method=\"GET\",status=\"4xx\"} 1\n");
    has(text, "\napigw_http_requests_total{route=\"none\",method=\"GET\",status=\"4xx\"} 1\n");
    has(text, "\napigw_http_requests_total{route=\"none\",method=\"GET\",status=\"none\"} 1\n");
    has(text, "_duration_seconds_bucket{route=\"getPet\",le=\"0.001\"} 1\n");
    has(text, "_duration_seconds_bucket{route=\"getPet\",le=\"0.0025\"} 2\n");
    has(text, "_duration_seconds_bucket{route=\"getPet\",le=\"10\"} 2\n");
    has(text, "_duration_seconds_bucket{route=\"getPet\",le=\"+Inf\"} 3\n");
    has(text, "_duration_seconds_sum{route=\"getPet\"} 100.001899\n");
    has(text, "_duration_seconds_count{route=\"getPet\"} 3\n");
    has(text, "\napigw_http_request_bytes_total{route=\"getPet\"} 30\n");
    has(text, "\napigw_http_response_bytes_total{route=\"getPet\"} 300\n");
}

/* A document's text cannot break out of a label. */
static void test_labels(void **state)
{
    (void)state;
    request(&two[0], &odd, 200, 1);
    has(render(), "{route=\"a\\\"b\\\\c\\nd\",method=\"GET\",status=\"2xx\"} 1\n");
}

/* The wall clock is set back or forward while a request is under way. */
static void test_clock_jump(void **state)
{
    struct gw_req rq = {.route = &get_pet, .status = 200, .worker = &two[0]};

    (void)state;
    rq.started_ms = two[0].loop.now - 30;
    rq.started_us = two[0].loop.wall_us + 3600000000ull;
    metrics_request(&two[0], &rq);
    has(render(), "_duration_seconds_sum{route=\"getPet\"} 0.030000\n");
}

static void test_upstreams(void **state)
{
    struct gw_forward forward = {.upstream = &pets};
    struct gw_req rq = {.route = &get_pet,
                        .status = 200,
                        .worker = &two[1],
                        .forward = &forward,
                        .upstream_status = 200,
                        .upstream_ms = 7};

    (void)state;
    metrics_request(&two[1], &rq);
    has(render(),
        "apigw_upstream_request_duration_seconds_bucket{upstream=\"pets\",le=\"0.005\"} 0\n");
    has(render(),
        "apigw_upstream_request_duration_seconds_bucket{upstream=\"pets\",le=\"0.01\"} 1\n");
    has(render(), "apigw_upstream_request_duration_seconds_sum{upstream=\"pets\"} 0.007000\n");
}

static void test_gauges(void **state)
{
    (void)state;
    metrics_connection_opened(&two[0]);
    metrics_connection_opened(&two[1]);
    metrics_connection_closed(&two[1]);
    metrics_connection_refused(&two[1]);
    metrics_request_begin(&two[0]);
    has(render(), "\napigw_http_connections_accepted_total 2\n");
    has(render(), "\napigw_http_connections_refused_total 1\n");
    has(render(), "\napigw_http_connections_active 1\n");
    has(render(), "\napigw_http_requests_in_flight 1\n");
}

/* Every family has its help and type once, before its samples; counters end in _total. */
static void test_families(void **state)
{
    char *copy = strdup(render()), *rest = copy, *line;
    char current[128] = "";

    (void)state;
    while ((line = strsep(&rest, "\n")) && *line) {
        char name[128], type[32];
        if (strncmp(line, "# HELP ", 7) == 0) {
            assert_int_equal(sscanf(line, "# HELP %127s", current), 1);
        } else if (sscanf(line, "# TYPE %127s %31s", name, type) == 2) {
            bool is_total = strlen(name) > 6 && strcmp(name + strlen(name) - 6, "_total") == 0;
            assert_string_equal(name, current);
            assert_int_equal(is_total, strcmp(type, "counter") == 0);
        } else {
            assert_memory_equal(line, current, strlen(current));
        }
    }
    free(copy);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_empty, setup, teardown),
        cmocka_unit_test_setup_teardown(test_requests, setup, teardown),
        cmocka_unit_test_setup_teardown(test_labels, setup, teardown),
        cmocka_unit_test_setup_teardown(test_clock_jump, setup, teardown),
        cmocka_unit_test_setup_teardown(test_upstreams, setup, teardown),
        cmocka_unit_test_setup_teardown(test_gauges, setup, teardown),
        cmocka_unit_test_setup_teardown(test_families, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
