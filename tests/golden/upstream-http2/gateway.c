/* T: the gateway as data. */
#include "gateway.h"

static const struct gw_target targets_users[] = {
    {
        .url = STR_INIT("http://users:50051"),
        .host = STR_INIT("users"),
        .authority = STR_INIT("users:50051"),
        .path = STR_INIT(""),
        .port = 50051,
        .weight = 1,
    },
};

const struct gw_upstream backend_users = {
    .name = STR_INIT("users"),
    .index = 0,
    .target_count = 1,
    .targets = targets_users,
    .host_header = GW_HOST_TARGET,
    .pool_max_idle = 1024,
    .pool_idle_timeout = 60000,
    .h2 = &call_h2_module,
    .max_streams = 200,
    .grpc = &grpc_status_module,
};

const struct gw_forward to_users = {
    .upstream = &backend_users,
};

static const struct gw_target targets_files[] = {
    {
        .url = STR_INIT("https://files"),
        .host = STR_INIT("files"),
        .authority = STR_INIT("files"),
        .path = STR_INIT(""),
        .port = 443,
        .weight = 1,
    },
};

static const struct gw_upstream_tls tls_to_files = {
    .roots = gateway_roots,
};

const struct gw_upstream backend_files = {
    .name = STR_INIT("files"),
    .index = 1,
    .target_count = 1,
    .targets = targets_files,
    .host_header = GW_HOST_TARGET,
    .pool_max_idle = 1024,
    .pool_idle_timeout = 60000,
    .h2 = &call_h2_module,
    .max_streams = 100,
    .tls = &tls_to_files,
};

const struct gw_forward to_files = {
    .upstream = &backend_files,
};

static const struct gw_target targets_old[] = {
    {
        .url = STR_INIT("http://old"),
        .host = STR_INIT("old"),
        .authority = STR_INIT("old"),
        .path = STR_INIT(""),
        .port = 80,
        .weight = 1,
    },
};

const struct gw_upstream backend_old = {
    .name = STR_INIT("old"),
    .index = 2,
    .target_count = 1,
    .targets = targets_old,
    .host_header = GW_HOST_TARGET,
    .pool_max_idle = 1024,
    .pool_idle_timeout = 60000,
};

const struct gw_forward to_old = {
    .upstream = &backend_old,
};

static const struct gw_target targets_orders[] = {
    {
        .url = STR_INIT("http://orders-1:50051"),
        .host = STR_INIT("orders-1"),
        .authority = STR_INIT("orders-1:50051"),
        .path = STR_INIT(""),
        .port = 50051,
        .weight = 1,
    },
    {
        .url = STR_INIT("http://orders-2:50051"),
        .host = STR_INIT("orders-2"),
        .authority = STR_INIT("orders-2:50051"),
        .path = STR_INIT(""),
        .port = 50051,
        .weight = 1,
    },
};

static const struct gw_outlier outlier_of_orders = {
    .module = &outlier_module,
    .consecutive_5xx = 5,
    .interval = 10000,
    .base_ejection_time = 30000,
    .max_ejection_time = 300000,
    .max_ejection_percent = 50,
};

static const struct gw_status_range retry_of_orders_statuses[] = {
    {.first = 503, .last = 503},
};
const struct gw_retry retry_of_orders = {
    .module = &retry_module,
    .attempts = 3,
    .on_reset = true,
    .statuses = retry_of_orders_statuses,
    .status_count = 1,
    /* cancelled deadline_exceeded resource_exhausted internal unavailable */
    .grpc_statuses = 24850,
    /* GET HEAD PUT DELETE OPTIONS TRACE QUERY */
    .methods = 731,
    .idempotency_key = true,
    .base = 25,
    .max = 250,
    .jitter = true,
    .budget = 20,
    .budget_min = 10,
    .buffer = 65536,
};

const struct gw_upstream backend_orders = {
    .name = STR_INIT("orders"),
    .index = 3,
    .target_count = 2,
    .targets = targets_orders,
    .host_header = GW_HOST_TARGET,
    .pool_max_idle = 1024,
    .pool_idle_timeout = 60000,
    .h2 = &call_h2_module,
    .max_streams = 100,
    .grpc = &grpc_status_module,
    .outlier = &outlier_of_orders,
    .panic_threshold = 50,
};

const struct gw_forward to_orders = {
    .upstream = &backend_orders,
    .retry = &retry_of_orders,
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
    /* users */ &backend_users,
    /* files */ &backend_files,
    /* old */ &backend_old,
    /* orders */ &backend_orders,
};

static const struct gw_route *const routes[] = {
    /* POST /users.Users/Get */
    &route_users,
    /* POST /orders.Orders/Get */
    &route_orders,
    /* POST /orders.Orders/Own */
    &route_own,
    /* GET /files */
    &route_files,
    /* GET /chat */
    &route_chat,
};

const struct gateway gateway = {
    .abi = GW_ABI,
    .name = STR_INIT("t"),
    .version = STR_INIT("1"),
    .build_id = STR_INIT(GATEWAY_BUILD_ID),
    .manifest = STR_INIT("{\"name\": \"t\", \"title\": \"T\", \"version\": \"1\",\n"
                         "\"upstreams\": [\n"
                         "{\"name\": \"users\", \"targets\": [\"http://users:50051\"]},\n"
                         "{\"name\": \"files\", \"targets\": [\"https://files\"]},\n"
                         "{\"name\": \"old\", \"targets\": [\"http://old\"]},\n"
                         "{\"name\": \"orders\", \"targets\": [\"http://orders-1:50051\", "
                         "\"http://orders-2:50051\"]}],\n"
                         "\"routes\": [\n"
                         "{\"operation\": \"users\", \"method\": \"POST\", \"path\": "
                         "\"/users.Users/Get\", \"action\": \"upstream users\", \"security\": "
                         "\"public\"},\n"
                         "{\"operation\": \"orders\", \"method\": \"POST\", \"path\": "
                         "\"/orders.Orders/Get\", \"action\": \"upstream orders\", "
                         "\"security\": \"public\"},\n"
                         "{\"operation\": \"own\", \"method\": \"POST\", \"path\": "
                         "\"/orders.Orders/Own\", \"action\": \"upstream orders\", "
                         "\"security\": \"public\"},\n"
                         "{\"operation\": \"files\", \"method\": \"GET\", \"path\": \"/files\", "
                         "\"action\": \"upstream files\", \"security\": \"public\"},\n"
                         "{\"operation\": \"chat\", \"method\": \"GET\", \"path\": \"/chat\", "
                         "\"action\": \"upstream old\", \"security\": \"public\"}]}\n"),
    .features = STR_INIT("proxy access_log tls http2 retry outlier_detection"),
    .listeners = listeners,
    .listener_count = 1,
    .tls = &tls_module,
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
