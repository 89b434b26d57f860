/* The edge of a shop: the gateway as data. */
#include "gateway.h"

static const struct gw_target targets_orders[] = {
    {
        .url = STR_INIT("https://127.0.0.1:9443"),
        .host = STR_INIT("127.0.0.1"),
        .authority = STR_INIT("127.0.0.1:9443"),
        .path = STR_INIT(""),
        .port = 9443,
        .weight = 1,
    },
};

static const struct gw_upstream_tls tls_to_orders = {
    .ca.kind = GW_TEXT_FILE,
    .ca.text = STR_INIT("certs/ca.crt"),
    .cert.kind = GW_TEXT_FILE,
    .cert.text = STR_INIT("certs/edge-client.crt"),
    .key.kind = GW_TEXT_FILE,
    .key.text = STR_INIT("certs/edge-client.key"),
    .sni = STR_INIT("orders.internal"),
    .only_1_3 = true,
    .watch = true,
};

const struct gw_upstream backend_orders = {
    .name = STR_INIT("orders"),
    .index = 0,
    .target_count = 1,
    .targets = targets_orders,
    .host_header = GW_HOST_TARGET,
    .pool_max_idle = 1024,
    .pool_idle_timeout = 60000,
    .tls = &tls_to_orders,
};

const struct gw_forward to_orders = {
    .upstream = &backend_orders,
};

const struct gw_timeouts timeouts_default = {
    .connect = 2000,
    .send = 60000,
    .read = 5000,
    .request = 0,
    .idle = 300000,
};

const struct gw_errors errors_default = {
    .format = GW_ERRORS_PROBLEM,
};

static const struct gw_tls_certificate certificates_2[] = {
    {
        .cert.kind = GW_TEXT_FILE,
        .cert.text = STR_INIT("certs/edge-ecdsa.crt"),
        .key.kind = GW_TEXT_FILE,
        .key.text = STR_INIT("certs/edge-ecdsa.key"),
    },
    {
        .cert.kind = GW_TEXT_FILE,
        .cert.text = STR_INIT("certs/edge-rsa.crt"),
        .key.kind = GW_TEXT_FILE,
        .key.text = STR_INIT("certs/edge-rsa.key"),
    },
};

static const struct gw_tls tls_2 = {
    .certificates = certificates_2,
    .certificate_count = 2,
    .allow_1_2 = true,
    .watch = true,
};

static const struct h2_settings http2_2 = {
    .max_concurrent_streams = 100,
    .initial_stream_window_size = 65536,
    .initial_connection_window_size = 1048576,
};

static const struct gw_listener listeners[] = {
    {
        .address = STR_INIT("127.0.0.1:8080"),
        .limits.line = 8192,
        .limits.fields = 32768,
        .limits.count = 100,
        .connections = 0,
        .connections_per_ip = 0,
        .header_timeout = 10000,
        .idle_timeout = 75000,
        .keep_alive_requests = 10000,
        .redirect_https = 308,
        .https_port = 8443,
    },
    {
        .address = STR_INIT("127.0.0.1:8443"),
        .limits.line = 8192,
        .limits.fields = 32768,
        .limits.count = 100,
        .connections = 0,
        .connections_per_ip = 0,
        .header_timeout = 10000,
        .idle_timeout = 75000,
        .keep_alive_requests = 10000,
        .tls = &tls_2,
        .http2 = &http2_2,
        .hsts = STR_INIT("Strict-Transport-Security: max-age=86400\r\n"),
    },
};

static const struct gw_upstream *const upstreams[] = {
    /* orders */ &backend_orders,
};

static const struct gw_route *const routes[] = {
    /* GET /orders/{orderId} */
    &route_get_order,
    /* GET / */
    &route_home,
};

const struct gateway gateway = {
    .abi = GW_ABI,
    .name = STR_INIT("edge"),
    .version = STR_INIT("1.0.0"),
    .build_id = STR_INIT(GATEWAY_BUILD_ID),
    .manifest = STR_INIT("{\"name\": \"edge\", \"title\": \"The edge of a shop\", \"version\": "
                         "\"1.0.0\",\n"
                         "\"upstreams\": [\n"
                         "{\"name\": \"orders\", \"targets\": [\"https://127.0.0.1:9443\"]}],\n"
                         "\"routes\": [\n"
                         "{\"operation\": \"getOrder\", \"method\": \"GET\", \"path\": "
                         "\"/orders/{orderId}\", \"action\": \"upstream orders\", \"security\": "
                         "\"public\"},\n"
                         "{\"operation\": \"home\", \"method\": \"GET\", \"path\": \"/\", "
                         "\"action\": \"respond 200\", \"security\": \"public\"}]}\n"),
    .features = STR_INIT("proxy respond access_log tls http2"),
    .listeners = listeners,
    .listener_count = 2,
    .status.address = STR_INIT("127.0.0.1:8100"),
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
