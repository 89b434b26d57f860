/* key_auth: schemes of type apiKey. The key stands in a header, a parameter of the query or a cookie, and names a consumer. */
#ifndef POLICY_KEY_AUTH_H
#define POLICY_KEY_AUTH_H

#include "request/identity.h"

struct gw_key_auth {
    const struct str *names; /* of headers, parameters, cookies */
    uint32_t name_count;
    bool in_header, in_query, in_cookie;
    bool hide_credentials; /* the upstream does not get to see them */
};

/* True when the request carries a consumer's key; rq->identity says whose. A key that stands twice with two values, or
 * in two places, is none: who is asked behind the gateway may take the other one. */
bool gw_key(struct gw_req *rq, const struct gw_key_auth *scheme);

#endif
