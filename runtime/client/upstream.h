/* upstream: pools of backends. Configuration (made by the generator), the idle connections of one worker,
 * the choice of a target, and one call: send this head, pump the body, hand back the answer's head.
 * A pooled connection that turns out to be closed before the first byte of an answer is replaced once, when
 * that is safe (RFC 9110 section 9.2.2, RFC 9112 section 9.3.1). */
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

#endif
