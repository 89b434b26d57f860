#include "metrics.h"

#include <stdlib.h>

#include "access_log.h"
#include "base/clock.h"
#include "base/vec.h"
#include "gw.h"
#include "prometheus.h"
#include "self.h"
#include "upstreams_report.h"

enum { METHODS = METHOD_OTHER + 1, CLASSES = 6, BUCKETS = 13 };

/* Upper bounds in microseconds; one more cell takes what is slower. */
static const uint32_t bucket_us[BUCKETS] = {1000,    2500,    5000,    10000,  25000,
                                            50000,   100000,  250000,  500000, 1000000,
                                            2500000, 5000000, 10000000};
static const char *const bucket_seconds[BUCKETS + 1] = {"0.001", "0.0025", "0.005", "0.01", "0.025",
                                                        "0.05",  "0.1",    "0.25",  "0.5",  "1",
                                                        "2.5",   "5",      "10",    "+Inf"};
static const char *const class_names[CLASSES] = {"none", "1xx", "2xx", "3xx", "4xx", "5xx"};

struct histogram {
    uint64_t cells[BUCKETS + 1]; /* not cumulative here */
    uint64_t sum_us;
};

struct route_cells {
    uint64_t requests[METHODS][CLASSES];
    struct histogram duration;
    uint64_t bytes_in, bytes_out;
};

/* One worker's cells. The last route is "none". A route's cells appear with its first request: a document
 * has more operations than are ever asked for. */
struct metrics {
    uint64_t begun, finished;
    uint64_t opened, closed, refused;
    uint64_t proxy_headers_refused;
    uint64_t addresses_refused;       /* requests, by ip_restriction */
    uint64_t denied[GW_DENIED_COUNT]; /* by other policies */
    uint64_t unasked;                 /* let in, for forward_auth got no answer */
    size_t route_count;
    struct route_cells **routes;
    struct histogram *upstreams;
};

static uint64_t started_us;

/* ---- counting ---- */

/* A cell has one writer, so a plain load and a relaxed store are enough for a reader elsewhere. */
/* NOLINTNEXTLINE(readability-non-const-parameter): the store is a builtin */
static void add(uint64_t *cell, uint64_t value)
{
    __atomic_store_n(cell, *cell + value, __ATOMIC_RELAXED);
}

static uint64_t get(const uint64_t *cell)
{
    return __atomic_load_n(cell, __ATOMIC_RELAXED);
}

static void observe(struct histogram *histogram, uint64_t us)
{
    unsigned bucket = 0;

    while (bucket < BUCKETS && us > bucket_us[bucket])
        bucket++;
    add(&histogram->cells[bucket], 1);
    add(&histogram->sum_us, us);
}

static void *zeroed(size_t size)
{
    return memset(pool_xmalloc(size), 0, size);
}

struct metrics *metrics_open(size_t route_count)
{
    struct metrics *metrics = zeroed(sizeof *metrics);

    if (started_us == 0)
        started_us = clock_wall_us();
    metrics->route_count = route_count;
    metrics->routes = zeroed((route_count + 1) * sizeof(struct route_cells *));
    metrics->upstreams = zeroed((gateway.upstream_count + 1) * sizeof *metrics->upstreams);
    return metrics;
}

void metrics_close(struct metrics *metrics)
{
    for (size_t route = 0; route <= metrics->route_count; route++)
        free(metrics->routes[route]);
    free(metrics->routes);
    free(metrics->upstreams);
    free(metrics);
}

void metrics_request_begin(struct worker *worker)
{
    add(&worker->metrics->begun, 1);
}

static struct route_cells *route_cells(struct metrics *metrics, size_t route)
{
    struct route_cells *cells = metrics->routes[route];

    if (!cells) {
        cells = zeroed(sizeof *cells);
        __atomic_store_n(&metrics->routes[route], cells, __ATOMIC_RELEASE);
    }
    return cells;
}

