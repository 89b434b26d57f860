/* T: the gateway as data. */
#include "gateway.h"

static const struct gw_target targets_stable[] = {
    {
        .url = STR_INIT("http://stable"),
        .host = STR_INIT("stable"),
        .authority = STR_INIT("stable"),
        .path = STR_INIT(""),
        .port = 80,
        .weight = 1,
    },
};

const struct gw_upstream backend_stable = {
    .name = STR_INIT("stable"),
    .index = 0,
    .target_count = 1,
    .targets = targets_stable,
    .host_header = GW_HOST_TARGET,
    .pool_max_idle = 1024,
    .pool_idle_timeout = 60000,
};

static const struct gw_target targets_canary[] = {
    {
        .url = STR_INIT("http://canary"),
        .host = STR_INIT("canary"),
        .authority = STR_INIT("canary"),
        .path = STR_INIT(""),
        .port = 80,
        .weight = 1,
    },
};

const struct gw_upstream backend_canary = {
    .name = STR_INIT("canary"),
    .index = 1,
    .target_count = 1,
    .targets = targets_canary,
    .host_header = GW_HOST_TARGET,
    .pool_max_idle = 1024,
    .pool_idle_timeout = 60000,
};

const struct gw_forward to_canary = {
    .upstream = &backend_canary,
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
    /* stable */ &backend_stable,
    /* canary */ &backend_canary,
};

static const struct gw_route *const routes[] = {
    /* GET /pets */
    &route_list_pets,
    /* POST /pets */
    &route_add_pet,
    /* GET /pets/{id} */
    &route_get_pet,
    /* PUT /pets/{id} */
    &route_put_pet,
    /* GET /r */
    &route_r,
    /* GET /s */
    &route_s,
};

uint32_t turned[RUNTIME_COUNT] = {
    /* maintenance */ 0,
    /* log.level */ 1,
    /* upstream.stable */ 95,
    /* upstream.canary */ 5,
    /* /pets.disabled */ 0,
    /* addPet.disabled */ 1,
    /* addPet.upstream.canary */ 0,
    /* /pets/{id}.maintenance */ 1,
    /* /pets/{id}.route.0.upstream.stable */ 1,
    /* /pets/{id}.route.0.upstream.canary */ 0,
};

static const struct gw_runtime_value runtime_values[] = {
    {
        .name = STR_INIT("maintenance"),
        .kind = GW_RUNTIME_SWITCH,
        .normal = 0,
        .min = 0,
        .max = 1,
    },
    {
        .name = STR_INIT("log.level"),
        .kind = GW_RUNTIME_LEVEL,
        .normal = 1,
        .min = 0,
        .max = 3,
    },
    {
        .name = STR_INIT("upstream.stable"),
        .kind = GW_RUNTIME_NUMBER,
        .normal = 95,
        .min = 0,
        .max = 100,
        .sum = 1,
    },
    {
        .name = STR_INIT("upstream.canary"),
        .kind = GW_RUNTIME_NUMBER,
        .normal = 5,
        .min = 0,
        .max = 65535,
        .sum = 1,
    },
    {
        .name = STR_INIT("/pets.disabled"),
        .kind = GW_RUNTIME_SWITCH,
        .normal = 0,
        .min = 0,
        .max = 1,
    },
    {
        .name = STR_INIT("addPet.disabled"),
        .kind = GW_RUNTIME_SWITCH,
        .normal = 1,
        .min = 0,
        .max = 1,
    },
    {
        .name = STR_INIT("addPet.upstream.canary"),
        .kind = GW_RUNTIME_NUMBER,
        .normal = 0,
        .min = 0,
        .max = 10,
    },
    {
        .name = STR_INIT("/pets/{id}.maintenance"),
        .kind = GW_RUNTIME_SWITCH,
        .normal = 1,
        .min = 0,
        .max = 1,
    },
    {
        .name = STR_INIT("/pets/{id}.route.0.upstream.stable"),
        .kind = GW_RUNTIME_NUMBER,
        .normal = 1,
        .min = 0,
        .max = 65535,
        .sum = 2,
    },
    {
        .name = STR_INIT("/pets/{id}.route.0.upstream.canary"),
        .kind = GW_RUNTIME_NUMBER,
        .normal = 0,
        .min = 0,
        .max = 65535,
        .sum = 2,
    },
};

static const struct gw_runtime runtime = {
    .module = &overrides_module,
    .file.kind = GW_TEXT_FILE,
    .file.text = STR_INIT("/etc/gw/runtime.yaml"),
    .values = runtime_values,
    .words = turned,
    .count = RUNTIME_COUNT,
    .log_level = &turned[RUNTIME_LOG_LEVEL],
};

const struct gateway gateway = {
    .abi = GW_ABI,
    .name = STR_INIT("t"),
    .version = STR_INIT("1"),
    .build_id = STR_INIT(GATEWAY_BUILD_ID),
    .manifest = STR_INIT("{\"name\": \"t\", \"title\": \"T\", \"version\": \"1\",\n"
                         "\"upstreams\": [\n"
                         "{\"name\": \"stable\", \"targets\": [\"http://stable\"]},\n"
                         "{\"name\": \"canary\", \"targets\": [\"http://canary\"]}],\n"
                         "\"routes\": [\n"
                         "{\"operation\": \"listPets\", \"method\": \"GET\", \"path\": "
                         "\"/pets\", \"action\": \"upstream stable 95, canary 5\", "
                         "\"security\": \"public\"},\n"
                         "{\"operation\": \"addPet\", \"method\": \"POST\", \"path\": "
                         "\"/pets\", \"action\": \"upstream stable:v1 1, canary 0, sticky by "
                         "cookie r\", \"security\": \"public\"},\n"
                         "{\"operation\": \"getPet\", \"method\": \"GET\", \"path\": "
                         "\"/pets/{id}\", \"action\": \"route to stable, canary\", "
                         "\"security\": \"public\"},\n"
                         "{\"operation\": \"putPet\", \"method\": \"PUT\", \"path\": "
                         "\"/pets/{id}\", \"action\": \"route to stable, canary\", "
                         "\"security\": \"public\"},\n"
                         "{\"operation\": \"r\", \"method\": \"GET\", \"path\": \"/r\", "
                         "\"action\": \"respond 200\", \"security\": \"public\"},\n"
                         "{\"operation\": \"s\", \"method\": \"GET\", \"path\": \"/s\", "
                         "\"action\": \"redirect 308 to /r\", \"security\": \"public\"}]}\n"),
    .features = STR_INIT("proxy weighted route respond redirect access_log subsets sticky runtime"),
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
    .runtime = &runtime,
    .buffers = 67108864,
    .drain_delay = 0,
    .drain_grace = 20000,
    .underscores = GW_UNDERSCORES_DROP,
    .log_level = LOG_INFO,
};
