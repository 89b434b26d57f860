/* What logs, metrics and the machinery around a flow know of each route. */
#include "gateway.h"

static const struct gw_correlation correlation_merged = {
    .generator = GW_ID_UUID,
    .header_name = STR_INIT("X-Trace"),
    .echo = true,
    .trust = false,
};

static const struct str log_fields_merged[] = {
    STR_INIT("status"),
};

static const struct gw_access_log log_merged = {
    .on = true,
    .block_when_full = true,
    .format = GW_LOG_COMBINED,
    .fields = log_fields_merged,
    .field_count = 1,
};

const struct gw_route route_merged = {
    .name = STR_INIT("merged"),
    .method = STR_INIT("GET"),
    .path = STR_INIT("/a"),
    .tag = STR_INIT(""),
    .upstream = STR_INIT(""),
    .security = STR_INIT("public"),
    .timeouts = &timeouts_default,
    .errors = &errors_default,
    .correlation = &correlation_merged,
    .own_log = &log_merged,
    .body_limit = 10485760,
    .upload_rate = 0,
    .index = ROUTE_MERGED,
    .buffer_request = 0,
    .buffer_response = 65536,
    .encoded_slash = URLPATH_SLASH_KEEP,
    .access_log = true,
    .internal = false,
    .deprecated = false,
};

static const struct gw_correlation correlation_inherited = {
    .generator = GW_ID_UUID,
    .header_name = STR_INIT("X-Trace"),
    .echo = true,
    .trust = false,
};

static const struct str log_fields_inherited[] = {
    STR_INIT("method"),
    /* then */ STR_INIT("path"),
};

static const struct gw_access_log log_inherited = {
    .on = true,
    .block_when_full = true,
    .format = GW_LOG_COMBINED,
    .fields = log_fields_inherited,
    .field_count = 2,
};

const struct gw_route route_inherited = {
    .name = STR_INIT("inherited"),
    .method = STR_INIT("PUT"),
    .path = STR_INIT("/a"),
    .tag = STR_INIT(""),
    .upstream = STR_INIT(""),
    .security = STR_INIT("public"),
    .timeouts = &timeouts_default,
    .errors = &errors_default,
    .correlation = &correlation_inherited,
    .own_log = &log_inherited,
    .body_limit = 10485760,
    .upload_rate = 0,
    .index = ROUTE_INHERITED,
    .buffer_request = 0,
    .buffer_response = 65536,
    .encoded_slash = URLPATH_SLASH_KEEP,
    .access_log = true,
    .internal = false,
    .deprecated = false,
};

static const struct gw_correlation correlation_named = {
    .generator = GW_ID_NONE,
    .header_name = STR_INIT("X-Request-ID"),
    .echo = true,
    .trust = false,
};

const struct gw_route route_named = {
    .name = STR_INIT("named"),
    .method = STR_INIT("POST"),
    .path = STR_INIT("/a"),
    .tag = STR_INIT(""),
    .upstream = STR_INIT(""),
    .security = STR_INIT("public"),
    .timeouts = &timeouts_default,
    .errors = &errors_default,
    .correlation = &correlation_named,
    .body_limit = 10485760,
    .upload_rate = 0,
    .index = ROUTE_NAMED,
    .buffer_request = 0,
    .buffer_response = 65536,
    .encoded_slash = URLPATH_SLASH_KEEP,
    .access_log = false,
    .internal = false,
    .deprecated = false,
};

static const struct gw_correlation correlation_asked = {
    .generator = GW_ID_UUID,
    .header_name = STR_INIT("X-Request-ID"),
    .echo = true,
    .trust = false,
};

static const struct str log_fields_asked[] = {
    STR_INIT("method"),
    /* then */ STR_INIT("path"),
};

static const struct gw_access_log log_asked = {
    .on = true,
    .block_when_full = true,
    .format = GW_LOG_COMBINED,
    .fields = log_fields_asked,
    .field_count = 2,
};

const struct gw_route route_asked = {
    .name = STR_INIT("asked"),
    .method = STR_INIT("DELETE"),
    .path = STR_INIT("/a"),
    .tag = STR_INIT(""),
    .upstream = STR_INIT(""),
    .security = STR_INIT("public"),
    .timeouts = &timeouts_default,
    .errors = &errors_default,
    .correlation = &correlation_asked,
    .own_log = &log_asked,
    .body_limit = 10485760,
    .upload_rate = 0,
    .index = ROUTE_ASKED,
    .buffer_request = 0,
    .buffer_response = 65536,
    .encoded_slash = URLPATH_SLASH_KEEP,
    .access_log = true,
    .internal = false,
    .deprecated = false,
};

const struct gw_route route_shared = {
    .name = STR_INIT("shared"),
    .method = STR_INIT("GET"),
    .path = STR_INIT("/b"),
    .tag = STR_INIT(""),
    .upstream = STR_INIT(""),
    .security = STR_INIT("public"),
    .timeouts = &timeouts_default,
    .errors = &errors_default,
    .body_limit = 10485760,
    .upload_rate = 0,
    .index = ROUTE_SHARED,
    .buffer_request = 0,
    .buffer_response = 65536,
    .encoded_slash = URLPATH_SLASH_KEEP,
    .access_log = true,
    .internal = false,
    .deprecated = false,
};
