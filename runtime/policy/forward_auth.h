/* forward_auth: somebody else is asked whether a request may go on. He is told the method, the scheme, the host, the path
 * as it was matched and the client's address, in the fields X-Forwarded-…, those of the client's fields that are named,
 * and its content where that is asked for. 2xx lets in; 401, 403 and a redirect are passed on; all else is no answer. */
#ifndef POLICY_FORWARD_AUTH_H
#define POLICY_FORWARD_AUTH_H

#include "client/fetch.h"
#include "request/identity.h"

struct gw_forward_auth {
    const struct gw_endpoint *endpoint;
    struct str host;    /* empty: as the upstream's host_header says */
    enum method method; /* unless is_original, the client's */
    bool is_original;
    bool forwards_body;
    uint64_t body_max; /* bytes; more is 413 */
    const struct str *request_headers, *response_headers, *client_headers;
    uint32_t request_header_count, response_header_count, client_header_count;
    struct str uri_header; /* a field that has the path, too; empty: none */
    uint32_t timeout;      /* ms */
    uint32_t cache; /* ms for which a 2xx holds for the same question; 0: it is asked each time */
    bool admits_on_error; /* where there is no answer */
};

/* GW_GO: it may go on, and upstreams are told what response_headers name of the answer. Waits, and is called again from
 * the top of the flow. */
enum gw_next gw_forward_auth(struct gw_req *rq, const struct gw_forward_auth *config);

#endif
