/* Petstore: the gateway as data. */
#include "gateway.h"

static const struct gw_target targets_pets[] = {
    {
        .url = STR_INIT("http://127.0.0.1:9000"),
        .host = STR_INIT("127.0.0.1"),
        .authority = STR_INIT("127.0.0.1:9000"),
        .path = STR_INIT(""),
        .port = 9000,
        .weight = 2,
    },
    {
        .url = STR_INIT("http://127.0.0.1:9001"),
        .host = STR_INIT("127.0.0.1"),
        .authority = STR_INIT("127.0.0.1:9001"),
        .path = STR_INIT(""),
        .port = 9001,
        .weight = 1,
    },
};

const struct gw_upstream backend_pets = {
    .name = STR_INIT("pets"),
    .index = 0,
    .target_count = 2,
    .targets = targets_pets,
    .host_header = GW_HOST_TARGET,
    .pool_max_idle = 1024,
    .pool_idle_timeout = 60000,
};

const struct gw_forward to_pets = {
    .upstream = &backend_pets,
};

static const struct gw_target targets_pets_next[] = {
    {
        .url = STR_INIT("http://127.0.0.1:9002"),
        .host = STR_INIT("127.0.0.1"),
        .authority = STR_INIT("127.0.0.1:9002"),
        .path = STR_INIT(""),
        .port = 9002,
        .weight = 1,
    },
};

const struct gw_upstream backend_pets_next = {
    .name = STR_INIT("pets-next"),
    .index = 1,
    .target_count = 1,
    .targets = targets_pets_next,
    .host_header = GW_HOST_TARGET,
    .pool_max_idle = 1024,
    .pool_idle_timeout = 60000,
};

const struct gw_forward to_pets_next = {
    .upstream = &backend_pets_next,
};

static const struct gw_target targets_orders[] = {
    {
        .url = STR_INIT("http://127.0.0.1:9003/internal"),
        .host = STR_INIT("127.0.0.1"),
        .authority = STR_INIT("127.0.0.1:9003"),
        .path = STR_INIT("/internal"),
        .port = 9003,
        .weight = 1,
    },
};

const struct gw_upstream backend_orders = {
    .name = STR_INIT("orders"),
    .index = 2,
    .target_count = 1,
    .targets = targets_orders,
    .host_header = GW_HOST_TARGET,
    .pool_max_idle = 1024,
    .pool_idle_timeout = 60000,
};

const struct gw_timeouts timeouts_default = {
    .connect = 1000,
    .send = 60000,
    .read = 10000,
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
    /* pets */ &backend_pets,
    /* pets-next */ &backend_pets_next,
    /* orders */ &backend_orders,
};

static const struct gw_route *const routes[] = {
    /* GET /health */
    &route_health,
    /* GET /v1/pets */
    &route_list_pets,
    /* POST /v1/pets */
    &route_create_pet,
    /* GET /v1/pets/{petId} */
    &route_get_pet,
    /* DELETE /v1/pets/{petId} */
    &route_delete_pet,
    /* GET /v1/orders/{orderId} */
    &route_get_order,
    /* GET /v1/animals/{petId} */
    &route_get_animal,
};

const struct gateway gateway = {
    .abi = GW_ABI,
    .name = STR_INIT("petstore"),
    .version = STR_INIT("1.0.0"),
    .build_id = STR_INIT(GATEWAY_BUILD_ID),
    .manifest = STR_INIT("{\"name\": \"petstore\", \"title\": \"Petstore\", \"version\": "
                         "\"1.0.0\",\n"
                         "\"upstreams\": [\n"
                         "{\"name\": \"pets\", \"targets\": [\"http://127.0.0.1:9000\", "
                         "\"http://127.0.0.1:9001\"]},\n"
                         "{\"name\": \"pets-next\", \"targets\": [\"http://127.0.0.1:9002\"]},\n"
                         "{\"name\": \"orders\", \"targets\": "
                         "[\"http://127.0.0.1:9003/internal\"]}],\n"
                         "\"routes\": [\n"
                         "{\"operation\": \"health\", \"method\": \"GET\", \"path\": "
                         "\"/health\", \"action\": \"respond 200\", \"security\": \"public\"},\n"
                         "{\"operation\": \"listPets\", \"method\": \"GET\", \"path\": "
                         "\"/v1/pets\", \"action\": \"upstream pets\", \"security\": "
                         "\"public\"},\n"
                         "{\"operation\": \"createPet\", \"method\": \"POST\", \"path\": "
                         "\"/v1/pets\", \"action\": \"upstream pets 95, pets-next 5\", "
                         "\"security\": \"public\"},\n"
                         "{\"operation\": \"getPet\", \"method\": \"GET\", \"path\": "
                         "\"/v1/pets/{petId}\", \"action\": \"route to pets-next, pets\", "
                         "\"security\": \"public\"},\n"
                         "{\"operation\": \"deletePet\", \"method\": \"DELETE\", \"path\": "
                         "\"/v1/pets/{petId}\", \"action\": \"upstream pets\", \"security\": "
                         "\"public\"},\n"
                         "{\"operation\": \"getOrder\", \"method\": \"GET\", \"path\": "
                         "\"/v1/orders/{orderId}\", \"action\": \"upstream orders\", "
                         "\"security\": \"public\"},\n"
                         "{\"operation\": \"getAnimal\", \"method\": \"GET\", \"path\": "
                         "\"/v1/animals/{petId}\", \"action\": \"redirect 308 to "
                         "/v1/pets/{petId}\", \"security\": \"public\"}]}\n"),
    .features = STR_INIT("proxy weighted route rewrite respond redirect access_log"),
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
