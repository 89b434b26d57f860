/* T: the gateway as data. */
#include "gateway.h"

static const struct gw_target targets_mesh[] = {
    {
        .url = STR_INIT("https://a.example.com"),
        .host = STR_INIT("a.example.com"),
        .authority = STR_INIT("a.example.com"),
        .path = STR_INIT(""),
        .port = 443,
        .weight = 1,
    },
    {
        .url = STR_INIT("HTTPS://b.example.com:8443/v1"),
        .host = STR_INIT("b.example.com"),
        .authority = STR_INIT("b.example.com:8443"),
        .path = STR_INIT("/v1"),
        .port = 8443,
        .weight = 1,
    },
};

static const struct gw_upstream_tls tls_to_mesh = {
    .ca.kind = GW_TEXT_FILE,
    .ca.text = STR_INIT("/certs/mesh.crt"),
    .cert.kind = GW_TEXT_FILE,
    .cert.text = STR_INIT("/certs/gw.crt"),
    .key.kind = GW_TEXT_FILE,
    .key.text = STR_INIT("/certs/gw.key"),
    .sni = STR_INIT("mesh.example.com"),
    .verify_name = STR_INIT("a.example.com"),
    .only_1_3 = true,
    .watch = true,
};

const struct gw_upstream backend_mesh = {
    .name = STR_INIT("mesh"),
    .index = 0,
    .target_count = 2,
    .targets = targets_mesh,
    .host_header = GW_HOST_TARGET,
    .pool_max_idle = 1024,
    .pool_idle_timeout = 60000,
    .tls = &tls_to_mesh,
};

const struct gw_forward to_mesh = {
    .upstream = &backend_mesh,
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

static const struct str names_1_1[] = {
    STR_INIT("api.example.com"),
    /* then */ STR_INIT("*.example.com"),
};

static const struct str names_1_2[] = {
    STR_INIT("old.example.com"),
};

static const struct gw_tls_certificate certificates_1[] = {
    {
        .names = names_1_1,
        .name_count = 2,
        .cert.kind = GW_TEXT_FILE,
        .cert.text = STR_INIT("/certs/a.crt"),
        .key.kind = GW_TEXT_FILE,
        .key.text = STR_INIT("/certs/a.key"),
        .ocsp.kind = GW_TEXT_FILE,
        .ocsp.text = STR_INIT("/certs/a.ocsp"),
    },
    {
        .names = names_1_2,
        .name_count = 1,
        .cert.kind = GW_TEXT_ENV,
        .cert.text = STR_INIT("OLD_CRT"),
        .key.kind = GW_TEXT_ENV,
        .key.text = STR_INIT("OLD_KEY"),
    },
};

static const struct gw_tls tls_1 = {
    .certificates = certificates_1,
    .certificate_count = 2,
    .allow_1_2 = true,
    .strict_sni = true,
    .watch = true,
    .suites = "TLS_AES_128_GCM_SHA256",
    .ciphers = "ECDHE-RSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384",
    .groups = "X25519:P-256",
    .client_auth = TLS_CLIENT_OPTIONAL,
    .client_depth = 2,
    .client_ca.kind = GW_TEXT_FILE,
    .client_ca.text = STR_INIT("/certs/clients.crt"),
    .client_crl.kind = GW_TEXT_FILE,
    .client_crl.text = STR_INIT("/certs/clients.crl"),
};

static const struct h2_settings http2_1 = {
    .max_concurrent_streams = 100,
    .initial_stream_window_size = 65536,
    .initial_connection_window_size = 1048576,
};

static const struct gw_tls_certificate certificates_2[] = {
    {
        .cert.kind = GW_TEXT_FILE,
        .cert.text = STR_INIT("/certs/b.crt"),
        .key.kind = GW_TEXT_FILE,
        .key.text = STR_INIT("/certs/b.key"),
    },
};

static const struct gw_tls tls_2 = {
    .certificates = certificates_2,
    .certificate_count = 1,
};

static const struct h2_settings http2_2 = {
    .max_concurrent_streams = 100,
    .initial_stream_window_size = 65536,
    .initial_connection_window_size = 1048576,
};

static const struct gw_listener listeners[] = {
    {
        .address = STR_INIT("0.0.0.0:8443"),
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
        .http2 = &http2_1,
        .hsts = STR_INIT("Strict-Transport-Security: max-age=600; includeSubDomains\r\n"),
    },
    {
        .address = STR_INIT("0.0.0.0:9443"),
        .limits.line = 8192,
        .limits.fields = 32768,
        .limits.count = 100,
        .connections = 0,
        .connections_per_ip = 0,
        .header_timeout = 10000,
        .idle_timeout = 75000,
        .keep_alive_requests = 10000,
        .tls = &tls_2,
        .strips_client_cert = true,
        .http2 = &http2_2,
        .hsts = STR_INIT("Strict-Transport-Security: max-age=31536000\r\n"),
    },
    {
        .address = STR_INIT("0.0.0.0:8080"),
        .limits.line = 8192,
        .limits.fields = 32768,
        .limits.count = 100,
        .connections = 0,
        .connections_per_ip = 0,
        .header_timeout = 10000,
        .idle_timeout = 75000,
        .keep_alive_requests = 10000,
        .strips_client_cert = true,
        .redirect_https = 308,
        .https_port = 8443,
    },
    {
        .address = STR_INIT("0.0.0.0:8081"),
        .limits.line = 8192,
        .limits.fields = 32768,
        .limits.count = 100,
        .connections = 0,
        .connections_per_ip = 0,
        .header_timeout = 10000,
        .idle_timeout = 75000,
        .keep_alive_requests = 10000,
        .strips_client_cert = true,
        .redirect_https = 301,
        .https_port = 443,
    },
};

static const struct gw_upstream *const upstreams[] = {
    /* mesh */ &backend_mesh,
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
                         "{\"name\": \"mesh\", \"targets\": [\"https://a.example.com\", "
                         "\"HTTPS://b.example.com:8443/v1\"]}],\n"
                         "\"routes\": [\n"
                         "{\"operation\": \"getA\", \"method\": \"GET\", \"path\": \"/a\", "
                         "\"action\": \"upstream mesh\", \"security\": \"public\"}]}\n"),
    .features = STR_INIT("proxy access_log tls http2"),
    .listeners = listeners,
    .listener_count = 4,
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
