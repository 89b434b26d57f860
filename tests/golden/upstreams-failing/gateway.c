/* T: the gateway as data. */
#include "gateway.h"

static const struct gw_target targets_all[] = {
    {
        .url = STR_INIT("http://a"),
        .host = STR_INIT("a"),
        .authority = STR_INIT("a"),
        .path = STR_INIT(""),
        .port = 80,
        .weight = 1,
    },
    {
        .url = STR_INIT("http://b"),
        .host = STR_INIT("b"),
        .authority = STR_INIT("b"),
        .path = STR_INIT(""),
        .port = 80,
        .weight = 3,
    },
};

static const struct gw_status_range healthy_all[] = {
    {.first = 200, .last = 299},
    {.first = 304, .last = 304},
    {.first = 500, .last = 599},
};
static const struct gw_health_check check_of_all = {
    .module = &probe_module,
    .kind = GW_CHECK_HTTP,
    .path = STR_INIT("/health?deep=1"),
    .host = STR_INIT("health.local"),
    .port = 8081,
    .interval = 5000,
    .timeout = 500,
    .unhealthy_threshold = 2,
    .healthy_threshold = 4,
    .statuses = healthy_all,
    .status_count = 3,
};

static const struct gw_outlier outlier_of_all = {
    .module = &outlier_module,
    .consecutive_5xx = 7,
    .max_fails = 3,
    .fail_timeout = 20000,
    .interval = 5000,
    .success_rate_minimum_hosts = 3,
    .success_rate_request_volume = 50,
    .success_rate_stdev_factor = 2250,
    .base_ejection_time = 10000,
    .max_ejection_time = 60000,
    .max_ejection_percent = 30,
};

static const struct gw_breaker breaker_of_all = {
    .module = &breaker_module,
    .max_connections = 10,
    .max_requests = 30,
    .max_pending_requests = 20,
    .pending_timeout = 2000,
    .threshold = 5,
    .window_size = 30000,
    .timeout = 15000,
    .half_open_requests = 3,
};

const struct gw_upstream backend_all = {
    .name = STR_INIT("all"),
    .index = 0,
    .target_count = 2,
    .targets = targets_all,
    .host_header = GW_HOST_TARGET,
    .pool_max_idle = 1024,
    .pool_idle_timeout = 60000,
    .balance = balance_least_conn,
    .check = &check_of_all,
    .outlier = &outlier_of_all,
    .breaker = &breaker_of_all,
    .slow_start = 30000,
    .panic_threshold = 25,
};

static const struct gw_target targets_short_[] = {
    {
        .url = STR_INIT("http://c"),
        .host = STR_INIT("c"),
        .authority = STR_INIT("c"),
        .path = STR_INIT(""),
        .port = 80,
        .weight = 1,
    },
};

static const struct gw_status_range healthy_short_[] = {
    {.first = 200, .last = 399},
};
static const struct gw_health_check check_of_short_ = {
    .module = &probe_module,
    .kind = GW_CHECK_HTTP,
    .path = STR_INIT("/"),
    .interval = 10000,
    .timeout = 1000,
    .unhealthy_threshold = 3,
    .healthy_threshold = 2,
    .statuses = healthy_short_,
    .status_count = 1,
};

static const struct gw_outlier outlier_of_short_ = {
    .module = &outlier_module,
    .consecutive_5xx = 5,
    .interval = 10000,
    .base_ejection_time = 30000,
    .max_ejection_time = 300000,
    .max_ejection_percent = 50,
};

static const struct gw_breaker breaker_of_short_ = {
    .module = &breaker_module,
    .threshold = 5,
    .window_size = 60000,
    .timeout = 30000,
    .half_open_requests = 1,
};

const struct gw_upstream backend_short_ = {
    .name = STR_INIT("short"),
    .index = 1,
    .target_count = 1,
    .targets = targets_short_,
    .host_header = GW_HOST_TARGET,
    .pool_max_idle = 1024,
    .pool_idle_timeout = 60000,
    .check = &check_of_short_,
    .outlier = &outlier_of_short_,
    .breaker = &breaker_of_short_,
    .panic_threshold = 50,
};

static const struct gw_target targets_off[] = {
    {
        .url = STR_INIT("http://d"),
        .host = STR_INIT("d"),
        .authority = STR_INIT("d"),
        .path = STR_INIT(""),
        .port = 80,
        .weight = 1,
    },
};

const struct gw_upstream backend_off = {
    .name = STR_INIT("off"),
    .index = 2,
    .target_count = 1,
    .targets = targets_off,
    .host_header = GW_HOST_TARGET,
    .pool_max_idle = 1024,
    .pool_idle_timeout = 60000,
};

static const struct gw_target targets_tcp[] = {
    {
        .url = STR_INIT("http://e"),
        .host = STR_INIT("e"),
        .authority = STR_INIT("e"),
        .path = STR_INIT(""),
        .port = 80,
        .weight = 1,
    },
};

