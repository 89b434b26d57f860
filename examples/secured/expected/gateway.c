/* Library: the gateway as data. */
#include "gateway.h"

static const struct gw_target targets_library[] = {
    {
        .url = STR_INIT("http://127.0.0.1:9000"),
        .host = STR_INIT("127.0.0.1"),
        .authority = STR_INIT("127.0.0.1:9000"),
        .path = STR_INIT(""),
        .port = 9000,
        .weight = 1,
    },
};

const struct gw_upstream backend_library = {
    .name = STR_INIT("library"),
    .index = 0,
    .target_count = 1,
    .targets = targets_library,
    .host_header = GW_HOST_TARGET,
    .pool_max_idle = 1024,
    .pool_idle_timeout = 60000,
};

const struct gw_forward to_library = {
    .upstream = &backend_library,
};

const struct gw_sigv4 sigv4_of_jobs = {
    .rules.region = STR_INIT("eu-west-1"),
    .rules.service = STR_INIT("execute-api"),
    .rules.clock_skew = 300,
    .rules.max_expires = 604800,
};

static const struct str names_of_kiosks[] = {
    STR_INIT("X-API-Key"),
};
const struct gw_key_auth key_of_kiosks = {
    .names = names_of_kiosks,
    .name_count = 1,
    .in_header = true,
    .hide_credentials = true,
};

const struct gw_basic basic_of_keepers = {
    .cache_size = 1000,
    .cache_ttl = 300000,
};

static const struct str identity_fields[] = {
    STR_INIT("x-user-id"),
    /* or */ STR_INIT("x-consumer-"),
    /* or */ STR_INIT("x-authenticated-scope"),
};

static const struct str groups_of_0[] = {
    STR_INIT("members"),
};
static const struct gw_text keys_of_0[] = {
    {.kind = GW_TEXT_FILE, .text = STR_INIT("keys/kiosk.key")},
};
static const struct str groups_of_1[] = {
    STR_INIT("keepers"),
};
static const struct gw_credential credentials_of_1[] = {
    {
        .kind = GW_CREDENTIAL_BASIC,
        .id = STR_INIT("keeper"),
        .secret = {.kind = GW_TEXT_FILE, .text = STR_INIT("keys/keeper.hash")},
    },
};
static const struct str groups_of_2[] = {
    STR_INIT("jobs"),
};
static const struct gw_credential credentials_of_2[] = {
    {
        .kind = GW_CREDENTIAL_AWS,
        .id = STR_INIT("AKIDNIGHTLY"),
        .secret = {.kind = GW_TEXT_FILE, .text = STR_INIT("keys/nightly.secret")},
    },
};
static const struct gw_consumer consumer_list[] = {
    {
        .name = STR_INIT("kiosk"),
        .id = STR_INIT("kiosk"),
        .groups = groups_of_0,
        .group_count = 1,
        .keys = keys_of_0,
        .key_count = 1,
    },
    {
        .name = STR_INIT("keeper"),
        .id = STR_INIT("keeper"),
        .groups = groups_of_1,
        .group_count = 1,
        .credentials = credentials_of_1,
        .credential_count = 1,
    },
    {
        .name = STR_INIT("nightly"),
        .id = STR_INIT("nightly"),
        .groups = groups_of_2,
        .group_count = 1,
        .credentials = credentials_of_2,
        .credential_count = 1,
    },
};
static const struct gw_consumers consumers = {
    .module = &consumers_module,
    .at = consumer_list,
    .count = 3,
    .kinds[GW_CREDENTIAL_BASIC] = &basic_credentials,
    .kinds[GW_CREDENTIAL_AWS] = &aws_credentials,
};

