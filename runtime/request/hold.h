/* hold: the first bytes of a request's body are taken in before anything is sent on (buffering.request), so
 * that a slow client does not occupy a connection of the upstream. A body_in between the carrier's and the
 * upload: first what is held, then the rest as it comes. */
#ifndef REQUEST_HOLD_H
#define REQUEST_HOLD_H

#include "http/wire.h"
#include "request/req.h"

struct hold {
    struct body_in in; /* for the upload, once op has ended */
    struct op op;      /* OP_DONE: enough is held, or all; OP_FAILED: source->failure says why */
    struct body_in *source;
    struct body_out out;
    struct pump pump;
    struct bufs *bufs;
    struct wire kept; /* only its queue */
    size_t limit;
    bool full; /* op ended with more to come */
    bool ended;
};

/* Starts to take in up to `limit` bytes. Lives in the request's pool, whose end releases what is held. */
struct hold *hold_start(struct gw_req *rq, struct body_in *source, size_t limit);

/* What is held and the rest, once op has ended well. */
struct body_in *hold_body(struct hold *hold);

/* What is held, in one piece; it stays held. */
struct str hold_text(const struct hold *hold, struct pool *pool);

#endif
