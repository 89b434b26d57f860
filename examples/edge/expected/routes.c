/* What logs, metrics and the machinery around a flow know of each route. */
#include "gateway.h"

const struct gw_route route_get_order = {
    .name = STR_INIT("getOrder"),
    .method = STR_INIT("GET"),
    .path = STR_INIT("/orders/{orderId}"),
    .tag = STR_INIT("orders"),
    .upstream = STR_INIT("orders"),
    .security = STR_INIT("public"),
    .timeouts = &timeouts_default,
    .errors = &errors_default,
    .body_limit = 10485760,
    .upload_rate = 0,
    .index = ROUTE_GET_ORDER,
    .buffer_request = 0,
    .buffer_response = 65536,
    .encoded_slash = URLPATH_SLASH_KEEP,
    .access_log = true,
    .internal = false,
    .deprecated = false,
};

const struct gw_route route_home = {
    .name = STR_INIT("home"),
    .method = STR_INIT("GET"),
    .path = STR_INIT("/"),
    .tag = STR_INIT("edge"),
    .upstream = STR_INIT(""),
    .security = STR_INIT("public"),
    .timeouts = &timeouts_default,
    .errors = &errors_default,
    .body_limit = 10485760,
    .upload_rate = 0,
    .index = ROUTE_HOME,
    .buffer_request = 0,
    .buffer_response = 65536,
    .encoded_slash = URLPATH_SLASH_KEEP,
    .access_log = true,
    .internal = false,
    .deprecated = false,
};
