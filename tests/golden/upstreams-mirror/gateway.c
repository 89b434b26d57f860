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
};

static const struct gw_mirror mirror_of_pets = {
    .module = &mirror_module,
    .to.upstream = &backend_next,
    .percent = 100,
    .max_requests = 100,
    .buffer = 65536,
    .timeout = 60000,
};
const struct gw_upstream backend_pets = {
    .name = STR_INIT("pets"),
    .index = 0,
    .target_count = 1,
    .targets = targets_pets,
    .host_header = GW_HOST_TARGET,
    .pool_max_idle = 1024,
    .pool_idle_timeout = 60000,
    .mirror = &mirror_of_pets,
};

static const struct gw_target targets_next[] = {
    {
        .url = STR_INIT("http://b"),
        .host = STR_INIT("b"),
        .authority = STR_INIT("b"),
        .path = STR_INIT(""),
        .port = 80,
        .weight = 1,
    },
};

static const struct gw_mirror mirror_of_next = {
    .module = &mirror_module,
    .to.upstream = &backend_next_but_one,
    .to.subset = 2,
    .percent = 5,
    .max_requests = 7,
    .buffer = 1048576,
    .timeout = 3000,
};
const struct gw_upstream backend_next = {
    .name = STR_INIT("next"),
    .index = 1,
    .target_count = 1,
    .targets = targets_next,
    .host_header = GW_HOST_TARGET,
    .pool_max_idle = 1024,
    .pool_idle_timeout = 60000,
    .mirror = &mirror_of_next,
};

const struct gw_forward to_next = {
    .upstream = &backend_next,
};

static const struct gw_target targets_next_but_one[] = {
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

const struct gw_upstream backend_next_but_one = {
    .name = STR_INIT("next-but-one"),
    .index = 2,
    .target_count = 2,
    .targets = targets_next_but_one,
    .host_header = GW_HOST_TARGET,
    .pool_max_idle = 1024,
    .pool_idle_timeout = 60000,
};

static const struct gw_target targets_off[] = {
    {
        .url = STR_INIT("http://e"),
        .host = STR_INIT("e"),
        .authority = STR_INIT("e"),
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
    /* pets */ &backend_pets,
    /* next */ &backend_next,
    /* next-but-one */ &backend_next_but_one,
    /* off */ &backend_off,
};

static const struct gw_route *const routes[] = {
    /* GET /a */
    &route_get_a,
    /* GET /b */
    &route_get_b,
};

const struct gateway gateway = {
    .abi = GW_ABI,
    .name = STR_INIT("t"),
    .version = STR_INIT("1"),
    .build_id = STR_INIT(GATEWAY_BUILD_ID),
    .manifest = STR_INIT("{\"name\": \"t\", \"title\": \"T\", \"version\": \"1\",\n"
                         "\"upstreams\": [\n"
                         "{\"name\": \"pets\", \"targets\": [\"http://a\"]},\n"
                         "{\"name\": \"next\", \"targets\": [\"http://b\"]},\n"
                         "{\"name\": \"next-but-one\", \"targets\": [\"http://c\", "
                         "\"http://d\"]},\n"
                         "{\"name\": \"off\", \"targets\": [\"http://e\"]}],\n"
                         "\"routes\": [\n"
                         "{\"operation\": \"getA\", \"method\": \"GET\", \"path\": \"/a\", "
                         "\"action\": \"upstream pets 1, off 1\", \"security\": \"public\"},\n"
                         "{\"operation\": \"getB\", \"method\": \"GET\", \"path\": \"/b\", "
                         "\"action\": \"upstream next\", \"security\": \"public\"}]}\n"),
    .features = STR_INIT("proxy weighted access_log subsets mirror"),
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
