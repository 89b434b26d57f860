/* jwks: keys that a provider publishes (RFC 7517), fetched and kept fresh by one worker for the whole process. What it
 * fetched is what all workers verify with, at once; while there is no answer the last keys hold, up to stale_ok. */
#ifndef REQUEST_JWKS_H
#define REQUEST_JWKS_H

#include "request/jwt.h"
#include "request/worker.h"

enum {
    JWKS_TIMEOUT_MS = 5000, /* of one question */
    JWKS_REFETCH_MS = 5000  /* between two that unknown keys cause */
};

/* The keys of a scheme as this worker sees them, until its next callback, and the number of their version; NULL: there are
 * none. Until the first answer those of its file. */
const struct jwk_set *jwks_now(const struct worker *worker, const struct gw_jwt *scheme,
                               uint64_t *number);

/* Parks the request until the question that is under way has been answered; one is asked where a key is not known.
 * False: there is nothing to wait for, as the request has waited before or somebody has asked a moment ago. */
bool jwks_wait(struct gw_req *rq, const struct gw_jwt *scheme, bool is_key_unknown);

/* Asks anew, for all schemes. Any thread. */
void jwks_refresh(const struct gw_jwts *jwts);

/* For struct jwt_module. */
void jwks_open(const struct gw_jwts *jwts, struct worker *worker);
void jwks_close(const struct gw_jwts *jwts, struct worker *worker);
bool jwks_are_ready(const struct gw_jwts *jwts);
void jwks_metrics(const struct gw_jwts *jwts, struct text *text);

#endif
