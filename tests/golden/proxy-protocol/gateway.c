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

const struct gw_upstream backend_one = {
    .name = STR_INIT("one"),
    .index = 0,
    .target_count = 1,
    .targets = targets_one,
    .host_header = GW_HOST_TARGET,
    .pool_max_idle = 0,
    .pool_idle_timeout = 60000,
    .proxy_protocol = proxy_protocol_v1,
};

static const struct gw_target targets_two[] = {
    {
        .url = STR_INIT("unix:/run/two.sock"),
        .host = STR_INIT("/run/two.sock"),
        .authority = STR_INIT("localhost"),
        .path = STR_INIT(""),
        .port = 0,
        .weight = 1,
        .is_unix = true,
    },
};

const struct gw_upstream backend_two = {
    .name = STR_INIT("two"),
    .index = 1,
    .target_count = 1,
    .targets = targets_two,
    .host_header = GW_HOST_TARGET,
    .pool_max_idle = 0,
    .pool_idle_timeout = 60000,
    .proxy_protocol = proxy_protocol_v2,
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

const struct gw_upstream backend_not = {
    .name = STR_INIT("not"),
    .index = 2,
    .target_count = 1,
    .targets = targets_not,
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

static const struct gw_network trusted_1[] = {
    /* 192.168.0.0/16 */
    {
        .address = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 255, 192, 168, 0, 0},
        .bits = 112,
    },
};

static const struct gw_forwarded forwarded_1 = {
    .trusted = trusted_1,
    .trusted_count = 1,
    .header = GW_FORWARDED_FOR,
};

static const struct gw_network proxies_1[] = {
    /* 10.0.0.4/31 */
    {
        .address = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 255, 10, 0, 0, 4},
        .bits = 127,
    },
    /* fd00::4 */
    {
        .address = {253, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 4},
        .bits = 128,
    },
};

static const struct gw_forwarded proxies_trusted_1 = {
    .trusted = proxies_1,
    .trusted_count = 2,
};

static const struct gw_proxy_protocol proxy_protocol_1 = {
    .from = &proxies_trusted_1,
    .unix_peers = true,
    .room = &proxy_room_module,
};

static const struct gw_network trusted_2[] = {
    /* 192.168.0.0/16 */
    {
        .address = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 255, 192, 168, 0, 0},
        .bits = 112,
    },
};

static const struct gw_forwarded forwarded_2 = {
    .trusted = trusted_2,
    .trusted_count = 1,
    .header = GW_FORWARDED_FOR,
};

static const struct gw_forwarded proxies_trusted_2 = {
    .trusted_count = 0,
    .trusted_file = STR_INIT("/etc/balancers"),
};

static const struct gw_proxy_protocol proxy_protocol_2 = {
    .from = &proxies_trusted_2,
    .room = &proxy_room_module,
};

static const struct gw_network trusted_3[] = {
    /* 192.168.0.0/16 */
    {
        .address = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 255, 192, 168, 0, 0},
        .bits = 112,
    },
};

static const struct gw_forwarded forwarded_3 = {
    .trusted = trusted_3,
    .trusted_count = 1,
    .header = GW_FORWARDED_FOR,
};

static const struct gw_network proxies_3[] = {
    /* 192.168.0.0/16 */
    {
        .address = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 255, 192, 168, 0, 0},
        .bits = 112,
    },
};

static const struct gw_forwarded proxies_trusted_3 = {
    .trusted = proxies_3,
    .trusted_count = 1,
};

static const struct gw_proxy_protocol proxy_protocol_3 = {
    .from = &proxies_trusted_3,
    .room = &proxy_room_module,
};

static const struct gw_forwarded forwarded_4 = {
    .trusted_file = STR_INIT("/etc/proxies"),
    .header = GW_FORWARDED_FOR,
};

static const struct gw_forwarded proxies_trusted_4 = {
    .trusted_count = 0,
    .trusted_file = STR_INIT("/etc/proxies"),
};

static const struct gw_proxy_protocol proxy_protocol_4 = {
    .from = &proxies_trusted_4,
    .room = &proxy_room_module,
};

static const struct gw_network trusted_5[] = {
    /* 192.168.0.0/16 */
    {
        .address = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 255, 192, 168, 0, 0},
        .bits = 112,
    },
};

