/* lower: documents to gateway. Here x-gateway and OpenAPI meet: values are inherited from document over
 * path item to operation, defaults are put in place, servers become base paths, keys become endpoints,
 * security becomes something enforced or an error. After this nobody sees OpenAPI.
 *
 * needs: what openapi_read gave. fills: all of struct gateway but the fields marked "plan". keeps: the
 * documents' order. */
#ifndef GEN_LOWER_H
#define GEN_LOWER_H

#include "ir.h"
#include "openapi.h"

struct lower_pair {
    struct str name; /* of the upstream (empty: the default one) or of the server variable */
    struct str value;
};

/* What the command line adds to the documents. */
struct lower_options {
    const struct lower_pair *upstreams; /* --upstream URL, --upstream NAME=URL */
    size_t upstream_count;
    const struct lower_pair *variables; /* --var NAME=VALUE */
    size_t variable_count;
    bool passthrough_auth;
    bool mock; /* every upstream's answer is an example */
};

/* The gateway of all documents; NULL when the job failed before. What is wrong is reported to the job. */
struct gateway *lower(struct job *job, struct api **apis, size_t count,
                      const struct lower_options *options);

#endif
