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
        .zone = STR_INIT("eu-west-1a"),
    },
    {
        .url = STR_INIT("http://b"),
        .host = STR_INIT("b"),
        .authority = STR_INIT("b"),
        .path = STR_INIT(""),
        .port = 80,
        .weight = 1,
        .zone = STR_INIT("eu \"1b\""),
    },
    {
        .url = STR_INIT("http://c"),
        .host = STR_INIT("c"),
        .authority = STR_INIT("c"),
        .path = STR_INIT(""),
        .port = 80,
        .weight = 1,
    },
    {
        .url = STR_INIT("http://backup"),
        .host = STR_INIT("backup"),
        .authority = STR_INIT("backup"),
        .path = STR_INIT(""),
        .port = 80,
        .weight = 1,
        .priority = 1,
    },
};

const struct gw_upstream backend_pets = {
    .name = STR_INIT("pets"),
    .index = 0,
    .target_count = 4,
    .targets = targets_pets,
    .levels = &levels_module,
    .host_header = GW_HOST_TARGET,
    .pool_max_idle = 1024,
    .pool_idle_timeout = 60000,
};

const struct gw_forward to_pets = {
    .upstream = &backend_pets,
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
                         "{\"name\": \"pets\", \"targets\": [\"http://a\", \"http://b\", "
                         "\"http://c\", \"http://backup\"]}],\n"
                         "\"routes\": [\n"
                         "{\"operation\": \"getA\", \"method\": \"GET\", \"path\": \"/a\", "
                         "\"action\": \"upstream pets\", \"security\": \"public\"}]}\n"),
    .features = STR_INIT("proxy access_log zones"),
    .listeners = listeners,
    .listener_count = 1,
    .zone.kind = GW_TEXT_ENV,
    .zone.text = STR_INIT("AVAILABILITY_ZONE"),
    .zone.fallback = STR_INIT(""),
    .upstreams = upstreams,
    .upstream_count = 1,
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
