/* The flows of x. */
#include "gateway.h"

/* GET /x/document */
enum gw_next flow_document(struct gw_req *rq)
{
    static const struct str request_headers[] = {
        STR_INIT("Authorization"),
        /* and */ STR_INIT("Cookie"),
    };
    static const struct str response_headers[] = {
        STR_INIT("X-User-Id"),
        /* and */ STR_INIT("X-Roles"),
    };
    static const struct str client_headers[] = {
        STR_INIT("WWW-Authenticate"),
        /* and */ STR_INIT("Location"),
        /* and */ STR_INIT("Set-Cookie"),
    };
    static const struct gw_endpoint authority = {
        .upstream = &backend_auth_example_com,
        .path = STR_INIT("/check?strict=1"),
    };
    static const struct gw_forward_auth forward_auth = {
        .endpoint = &authority,
        .request_headers = request_headers,
        .request_header_count = 2,
        .response_headers = response_headers,
        .response_header_count = 2,
        .client_headers = client_headers,
        .client_header_count = 3,
        .uri_header = STR_INIT("X-Original-URI"),
        .timeout = 500,
    };
    enum gw_next next;

    switch (rq->at) {
    case AT_START:
        /* forward_auth: auth.example.com /check?strict=1 */
        if ((next = gw_forward_auth(rq, &forward_auth)) != GW_GO)
            return next;
        GW_FALLTHROUGH;

    case AT_UPSTREAM: /* upstream: app */
        if ((next = gw_proxy(rq, &to_app)) != GW_GO)
            return gw_stay(rq, AT_UPSTREAM, next);
        return gw_reply(rq);
    }
    return GW_DONE;
}

/* GET /x/nobody */
enum gw_next flow_nobody(struct gw_req *rq)
{
    enum gw_next next;

    switch (rq->at) {
    case AT_START:
    case AT_UPSTREAM: /* upstream: app */
        if ((next = gw_proxy(rq, &to_app)) != GW_GO)
            return gw_stay(rq, AT_UPSTREAM, next);
        return gw_reply(rq);
    }
    return GW_DONE;
}

/* GET /x/same-host */
enum gw_next flow_same_host(struct gw_req *rq)
{
    static const struct gw_endpoint authority = {
        .upstream = &backend_auth_example_com,
        .path = STR_INIT("/"),
    };
    static const struct gw_forward_auth forward_auth = {
        .endpoint = &authority,
        .uri_header = STR_INIT("X-Original-URI"),
        .timeout = 500,
        .admits_on_error = true,
    };
    enum gw_next next;

    switch (rq->at) {
    case AT_START:
        /* forward_auth: auth.example.com / */
        if ((next = gw_forward_auth(rq, &forward_auth)) != GW_GO)
            return next;
        GW_FALLTHROUGH;

    case AT_UPSTREAM: /* upstream: app */
        if ((next = gw_proxy(rq, &to_app)) != GW_GO)
            return gw_stay(rq, AT_UPSTREAM, next);
        return gw_reply(rq);
    }
    return GW_DONE;
}

/* POST /x/upstream */
enum gw_next flow_upstream(struct gw_req *rq)
{
    static const struct str request_headers[] = {
        STR_INIT("X-Token"),
    };
    static const struct str client_headers[] = {
        STR_INIT("WWW-Authenticate"),
        /* and */ STR_INIT("Location"),
        /* and */ STR_INIT("Set-Cookie"),
    };
    static const struct gw_endpoint authority = {
        .upstream = &backend_auth,
        .path = STR_INIT("/v"),
    };
    static const struct gw_forward_auth forward_auth = {
        .endpoint = &authority,
        .is_original = true,
        .forwards_body = true,
        .body_max = 16384,
        .request_headers = request_headers,
        .request_header_count = 1,
        .client_headers = client_headers,
        .client_header_count = 3,
        .uri_header = STR_INIT("X-Was"),
        .timeout = 2000,
        .cache = 10000,
    };
    enum gw_next next;