void metrics_request(struct worker *worker, const struct gw_req *rq)
{
    struct metrics *metrics = worker->metrics;
    struct route_cells *cells =
        route_cells(metrics, rq->route ? rq->route->index : metrics->route_count);
    unsigned class = rq->status / 100 < CLASSES ? rq->status / 100 : 0;

    add(&metrics->finished, 1);
    add(&cells->requests[rq->head.method][class], 1);
    observe(&cells->duration, worker_elapsed_us(worker, rq));
    add(&cells->bytes_in, rq->bytes_in);
    add(&cells->bytes_out, rq->bytes_out);
    if (rq->upstream_status != 0 && rq->forward)
        observe(&metrics->upstreams[rq->forward->upstream->index], rq->upstream_ms * 1000ull);
    if (rq->identity.denied != GW_DENIED_NOT)
        add(&worker->metrics->denied[rq->identity.denied], 1);
    if (rq->identity.is_unasked)
        add(&worker->metrics->unasked, 1);
}

void metrics_connection_opened(struct worker *worker)
{
    add(&worker->metrics->opened, 1);
}

void metrics_connection_closed(struct worker *worker)
{
    add(&worker->metrics->closed, 1);
}

void metrics_connection_refused(struct worker *worker)
{
    add(&worker->metrics->refused, 1);
}

void metrics_address_refused(struct worker *worker)
{
    add(&worker->metrics->addresses_refused, 1);
}

void metrics_proxy_header_refused(struct worker *worker)
{
    add(&worker->metrics->proxy_headers_refused, 1);
}

/* ---- summing up ---- */

static void sum_histogram(struct histogram *sum, const struct histogram *from)
{
    for (unsigned i = 0; i <= BUCKETS; i++)
        sum->cells[i] += get(&from->cells[i]);
    sum->sum_us += get(&from->sum_us);
}

static uint64_t histogram_count(const struct histogram *histogram)
{
    uint64_t count = 0;

    for (unsigned i = 0; i <= BUCKETS; i++)
        count += histogram->cells[i];
    return count;
}

/* False when no worker has seen the route. */
static bool sum_route(struct route_cells *sum, size_t route)
{
    bool seen = false;

    memset(sum, 0, sizeof *sum);
    for (unsigned w = 0; w < worker_count; w++) {
        const struct route_cells *from =
            __atomic_load_n(&workers[w].metrics->routes[route], __ATOMIC_ACQUIRE);
        if (!from)
            continue;
        seen = true;
        for (unsigned m = 0; m < METHODS; m++) {
            for (unsigned c = 0; c < CLASSES; c++)
                sum->requests[m][c] += get(&from->requests[m][c]);
        }
        sum_histogram(&sum->duration, &from->duration);
        sum->bytes_in += get(&from->bytes_in);
        sum->bytes_out += get(&from->bytes_out);
    }
    return seen;
}

/* The sum of one plain cell, found by its offset, over all workers. */
static uint64_t sum_cell(size_t offset)
{
    uint64_t sum = 0;

    for (unsigned w = 0; w < worker_count; w++)
        sum += get((const uint64_t *)(const void *)((const char *)workers[w].metrics + offset));
    return sum;
}

/* A counter of the workers themselves. */
static uint64_t sum_workers(size_t offset)
{
    uint64_t sum = 0;

    for (unsigned i = 0; i < worker_count; i++)
        sum += __atomic_load_n((const uint64_t *)(const void *)((const char *)&workers[i] + offset),
                               __ATOMIC_RELAXED);
    return sum;
}

#define SUM_WORKERS(member) sum_workers(offsetof(struct worker, member))
#define SUM(cell) sum_cell(offsetof(struct metrics, cell))

/* ---- Prometheus' text ---- */

static void seconds(struct text *text, uint64_t us)
{
    text_printf(text, "%llu.%06llu", (unsigned long long)(us / 1000000),
                (unsigned long long)(us % 1000000));
}

static struct str route_name(size_t route)
{
    return route < gateway.route_count ? gateway.routes[route]->name : STR("none");
}

static void histogram(struct text *text, const char *name, struct str labels,
                      const struct histogram *cells)
{
    uint64_t count = 0;

    for (unsigned i = 0; i <= BUCKETS; i++) {
        count += cells->cells[i];
        text_printf(text, "%s_bucket{%.*s,le=\"%s\"} %llu\n", name, STR_ARG(labels),
                    bucket_seconds[i], (unsigned long long)count);
    }
    text_printf(text, "%s_sum{%.*s} ", name, STR_ARG(labels));
    seconds(text, cells->sum_us);
    text_printf(text, "\n%s_count{%.*s} %llu\n", name, STR_ARG(labels), (unsigned long long)count);
}

