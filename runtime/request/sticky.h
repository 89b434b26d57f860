/* sticky: a cookie keeps a client with the target, or the upstream of a weighted choice, that it was sent to first. Its
 * value says nothing of where that is, and one that names nobody is as good as none. */
#ifndef REQUEST_STICKY_H
#define REQUEST_STICKY_H

#include "request/req.h"

struct sticky_module {
    /* The target that the client's cookie names, as target.seed; 0: none. */
    uint64_t (*target)(const struct gw_req *rq, const struct gw_sticky *sticky);
    /* The client's own of a choice, as long as that has a weight; NULL: its cookie names none. */
    const struct gw_forward *(*forward)(const struct gw_req *rq, const struct gw_choice *choice);
    /* The answer is the client's: it gets cookies (rq->added_reply) for what its own did not name. */
    void (*keep)(struct gw_req *rq);
};

extern const struct sticky_module sticky_module;

#endif
