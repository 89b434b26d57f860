/* basic: schemes of type http, scheme basic (RFC 7617). A user's name and password name a consumer. Passwords are kept as
 * slow hashes (base/password.h), which are computed beside the loops (io/jobs.h): the request waits, and what came of it is
 * remembered for a while. */
#ifndef POLICY_BASIC_H
#define POLICY_BASIC_H

#include "request/identity.h"

struct gw_basic {
    bool hide_credentials; /* the upstream does not get to see them */
    uint32_t cache_size;   /* so many good passwords are remembered by each worker … */
    uint64_t cache_ttl;    /* … for so many ms, and some bad ones */
};

/* credential->made is a struct password. */
extern const struct credential_kind basic_credentials;

/* True when the request carries a consumer's name and password; rq->identity says whose. Whether the name or the
 * password is wrong is not told, by the time it takes neither. May wait. */
bool gw_basic(struct gw_req *rq, const struct gw_basic *scheme);

#endif
