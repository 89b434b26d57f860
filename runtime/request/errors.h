/* errors: the bodies of refusals: problem details (RFC 9457), plain JSON or text, or what the document says
 * for a status. */
#ifndef REQUEST_ERRORS_H
#define REQUEST_ERRORS_H

#include "request/req.h"

struct error_body {
    unsigned status; /* may be another one */
    struct str content_type, body;
};

/* Made in the request's pool by rq->errors. */
struct error_body error_body_make(struct gw_req *rq, unsigned status, const char *reason);

#endif
