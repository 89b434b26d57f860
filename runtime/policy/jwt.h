/* jwt: tokens that the gateway verifies itself: schemes of type http with scheme bearer, oauth2 and openIdConnect. A token
 * that was verified is remembered for a while, by its digest, never beyond its end and never beyond its keys. */
#ifndef POLICY_JWT_H
#define POLICY_JWT_H

#include "request/identity.h"
#include "request/jwt.h"

/* True when the request carries a good token; rq->identity says what it tells. A token that stands twice with two values
 * is none. May wait for keys. */
bool gw_jwt(struct gw_req *rq, const struct gw_jwt *scheme);

#endif
