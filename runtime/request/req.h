/* req: one request on its way through the gateway: what it is, where its flow stands, what it waits for,
 * what came of it. Opened by serve when the carrier hands over a head, finished by serve. All its memory is
 * in its pool. Also here: the constants that describe the gateway, since every module from here up reads them.
 *
 * Life: req_open ▶ gateway_match ▶ gateway_flow ─┬─▶ answer, pumps ▶ log ▶ req_finish
 *                                        ▲       │ GW_WAIT
 *                                        └─ wake ┘   (posted; never from inside a callback) */
#ifndef REQUEST_REQ_H
#define REQUEST_REQ_H

#include "base/log.h"
#include "client/call.h"
#include "http/exchange.h"
#include "io/op.h"

enum gw_next { GW_GO, GW_WAIT, GW_DONE };

/* ---- constants of the generated program ---- */

/* A piece of text filled at run time: literal bytes, or path parameter `param` (>= 0). */
struct gw_piece {
    struct str literal;
    int param;
};

struct gw_rewrite {
    uint32_t strip;              /* bytes cut off the front of the matched path */
    struct str prefix;           /* put in their place */
    const struct gw_piece *path; /* not NULL: the whole new path instead */
    uint32_t path_count;
    struct str host; /* not empty: the Host field sent */
    bool redirects;  /* Location and Set-Cookie paths of the answer are translated back */
};

struct gw_forward {
    const struct gw_upstream *upstream;
    const struct gw_rewrite *rewrite;   /* NULL: path as matched */
    const struct gw_timeouts *timeouts; /* NULL: the route's */
};

struct gw_choice {
    const struct gw_forward *forwards;
    const uint32_t *weights;
    uint32_t count, total;
};

struct gw_answer {
    uint16_t status;
    struct str head; /* "Name: value\r\n" lines, Content-Type among them */
    struct str body;
};

struct gw_redirect {
    uint16_t status;
    bool keep_query;
    uint32_t piece_count;
    const struct gw_piece *pieces;
};

enum gw_error_format { GW_ERRORS_PROBLEM, GW_ERRORS_JSON, GW_ERRORS_TEXT };

struct gw_error_override {
    uint16_t first, last;          /* statuses it is for */
    uint16_t status;               /* 0: unchanged */
    struct str content_type, body; /* empty: made by the format */
};

struct gw_errors {
    enum gw_error_format format;
    bool request_id;
    struct str type_base; /* empty: about:blank */
    const struct gw_error_override *overrides;
    uint32_t override_count;
};

/* One operation, for logs, metrics, manifests and the machinery around the flow. */
struct gw_route {
    struct str name;     /* operationId */
    struct str method;   /* "*": any */
    struct str path;     /* template */
    struct str tag;      /* first tag or "" */
    struct str upstream; /* for people: name, names, or "" */
    struct str security; /* for people */
    const struct gw_timeouts *timeouts;
    const struct gw_errors *errors;
    const struct gw_correlation *correlation; /* NULL: the gateway's */
    const struct gw_access_log *own_log;      /* how its lines look; NULL: as the gateway's */
    uint64_t body_limit;                      /* bytes; 0: none */
    uint64_t upload_rate;                     /* bytes a second; 0: off */
    uint32_t index;
    uint32_t buffer_request, buffer_response;
    uint8_t encoded_slash; /* enum urlpath_slash */
    bool access_log;
    bool internal;
    bool deprecated;
};

/* Where the client's address comes from behind proxies. */
struct gw_network {
    uint8_t address[16]; /* IPv4 as ::ffff:a.b.c.d */
    uint8_t bits;
};
struct gw_forwarded {
    const struct gw_network *trusted;
    uint32_t trusted_count;
    struct str trusted_file; /* empty: none; one CIDR a line */
    enum { GW_FORWARDED_FOR, GW_FORWARDED_RFC7239, GW_FORWARDED_REAL_IP } header;
    bool via; /* the upstream is told of this hop */
};

struct gw_listener {
    struct str address;
    struct h1_limits limits;
    uint32_t connections, connections_per_ip; /* 0: off */
    uint32_t header_timeout, idle_timeout;    /* ms */
    uint32_t keep_alive_requests;             /* 0: without limit; 1: keep-alive off */
    const struct gw_forwarded *forwarded;     /* NULL: nobody is trusted */
    struct str port_text;                     /* set at run time once bound; empty: no port */
};

/* {env: NAME, default: …}, {file: …} or a literal. */
struct gw_text {
    enum { GW_TEXT_NONE, GW_TEXT_LITERAL, GW_TEXT_ENV, GW_TEXT_FILE } kind;
    struct str text;
    struct str fallback; /* at NULL: none */
};

