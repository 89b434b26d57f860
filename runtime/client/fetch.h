/* fetch: one request that the gateway makes by itself, to an endpoint of somebody whom it asks: a registry, a key set, an
 * authorisation service. A call like any other (pool, TLS, breaker, retries), with an answer that is read as a whole,
 * up to a limit, before the op ends.
 *
 * The op ends with OP_DONE when there is an answer, whatever its status; with OP_FAILED when there is none, or one that is
 * cut off or too long; with OP_TIMED_OUT. When it is cancelled everything is let go. */
#ifndef CLIENT_FETCH_H
#define CLIENT_FETCH_H

#include "base/text.h"
#include "client/call.h"

/* Who is asked, and where: a constant of the generated program. */
struct gw_endpoint {
    const struct gw_upstream *upstream;
    const struct gw_retry *retry; /* NULL: only what was never sent is tried again */
    struct str path;              /* "/…", maybe with a query, as it stands in a request line */
};

struct fetch {
    /* set by the caller, and lasts until fetch_close */
    struct upstreams *upstreams; /* of this worker */
    const struct gw_endpoint *endpoint;
    uint32_t timeout;       /* ms for all of it, the answer's content included; not 0 */
    size_t max;             /* bytes of the answer's content */
    struct str method_text; /* at NULL: method's name */
    enum method method;
    struct str host;    /* empty: as the upstream's host_header has it without a client */
    struct str lines;   /* "Name: value\r\n" …; those of Host and of the framing are ours */
    struct str content; /* at NULL: none */
    bool is_idempotent; /* sent again when a connection from the pool was stale */

    /* results, until fetch_close */
    struct op op;
    uint16_t status;      /* OP_DONE */
    struct fields fields; /* OP_DONE: of the answer's head */
    struct str body;      /* OP_DONE: followed by a NUL byte */
    const char *reason;   /* OP_FAILED, OP_TIMED_OUT: a sentence for logs */

    /* private */
    struct pool pool;
    struct gw_timeouts timeouts;
    struct upstream_call *call;
    struct op_waiter answered;
    struct body_text upload;
    struct pump drain;
    struct body_out sink;
    struct text answer;
};

/* Asks. The fetch was zeroed before its fields were set, or closed. */
void fetch_start(struct fetch *fetch);

/* Lets go of the answer, or of what is under way; its memory is overwritten, for answers may be secrets. The op must have
 * no waiters. Does nothing to one that was not started. It may then be started again. */
void fetch_close(struct fetch *fetch);

/* The value of the answer's first field of that name; at NULL: there is none. */
struct str fetch_field(const struct fetch *fetch, struct str name);

#endif