static const struct str issuers_of_staff[] = {
    STR_INIT("https://id.example.com"),
};
static const struct str audiences_of_staff[] = {
    STR_INIT("library"),
};
static const struct str headers_of_staff[] = {
    STR_INIT("Authorization"),
};
static const struct str consumer_claim_of_staff[] = {
    STR_INIT("client_id"),
};
static const struct str groups_claim_of_staff[] = {
    STR_INIT("realm_access"),
    /* in it */ STR_INIT("roles"),
};
static const struct str told_1_of_staff[] = {
    STR_INIT("sub"),
};
static const struct gw_claim_field told_of_staff[] = {
    {
        .name = STR_INIT("X-User-Id"),
        .path = told_1_of_staff,
        .path_count = 1,
    },
};
const struct gw_jwt jwt_of_staff = {
    .name = STR_INIT("staff"),
    .index = 0,
    .source = GW_JWT_PUBLIC_KEY,
    .key = {.kind = GW_TEXT_FILE, .text = STR_INIT("keys/staff.pub")},
    .algorithms = JWS_BIT(JWS_RS256) | JWS_BIT(JWS_RS384) | JWS_BIT(JWS_RS512) |
                  JWS_BIT(JWS_PS256) | JWS_BIT(JWS_PS384) | JWS_BIT(JWS_PS512) |
                  JWS_BIT(JWS_ES256) | JWS_BIT(JWS_ES384) | JWS_BIT(JWS_ES512) | JWS_BIT(JWS_EDDSA),
    .rules.claims.issuers = issuers_of_staff,
    .rules.claims.issuer_count = 1,
    .rules.claims.audiences = audiences_of_staff,
    .rules.claims.audience_count = 1,
    .rules.claims.exp = true,
    .rules.claims.leeway = 0,
    .rules.claims.maximum_expiration = 0,
    .places.headers = headers_of_staff,
    .places.header_count = 1,
    .claims.consumer = consumer_claim_of_staff,
    .claims.consumer_count = 1,
    .claims.groups = groups_claim_of_staff,
    .claims.group_count = 2,
    .claims.told = {told_of_staff, 1},
    .cache_size = 10000,
    .cache_ttl = 60000,
};

static const struct gw_jwt *const jwt_list[] = {
    &jwt_of_staff,
};
static const struct gw_jwts jwts = {
    .module = &jwt_module,
    .at = jwt_list,
    .count = 1,
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

static const struct ip_range allow_1[] = {
    /* ::1 */
    {
        .first = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1},
        .last = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1},
    },
    /* 127.0.0.0 to 127.255.255.255 */
    {
        .first = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 255, 127, 0, 0, 0},
        .last = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 255, 127, 255, 255, 255},
    },
};

const struct gw_ip_restriction ip_restriction_1 = {
    .admits = ip_restriction_admits,
    .allow.ranges = allow_1,
    .allow.count = 2,
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
        .identity_field_count = 3,
    },
};

static const struct gw_upstream *const upstreams[] = {
    /* library */ &backend_library,
};

static const struct gw_ip_restriction *const ip_restrictions[] = {
    &ip_restriction_1,
};

static const struct gw_route *const routes[] = {
    /* GET /books */
    &route_list_books,
    /* GET /loans */
    &route_list_loans,
    /* POST /loans */
    &route_lend,
    /* POST /reports */
    &route_report,
    /* GET /settings */
    &route_settings,
};

const struct gateway gateway = {
    .abi = GW_ABI,
    .name = STR_INIT("library"),
    .version = STR_INIT("1.0"),
    .build_id = STR_INIT(GATEWAY_BUILD_ID),
    .manifest = STR_INIT("{\"name\": \"library\", \"title\": \"Library\", \"version\": "
                         "\"1.0\",\n"
                         "\"upstreams\": [\n"
                         "{\"name\": \"library\", \"targets\": [\"http://127.0.0.1:9000\"]}],\n"
                         "\"routes\": [\n"
                         "{\"operation\": \"listBooks\", \"method\": \"GET\", \"path\": "
                         "\"/books\", \"action\": \"upstream library\", \"security\": "
                         "\"public\"},\n"
                         "{\"operation\": \"listLoans\", \"method\": \"GET\", \"path\": "
                         "\"/loans\", \"action\": \"upstream library\", \"security\": \"staff "
                         "(loans) or kiosks\"},\n"
                         "{\"operation\": \"lend\", \"method\": \"POST\", \"path\": \"/loans\", "
                         "\"action\": \"upstream library\", \"security\": \"staff (loans "
                         "loans:write)\"},\n"
                         "{\"operation\": \"report\", \"method\": \"POST\", \"path\": "
                         "\"/reports\", \"action\": \"upstream library\", \"security\": "
                         "\"jobs\"},\n"
                         "{\"operation\": \"settings\", \"method\": \"GET\", \"path\": "
                         "\"/settings\", \"action\": \"upstream library\", \"security\": "
                         "\"keepers\"}]}\n"),
    .features = STR_INIT("proxy access_log key_auth jwt basic aws_sigv4 acl ip_restriction"),
    .listeners = listeners,
    .listener_count = 1,
    .consumers = &consumers,
    .jwts = &jwts,
    .jobs = &jobs_module,
    .upstreams = upstreams,
    .upstream_count = 1,
    .routes = routes,
    .route_count = ROUTE_COUNT,
    .ip_restrictions = ip_restrictions,
    .ip_restriction_count = 1,
    .document_restrictions = 0,
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
