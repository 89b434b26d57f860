/* Signatures: the gateway as data. */
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

const struct gw_sigv4 sigv4_of_sigv4 = {
    .rules.region = STR_INIT("eu-west-1"),
    .rules.service = STR_INIT("execute-api"),
    .rules.clock_skew = 300,
    .rules.max_expires = 604800,
};

static const struct str signed_of_files[] = {
    STR_INIT("content-type"),
    /* and */ STR_INIT("content-md5"),
};
const struct gw_sigv4 sigv4_of_files = {
    .rules.region = STR_INIT("us-east-1"),
    .rules.service = STR_INIT("s3"),
    .rules.clock_skew = 600,
    .rules.max_expires = 3600,
    .rules.unsigned_payload = true,
    .rules.signed_headers = signed_of_files,
    .rules.signed_header_count = 2,
    .hide_credentials = true,
};

const struct gw_sigv4 sigv4_of_exported = {
    .rules.region = STR_INIT("eu-west-1"),
    .rules.service = STR_INIT("execute-api"),
    .rules.clock_skew = 300,
    .rules.max_expires = 604800,
};

static const struct str names_of_key[] = {
    STR_INIT("X-API-Key"),
};
const struct gw_key_auth key_of_key = {
    .names = names_of_key,
    .name_count = 1,
    .in_header = true,
};

static const struct str identity_fields[] = {
    STR_INIT("x-consumer-"),
    /* or */ STR_INIT("x-authenticated-scope"),
};

static const struct str groups_of_0[] = {
    STR_INIT("group-batch"),
};
static const struct gw_credential credentials_of_0[] = {
    {
        .kind = GW_CREDENTIAL_AWS,
        .id = STR_INIT("AKIDEXAMPLE"),
        .secret = {.kind = GW_TEXT_ENV, .text = STR_INIT("BATCH_SECRET")},
    },
    {
        .kind = GW_CREDENTIAL_AWS,
        .id = STR_INIT("AKIDOTHER"),
        .secret = {.kind = GW_TEXT_FILE, .text = STR_INIT("/run/secrets/other")},
    },
};
static const struct gw_text keys_of_1[] = {
    {.kind = GW_TEXT_ENV, .text = STR_INIT("APP_KEY")},
};
static const struct gw_consumer consumer_list[] = {
    {
        .name = STR_INIT("batch"),
        .id = STR_INIT("batch"),
        .groups = groups_of_0,
        .group_count = 1,
        .credentials = credentials_of_0,
        .credential_count = 2,
    },
    {
        .name = STR_INIT("app"),
        .id = STR_INIT("app"),
        .keys = keys_of_1,
        .key_count = 1,
    },
};
static const struct gw_consumers consumers = {
    .module = &consumers_module,
    .at = consumer_list,
    .count = 2,
    .kinds[GW_CREDENTIAL_AWS] = &aws_credentials,
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
    /* PUT /a */
    &route_put_a,
    /* POST /a */
    &route_post_a,
    /* DELETE /a */
    &route_delete_a,
};

const struct gateway gateway = {
    .abi = GW_ABI,
    .name = STR_INIT("signatures"),
    .version = STR_INIT("1"),
    .build_id = STR_INIT(GATEWAY_BUILD_ID),
    .manifest = STR_INIT("{\"name\": \"signatures\", \"title\": \"Signatures\", \"version\": "
                         "\"1\",\n"
                         "\"upstreams\": [\n"
                         "{\"name\": \"pets\", \"targets\": [\"http://pets\"]}],\n"
                         "\"routes\": [\n"
                         "{\"operation\": \"getA\", \"method\": \"GET\", \"path\": \"/a\", "
                         "\"action\": \"upstream pets\", \"security\": \"sigv4\"},\n"
                         "{\"operation\": \"putA\", \"method\": \"PUT\", \"path\": \"/a\", "
                         "\"action\": \"upstream pets\", \"security\": \"files\"},\n"
                         "{\"operation\": \"postA\", \"method\": \"POST\", \"path\": \"/a\", "
                         "\"action\": \"upstream pets\", \"security\": \"key or exported and "
                         "key\"},\n"
                         "{\"operation\": \"deleteA\", \"method\": \"DELETE\", \"path\": "
                         "\"/a\", \"action\": \"upstream pets\", \"security\": \"key\"}]}\n"),
    .features = STR_INIT("proxy access_log key_auth aws_sigv4 acl"),
    .listeners = listeners,
    .listener_count = 1,
    .consumers = &consumers,
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
