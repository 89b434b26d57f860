/* ir: the whole gateway as plain data. Read this first.
 *
 * lower fills it from the documents, check only complains, plan fills the fields marked "plan", view turns
 * it into template values. After lower nobody sees OpenAPI, after view nobody sees the IR. Every default
 * and every inherited value is already in place: what stands here is what the gateway does. Durations are
 * milliseconds (0: off), sizes bytes. Orders are the document's. */
#ifndef GEN_IR_H
#define GEN_IR_H

#include "base/vec.h"
#include "ir_resilience.h"
#include "ir_security.h"
#include "ir_settings.h"
#include "node.h"
#include "source.h"

struct ir_label {
    struct str name, value;
};

typedef VEC(struct ir_label) ir_labels;

struct ir_target {
    struct str url;       /* as written */
    struct str host;      /* name or address without brackets; the socket's path for unix: */
    struct str authority; /* the Host header this target gets: host[:port] */
    uint32_t port;
    bool is_unix, is_https;
    struct str path;   /* the target's own path, no trailing slash: "" or "/v1" */
    uint32_t weight;   /* 1 */
    uint32_t priority; /* 0 */
    struct str zone;
    ir_labels labels;
    struct loc loc;
};

enum ir_host_header { IR_HOST_TARGET, IR_HOST_PRESERVE, IR_HOST_LITERAL };

/* How new connections introduce the client. */
enum ir_proxy_header { IR_PROXY_NONE, IR_PROXY_V1, IR_PROXY_V2 };

/* Some of an upstream's targets: those that have all of its labels. */
struct ir_subset {
    struct str name;
    ir_labels labels;
    uint64_t
        targets; /* by bit; 0: all, since others were named at build time. Of discovered targets: its own bit */
    struct loc loc;
};

typedef VEC(struct ir_subset) ir_subsets;

/* By bit; 0: all. */
static inline uint64_t ir_subset_targets(const struct ir_subset *subset)
{
    return subset ? subset->targets : 0;
}

struct ir_upstream {
    struct str name;
    struct str symbol; /* plan */
    VEC(struct ir_target) targets;
    struct ir_discovery discovery; /* in place of targets */
    enum ir_host_header host_header;
    struct str host_literal;
    uint32_t pool_max_idle;     /* 1024 per worker */
    uint64_t pool_idle_timeout; /* 60s */
    enum ir_proxy_header proxy_protocol;
    struct ir_upstream_tls tls;
    enum { IR_HTTP1, IR_H2, IR_GRPC } protocol;
    uint32_t max_streams; /* 100 */
    enum ir_balance balance;
    struct ir_hash_key hash_key; /* IR_HASH */
    uint64_t slow_start;         /* ms, 0: off */
    uint64_t panic_threshold;    /* percent, 50 */
    struct ir_health_check check;
    struct ir_outlier outlier;
    struct ir_breaker breaker;
    ir_subsets subsets;
    struct ir_sticky sticky;
    struct ir_mirror mirror;
    struct ir_retry retry; /* of operations that say nothing of it themselves */
    bool asked;            /* the gateway asks it something by itself */
    struct loc loc;
};

/* A piece of a template that is filled at run time: literal text, or path parameter number `param`. */
struct ir_piece {
    struct str literal;
    int param; /* -1: literal */
};

struct ir_rewrite {
    bool set;                  /* false: the path goes on as matched */
    size_t strip;              /* bytes of the matched path that are cut off */
    struct str prefix;         /* put in its place */
    VEC(struct ir_piece) path; /* or: the whole new path; then strip and prefix are unused */
    struct str host;           /* Host for the upstream; at NULL: as host_header says */
    bool redirects;            /* translate Location and Set-Cookie paths back */
};

struct ir_weighted {
    uint32_t upstream; /* index */
    uint32_t weight;
    uint32_t turned; /* the weight, by a value of the runtime file */
    struct ir_timeouts timeouts;
    struct ir_retry retry;
    int hash_param; /* the upstream's hash_key is this parameter of the path; -1: it is none */
    const struct ir_subset *subset; /* NULL: all targets */
};

/* Where a request is sent: one upstream or a weighted choice. */
struct ir_forward {
    VEC(struct ir_weighted) choices;
    struct ir_rewrite rewrite;
    struct ir_sticky sticky; /* among the choices */
    struct loc loc;
};

struct ir_condition {
    enum { IR_IF_HOST, IR_IF_HEADER, IR_IF_QUERY, IR_IF_PATH_PARAM, IR_IF_PREFIX } kind;
    struct str name; /* header, query or parameter name */
    struct str *values;
    size_t value_count; /* any of them */
    int param;
    struct loc loc;
};

/* One entry of route[]: all conditions hold; without conditions: the default. */
struct ir_branch {
    VEC(struct ir_condition) all;
    struct ir_forward forward;
    struct str symbol; /* plan */
    struct loc loc;
};

struct ir_header {
    struct str name, value;
};

