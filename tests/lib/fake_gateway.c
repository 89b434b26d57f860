/* A gateway written by hand: what generated code defines, so that the runtime is tested without the
 * compiler. Upstreams are named at start: --upstream main=http://… --upstream pair=… */
#include "gw.h"

#include "about.h"

static const struct gw_target main_targets[] = {
    {.url = STR_INIT("http://127.0.0.1:9"),
     .host = STR_INIT("127.0.0.1"),
     .authority = STR_INIT("127.0.0.1:9"),
     .port = 9,
     .weight = 1},
};

static const struct gw_upstream main_upstream = {
    .name = STR_INIT("main"),
    .index = 0,
    .target_count = 1,
    .targets = main_targets,
    .pool_max_idle = 64,
    .pool_idle_timeout = 60000,
};

static const struct gw_upstream *const upstreams[] = {&main_upstream};

static const struct gw_timeouts timeouts = {
    .connect = 5000, .send = 60000, .read = 60000, .idle = 300000};
static const struct gw_timeouts short_timeouts = {
    .connect = 300, .send = 400, .read = 400, .idle = 500};
static const struct gw_timeouts request_timeouts = {.connect = 300, .request = 400};
static const struct gw_errors errors = {.request_id = true};

static const struct gw_route forward = {
    .name = STR_INIT("forward"),
    .method = STR_INIT("*"),
    .path = STR_INIT("/{rest}"),
    .upstream = STR_INIT("main"),
    .timeouts = &timeouts,
    .errors = &errors,
    .index = 0,
    .buffer_response = 64 * 1024,
    .access_log = true,
};
static const struct gw_route respond = {
    .name = STR_INIT("respond"),
    .method = STR_INIT("*"),
    .path = STR_INIT("/respond"),
    .timeouts = &timeouts,
    .errors = &errors,
    .index = 1,
    .buffer_response = 64 * 1024,
    .access_log = true,
};
static const struct gw_route limited = {
    .name = STR_INIT("limited"),
    .method = STR_INIT("POST"),
    .path = STR_INIT("/limited"),
    .timeouts = &timeouts,
    .errors = &errors,
    .body_limit = 1000,
    .index = 2,
    .buffer_response = 64 * 1024,
    .access_log = true,
};
static const struct gw_route hasty = {
    .name = STR_INIT("hasty"),
    .method = STR_INIT("*"),
    .path = STR_INIT("/hasty"),
    .timeouts = &short_timeouts,
    .errors = &errors,
    .index = 3,
    .buffer_response = 64 * 1024,
    .access_log = true,
};
static const struct gw_route bounded = {
    .name = STR_INIT("bounded"),
    .method = STR_INIT("*"),
    .path = STR_INIT("/bounded"),
    .timeouts = &request_timeouts,
    .errors = &errors,
    .index = 4,
    .buffer_response = 64 * 1024,
    .access_log = true,
};

static const struct gw_route *const routes[] = {&forward, &respond, &limited, &hasty, &bounded};

static const struct gw_listener listener = {
    .address = STR_INIT("127.0.0.1:8080"),
    .limits = {.line = 8192, .fields = 32768, .count = 100},
    .header_timeout = 1000,
    .idle_timeout = 2000,
};

const struct gateway gateway = {
    .abi = GW_ABI,
    .name = STR_INIT("fake"),
    .version = STR_INIT("0"),
    .build_id = STR_INIT("0"),
    .manifest = STR_INIT("{}"),
    .features = STR_INIT("proxy"),
    .listeners = &listener,
    .listener_count = 1,
    .upstreams = upstreams,
    .upstream_count = 1,
    .routes = routes,
    .route_count = 5,
    .errors = &errors,
    .timeouts = &timeouts,
    .access_log = {.on = true, .output = {.kind = GW_TEXT_LITERAL, .text = STR_INIT("stdout")}},
    .correlation = {.generator = GW_ID_UUID, .header_name = STR_INIT("X-Request-ID"), .echo = true},
    .upstream_limits = {.line = 8192, .fields = 65536, .count = 200},
    .drain_grace = 5000,
};

/* What is linked in, for --licenses. */
const char gateway_notices[] = "";

enum gw_match gateway_match(struct gw_req *rq)
{
    if (str_eq(rq->path, STR("/nowhere")))
        return GW_MATCH_NO_PATH;
    rq->route = &forward;
    for (size_t i = 1; i < sizeof routes / sizeof *routes; i++)
        if (str_starts(rq->path, routes[i]->path))
            rq->route = routes[i];
    if (rq->route == &limited && rq->head.method != METHOD_POST) {
        rq->allow = STR("POST");
        return GW_MATCH_NO_METHOD;
    }
    return GW_MATCH_FOUND;
}

enum gw_next gateway_flow(struct gw_req *rq)
{
    static const struct gw_forward to_main = {.upstream = &main_upstream};
    static const struct gw_answer hello = {200, STR_INIT("Content-Type: text/plain\r\n"),
                                           STR_INIT("hello\n")};
    enum gw_next next;

    if (rq->route == &respond)
        return gw_respond(rq, &hello);
    if ((next = gw_proxy(rq, &to_main)) != GW_GO)
        return gw_stay(rq, 1, next);
    return gw_reply(rq);
}
