/* T: the gateway as data. */
#include "gateway.h"

static const struct gw_target targets_short_[] = {
    {
        .url = STR_INIT("http://a"),
        .host = STR_INIT("a"),
        .authority = STR_INIT("a"),
        .path = STR_INIT(""),
        .port = 80,
        .weight = 1,
    },
};

static const struct gw_adaptive adaptive_of_short_ = {
    .module = &adaptive_module,
    .min_concurrency = 3,
    .max_concurrency = 1000,
    .first = 20,
    .interval = 100,
    .min_rtt_interval = 30000,
    .percentile = 50,
    .tolerance = 25,
};
static const struct gw_breaker breaker_of_short_ = {
    .module = &breaker_module,
    .max_pending_requests = 100,
    .pending_timeout = 5000,
    .adaptive = &adaptive_of_short_,
};

const struct gw_upstream backend_short_ = {
    .name = STR_INIT("short"),
    .index = 0,
    .target_count = 1,
    .targets = targets_short_,
    .host_header = GW_HOST_TARGET,
    .pool_max_idle = 1024,
    .pool_idle_timeout = 60000,
    .breaker = &breaker_of_short_,
};

static const struct gw_target targets_all[] = {
    {
        .url = STR_INIT("http://b"),
        .host = STR_INIT("b"),
        .authority = STR_INIT("b"),
        .path = STR_INIT(""),
        .port = 80,
        .weight = 1,
    },
};

static const struct gw_adaptive adaptive_of_all = {
    .module = &adaptive_module,
    .min_concurrency = 30,
    .max_concurrency = 200,
    .first = 30,
    .interval = 250,
    .min_rtt_interval = 60000,
    .percentile = 90,
    .tolerance = 50,
};
static const struct gw_breaker breaker_of_all = {
    .module = &breaker_module,
    .max_requests = 100,
    .max_pending_requests = 7,
    .pending_timeout = 5000,
    .adaptive = &adaptive_of_all,
};

const struct gw_upstream backend_all = {
    .name = STR_INIT("all"),
    .index = 1,
    .target_count = 1,
    .targets = targets_all,
    .host_header = GW_HOST_TARGET,
    .pool_max_idle = 1024,
    .pool_idle_timeout = 60000,
    .breaker = &breaker_of_all,
};

static const struct gw_target targets_few[] = {
    {
        .url = STR_INIT("http://c"),
        .host = STR_INIT("c"),
        .authority = STR_INIT("c"),
        .path = STR_INIT(""),
        .port = 80,
        .weight = 1,
    },
};

static const struct gw_adaptive adaptive_of_few = {
    .module = &adaptive_module,
    .min_concurrency = 3,
    .max_concurrency = 5,
    .first = 5,
    .interval = 100,
    .min_rtt_interval = 30000,
    .percentile = 50,
    .tolerance = 25,
};
static const struct gw_breaker breaker_of_few = {
    .module = &breaker_module,
    .max_pending_requests = 100,
    .pending_timeout = 5000,
    .threshold = 5,
    .window_size = 60000,
    .timeout = 30000,
    .half_open_requests = 1,
    .adaptive = &adaptive_of_few,
};

const struct gw_upstream backend_few = {
    .name = STR_INIT("few"),
    .index = 2,
    .target_count = 1,
    .targets = targets_few,
    .host_header = GW_HOST_TARGET,
    .pool_max_idle = 1024,
    .pool_idle_timeout = 60000,
    .breaker = &breaker_of_few,
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
    .index = 3,
    .target_count = 1,
    .targets = targets_off,
    .host_header = GW_HOST_TARGET,
    .pool_max_idle = 1024,
    .pool_idle_timeout = 60000,
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
    /* short */ &backend_short_,
    /* all */ &backend_all,
    /* few */ &backend_few,
    /* off */ &backend_off,
};

static const struct gw_route *const routes[] = {
    /* GET /a */
    &route_get_a,
};

const struct gateway gateway = {
    .abi = GW_ABI,
    .name = STR_INIT("t"),
    .version = STR_INIT("1"),
    .build_id = STR_INIT(GATEWAY_BUILD_ID),
    .manifest = STR_INIT("{\"name\": \"t\", \"title\": \"T\", \"version\": \"1\",\n"
                         "\"upstreams\": [\n"
                         "{\"name\": \"short\", \"targets\": [\"http://a\"]},\n"
                         "{\"name\": \"all\", \"targets\": [\"http://b\"]},\n"
                         "{\"name\": \"few\", \"targets\": [\"http://c\"]},\n"
                         "{\"name\": \"off\", \"targets\": [\"http://d\"]}],\n"
                         "\"routes\": [\n"
                         "{\"operation\": \"getA\", \"method\": \"GET\", \"path\": \"/a\", "
                         "\"action\": \"upstream short 1, all 1, few 1, off 1\", \"security\": "
                         "\"public\"}]}\n"),
    .features = STR_INIT("proxy weighted access_log circuit_breaker adaptive_concurrency"),
    .listeners = listeners,
    .listener_count = 1,
    .upstreams = upstreams,
    .upstream_count = 4,
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
