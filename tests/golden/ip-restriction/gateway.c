/* Restricted: the gateway as data. */
#include "gateway.h"

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
    /* 10.0.0.0 to 10.255.255.255 */
    {
        .first = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 255, 10, 0, 0, 0},
        .last = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 255, 10, 255, 255, 255},
    },
    /* 192.168.0.0 to 192.168.255.255 */
    {
        .first = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 255, 192, 168, 0, 0},
        .last = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 255, 192, 168, 255, 255},
    },
    /* 2001:db8:: to 2001:db8:ffff:ffff:ffff:ffff:ffff:ffff */
    {
        .first = {32, 1, 13, 184, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0},
        .last = {32, 1, 13, 184, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255},
    },
};

static const struct ip_range deny_1[] = {
    /* 10.6.0.0 to 10.6.255.255 */
    {
        .first = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 255, 10, 6, 0, 0},
        .last = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 255, 10, 6, 255, 255},
    },
    /* 10.7.0.9 */
    {
        .first = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 255, 10, 7, 0, 9},
        .last = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 255, 10, 7, 0, 9},
    },
};

const struct gw_ip_restriction ip_restriction_1 = {
    .admits = ip_restriction_admits,
    .allow.ranges = allow_1,
    .allow.count = 3,
    .deny.ranges = deny_1,
    .deny.count = 2,
};

static const struct ip_range deny_2[] = {
    /* 203.0.113.0 to 203.0.113.255 */
    {
        .first = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 255, 203, 0, 113, 0},
        .last = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 255, 203, 0, 113, 255},
    },
};

const struct gw_ip_restriction ip_restriction_2 = {
    .admits = ip_restriction_admits,
    .deny.ranges = deny_2,
    .deny.count = 1,
};

static const struct ip_range allow_3[] = {
    /* :: to ::fffe:ffff:ffff */
    {
        .first = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0},
        .last = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 254, 255, 255, 255, 255},
    },
    /* 10.0.0.0 to 10.255.255.255 */
    {
        .first = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 255, 10, 0, 0, 0},
        .last = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 255, 10, 255, 255, 255},
    },
    /* 127.0.0.1 */
    {
        .first = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 255, 127, 0, 0, 1},
        .last = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 255, 127, 0, 0, 1},
    },
    /* ::1:0:0:0 to ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff */
    {
        .first = {0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0},
        .last = {255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255},
    },
};

const struct gw_ip_restriction ip_restriction_3 = {
    .admits = ip_restriction_admits,
    .allow.ranges = allow_3,
    .allow.count = 4,
    .deny.file = STR_INIT("/etc/gateway/denied"),
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

static const struct gw_ip_restriction *const ip_restrictions[] = {
    &ip_restriction_1,
    &ip_restriction_2,
    &ip_restriction_3,
};

static const struct gw_route *const routes[] = {
    /* GET /inherited */
    &route_get_inherited,
    /* GET /own */
    &route_get_own,
    /* PUT /own */
    &route_put_own,
    /* DELETE /own */
    &route_delete_own,
    /* GET /open */
    &route_get_open,
};

const struct gateway gateway = {
    .abi = GW_ABI,
    .name = STR_INIT("restricted"),
    .version = STR_INIT("1"),
    .build_id = STR_INIT(GATEWAY_BUILD_ID),
    .manifest = STR_INIT("{\"name\": \"restricted\", \"title\": \"Restricted\", \"version\": "
                         "\"1\",\n"
                         "\"upstreams\": [],\n"
                         "\"routes\": [\n"
                         "{\"operation\": \"get_inherited\", \"method\": \"GET\", \"path\": "
                         "\"/inherited\", \"action\": \"respond 204\", \"security\": "
                         "\"public\"},\n"
                         "{\"operation\": \"get_own\", \"method\": \"GET\", \"path\": \"/own\", "
                         "\"action\": \"respond 204\", \"security\": \"public\"},\n"
                         "{\"operation\": \"put_own\", \"method\": \"PUT\", \"path\": \"/own\", "
                         "\"action\": \"respond 204\", \"security\": \"public\"},\n"
                         "{\"operation\": \"delete_own\", \"method\": \"DELETE\", \"path\": "
                         "\"/own\", \"action\": \"disabled\", \"security\": \"public\"},\n"
                         "{\"operation\": \"get_open\", \"method\": \"GET\", \"path\": "
                         "\"/open\", \"action\": \"respond 204\", \"security\": \"public\"}]}\n"),
    .features = STR_INIT("respond access_log ip_restriction"),
    .listeners = listeners,
    .listener_count = 1,
    .routes = routes,
    .route_count = ROUTE_COUNT,
    .ip_restrictions = ip_restrictions,
    .ip_restriction_count = 3,
    .document_restrictions = 1,
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