static const struct gw_health_check check_of_tcp = {
    .module = &probe_module,
    .kind = GW_CHECK_TCP,
    .interval = 10000,
    .timeout = 1000,
    .unhealthy_threshold = 3,
    .healthy_threshold = 2,
};

const struct gw_upstream backend_tcp = {
    .name = STR_INIT("tcp"),
    .index = 3,
    .target_count = 1,
    .targets = targets_tcp,
    .host_header = GW_HOST_TARGET,
    .pool_max_idle = 1024,
    .pool_idle_timeout = 60000,
    .balance = balance_random,
    .check = &check_of_tcp,
};

static const struct gw_target targets_grpc[] = {
    {
        .url = STR_INIT("http://f"),
        .host = STR_INIT("f"),
        .authority = STR_INIT("f"),
        .path = STR_INIT(""),
        .port = 80,
        .weight = 1,
    },
};

static const struct gw_health_check check_of_grpc = {
    .module = &probe_module,
    .kind = GW_CHECK_GRPC,
    .service = STR_INIT("pets.Pets"),
    .interval = 10000,
    .timeout = 1000,
    .unhealthy_threshold = 3,
    .healthy_threshold = 2,
};

const struct gw_upstream backend_grpc = {
    .name = STR_INIT("grpc"),
    .index = 4,
    .target_count = 1,
    .targets = targets_grpc,
    .host_header = GW_HOST_TARGET,
    .pool_max_idle = 1024,
    .pool_idle_timeout = 60000,
    .h2 = &call_h2_module,
    .max_streams = 100,
    .grpc = &grpc_status_module,
    .balance = balance_peak_ewma,
    .observe = balance_observe,
    .check = &check_of_grpc,
    .panic_threshold = 50,
};

static const struct gw_target targets_rates[] = {
    {
        .url = STR_INIT("http://g"),
        .host = STR_INIT("g"),
        .authority = STR_INIT("g"),
        .path = STR_INIT(""),
        .port = 80,
        .weight = 1,
    },
};

static const struct gw_outlier outlier_of_rates = {
    .module = &outlier_module,
    .interval = 10000,
    .success_rate_minimum_hosts = 5,
    .success_rate_request_volume = 100,
    .success_rate_stdev_factor = 1900,
    .base_ejection_time = 30000,
    .max_ejection_time = 300000,
    .max_ejection_percent = 50,
};

static const struct gw_breaker breaker_of_rates = {
    .module = &breaker_module,
    .max_requests = 5,
};

const struct gw_upstream backend_rates = {
    .name = STR_INIT("rates"),
    .index = 5,
    .target_count = 1,
    .targets = targets_rates,
    .host_header = GW_HOST_TARGET,
    .pool_max_idle = 1024,
    .pool_idle_timeout = 60000,
    .outlier = &outlier_of_rates,
    .breaker = &breaker_of_rates,
    .panic_threshold = 50,
};

static const struct gw_target targets_ip[] = {
    {
        .url = STR_INIT("http://h"),
        .host = STR_INIT("h"),
        .authority = STR_INIT("h"),
        .path = STR_INIT(""),
        .port = 80,
        .weight = 1,
    },
};

const struct gw_upstream backend_ip = {
    .name = STR_INIT("ip"),
    .index = 6,
    .target_count = 1,
    .targets = targets_ip,
    .host_header = GW_HOST_TARGET,
    .pool_max_idle = 1024,
    .pool_idle_timeout = 60000,
    .balance = balance_hash,
    .hashes = balance_hash_of,
    .hash_key.from = GW_HASH_IP,
};

static const struct gw_target targets_header[] = {
    {
        .url = STR_INIT("http://i"),
        .host = STR_INIT("i"),
        .authority = STR_INIT("i"),
        .path = STR_INIT(""),
        .port = 80,
        .weight = 1,
    },
};

const struct gw_upstream backend_header = {
    .name = STR_INIT("header"),
    .index = 7,
    .target_count = 1,
    .targets = targets_header,
    .host_header = GW_HOST_TARGET,
    .pool_max_idle = 1024,
    .pool_idle_timeout = 60000,
    .balance = balance_hash,
    .hashes = balance_hash_of,
    .hash_key.from = GW_HASH_HEADER,
    .hash_key.name = STR_INIT("X-User"),
};

static const struct gw_target targets_cookie[] = {
    {
        .url = STR_INIT("http://j"),
        .host = STR_INIT("j"),
        .authority = STR_INIT("j"),
        .path = STR_INIT(""),
        .port = 80,
        .weight = 1,
    },
};

const struct gw_upstream backend_cookie = {
    .name = STR_INIT("cookie"),
    .index = 8,
    .target_count = 1,
    .targets = targets_cookie,
    .host_header = GW_HOST_TARGET,
    .pool_max_idle = 1024,
    .pool_idle_timeout = 60000,
    .balance = balance_hash,
    .hashes = balance_hash_of,
    .hash_key.from = GW_HASH_COOKIE,
    .hash_key.name = STR_INIT("sid"),
};

