/* T: the gateway as data. */
#include "gateway.h"

static const struct gw_target targets_agent[] = {
    {
        .url = STR_INIT("http://127.0.0.1:8500"),
        .host = STR_INIT("127.0.0.1"),
        .authority = STR_INIT("127.0.0.1:8500"),
        .path = STR_INIT(""),
        .port = 8500,
        .weight = 1,
    },
};

const struct gw_upstream backend_agent = {
    .name = STR_INIT("agent"),
    .index = 0,
    .target_count = 1,
    .targets = targets_agent,
    .host_header = GW_HOST_TARGET,
    .pool_max_idle = 1024,
    .pool_idle_timeout = 60000,
};

static const struct gw_discovery discovery_of_pets = {
    .module = &discovery_module,
    .source = &discover_dns,
    .kind = STR_INIT("dns"),
    .name = STR_INIT("pets.example.com"),
    .port = 8001,
    .max_age = 3600,
};

const struct gw_upstream backend_pets = {
    .name = STR_INIT("pets"),
    .index = 1,
    .discovery = &discovery_of_pets,
    .host_header = GW_HOST_TARGET,
    .pool_max_idle = 1024,
    .pool_idle_timeout = 60000,
};

static const struct gw_discovery discovery_of_dogs = {
    .module = &discovery_module,
    .source = &discover_dns_srv,
    .kind = STR_INIT("dns_srv"),
    .name = STR_INIT("_http._tcp.dogs.example.com"),
    .is_https = true,
    .refresh = 10000,
    .max_age = 86400,
};

static const struct gw_upstream_tls tls_to_dogs = {
    .roots = gateway_roots,
};

const struct gw_upstream backend_dogs = {
    .name = STR_INIT("dogs"),
    .index = 2,
    .discovery = &discovery_of_dogs,
    .levels = &levels_module,
    .host_header = GW_HOST_TARGET,
    .pool_max_idle = 1024,
    .pool_idle_timeout = 60000,
    .h2 = &call_h2_module,
    .max_streams = 100,
    .tls = &tls_to_dogs,
};

static const struct gw_label labels_0_of_cats[] = {
    {STR_INIT("version"), STR_INIT("v1")},
};
static const struct gw_label labels_1_of_cats[] = {
    {STR_INIT("tier"), STR_INIT("fast")},
    {STR_INIT("*\057"), STR_INIT("x\\")},
};
static const struct gw_subset subsets_of_cats[] = {
    /* v1 */
    {labels_0_of_cats, 1},
    /* say \"hi\" */
    {labels_1_of_cats, 2},
};
static const struct gw_discovery discovery_of_cats = {
    .module = &discovery_module,
    .source = &discover_consul,
    .kind = STR_INIT("consul"),
    .name = STR_INIT("cats%2Fkittens"),
    .max_age = 86400,
    .registry = &backend_agent,
    .query = STR_INIT("&tag=v%3D1&dc=eu%201"),
    .token.kind = GW_TEXT_ENV,
    .token.text = STR_INIT("CONSUL_HTTP_TOKEN"),
    .token.fallback = STR_INIT(""),
    .subsets = subsets_of_cats,
    .subset_count = 2,
};

const struct gw_upstream backend_cats = {
    .name = STR_INIT("cats"),
    .index = 3,
    .discovery = &discovery_of_cats,
    .host_header = GW_HOST_TARGET,
    .pool_max_idle = 1024,
    .pool_idle_timeout = 60000,
};

static const struct gw_discovery discovery_of_birds = {
    .module = &discovery_module,
    .source = &discover_file,
    .kind = STR_INIT("file"),
    .file = STR_INIT("/etc/gw/birds.yaml"),
    .is_https = true,
    .refresh = 250,
    .max_age = 86400,
};

static const struct gw_upstream_tls tls_to_birds = {
    .roots = gateway_roots,
    .sni = STR_INIT("birds.example.com"),
};

const struct gw_upstream backend_birds = {
    .name = STR_INIT("birds"),
    .index = 4,
    .discovery = &discovery_of_birds,
    .levels = &levels_module,
    .host_header = GW_HOST_TARGET,
    .pool_max_idle = 1024,
    .pool_idle_timeout = 60000,
    .tls = &tls_to_birds,
};

static const struct gw_discovery discovery_of_ants = {
    .module = &discovery_module,
    .source = &discover_eds,
    .kind = STR_INIT("eds"),
    .name = STR_INIT("ants"),
    .file = STR_INIT("/etc/gw/eds\".json"),
    .max_age = 86400,
};

const struct gw_upstream backend_ants = {
    .name = STR_INIT("ants"),
    .index = 5,
    .discovery = &discovery_of_ants,
    .levels = &levels_module,
    .host_header = GW_HOST_TARGET,
    .pool_max_idle = 1024,
    .pool_idle_timeout = 60000,
};

static const struct gw_discovery discovery_of_bees = {
    .module = &discovery_module,
    .source = &discover_eds,
    .kind = STR_INIT("eds"),
    .name = STR_INIT("the-bees"),
    .file = STR_INIT("/etc/gw/eds.json"),
    .max_age = 86400,
};

const struct gw_upstream backend_bees = {
    .name = STR_INIT("bees"),
    .index = 6,
    .discovery = &discovery_of_bees,
    .levels = &levels_module,
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
    /* agent */ &backend_agent,
    /* pets */ &backend_pets,
    /* dogs */ &backend_dogs,
    /* cats */ &backend_cats,
    /* birds */ &backend_birds,
    /* ants */ &backend_ants,
    /* bees */ &backend_bees,
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
                         "{\"name\": \"agent\", \"targets\": [\"http://127.0.0.1:8500\"]},\n"
                         "{\"name\": \"pets\", \"targets\": [], \"discovery\": \"dns "
                         "pets.example.com:8001, max_age 1h\"},\n"
                         "{\"name\": \"dogs\", \"targets\": [], \"discovery\": \"dns_srv "
                         "_http._tcp.dogs.example.com, refresh 10s, max_age 24h\"},\n"
                         "{\"name\": \"cats\", \"targets\": [], \"discovery\": \"consul service "
                         "cats%2Fkittens&tag=v%3D1&dc=eu%201 by agent, max_age 24h\"},\n"
                         "{\"name\": \"birds\", \"targets\": [], \"discovery\": \"file "
                         "/etc/gw/birds.yaml, refresh 250ms, max_age 24h\"},\n"
                         "{\"name\": \"ants\", \"targets\": [], \"discovery\": \"eds ants of "
                         "/etc/gw/eds\\\".json, max_age 24h\"},\n"
                         "{\"name\": \"bees\", \"targets\": [], \"discovery\": \"eds the-bees "
                         "of /etc/gw/eds.json, max_age 24h\"}],\n"
                         "\"routes\": [\n"
                         "{\"operation\": \"getA\", \"method\": \"GET\", \"path\": \"/a\", "
                         "\"action\": \"upstream pets 1, dogs 1, cats:v1 2, cats:say \\\"hi\\\" "
                         "1, birds 1, ants 1, bees 1\", \"security\": \"public\"}]}\n"),
    .features = STR_INIT("proxy weighted access_log tls http2 subsets discovery"),
    .listeners = listeners,
    .listener_count = 1,
    .tls = &tls_module,
    .upstreams = upstreams,
    .upstream_count = 7,
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
