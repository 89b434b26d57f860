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
    struct str url;       /* for logs, metrics, manifests */
    struct str host;      /* name or address; the socket's path when is_unix */
    struct str authority; /* "host[:port]" for the Host field */
    struct str path;      /* prefix of every path sent there; "" or "/v1" */
    uint16_t port;
    uint16_t weight;
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

struct call_h2_module;

struct gw_upstream {
    struct str name;
    uint32_t index; /* into gateway.upstreams */
    uint32_t target_count;
    const struct gw_target *targets;
    enum gw_host_header host_header;
    struct str host; /* GW_HOST_LITERAL */
    uint32_t pool_max_idle;
    uint32_t pool_idle_timeout;        /* ms */
    const struct gw_upstream_tls *tls; /* NULL: plain */
    const struct call_h2_module *h2;   /* NULL: HTTP/1.1 */
    uint32_t max_streams;              /* of one connection of HTTP/2 */
    /* proxy_protocol_v1 or _v2: connections begin with the client's header and serve one call; NULL: no header. */
    size_t (*proxy_protocol)(const struct proxy_protocol_ends *ends, char out[PROXY_PROTOCOL_LINE]);
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

/* Calls `each` for every target. */
void upstreams_visit(const struct upstreams *upstreams,
                     void (*each)(void *arg, const struct upstream_stats *stats), void *arg);

#endif
