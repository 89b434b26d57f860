/* Web shop edge: the gateway as data. */
#include "gateway.h"

static const struct gw_target targets_catalogue[] = {
    {
        .url = STR_INIT("http://catalogue:8080/api/v3"),
        .host = STR_INIT("catalogue"),
        .authority = STR_INIT("catalogue:8080"),
        .path = STR_INIT("/api/v3"),
        .port = 8080,
        .weight = 1,
    },
};

const struct gw_upstream backend_catalogue = {
    .name = STR_INIT("catalogue"),
    .index = 0,
    .target_count = 1,
    .targets = targets_catalogue,
    .host_header = GW_HOST_TARGET,
    .pool_max_idle = 1024,
    .pool_idle_timeout = 60000,
};

const struct gw_forward to_catalogue = {
    .upstream = &backend_catalogue,
};

static const struct gw_target targets_account[] = {
    {
        .url = STR_INIT("http://account:8080"),
        .host = STR_INIT("account"),
        .authority = STR_INIT("account:8080"),
        .path = STR_INIT(""),
        .port = 8080,
        .weight = 1,
    },
};

const struct gw_upstream backend_account = {
    .name = STR_INIT("account"),
    .index = 1,
    .target_count = 1,
    .targets = targets_account,
    .host_header = GW_HOST_PRESERVE,
    .pool_max_idle = 1024,
    .pool_idle_timeout = 60000,
};

static const struct gw_target targets_legacy[] = {
    {
        .url = STR_INIT("http://old-shop:80"),
        .host = STR_INIT("old-shop"),
        .authority = STR_INIT("old-shop"),
        .path = STR_INIT(""),
        .port = 80,
        .weight = 1,
    },
};

const struct gw_upstream backend_legacy = {
    .name = STR_INIT("legacy"),
    .index = 2,
    .target_count = 1,
    .targets = targets_legacy,
    .host_header = GW_HOST_TARGET,
    .pool_max_idle = 1024,
    .pool_idle_timeout = 60000,
};

const struct gw_timeouts timeouts_default = {
    .connect = 500,
    .send = 60000,
    .read = 5000,
    .request = 20000,
    .idle = 300000,
};

const struct gw_errors errors_default = {
    .format = GW_ERRORS_PROBLEM,
    .type_base = STR_INIT("https://shop.example.com/errors/"),
};

static const struct gw_network trusted_1[] = {
    /* 10.0.0.0/8 */
    {
        .address = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 255, 10, 0, 0, 0},
        .bits = 104,
    },
};

static const struct gw_forwarded forwarded_1 = {
    .trusted = trusted_1,
    .trusted_count = 1,
    .header = GW_FORWARDED_FOR,
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
        .forwarded = &forwarded_1,
    },
};

static const struct gw_upstream *const upstreams[] = {
    /* catalogue */ &backend_catalogue,
    /* account */ &backend_account,
    /* legacy */ &backend_legacy,
};

static const struct gw_route *const routes[] = {
    /* GET /products */
    &route_list_products,
    /* GET /products/{sku} */
    &route_get_product,
    /* GET /me */
    &route_get_profile,
    /* GET /me/orders/{orderId} */
    &route_get_my_order,
    /* GET /shop/{rest} */
    &route_old_shop,
    /* GET / */
    &route_home,
};

const struct gateway gateway = {
    .abi = GW_ABI,
    .name = STR_INIT("shop-edge"),
    .version = STR_INIT("2.1.0"),
    .build_id = STR_INIT(GATEWAY_BUILD_ID),
    .manifest = STR_INIT("{\"name\": \"shop-edge\", \"title\": \"Web shop edge\", \"version\": "
                         "\"2.1.0\",\n"
                         "\"upstreams\": [\n"
                         "{\"name\": \"catalogue\", \"targets\": "
                         "[\"http://catalogue:8080/api/v3\"]},\n"
                         "{\"name\": \"account\", \"targets\": [\"http://account:8080\"]},\n"
                         "{\"name\": \"legacy\", \"targets\": [\"http://old-shop:80\"]}],\n"
                         "\"routes\": [\n"
                         "{\"operation\": \"listProducts\", \"method\": \"GET\", \"path\": "
                         "\"/products\", \"action\": \"upstream catalogue\", \"security\": "
                         "\"public\"},\n"
                         "{\"operation\": \"getProduct\", \"method\": \"GET\", \"path\": "
                         "\"/products/{sku}\", \"action\": \"upstream catalogue\", "
                         "\"security\": \"public\"},\n"
                         "{\"operation\": \"getProfile\", \"method\": \"GET\", \"path\": "
                         "\"/me\", \"action\": \"upstream account\", \"security\": "
                         "\"public\"},\n"
                         "{\"operation\": \"getMyOrder\", \"method\": \"GET\", \"path\": "
                         "\"/me/orders/{orderId}\", \"action\": \"upstream account\", "
                         "\"security\": \"public\"},\n"
                         "{\"operation\": \"oldShop\", \"method\": \"GET\", \"path\": "
                         "\"/shop/{rest}\", \"action\": \"upstream legacy\", \"security\": "
                         "\"public\"},\n"
                         "{\"operation\": \"home\", \"method\": \"GET\", \"path\": \"/\", "
                         "\"action\": \"redirect 302 to /shop/\", \"security\": \"public\"}]}\n"),
    .features = STR_INIT("proxy rewrite redirect access_log"),
    .listeners = listeners,
    .listener_count = 1,
    .status.address = STR_INIT("127.0.0.1:8100"),
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