/* An answer that the gateway gives by itself: respond, mock, redirect. */
struct ir_answer {
    uint32_t status;
    VEC(struct ir_header) headers;
    struct str body;
    VEC(struct ir_piece) location; /* redirect: may contain path parameters */
    bool keep_query;               /* redirect: the request's query follows */
};

enum ir_action { IR_FORWARD, IR_ROUTE, IR_RESPOND, IR_MOCK, IR_REDIRECT };

/* Where a value of an operation came from, for routes --effective: "operation", "path", "document", … */
struct ir_origin {
    struct str key;
    const char *level;
    struct loc loc;
};

struct ir_operation {
    struct str id;     /* operationId, or derived */
    struct str symbol; /* plan: a C identifier, unique, stable */
    struct str method; /* "*": any_method */
    struct str path;   /* public path template with its base path, as people write it */
    struct loc loc;
    uint32_t document; /* index of its document */
    uint32_t endpoint; /* index into endpoints */
    VEC(struct str) tags;
    struct str group;                    /* plan: the flow file it lives in */
    VEC(struct str) hosts;               /* effective match.hosts / hosts; empty: any */
    VEC(struct ir_condition) conditions; /* effective `match` beyond host and prefix */
    enum ir_action action;
    struct ir_forward forward;      /* IR_FORWARD */
    VEC(struct ir_branch) branches; /* IR_ROUTE */
    struct ir_answer answer;        /* IR_RESPOND, IR_MOCK, IR_REDIRECT */
    bool internal, disabled, maintenance, deprecated;
    bool asked;                                   /* by forward_auth of some operation */
    uint32_t disabled_turned, maintenance_turned; /* or by a value of the runtime file */
    uint32_t retry_after;                         /* maintenance, seconds */
    uint32_t ip_restriction;                      /* 1 + its index; 0: everybody may call */
    VEC(struct ir_way) ways; /* in; the first that is proven is taken. Empty: nobody is asked */
    struct ir_forward_auth forward_auth;
    struct ir_acl acl;
    bool passthrough_auth;       /* declares security that nobody here enforces */
    struct str security;         /* one line for people: "jwt", "apiKey or jwt", "public", "none" */
    struct ir_timeouts timeouts; /* of the first upstream; others may have their own */
    struct ir_limits limits;
    uint64_t buffer_request, buffer_response;
    struct ir_websocket websocket;
    enum ir_slash encoded_slash;
    struct ir_access_log access_log;
    struct ir_correlation correlation;
    struct ir_errors errors;
    VEC(struct ir_origin) origins;
};

/* What the path is matched against. Templates are split at slashes; a segment is literal, one parameter,
 * a mix of both, or a tail that takes the rest. An empty segment has no parts; a slash at the end is
 * trailing_slash and no segment: "/" has none, "/a/" one. A tail is the last segment, its parameter its part. */
struct ir_part {
    struct str literal; /* normalised as requests are (RFC 3986 section 6) */
    int param;          /* index into params, or -1 */
};
struct ir_segment {
    VEC(struct ir_part) parts;
    bool tail;
};
struct ir_endpoint {
    struct str pattern; /* base path + key, as written: what people read */
    size_t base_len;    /* bytes of pattern that are the base path */
    VEC(struct ir_segment) segments;
    VEC(struct str) params;         /* names in order of appearance */
    VEC(struct ir_condition) query; /* from "?a=b" in the key */
    VEC(uint32_t) operations;       /* indexes, document order */
    VEC(struct str) hosts;          /* empty: any */
    bool trailing_slash;
    struct loc loc;
};

struct gateway {
    struct str name, title, version; /* name: x-gateway.name, else from info.title */
    VEC(struct str) documents;       /* file names, for people */
    VEC(struct ir_listener) listeners;
    struct ir_plain_listener status, admin;
    VEC(struct ir_upstream) upstreams;
    VEC(struct ir_scheme) schemes;
    ir_consumers consumers;
    struct str consumers_file; /* empty: none */
    unsigned credential_kinds; /* 1 << enum ir_credential_kind: those that some scheme goes by */
    ir_texts identity_fields;  /* those by which upstreams are told who calls, in lower case */
    VEC(struct ir_endpoint) endpoints;
    VEC(struct ir_operation) operations;
    struct ir_path_rules path;
    struct ir_limits limits;
    struct ir_timeouts
        timeouts; /* plan: those that most operations share; hold before a route is known */
    struct ir_correlation correlation;
    struct ir_access_log access_log;
    struct ir_errors errors;
    enum { IR_UNDERSCORES_DROP, IR_UNDERSCORES_REJECT, IR_UNDERSCORES_PASS } underscores;
    enum { IR_LEVEL_DEBUG, IR_LEVEL_INFO, IR_LEVEL_WARN, IR_LEVEL_ERROR } log_level;
    VEC(struct ir_ip_restriction) ip_restrictions; /* no two alike */
    uint32_t document_restrictions; /* so many, the first: for requests without a route, too */
    struct ir_text zone;            /* where the gateway stands */
    struct ir_runtime runtime;
    uint64_t drain_delay, drain_grace;
    size_t webhooks, callbacks;
    struct route_plan *routes; /* plan: the matcher, see route.h */
};

#endif
