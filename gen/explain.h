/* explain: what the gateway would do with one request, answered by the tables that are compiled. */
#ifndef GEN_EXPLAIN_H
#define GEN_EXPLAIN_H

#include "ir.h"
#include "job.h"

/* Prints which route takes METHOD URL, the normalised path, its parameters, every policy in order and the
 * upstream's URL; or why none does. `url` is a path or an absolute URL. needs: a planned gateway. Returns 0
 * when a route takes it, else 1. */
int explain(struct job *job, struct gateway *gateway, struct str method, struct str url,
            const struct ir_header *headers, size_t count, FILE *out);

#endif