static const struct gw_forwarded forwarded_5 = {
    .trusted = trusted_5,
    .trusted_count = 1,
    .header = GW_FORWARDED_FOR,
};

static const struct gw_network trusted_6[] = {
    /* 192.168.0.0/16 */
    {
        .address = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 255, 192, 168, 0, 0},
        .bits = 112,
    },
};

static const struct gw_forwarded forwarded_6 = {
    .trusted = trusted_6,
    .trusted_count = 1,
    .header = GW_FORWARDED_FOR,
};

static const struct gw_forwarded proxies_trusted_6 = {
    .trusted_count = 0,
};

static const struct gw_proxy_protocol proxy_protocol_6 = {
    .from = &proxies_trusted_6,
    .unix_peers = true,
    .room = &proxy_room_module,
};

static const struct gw_listener listeners[] = {
    {
        .address = STR_INIT(":8000"),
        .limits.line = 8192,
        .limits.fields = 32768,
        .limits.count = 100,
        .connections = 0,
        .connections_per_ip = 0,
        .header_timeout = 10000,
        .idle_timeout = 75000,
        .keep_alive_requests = 10000,
        .forwarded = &forwarded_1,
        .proxy_protocol = &proxy_protocol_1,
    },
    {
        .address = STR_INIT(":8001"),
        .limits.line = 8192,
        .limits.fields = 32768,
        .limits.count = 100,
        .connections = 0,
        .connections_per_ip = 0,
        .header_timeout = 10000,
        .idle_timeout = 75000,
        .keep_alive_requests = 10000,
        .forwarded = &forwarded_2,
        .proxy_protocol = &proxy_protocol_2,
    },
    {
        .address = STR_INIT(":8002"),
        .limits.line = 8192,
        .limits.fields = 32768,
        .limits.count = 100,
        .connections = 0,
        .connections_per_ip = 0,
        .header_timeout = 10000,
        .idle_timeout = 75000,
        .keep_alive_requests = 10000,
        .forwarded = &forwarded_3,
        .proxy_protocol = &proxy_protocol_3,
    },
    {
        .address = STR_INIT(":8003"),
        .limits.line = 8192,
        .limits.fields = 32768,
        .limits.count = 100,
        .connections = 0,
        .connections_per_ip = 0,
        .header_timeout = 10000,
        .idle_timeout = 75000,
        .keep_alive_requests = 10000,
        .forwarded = &forwarded_4,
        .proxy_protocol = &proxy_protocol_4,
    },
    {
        .address = STR_INIT(":8004"),
        .limits.line = 8192,
        .limits.fields = 32768,
        .limits.count = 100,
        .connections = 0,
        .connections_per_ip = 0,
        .header_timeout = 10000,
        .idle_timeout = 75000,
        .keep_alive_requests = 10000,
        .forwarded = &forwarded_5,
    },
    {
        .address = STR_INIT("unix:/run/gw.sock"),
        .limits.line = 8192,
        .limits.fields = 32768,
        .limits.count = 100,
        .connections = 0,
        .connections_per_ip = 0,
        .header_timeout = 10000,
        .idle_timeout = 75000,
        .keep_alive_requests = 10000,
        .forwarded = &forwarded_6,
        .proxy_protocol = &proxy_protocol_6,
    },
};

static const struct gw_upstream *const upstreams[] = {
    /* one */ &backend_one,
    /* two */ &backend_two,
    /* not */ &backend_not,
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
                         "{\"name\": \"one\", \"targets\": [\"http://one\"]},\n"
                         "{\"name\": \"two\", \"targets\": [\"unix:/run/two.sock\"]},\n"
                         "{\"name\": \"not\", \"targets\": [\"http://not\"]}],\n"
                         "\"routes\": [\n"
                         "{\"operation\": \"getA\", \"method\": \"GET\", \"path\": \"/a\", "
                         "\"action\": \"upstream one 1, two 1, not 1\", \"security\": "
                         "\"public\"}]}\n"),
    .features = STR_INIT("proxy weighted access_log proxy_protocol"),
    .listeners = listeners,
    .listener_count = 6,
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