/* One line per method and status class that was seen. */
static void route_requests(struct text *text, const char *name, size_t route,
                           const struct route_cells *cells)
{
    for (unsigned m = 0; m < METHODS; m++) {
        struct str method = m == METHOD_OTHER ? STR("other") : method_name((enum method)m);
        for (unsigned c = 0; c < CLASSES; c++) {
            if (cells->requests[m][c] == 0)
                continue;
            text_printf(text, "%s{", name);
            prom_label(text, "route", route_name(route));
            text_printf(text, ",method=\"%.*s\",status=\"%s\"} %llu\n", STR_ARG(method),
                        class_names[c], (unsigned long long)cells->requests[m][c]);
        }
    }
}

static struct str route_labels(struct pool *pool, size_t route)
{
    struct text text = {.pool = pool};

    prom_label(&text, "route", route_name(route));
    return text_str(&text);
}

static void route_bytes(struct text *text, const char *name, size_t offset)
{
    for (size_t route = 0; route <= gateway.route_count; route++) {
        struct route_cells sum;
        if (!sum_route(&sum, route))
            continue;
        const void *cell = (const char *)&sum + offset;
        text_printf(text, "%s{", name);
        prom_label(text, "route", route_name(route));
        text_printf(text, "} %llu\n", (unsigned long long)*(const uint64_t *)cell);
    }
}

static void render_requests(struct text *text)
{
    static const char name[] = "apigw_http_requests_total";
    struct route_cells sum;

    prom_family(text, name, "counter", "Requests finished, by operation, method and status class.");
    for (size_t route = 0; route <= gateway.route_count; route++) {
        if (sum_route(&sum, route))
            route_requests(text, name, route, &sum);
    }
    prom_family(text, "apigw_http_request_bytes_total", "counter", "Bytes of request bodies.");
    route_bytes(text, "apigw_http_request_bytes_total", offsetof(struct route_cells, bytes_in));
    prom_family(text, "apigw_http_response_bytes_total", "counter", "Bytes of response bodies.");
    route_bytes(text, "apigw_http_response_bytes_total", offsetof(struct route_cells, bytes_out));
}

static void render_durations(struct text *text)
{
    static const char name[] = "apigw_http_request_duration_seconds";
    struct route_cells sum;

    prom_family(text, name, "histogram", "Time from a request's head to the end of its answer.");
    for (size_t route = 0; route <= gateway.route_count; route++) {
        if (sum_route(&sum, route))
            histogram(text, name, route_labels(text->pool, route), &sum.duration);
    }
}

static void render_upstream_times(struct text *text)
{
    static const char name[] = "apigw_upstream_request_duration_seconds";

    prom_family(text, name, "histogram",
                "Time from sending a request to an upstream to the head of its answer.");
    for (size_t u = 0; u < gateway.upstream_count; u++) {
        struct histogram sum = {0};
        struct text labels = {.pool = text->pool};
        for (unsigned w = 0; w < worker_count; w++)
            sum_histogram(&sum, &workers[w].metrics->upstreams[u]);
        if (histogram_count(&sum) == 0)
            continue;
        prom_label(&labels, "upstream", gateway.upstreams[u]->name);
        histogram(text, name, text_str(&labels), &sum);
    }
}

static bool reads_proxy_headers(void)
{
    bool some = false;

    for (uint32_t i = 0; i < gateway.listener_count; i++)
        some |= gateway.listeners[i].proxy_protocol != NULL;
    return some;
}

/* Requests that a policy refuses, by its name. */
static void render_denial(struct text *text, const char *policy, uint64_t count)
{
    text_printf(text, "apigw_denied_total{policy=\"%s\"} %llu\n", policy,
                (unsigned long long)count);
}

static void render_denials(struct text *text)
{
    uint64_t by_security = SUM(denied[GW_DENIED_SECURITY]), by_acl = SUM(denied[GW_DENIED_ACL]);

    if (gateway.ip_restriction_count == 0 && !gateway.consumers && !gateway.jwts &&
        !gateway.forward_auth && by_security == 0)
        return;
    prom_family(text, "apigw_denied_total", "counter", "Requests that a policy has refused.");
    if (gateway.ip_restriction_count > 0)
        render_denial(text, "ip_restriction", SUM(addresses_refused));
    render_denial(text, "security", by_security);
    if (gateway.consumers || gateway.jwts)
        render_denial(text, "acl", by_acl);
    if (!gateway.forward_auth)
        return;
    render_denial(text, "forward_auth", SUM(denied[GW_DENIED_FORWARD_AUTH]));
    prom_number(text, "apigw_forward_auth_unanswered_total", "counter",
                "Requests let in by `on_error: allow`, for nobody answered.", SUM(unasked));
}

