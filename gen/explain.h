/* explain: what the gateway would do with one request, answered by the tables that are compiled. */
#ifndef GEN_EXPLAIN_H
#define GEN_EXPLAIN_H

#include "caller_input.h"
#include "ir.h"
#include "job.h"

/* The request that is asked about; `url` is a path or an absolute URL. */
struct explain_request {
    struct str method, url;
    const struct ir_header *headers;
    size_t header_count;
    const struct caller_jwks *jwks;
    size_t jwks_count;
};

/* Prints which route takes the request, the normalised path, its parameters, every policy in order and the
 * upstream's URL; or why none does. needs: a planned gateway. Returns 0 when a route takes it, else 1; 1, too, when the
 * credentials it carries are refused. */
int explain(struct job *job, struct gateway *gateway, const struct explain_request *request,
            FILE *out);

#endif
