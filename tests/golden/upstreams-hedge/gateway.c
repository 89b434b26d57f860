/* T: the gateway as data. */
#include "gateway.h"

static const struct gw_target targets_pets[] = {
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
        .weight = 1,
    },
};

const struct gw_retry retry_of_pets = {
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
    .buffer = 65536,
    .hedge = &hedge_module,
    .hedge_delay = 50,
    .hedge_attempts = 2,
};

const struct gw_upstream backend_pets = {
    .name = STR_INIT("pets"),
    .index = 0,
    .target_count = 2,
    .targets = targets_pets,
    .host_header = GW_HOST_TARGET,
    .pool_max_idle = 1024,
    .pool_idle_timeout = 60000,
};

const struct gw_forward to_pets = {
    .upstream = &backend_pets,
    .retry = &retry_of_pets,
};

static const struct gw_target targets_news[] = {
    {
        .url = STR_INIT("http://c"),
        .host = STR_INIT("c"),
        .authority = STR_INIT("c"),
        .path = STR_INIT(""),
        .port = 80,
        .weight = 1,
    },
    {
        .url = STR_INIT("http://d"),
        .host = STR_INIT("d"),
        .authority = STR_INIT("d"),
        .path = STR_INIT(""),
        .port = 80,
        .weight = 1,
    },
};

const struct gw_upstream backend_news = {
    .name = STR_INIT("news"),
    .index = 1,
    .target_count = 2,
    .targets = targets_news,
    .host_header = GW_HOST_TARGET,
    .pool_max_idle = 1024,
    .pool_idle_timeout = 60000,
};

const struct gw_forward to_news = {
    .upstream = &backend_news,
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
    /* pets */ &backend_pets,
    /* news */ &backend_news,
};

static const struct gw_route *const routes[] = {
    /* GET /a */
    &route_from_upstream,
    /* PUT /a */
    &route_off,
    /* GET /b */
    &route_none,
    /* HEAD /b */
    &route_own,
};

const struct gateway gateway = {
    .abi = GW_ABI,
    .name = STR_INIT("t"),
    .version = STR_INIT("1"),
    .build_id = STR_INIT(GATEWAY_BUILD_ID),
    .manifest = STR_INIT("{\"name\": \"t\", \"title\": \"T\", \"version\": \"1\",\n"
                         "\"upstreams\": [\n"
                         "{\"name\": \"pets\", \"targets\": [\"http://a\", \"http://b\"]},\n"
                         "{\"name\": \"news\", \"targets\": [\"http://c\", \"http://d\"]}],\n"
                         "\"routes\": [\n"
                         "{\"operation\": \"fromUpstream\", \"method\": \"GET\", \"path\": "
                         "\"/a\", \"action\": \"upstream pets\", \"security\": \"public\"},\n"
                         "{\"operation\": \"off\", \"method\": \"PUT\", \"path\": \"/a\", "
                         "\"action\": \"upstream pets\", \"security\": \"public\"},\n"
                         "{\"operation\": \"none\", \"method\": \"GET\", \"path\": \"/b\", "
                         "\"action\": \"upstream news\", \"security\": \"public\"},\n"
                         "{\"operation\": \"own\", \"method\": \"HEAD\", \"path\": \"/b\", "
                         "\"action\": \"upstream news\", \"security\": \"public\"}]}\n"),
    .features = STR_INIT("proxy access_log retry hedge"),
    .listeners = listeners,
    .listener_count = 1,
    .upstreams = upstreams,
    .upstream_count = 2,
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
