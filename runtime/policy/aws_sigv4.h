/* aws_sigv4: schemes of type http, aws4-hmac-sha256. The request is signed by a consumer's secret key (base/sigv4.h); what
 * is signed of its body is compared with it before anything is sent on. A request can be repeated, as it is, for as
 * long as its signature lives. */
#ifndef POLICY_AWS_SIGV4_H
#define POLICY_AWS_SIGV4_H

#include "base/sigv4.h"
#include "request/consumers.h"
#include "request/req.h"

struct gw_sigv4 {
    struct sigv4_rules rules;
    bool hide_credentials; /* the upstream does not get to see the signature */
};

/* True when the request is signed by a consumer's key; rq->identity says whose. May wait for the body, up to
 * limits.buffer. */
bool gw_sigv4(struct gw_req *rq, const struct gw_sigv4 *scheme);

/* Access keys and their secret keys. */
extern const struct credential_kind aws_credentials;

#endif
