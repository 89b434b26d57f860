/* identity: who calls, as the schemes of `security` prove it, one after the other. A way in is a run of proofs that all
 * hold; the first way that does is taken. What the upstream is told of it nobody else can tell it.
 *
 * A proof that has to wait (for keys, for a token's server, for a password to be checked) parks the request and does not
 * hold; no way is gone on with, and the flow is entered again from its top when the wait is over. Proofs are therefore
 * asked more than once, and keep what they know by then (identity_memo). */
#ifndef REQUEST_IDENTITY_H
#define REQUEST_IDENTITY_H

#include "base/grant.h"
#include "request/live.h"
#include "request/worker.h"

/* ---- for flows ---- */

/* Another way begins: what the one before has claimed counts no more. False when one was taken already, and while the
 * request waits. */
bool gw_way(struct gw_req *rq);
/* All of its proofs hold. */
void gw_take(struct gw_req *rq);
/* A proof has to wait: GW_WAIT is to be returned. */
static inline bool gw_waits(const struct gw_req *rq)
{
    return rq->wait.op || rq->wait.wake.queued;
}
static inline bool gw_is_let_in(const struct gw_req *rq)
{
    return rq->identity.is_taken;
}
/* A way without proofs: for who brings no credentials, not for who brings wrong ones. */
bool gw_anonymous(struct gw_req *rq);
/* A proof behind that of a token: it has been granted all of these, apart by single spaces (RFC 6749 section 3.3). */
bool gw_scopes(struct gw_req *rq, struct str needed);

/* What is asked for by which challenge (RFC 9110 section 11.6.1). */
enum gw_ask {
    GW_ASK_BEARER = 1, /* RFC 6750 */
    GW_ASK_BASIC = 2,  /* RFC 7617 */
    GW_ASK_KEY = 4,
    GW_ASK_SIGV4 = 8
};
/* Nobody is let in: 401 with the challenges, for the most telling reason; 403 when all that a good token lacks is scopes;
 * 503 when it cannot be told now. Ends the flow. */
enum gw_next gw_unauthorized(struct gw_req *rq, unsigned asks, struct str realm);

/* ---- for proofs ---- */

/* A token of the way that is gone, last first; its grant lasts as long as the request. */
struct identity_token {
    const struct identity_token *next;
    const struct grant *grant;
    const struct gw_claim_fields *told;
};

/* False, all of them: why this one does not hold. */
bool identity_lacks(struct gw_req *rq, const char *reason);
bool identity_is_wrong(struct gw_req *rq, const char *reason);
bool identity_is_wrong_token(struct gw_req *rq, const char *reason);
/* It cannot be told now, whatever the request carries; the client may ask again after so many seconds. */
bool identity_is_unknown(struct gw_req *rq, const char *reason, uint32_t retry_after);
/* What it needs of the request's body cannot be had: this status, unless another way is taken. */
bool identity_fails(struct gw_req *rq, uint16_t status, const char *reason);

/* It is this consumer's; false when another proof of the same way was another's. */
bool identity_claim(struct gw_req *rq, const struct consumer *consumer);
/* The same by a name that a token says: of a consumer that is known, or of one that is known by that alone. */
bool identity_claim_name(struct gw_req *rq, struct str name);
/* It is a token that says this; false when it names another consumer than another proof. */
bool identity_add_token(struct gw_req *rq, const struct grant *grant,
                        const struct gw_claim_fields *told);
/* The groups of a token are one of these: of any of its tokens. */
bool identity_is_in(const struct gw_req *rq, struct str group);

/* When the way is taken, `hide` keeps this proof's credentials from the upstream; not before, for other ways may need
 * them. */
void identity_hide(struct gw_req *rq, void (*hide)(struct gw_req *rq, const void *scheme),
                   const void *scheme);

/* Where the proof of a scheme keeps what it knows of this request; NULL at first. */
void **identity_memo(struct gw_req *rq, const void *scheme);

const struct consumers_module *identity_consumers(const struct gw_req *rq);
const struct consumers *identity_all(const struct gw_req *rq);

/* ---- for the upstream ---- */

/* A line among those that the request carries on. */
void identity_add_line(struct gw_req *rq, struct str name, struct str value);
/* Drops what a client says of itself in such fields, in every spelling, and adds ours. */
void identity_lines(struct gw_req *rq, struct text *lines);

#endif
