/* Users: the gateway as data. */
#include "gateway.h"

static const struct gw_target targets_pets[] = {
    {
        .url = STR_INIT("http://pets"),
        .host = STR_INIT("pets"),
        .authority = STR_INIT("pets"),
        .path = STR_INIT(""),
        .port = 80,
        .weight = 1,
    },
};

const struct gw_upstream backend_pets = {
    .name = STR_INIT("pets"),
    .index = 0,
    .target_count = 1,
    .targets = targets_pets,
    .host_header = GW_HOST_TARGET,
    .pool_max_idle = 1024,
    .pool_idle_timeout = 60000,
};

const struct gw_forward to_pets = {
    .upstream = &backend_pets,
};

static const struct str names_of_key[] = {
    STR_INIT("X-API-Key"),
};
const struct gw_key_auth key_of_key = {
    .names = names_of_key,
    .name_count = 1,
    .in_header = true,
};

const struct gw_basic basic_of_basic = {
    .cache_size = 1000,
    .cache_ttl = 300000,
};

const struct gw_basic basic_of_hidden_one = {
    .hide_credentials = true,
    .cache_size = 20,
    .cache_ttl = 3600000,
};

static const struct str identity_fields[] = {
    STR_INIT("x-consumer-"),
    /* or */ STR_INIT("x-authenticated-scope"),
};

static const struct str groups_of_0[] = {
    STR_INIT("users"),
};
static const struct gw_credential credentials_of_0[] = {
    {
        .kind = GW_CREDENTIAL_BASIC,
        .id = STR_INIT("ann"),
        .secret = {.kind = GW_TEXT_ENV, .text = STR_INIT("ANN_HASH")},
    },
    {
        .kind = GW_CREDENTIAL_BASIC,
        .id = STR_INIT("ann \"b\""),
        .secret = {.kind = GW_TEXT_FILE, .text = STR_INIT("/run/secrets/ann")},
    },
};
static const struct gw_text keys_of_1[] = {
    {.kind = GW_TEXT_ENV, .text = STR_INIT("BOB_KEY")},
};
static const struct gw_consumer consumer_list[] = {
    {
        .name = STR_INIT("ann"),
        .id = STR_INIT("ann"),
        .groups = groups_of_0,
        .group_count = 1,
        .credentials = credentials_of_0,
        .credential_count = 2,
    },
    {
        .name = STR_INIT("bob"),
        .id = STR_INIT("bob"),
        .keys = keys_of_1,
        .key_count = 1,
    },
};
static const struct gw_consumers consumers = {
    .module = &consumers_module,
    .at = consumer_list,
    .count = 2,
    .kinds[GW_CREDENTIAL_BASIC] = &basic_credentials,
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
        .identity_fields = identity_fields,
        .identity_field_count = 2,
    },
};

static const struct gw_upstream *const upstreams[] = {
    /* pets */ &backend_pets,
};

static const struct gw_route *const routes[] = {
    /* GET /a */
    &route_get_a,
    /* POST /a */
    &route_post_a,
    /* PUT /a */
    &route_put_a,
};

const struct gateway gateway = {
    .abi = GW_ABI,
    .name = STR_INIT("users"),
    .version = STR_INIT("1"),
    .build_id = STR_INIT(GATEWAY_BUILD_ID),
    .manifest = STR_INIT("{\"name\": \"users\", \"title\": \"Users\", \"version\": \"1\",\n"
                         "\"upstreams\": [\n"
                         "{\"name\": \"pets\", \"targets\": [\"http://pets\"]}],\n"
                         "\"routes\": [\n"
                         "{\"operation\": \"getA\", \"method\": \"GET\", \"path\": \"/a\", "
                         "\"action\": \"upstream pets\", \"security\": \"basic\"},\n"
                         "{\"operation\": \"postA\", \"method\": \"POST\", \"path\": \"/a\", "
                         "\"action\": \"upstream pets\", \"security\": \"hidden one and key or "
                         "anonymous\"},\n"
                         "{\"operation\": \"putA\", \"method\": \"PUT\", \"path\": \"/a\", "
                         "\"action\": \"upstream pets\", \"security\": \"key\"}]}\n"),
    .features = STR_INIT("proxy access_log key_auth basic acl"),
    .listeners = listeners,
    .listener_count = 1,
    .consumers = &consumers,
    .jobs = &jobs_module,
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
