/* T: the gateway as data. */
#include "gateway.h"

static const struct gw_target targets_one[] = {
    {
        .url = STR_INIT("http://one"),
        .host = STR_INIT("one"),
        .authority = STR_INIT("one"),
        .path = STR_INIT(""),
        .port = 80,
        .weight = 1,
    },
};

const struct gw_retry retry_of_one = {
    .module = &retry_module,
    .attempts = 3,
    .on_connect_failure = true,
    /* GET HEAD PUT DELETE OPTIONS TRACE QUERY */
    .methods = 731,
    .base = 25,
    .max = 250,
    .jitter = true,
    .budget = 20,
    .budget_min = 10,
    .buffer = 8192,
};

const struct gw_upstream backend_one = {
    .name = STR_INIT("one"),
    .index = 0,
    .target_count = 1,
    .targets = targets_one,
    .host_header = GW_HOST_TARGET,
    .pool_max_idle = 1024,
    .pool_idle_timeout = 60000,
};

const struct gw_forward to_one = {
    .upstream = &backend_one,
    .retry = &retry_of_one,
};

static const struct gw_target targets_two[] = {
    {
        .url = STR_INIT("http://two"),
        .host = STR_INIT("two"),
        .authority = STR_INIT("two"),
        .path = STR_INIT(""),
        .port = 80,
        .weight = 1,
    },
};

static const struct gw_status_range retry_of_two_statuses[] = {
    {.first = 503, .last = 503},
};
const struct gw_retry retry_of_two = {
    .module = &retry_module,
    .attempts = 2,
    .on_connect_failure = true,
    .statuses = retry_of_two_statuses,
    .status_count = 1,
    /* GET HEAD PUT DELETE OPTIONS TRACE QUERY */
    .methods = 731,
    .base = 25,
    .max = 250,
    .jitter = true,
    .budget = 20,
    .budget_min = 10,
    .buffer = 8192,
};

const struct gw_upstream backend_two = {
    .name = STR_INIT("two"),
    .index = 1,
    .target_count = 1,
    .targets = targets_two,
    .host_header = GW_HOST_TARGET,
    .pool_max_idle = 1024,
    .pool_idle_timeout = 60000,
};

const struct gw_forward to_two = {
    .upstream = &backend_two,
    .retry = &retry_of_two,
};

static const struct gw_target targets_not[] = {
    {
        .url = STR_INIT("http://not"),
        .host = STR_INIT("not"),
        .authority = STR_INIT("not"),
        .path = STR_INIT(""),
        .port = 80,
        .weight = 1,
    },
};

const struct gw_retry retry_of_not = {
    .module = &retry_module,
    .attempts = 1,
    .buffer = 8192,
};

const struct gw_upstream backend_not = {
    .name = STR_INIT("not"),
    .index = 2,
    .target_count = 1,
    .targets = targets_not,
    .host_header = GW_HOST_TARGET,
    .pool_max_idle = 1024,
    .pool_idle_timeout = 60000,
};

const struct gw_forward to_not = {
    .upstream = &backend_not,
    .retry = &retry_of_not,
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
    /* one */ &backend_one,
    /* two */ &backend_two,
    /* not */ &backend_not,
};

static const struct gw_route *const routes[] = {
    /* GET /a */
    &route_from_document,
    /* POST /a */
    &route_own,
    /* PUT /a */
    &route_off,
    /* GET /b */
    &route_from_upstream,
    /* GET /c */
    &route_upstream_off,
    /* GET /d */
    &route_from_path,
    /* GET /e */
    &route_each,
};

const struct gateway gateway = {
    .abi = GW_ABI,
    .name = STR_INIT("t"),
    .version = STR_INIT("1"),
    .build_id = STR_INIT(GATEWAY_BUILD_ID),
    .manifest = STR_INIT("{\"name\": \"t\", \"title\": \"T\", \"version\": \"1\",\n"
                         "\"upstreams\": [\n"
                         "{\"name\": \"one\", \"targets\": [\"http://one\"]},\n"
                         "{\"name\": \"two\", \"targets\": [\"http://two\"]},\n"
                         "{\"name\": \"not\", \"targets\": [\"http://not\"]}],\n"
                         "\"routes\": [\n"
                         "{\"operation\": \"fromDocument\", \"method\": \"GET\", \"path\": "
                         "\"/a\", \"action\": \"upstream one\", \"security\": \"public\"},\n"
                         "{\"operation\": \"own\", \"method\": \"POST\", \"path\": \"/a\", "
                         "\"action\": \"upstream one\", \"security\": \"public\"},\n"
                         "{\"operation\": \"off\", \"method\": \"PUT\", \"path\": \"/a\", "
                         "\"action\": \"upstream one\", \"security\": \"public\"},\n"
                         "{\"operation\": \"fromUpstream\", \"method\": \"GET\", \"path\": "
                         "\"/b\", \"action\": \"upstream two\", \"security\": \"public\"},\n"
                         "{\"operation\": \"upstreamOff\", \"method\": \"GET\", \"path\": "
                         "\"/c\", \"action\": \"upstream not\", \"security\": \"public\"},\n"
                         "{\"operation\": \"fromPath\", \"method\": \"GET\", \"path\": \"/d\", "
                         "\"action\": \"upstream one 3, two 1\", \"security\": \"public\"},\n"
                         "{\"operation\": \"each\", \"method\": \"GET\", \"path\": \"/e\", "
                         "\"action\": \"upstream one 3, two 1\", \"security\": \"public\"}]}\n"),
    .features = STR_INIT("proxy weighted rewrite access_log retry"),
    .listeners = listeners,
    .listener_count = 1,
    .upstreams = upstreams,
    .upstream_count = 3,
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