struct gw_plain_listener {
    struct str address; /* empty: off */
    struct gw_text token;
};

enum gw_log_format { GW_LOG_JSON, GW_LOG_COMBINED };

struct gw_access_log {
    bool on;
    bool routes_only; /* nothing about requests that no route takes */
    bool block_when_full;
    enum gw_log_format format;
    struct gw_text output;
    const struct str *fields; /* NULL: the default set */
    uint32_t field_count;
};

struct gw_correlation {
    enum { GW_ID_NONE, GW_ID_UUID, GW_ID_COUNTER, GW_ID_TRACKER } generator;
    struct str header_name;
    bool echo, trust;
};

/* What becomes of names that a CGI-like backend would take for others. */
enum gw_underscores { GW_UNDERSCORES_DROP, GW_UNDERSCORES_REJECT, GW_UNDERSCORES_PASS };

struct gateway {
    uint32_t abi; /* GW_ABI */
    struct str name, version, build_id;
    struct str manifest; /* JSON, for /manifest and --manifest */
    struct str features; /* "proxy mock redirect", for --version */
    const struct gw_listener *listeners;
    uint32_t listener_count;
    struct gw_plain_listener status, admin;
    const struct gw_upstream *const *upstreams;
    uint32_t upstream_count;
    const struct gw_route *const *routes;
    uint32_t route_count;
    const struct gw_errors *errors;     /* before a route is known */
    const struct gw_timeouts *timeouts; /* the same */
    struct gw_access_log access_log;
    struct gw_correlation correlation;
    struct h1_limits upstream_limits;  /* limits.upstream_headers */
    uint64_t buffers;                  /* bytes of all held bodies */
    uint32_t drain_delay, drain_grace; /* ms */
    enum gw_underscores underscores;
    enum log_level log_level;
};

/* ---- one request ---- */

enum { GW_MAX_PARAMS = 32 };

struct worker;
struct hold;

struct gw_req {
    /* what a flow may read */
    int at;                       /* label of the flow */
    const struct gw_route *route; /* NULL before and without a match */
    struct str path;              /* normalised: what is matched and sent on */
    struct str host;  /* lower case, without port; at NULL: nobody has asked yet, see gw_host_is */
    struct str allow; /* methods of the path, for OPTIONS and without a route: see gw_allow */
    struct str request_id;
    struct str client_address; /* text; behind trusted proxies the real client */
    struct str peer_address;   /* text; the other end of the connection */
    bool trusted_peer;         /* which is a trusted proxy */
    const struct gw_forward *forward;
    struct head *answer; /* after gw_proxy */

    /* machinery */
    struct worker *worker;
    const struct gw_listener *listener;
    const struct gw_errors *errors; /* the route's, once there is one */
    const struct gw_timeouts *timeouts;
    struct exchange *x;
    struct pool pool;
    struct op_waiter wait;           /* one request, one wait */
    struct loop_call call;           /* posted to enter the flow (again), or to end the request */
    struct upstream_call *upstream;  /* the call of gw_proxy */
    struct hold *hold;               /* what of the body is taken in before it */
    struct pump download;            /* the answer's body */
    struct body_text body;           /* of an answer that the gateway makes */
    struct str added_request;        /* header lines for the upstream made by policies */
    struct str added_reply;          /* header lines for the client made by policies */
    const struct gw_forward *chosen; /* by gw_choose */
    bool begun;                      /* the flow was entered */
    bool replied;                    /* an answer has begun */
    bool ended;                      /* and is complete, or given up */
    bool cancelled;                  /* the client is gone: the flow is not entered any more */

    /* for the log */
    uint64_t started_us; /* wall clock */
    uint64_t started_ms; /* loop->now */
    uint16_t status;
    const char *reason;         /* whatever the gateway decided, or NULL */
    struct str upstream_target; /* address or name of the target, last try */
    uint16_t upstream_status;
    uint8_t tries;
    uint32_t upstream_ms;         /* send to head, last try */
    uint64_t bytes_in, bytes_out; /* bodies */

    /* Not zeroed, here and below. The request's head; its strings point into the carrier's buffer. */
    struct head head;
    /* Path parameters of the route, slices of path. Only those are ever written. */
    struct str params[GW_MAX_PARAMS];
};

/* Waits for the op; the flow goes on when it has ended. Returns GW_WAIT. */
enum gw_next req_park(struct gw_req *rq, struct op *op);

/* The answer is complete or given up: serve finishes the request. Only from posted calls. */
void req_end(struct gw_req *rq);

#endif
