/* Keys: the gateway as data. */
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
    /* or */ STR_INIT("apikey"),
};
const struct gw_key_auth key_of_key = {
    .names = names_of_key,
    .name_count = 2,
    .in_header = true,
    .in_query = true,
    .hide_credentials = true,
};

static const struct str names_of_a_cookie[] = {
    STR_INIT("session"),
};
const struct gw_key_auth key_of_a_cookie = {
    .names = names_of_a_cookie,
    .name_count = 1,
    .in_cookie = true,
};

static const struct str names_of_a_long_name_of_a_scheme_with_keys[] = {
    STR_INIT("a-key"),
};
const struct gw_key_auth key_of_a_long_name_of_a_scheme_with_keys = {
    .names = names_of_a_long_name_of_a_scheme_with_keys,
    .name_count = 1,
    .in_query = true,
};

static const struct str key_names[] = {
    STR_INIT("X-API-Key"),
    /* or */ STR_INIT("apikey"),
    /* or */ STR_INIT("a-key"),
};

static const struct str identity_fields[] = {
    STR_INIT("x-consumer-"),
    /* or */ STR_INIT("x-authenticated-scope"),
};

static const struct str groups_of_0[] = {
    STR_INIT("users"),
    /* and */ STR_INIT("a \"b\""),
};
static const struct gw_text keys_of_0[] = {
    {.kind = GW_TEXT_ENV, .text = STR_INIT("MOBILE_KEY")},
    {.kind = GW_TEXT_FILE, .text = STR_INIT("/run/secrets/mobile")},
};
static const struct str groups_of_1[] = {
    STR_INIT("users"),
};
static const struct gw_consumer consumer_list[] = {
    {
        .name = STR_INIT("mobile-app"),
        .id = STR_INIT("42"),
        .groups = groups_of_0,
        .group_count = 2,
        .keys = keys_of_0,
        .key_count = 2,
    },
    {
        .name = STR_INIT("nobody"),
        .id = STR_INIT("nobody"),
        .groups = groups_of_1,
        .group_count = 1,
    },
};
static const struct gw_consumers consumers = {
    .module = &consumers_module,
    .at = consumer_list,
    .count = 2,
    .file = STR_INIT("/etc/gw/consumers.yaml"),
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

static const struct gw_tls_certificate certificates_1[] = {
    {
        .cert.kind = GW_TEXT_FILE,
        .cert.text = STR_INIT("/c"),
        .key.kind = GW_TEXT_FILE,
        .key.text = STR_INIT("/k"),
    },
};

static const struct gw_tls tls_1 = {
    .certificates = certificates_1,
    .certificate_count = 1,
    .client_auth = TLS_CLIENT_OPTIONAL,
    .client_depth = 3,
    .client_ca.kind = GW_TEXT_FILE,
    .client_ca.text = STR_INIT("/ca"),
};

static const struct h2_settings http2_1 = {
    .max_concurrent_streams = 100,
    .initial_stream_window_size = 65536,
    .initial_connection_window_size = 1048576,
};

static const struct gw_listener listeners[] = {
    {
        .address = STR_INIT("[::]:8443"),
        .limits.line = 8192,
        .limits.fields = 32768,
        .limits.count = 100,
        .connections = 0,
        .connections_per_ip = 0,
        .header_timeout = 10000,
        .idle_timeout = 75000,
        .keep_alive_requests = 10000,
        .tls = &tls_1,
        .strips_client_cert = true,
        .identity_fields = identity_fields,
        .identity_field_count = 2,
        .http2 = &http2_1,
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
    /* DELETE /a */
    &route_delete_a,
    /* PATCH /a */
    &route_patch_a,
    /* GET /b */
    &route_get_b,
    /* POST /b */
    &route_post_b,
};

const struct gateway gateway = {
    .abi = GW_ABI,
    .name = STR_INIT("keys"),
    .version = STR_INIT("1"),
    .build_id = STR_INIT(GATEWAY_BUILD_ID),
    .manifest = STR_INIT("{\"name\": \"keys\", \"title\": \"Keys\", \"version\": \"1\",\n"
                         "\"upstreams\": [\n"
                         "{\"name\": \"pets\", \"targets\": [\"http://pets\"]}],\n"
                         "\"routes\": [\n"
                         "{\"operation\": \"getA\", \"method\": \"GET\", \"path\": \"/a\", "
                         "\"action\": \"upstream pets\", \"security\": \"key\"},\n"
                         "{\"operation\": \"postA\", \"method\": \"POST\", \"path\": \"/a\", "
                         "\"action\": \"upstream pets\", \"security\": \"key and a cookie or "
                         "anonymous\"},\n"
                         "{\"operation\": \"putA\", \"method\": \"PUT\", \"path\": \"/a\", "
                         "\"action\": \"upstream pets\", \"security\": "
                         "\"a-long-name-of-a-scheme-with-keys and mtls and key\"},\n"
                         "{\"operation\": \"deleteA\", \"method\": \"DELETE\", \"path\": "
                         "\"/a\", \"action\": \"upstream pets\", \"security\": \"mtls\"},\n"
                         "{\"operation\": \"patchA\", \"method\": \"PATCH\", \"path\": \"/a\", "
                         "\"action\": \"upstream pets\", \"security\": \"public\"},\n"
                         "{\"operation\": \"getB\", \"method\": \"GET\", \"path\": \"/b\", "
                         "\"action\": \"respond 204\", \"security\": \"key\"},\n"
                         "{\"operation\": \"postB\", \"method\": \"POST\", \"path\": \"/b\", "
                         "\"action\": \"route to pets\", \"security\": \"key\"}]}\n"),
    .features = STR_INIT("proxy route respond access_log tls http2 key_auth acl"),
    .listeners = listeners,
    .listener_count = 1,
    .consumers = &consumers,
    .key_names = key_names,
    .key_name_count = 3,
    .http2 = &h2_module,
    .tls = &tls_module,
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
