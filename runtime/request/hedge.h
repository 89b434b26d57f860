/* hedge: the same request to another target, too, where the answer is late (J. Dean, L. Barroso, The Tail at Scale,
 * 2013). The first answer counts; the other calls are given up, and nobody's books say how those would have ended. */
#ifndef REQUEST_HEDGE_H
#define REQUEST_HEDGE_H

#include "request/req.h"

enum { HEDGE_CALLS_MAX = 3 };

struct hedge_module {
    /* rq->upstream has been started, by a `retry` with hedges. The op ends when rq->upstream has ended and is the only call:
     * another one than now, where a hedge has won. It is the call's own op where the request is none to be hedged. */
    struct op *(*begin)(struct gw_req *rq);
};

extern const struct hedge_module hedge_module;

#endif