static void render_connections(struct text *text)
{
    uint64_t opened = SUM(opened), closed = SUM(closed), begun = SUM(begun),
             finished = SUM(finished);

    prom_number(text, "apigw_http_connections_accepted_total", "counter",
                "Connections accepted from clients.", opened);
    prom_number(text, "apigw_http_connections_refused_total", "counter",
                "Connections closed at once for a limit on connections.", SUM(refused));
    if (reads_proxy_headers())
        prom_number(text, "apigw_proxy_protocol_refused_total", "counter",
                    "Connections of trusted proxies closed for want of a good PROXY header.",
                    SUM(proxy_headers_refused));
    if (gateway.tls) {
        struct tls_stats tls = gateway.tls->stats();
        prom_number(text, "apigw_tls_handshakes_total", "counter",
                    "TLS handshakes that were completed, with clients and upstreams.",
                    tls.handshakes);
        prom_number(text, "apigw_tls_handshakes_resumed_total", "counter",
                    "Those of them that resumed a session.", tls.resumed);
        prom_number(text, "apigw_tls_handshake_failures_total", "counter",
                    "TLS handshakes that failed, or were broken off.", tls.failures);
    }
    if (gateway.jobs) {
        prom_number(text, "apigw_password_checks_total", "counter",
                    "Passwords that were hashed to be compared.", SUM_WORKERS(password_checks));
        prom_number(text, "apigw_password_checks_refused_total", "counter",
                    "Requests that were sent away while too many passwords waited.",
                    SUM_WORKERS(password_refusals));
    }
    prom_number(text, "apigw_tunnels_active", "gauge",
                "WebSockets and other tunnels that are open.", SUM_WORKERS(tunnel_count));
    prom_number(text, "apigw_tunnels_total", "counter", "WebSockets and other tunnels ever opened.",
                SUM_WORKERS(tunnel_total));
    prom_number(text, "apigw_http_connections_active", "gauge", "Client connections that are open.",
                opened > closed ? opened - closed : 0);
    prom_number(text, "apigw_http_requests_in_flight", "gauge", "Requests under way.",
                begun > finished ? begun - finished : 0);
    prom_number(text, "apigw_access_log_lines_dropped_total", "counter",
                "Access log lines given up because their reader was stuck or the disk full.",
                access_log_dropped());
}

static void render_build(struct text *text)
{
    prom_family(text, "apigw_build_info", "gauge", "What is running; always 1.");
    text_add(text, STR("apigw_build_info{"));
    prom_label(text, "name", gateway.name);
    text_byte(text, ',');
    prom_label(text, "version", gateway.version);
    text_byte(text, ',');
    prom_label(text, "build", gateway.build_id);
    text_add(text, STR("} 1\n"));
    prom_number(text, "apigw_workers", "gauge", "Worker threads.", worker_count);
}

static void render_process(struct text *text)
{
    uint64_t value;

    prom_family(text, "process_cpu_seconds_total", "counter", "CPU time spent, user and system.");
    text_add(text, STR("process_cpu_seconds_total "));
    seconds(text, self_cpu_us());
    text_byte(text, '\n');
    prom_family(text, "process_start_time_seconds", "gauge",
                "When the process started, since 1970.");
    text_add(text, STR("process_start_time_seconds "));
    seconds(text, started_us);
    text_byte(text, '\n');
    if (self_resident(&value))
        prom_number(text, "process_resident_memory_bytes", "gauge", "Memory in use.", value);
    if (self_descriptors(&value))
        prom_number(text, "process_open_fds", "gauge", "Open file descriptors.", value);
    prom_number(text, "process_max_fds", "gauge", "Most file descriptors that may be open.",
                self_raise_descriptors());
}

void metrics_render(struct text *text)
{
    render_build(text);
    render_requests(text);
    render_durations(text);
    render_upstream_times(text);
    upstreams_report_metrics(text);
    render_denials(text);
    render_connections(text);
    if (gateway.jwts)
        gateway.jwts->module->metrics(gateway.jwts, text);
    if (gateway.runtime)
        gateway.runtime->module->metrics(gateway.runtime, text);
    render_process(text);
}
