/* upstream: pools of backends. Configuration (made by the generator), the idle connections of one worker,
 * the choice of a target. The call itself is in client/call.h. */
#ifndef CLIENT_UPSTREAM_H
#define CLIENT_UPSTREAM_H

#include "base/reference.h"
#include "http/exchange.h"
#include "http/h1_parse.h"
#include "io/dns.h"
#include "io/op.h"
#include "io/proxy_protocol.h"
#include "io/stream.h"
#include "io/tls.h"

/* ---- configuration: constants of the generated program ---- */

struct gw_target {
    struct str url;         /* for logs, metrics, manifests */
    struct str host;        /* name or address; the socket's path when is_unix */
    struct str authority;   /* "host[:port]" for the Host field */
    struct str path;        /* prefix of every path sent there; "" or "/v1" */
    struct str server_name; /* whom its certificate has to name; empty: host */
    struct str zone;        /* where it stands; empty: nobody said */
    uint64_t subsets;       /* of a discovered one: those that it is in, by bit */
    uint16_t port;
    uint16_t weight;
    uint16_t priority; /* as long as one of a lower number is well, none of a higher one is asked */
    bool is_unix;
};

enum gw_host_header { GW_HOST_TARGET, GW_HOST_PRESERVE, GW_HOST_LITERAL };

/* TLS to the targets; what the words mean is told in io/tls.h. */
struct gw_upstream_tls {
    struct gw_text ca, cert, key;
    const char *const *roots; /* in place of ca: PEM in pieces, up to NULL */
    struct str sni, verify_name;
    bool trust_anyone, only_1_3;
    bool watch; /* files are read again when they have changed */
};

struct upstream;
struct target;

/* What follows is NULL in an upstream that does not ask for it; its code is then not in the program. */

/* From what a request's place among the targets is made (balance: hash). */
struct gw_hash_key {
    enum gw_hash_from {
        GW_HASH_IP,     /* of the client */
        GW_HASH_HEADER, /* `name`; its first value */
        GW_HASH_COOKIE, /* `name` */
        GW_HASH_PARAM   /* the path parameter gw_forward.hash_param */
    } from;
    struct str name;
};

struct pick;
struct target_share;
/* Chooses one of the targets; see client/balance.h. */
typedef struct target *gw_balance(struct upstream *upstream, const struct pick *pick);
typedef void gw_observe(struct target_share *share, uint64_t now, uint64_t us);

/* A cookie that keeps a client where it was sent to first. */
struct gw_sticky {
    const struct sticky_module *module;
    gw_balance *find;      /* among targets: balance_sticky */
    struct str cookie;     /* its name */
    struct str attributes; /* "; Path=/; HttpOnly" … */
    bool secure_on_https;  /* Secure, too, where the client came by https */
};

struct gw_status_range {
    uint16_t first, last;
};

/* Another try where one has failed. */
struct gw_retry {
    const struct retry_module *module;
    uint32_t attempts; /* tries in all, the first included */
    bool on_connect_failure, on_reset, on_timeout;
    const struct gw_status_range *statuses; /* answers not to be passed on while tries are left */
    uint32_t status_count;
    uint32_t grpc_statuses; /* 1 << status, likewise; of upstreams with `grpc` alone */
    uint32_t methods;       /* 1 << enum method, of each that may be sent twice */
    bool idempotency_key;   /* a request that carries Idempotency-Key, too */
    uint32_t base, max;     /* ms of the backoff */
    bool jitter;            /* any time up to that */
    uint32_t budget;     /* percent of the requests under way that may be retries; 0: any number */
    uint32_t budget_min; /* retries under way that are always allowed */
    uint32_t per_try_timeout; /* ms to the answer's head; 0: none */
    uint64_t buffer;          /* bytes of a request's content that are kept for another try */
    const struct hedge_module *hedge; /* see request/hedge.h */
    uint32_t hedge_delay;             /* ms a try is waited for before it gets one beside it */
    uint32_t hedge_attempts;          /* calls at once, the first included */
};

/* Tells sick targets by asking them. */
struct gw_health_check {
    const struct probe_module *module;
    enum gw_check { GW_CHECK_HTTP, GW_CHECK_TCP, GW_CHECK_GRPC } kind;
    struct str path;            /* GW_CHECK_HTTP */
    struct str host;            /* its Host field; empty: the target's authority */
    struct str service;         /* GW_CHECK_GRPC; may be empty */
    uint16_t port;              /* 0: the target's */
    uint32_t interval, timeout; /* ms */
    uint32_t unhealthy_threshold, healthy_threshold;
    const struct gw_status_range *statuses; /* GW_CHECK_HTTP: of a healthy one */
    uint32_t status_count;
};

/* Tells sick targets by how they answer; see client/outlier.h. */
struct gw_outlier {
    const struct outlier_module *module;
    uint32_t consecutive_5xx; /* 0: not told by that */
    uint32_t max_fails;       /* failures within fail_timeout; 0: not told by that */
    uint32_t fail_timeout;    /* ms */
    uint32_t interval;        /* ms between two looks at success rates */
    uint32_t success_rate_minimum_hosts, success_rate_request_volume;
    uint32_t success_rate_stdev_factor;             /* thousandths; 0: not told by that */
    uint32_t base_ejection_time, max_ejection_time; /* ms */
    uint32_t max_ejection_percent;
};

