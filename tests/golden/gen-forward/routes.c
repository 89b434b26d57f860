/* What logs, metrics and the machinery around a flow know of each route. */
#include "gateway.h"

const struct gw_route route_list_pets = {
    .name = STR_INIT("listPets"),
    .method = STR_INIT("GET"),
    .path = STR_INIT("/pets"),
    .tag = STR_INIT(""),
    .upstream = STR_INIT("pets"),
    .security = STR_INIT("public"),
    .timeouts = &timeouts_default,
    .errors = &errors_default,
    .body_limit = 10485760,
    .upload_rate = 0,
    .index = ROUTE_LIST_PETS,
    .buffer_request = 0,
    .buffer_response = 65536,
    .encoded_slash = URLPATH_SLASH_KEEP,
    .access_log = true,
    .internal = false,
    .deprecated = false,
};

static const struct gw_timeouts timeouts_get_pet = {
    .connect = 5000,
    .send = 60000,
    .read = 1500,
    .request = 0,
    .idle = 300000,
    .from_client = true,
};

const struct gw_route route_get_pet = {
    .name = STR_INIT("getPet"),
    .method = STR_INIT("GET"),
    .path = STR_INIT("/pets/{id}"),
    .tag = STR_INIT(""),
    .upstream = STR_INIT("pets"),
    .security = STR_INIT("public"),
    .timeouts = &timeouts_get_pet,
    .errors = &errors_default,
    .body_limit = 10485760,
    .upload_rate = 0,
    .index = ROUTE_GET_PET,
    .buffer_request = 0,
    .buffer_response = 65536,
    .encoded_slash = URLPATH_SLASH_KEEP,
    .access_log = true,
    .internal = false,
    .deprecated = false,
};
