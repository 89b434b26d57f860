/* identity: who calls, as the schemes of `security` prove it, one after the other. A way in is a run of proofs that all
 * hold; the first way that does is taken. What the upstream is told of it nobody else can tell it. */
#ifndef REQUEST_IDENTITY_H
#define REQUEST_IDENTITY_H

#include "request/live.h"
#include "request/worker.h"

/* ---- for flows ---- */

/* Another way begins: what the one before has claimed counts no more. True unless one was taken already. */
bool gw_way(struct gw_req *rq);
/* All of its proofs hold. */
void gw_take(struct gw_req *rq);
static inline bool gw_is_let_in(const struct gw_req *rq)
{
    return rq->identity.is_taken;
}
/* A way without proofs: for who brings no credentials, not for who brings wrong ones. */
bool gw_anonymous(struct gw_req *rq);
/* 401 with the challenges, for the most telling reason; ends the flow. */
enum gw_next gw_unauthorized(struct gw_req *rq, struct str challenges);

/* ---- for proofs ---- */

/* False, all but the last: why this one does not hold. */
bool identity_lacks(struct gw_req *rq, const char *reason);
bool identity_is_wrong(struct gw_req *rq, const char *reason);
/* It is this consumer's; false when another proof of the same way was another's. */
bool identity_claim(struct gw_req *rq, const struct consumer *consumer);

/* When the way is taken, `hide` keeps this proof's credentials from the upstream; not before, for other ways may need
 * them. */
void identity_hide(struct gw_req *rq, void (*hide)(struct gw_req *rq, const void *scheme),
                   const void *scheme);

const struct consumers_module *identity_consumers(const struct gw_req *rq);

/* ---- for the upstream ---- */

/* A line among those that the request carries on. */
void identity_add_line(struct gw_req *rq, struct str name, struct str value);
/* Drops what a client says of itself in such fields, in every spelling, and adds ours. */
void identity_lines(struct gw_req *rq, struct text *lines);

#endif
