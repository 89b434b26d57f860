/* operation: path items and what hangs below them: parameters, bodies, responses. The middle of openapi,
 * in a room of its own. */
#ifndef GEN_OPERATION_H
#define GEN_OPERATION_H

#include "api.h"
#include "job.h"

/* Adds the path item under `m` to api->paths. */
void operation_read_path(struct job *job, struct api *api, const struct member *m);

/* The lists that stand at document, path and operation level alike; quiet when the key is absent. */
void operation_read_servers(struct job *job, const struct node *owner, struct api_server **at,
                            size_t *count);
struct api_security operation_read_security(struct job *job, const struct node *owner);

#endif
