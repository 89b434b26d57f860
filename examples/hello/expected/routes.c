/* What logs, metrics and the machinery around a flow know of each route. */
#include "gateway.h"

const struct gw_route route_say_hello = {
    .name = STR_INIT("sayHello"),
    .method = STR_INIT("GET"),
    .path = STR_INIT("/hello/{name}"),
    .tag = STR_INIT(""),
    .upstream = STR_INIT(""),
    .security = STR_INIT("public"),
    .timeouts = &timeouts_default,
    .errors = &errors_default,
    .body_limit = 10485760,
    .upload_rate = 0,
    .index = ROUTE_SAY_HELLO,
    .buffer_request = 0,
    .buffer_response = 65536,
    .encoded_slash = URLPATH_SLASH_KEEP,
    .access_log = true,
    .internal = false,
    .deprecated = false,
};

const struct gw_route route_say_hi = {
    .name = STR_INIT("sayHi"),
    .method = STR_INIT("GET"),
    .path = STR_INIT("/hi/{name}"),
    .tag = STR_INIT(""),
    .upstream = STR_INIT(""),
    .security = STR_INIT("public"),
    .timeouts = &timeouts_default,
    .errors = &errors_default,
    .body_limit = 10485760,
    .upload_rate = 0,
    .index = ROUTE_SAY_HI,
    .buffer_request = 0,
    .buffer_response = 65536,
    .encoded_slash = URLPATH_SLASH_KEEP,
    .access_log = true,
    .internal = false,
    .deprecated = false,
};
