/* introspection: tokens whose issuer is asked whether they are active, and what they mean (RFC 7662). What was said is
 * remembered for a while by the token's digest; of many requests with one token one asks. */
#ifndef POLICY_INTROSPECTION_H
#define POLICY_INTROSPECTION_H

#include "client/fetch.h"
#include "request/identity.h"
#include "request/introspection.h"

/* True when the request carries a token that is active and for us; rq->identity says what it tells. Waits for the issuer;
 * when he does not answer it cannot be told who calls. */
bool gw_introspection(struct gw_req *rq, const struct gw_introspection *scheme);

#endif
