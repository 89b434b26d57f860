/* upstream: pools of backends. Configuration (made by the generator), the idle connections of one worker,
 * the choice of a target. The call itself is in client/call.h. */
#ifndef CLIENT_UPSTREAM_H
#define CLIENT_UPSTREAM_H

#include "http/exchange.h"
#include "http/h1_parse.h"
#include "io/dns.h"
#include "io/op.h"
#include "io/stream.h"

/* ---- configuration: constants of the generated program ---- */

struct gw_target {
    struct str url;       /* for logs, metrics, manifests */
    struct str host;      /* name or address; the socket's path when is_unix */
    struct str authority; /* "host[:port]" for the Host field */
    struct str path;      /* prefix of every path sent there; "" or "/v1" */
    uint16_t port;
    uint16_t weight;
    bool is_unix;
};

enum gw_host_header { GW_HOST_TARGET, GW_HOST_PRESERVE, GW_HOST_LITERAL };

struct gw_upstream {
    struct str name;
    uint32_t index; /* into gateway.upstreams */
    uint32_t target_count;
    const struct gw_target *targets;
    enum gw_host_header host_header;
    struct str host; /* GW_HOST_LITERAL */
    uint32_t pool_max_idle;
    uint32_t pool_idle_timeout; /* ms */
};

/* Milliseconds; 0: no limit. */
struct gw_timeouts {
    uint32_t connect, send, read, request, idle;
};

/* ---- one worker's side of it ---- */

struct bufs;
struct upstreams;

/* What a target has seen; written by its worker alone, readable from any thread. */
struct upstream_stats {
    struct str upstream, target; /* name, URL */
    uint64_t requests;           /* tries */
    uint64_t failures;           /* of them: no answer */
    uint64_t connects, connect_failures;
    uint64_t connections, idle; /* open now; of them in the pool */
};

/* Targets named at start in place of the document's: NAME=URL. Before any upstreams_open. False: *error is a
 * sentence. `url` must last. */
bool upstreams_override(const struct gw_upstream *const *configs, size_t count, struct str name,
                        struct str url, struct str *error);

struct upstreams *upstreams_new(const struct gw_upstream *const *configs, size_t count,
                                struct loop *loop, struct dns *dns, struct bufs *bufs,
                                const struct h1_limits *limits);
/* Calls must have ended. */
void upstreams_free(struct upstreams *upstreams);

/* Calls `each` for every target. */
void upstreams_visit(const struct upstreams *upstreams,
                     void (*each)(void *arg, const struct upstream_stats *stats), void *arg);

#endif