static const struct gw_target targets_param[] = {
    {
        .url = STR_INIT("http://k"),
        .host = STR_INIT("k"),
        .authority = STR_INIT("k"),
        .path = STR_INIT(""),
        .port = 80,
        .weight = 1,
    },
};

const struct gw_upstream backend_param = {
    .name = STR_INIT("param"),
    .index = 9,
    .target_count = 1,
    .targets = targets_param,
    .host_header = GW_HOST_TARGET,
    .pool_max_idle = 1024,
    .pool_idle_timeout = 60000,
    .balance = balance_hash,
    .hashes = balance_hash_of,
    .hash_key.from = GW_HASH_PARAM,
    .hash_key.name = STR_INIT("user"),
};

const struct gw_timeouts timeouts_default = {
    .connect = 5000,
    .send = 60000,
    .read = 60000,
    .request = 0,
    .idle = 300000,
};

const struct gw_errors errors_default = {
    .format = GW_ERRORS_PROBLEM,
};

static const struct gw_listener listeners[] = {
    {
        .address = STR_INIT("[::]:8080"),
        .limits.line = 8192,
        .limits.fields = 32768,
        .limits.count = 100,
        .connections = 0,
        .connections_per_ip = 0,
        .header_timeout = 10000,
        .idle_timeout = 75000,
        .keep_alive_requests = 10000,
    },
};

static const struct gw_upstream *const upstreams[] = {
    /* all */ &backend_all,
    /* short */ &backend_short_,
    /* off */ &backend_off,
    /* tcp */ &backend_tcp,
    /* grpc */ &backend_grpc,
    /* rates */ &backend_rates,
    /* ip */ &backend_ip,
    /* header */ &backend_header,
    /* cookie */ &backend_cookie,
    /* param */ &backend_param,
};

static const struct gw_route *const routes[] = {
    /* GET /a */
    &route_get_a,
    /* GET /b/{id}/{user} */
    &route_get_b,
};

const struct gateway gateway = {
    .abi = GW_ABI,
    .name = STR_INIT("t"),
    .version = STR_INIT("1"),
    .build_id = STR_INIT(GATEWAY_BUILD_ID),
    .manifest = STR_INIT("{\"name\": \"t\", \"title\": \"T\", \"version\": \"1\",\n"
                         "\"upstreams\": [\n"
                         "{\"name\": \"all\", \"targets\": [\"http://a\", \"http://b\"]},\n"
                         "{\"name\": \"short\", \"targets\": [\"http://c\"]},\n"
                         "{\"name\": \"off\", \"targets\": [\"http://d\"]},\n"
                         "{\"name\": \"tcp\", \"targets\": [\"http://e\"]},\n"
                         "{\"name\": \"grpc\", \"targets\": [\"http://f\"]},\n"
                         "{\"name\": \"rates\", \"targets\": [\"http://g\"]},\n"
                         "{\"name\": \"ip\", \"targets\": [\"http://h\"]},\n"
                         "{\"name\": \"header\", \"targets\": [\"http://i\"]},\n"
                         "{\"name\": \"cookie\", \"targets\": [\"http://j\"]},\n"
                         "{\"name\": \"param\", \"targets\": [\"http://k\"]}],\n"
                         "\"routes\": [\n"
                         "{\"operation\": \"getA\", \"method\": \"GET\", \"path\": \"/a\", "
                         "\"action\": \"upstream all 1, short 1, off 1, tcp 1, grpc 1, rates 1, "
                         "ip 1, header 1, cookie 1\", \"security\": \"public\"},\n"
                         "{\"operation\": \"getB\", \"method\": \"GET\", \"path\": "
                         "\"/b/{id}/{user}\", \"action\": \"upstream param\", \"security\": "
                         "\"public\"}]}\n"),
    .features = STR_INIT(
        "proxy weighted access_log http2 balance health_check outlier_detection circuit_breaker"),
    .listeners = listeners,
    .listener_count = 1,
    .upstreams = upstreams,
    .upstream_count = 10,
    .routes = routes,
    .route_count = ROUTE_COUNT,
    .errors = &errors_default,
    .timeouts = &timeouts_default,
    .access_log.on = true,
    .access_log.block_when_full = false,
    .access_log.format = GW_LOG_JSON,
    .access_log.output.kind = GW_TEXT_LITERAL,
    .access_log.output.text = STR_INIT("stdout"),
    .correlation.generator = GW_ID_UUID,
    .correlation.header_name = STR_INIT("X-Request-ID"),
    .correlation.echo = true,
    .correlation.trust = false,
    .upstream_limits.line = 8192,
    .upstream_limits.fields = 65536,
    .upstream_limits.count = 100,
    .buffers = 67108864,
    .drain_delay = 0,
    .drain_grace = 20000,
    .underscores = GW_UNDERSCORES_DROP,
    .log_level = LOG_INFO,
};