/* A limit of requests under way that follows how long answers take; see client/adaptive.h. */
struct gw_adaptive {
    const struct adaptive_module *module;
    uint32_t min_concurrency, max_concurrency, first; /* limits: least, most, to begin with */
    uint32_t interval;                                /* ms between two changes of the limit */
    uint32_t min_rtt_interval;                        /* ms */
    uint32_t percentile;                              /* of an interval's latencies that counts */
    uint32_t tolerance;                               /* percent */
};

struct gw_label {
    struct str name, value;
};

/* Those discovered targets that have all of these labels. */
struct gw_subset {
    const struct gw_label *labels;
    uint32_t label_count;
};

/* Targets that come and go while the gateway runs, in place of the document's; see client/discovery.h. */
struct gw_discovery {
    const struct discovery_module *module;
    const struct discovery_source *source;
    struct str kind; /* its word in the document */
    struct str name; /* of the host, the service, the cluster */
    struct str file;
    uint16_t port; /* of a host */
    bool is_https;
    uint32_t refresh; /* ms between two looks; 0: as long as the records say */
    uint32_t max_age; /* s for which the last answer holds when there is no other; 0: for ever */
    const struct gw_upstream *registry; /* who is asked over HTTP … */
    struct str query;                   /* … with these parameters … */
    struct gw_text token;               /* … and this secret */
    const struct gw_subset *subsets;    /* by the number of the bit in gw_target.subsets */
    uint32_t subset_count;
};

/* Guards an upstream against more than it can bear; see client/breaker.h. 0: no such limit. */
struct gw_breaker {
    const struct breaker_module *module;
    uint32_t max_connections, max_requests; /* open, under way; of all targets and workers */
    uint32_t max_pending_requests;          /* that may wait for one of these; 0: nobody waits */
    uint32_t pending_timeout;               /* ms */
    uint32_t threshold;                     /* failures … */
    uint32_t window_size;                   /* … within these ms open the circuit … */
    uint32_t timeout;                       /* … for these ms; then … */
    uint32_t half_open_requests;            /* … so many must succeed to close it */
    const struct gw_adaptive *adaptive;     /* NULL: max_requests alone holds */
};

struct gw_upstream {
    struct str name;
    uint32_t index; /* into gateway.upstreams */
    uint32_t target_count;
    const struct gw_target *targets;
    const struct gw_discovery *discovery; /* NULL: the targets are always the same */
    enum gw_host_header host_header;
    struct str host; /* GW_HOST_LITERAL */
    uint32_t pool_max_idle;
    uint32_t pool_idle_timeout;            /* ms */
    const struct gw_upstream_tls *tls;     /* NULL: plain */
    const struct call_h2_module *h2;       /* NULL: HTTP/1.1 */
    uint32_t max_streams;                  /* of one connection of HTTP/2 */
    const struct grpc_status_module *grpc; /* NULL: an answer's status says how it went */
    gw_balance *balance;                   /* NULL: round robin */
    uint64_t (*hashes)(struct str key);    /* balance_hash: what a key becomes */
    gw_observe *observe;                   /* balance_peak_ewma: how long answers take */
    struct gw_hash_key hash_key;           /* balance_hash */
    const struct levels_module *levels;    /* NULL: all targets are asked alike */
    const struct gw_sticky *sticky;
    const struct gw_mirror *mirror; /* see request/mirror.h */
    const struct gw_health_check *check;
    const struct gw_outlier *outlier;
    const struct gw_breaker *breaker;
    uint32_t slow_start; /* ms in which a target that comes (back) gets to its weight; 0: at once */
    uint8_t panic_threshold; /* percent: where fewer targets are well, all are taken for well */
    /* proxy_protocol_v1 or _v2: connections begin with the client's header and serve one call; NULL: no header. */
    size_t (*proxy_protocol)(const struct proxy_protocol_ends *ends, char out[PROXY_PROTOCOL_LINE]);
};

/* Milliseconds; 0: no limit. */
struct gw_timeouts {
    uint32_t connect, send, read, request, idle;
    bool from_client; /* whose X-Request-Timeout may shorten `request` */
};

/* ---- one worker's side of it ---- */

struct bufs;
struct upstreams;

/* What a target has seen; written by its worker alone, readable from any thread. */
struct upstream_stats {
    uint64_t requests, failures; /* tries; of them: no answer */
    uint64_t connects, connect_failures;
    uint64_t connections, idle;  /* open now; of them in the pool */
    uint64_t answers, answer_us; /* heads of answers, and how long they took together */
};

/* Targets named at start in place of the document's: NAME=URL. Before any upstreams_new. False: *error is a
 * sentence. `url` must last. */
bool upstreams_override(const struct gw_upstream *const *configs, size_t count, struct str name,
                        struct str url, struct str *error);

/* Where this gateway stands: targets of that zone are asked first. Before any upstreams_new; lasts. */
void upstreams_stand_in(struct str zone);
struct str upstreams_zone(void);

/* `tls` and, by index, the clients of pools that are called over TLS; NULL when none is. */
struct upstreams_tls {
    const struct tls_module *module;
    struct tls_client *const *clients;
};

struct upstreams *upstreams_new(const struct gw_upstream *const *configs, size_t count,
                                struct loop *loop, struct dns *dns, struct bufs *bufs,
                                const struct h1_limits *limits, struct upstreams_tls tls);
/* Calls must have ended. */
void upstreams_free(struct upstreams *upstreams);

/* Adds to `sum` what this worker knows of a target, by the numbers of both. Any thread. */
void upstreams_add_stats(const struct upstreams *upstreams, uint32_t upstream, uint32_t target,
                         struct upstream_stats *sum);

#endif