    switch (rq->at) {
    case AT_START:
        /* forward_auth: auth /v */
        if ((next = gw_forward_auth(rq, &forward_auth)) != GW_GO)
            return next;
        GW_FALLTHROUGH;

    case AT_UPSTREAM: /* upstream: app */
        if ((next = gw_proxy(rq, &to_app)) != GW_GO)
            return gw_stay(rq, AT_UPSTREAM, next);
        return gw_reply(rq);
    }
    return GW_DONE;
}

/* GET /x/operation */
enum gw_next flow_operation(struct gw_req *rq)
{
    static const struct str request_headers[] = {
        STR_INIT("Authorization"),
        /* and */ STR_INIT("Cookie"),
    };
    static const struct str client_headers[] = {
        STR_INIT("WWW-Authenticate"),
        /* and */ STR_INIT("Location"),
        /* and */ STR_INIT("Set-Cookie"),
    };
    static const struct gw_endpoint authority = {
        .upstream = &backend_auth,
        .path = STR_INIT("/verify"),
    };
    static const struct gw_forward_auth forward_auth = {
        .endpoint = &authority,
        .host = STR_INIT("verify.example"),
        .request_headers = request_headers,
        .request_header_count = 2,
        .client_headers = client_headers,
        .client_header_count = 3,
        .uri_header = STR_INIT("X-Original-URI"),
        .timeout = 500,
    };
    enum gw_next next;

    switch (rq->at) {
    case AT_START:
        /* forward_auth: auth /verify */
        if ((next = gw_forward_auth(rq, &forward_auth)) != GW_GO)
            return next;
        GW_FALLTHROUGH;

    case AT_UPSTREAM: /* upstream: app */
        if ((next = gw_proxy(rq, &to_app)) != GW_GO)
            return gw_stay(rq, AT_UPSTREAM, next);
        return gw_reply(rq);
    }
    return GW_DONE;
}

/* GET /x/answer */
enum gw_next flow_answer(struct gw_req *rq)
{
    static const struct gw_answer answer = {
        .status = 200,
        .head = STR_INIT("Content-Type: text/plain; charset=utf-8\r\n"),
        .body = STR_INIT("here"),
    };
    static const struct str request_headers[] = {
        STR_INIT("Authorization"),
        /* and */ STR_INIT("Cookie"),
    };
    static const struct str response_headers[] = {
        STR_INIT("X-User-Id"),
        /* and */ STR_INIT("X-Roles"),
    };
    static const struct str client_headers[] = {
        STR_INIT("WWW-Authenticate"),
        /* and */ STR_INIT("Location"),
        /* and */ STR_INIT("Set-Cookie"),
    };
    static const struct gw_endpoint authority = {
        .upstream = &backend_auth_example_com,
        .path = STR_INIT("/check?strict=1"),
    };
    static const struct gw_forward_auth forward_auth = {
        .endpoint = &authority,
        .request_headers = request_headers,
        .request_header_count = 2,
        .response_headers = response_headers,
        .response_header_count = 2,
        .client_headers = client_headers,
        .client_header_count = 3,
        .uri_header = STR_INIT("X-Original-URI"),
        .timeout = 500,
    };
    enum gw_next next;

    /* forward_auth: auth.example.com /check?strict=1 */
    if ((next = gw_forward_auth(rq, &forward_auth)) != GW_GO)
        return next;

    /* respond: 200 */
    return gw_respond(rq, &answer);
}

/* GET /x/verify, internal */
enum gw_next flow_verify(struct gw_req *rq)
{
    static const struct gw_piece path[] = {
        {.literal = STR_INIT("/verify"), .param = -1},
    };
    /* rewrite: path /verify, host verify.example, redirects */
    static const struct gw_rewrite rewrite = {
        .path = path,
        .path_count = 1,
        .host = STR_INIT("verify.example"),
        .redirects = true,
    };
    static const struct gw_forward forward = {
        .upstream = &backend_auth,
        .rewrite = &rewrite,
    };
    enum gw_next next;

    switch (rq->at) {
    case AT_START:
    case AT_UPSTREAM: /* upstream: auth */
        if ((next = gw_proxy(rq, &forward)) != GW_GO)
            return gw_stay(rq, AT_UPSTREAM, next);
        return gw_reply(rq);
    }
    return GW_DONE;
}
