/* openapi: the meaning of the located tree: one struct api per document. It says what the document says and
 * decides nothing. */
#ifndef GEN_OPENAPI_H
#define GEN_OPENAPI_H

#include "api.h"
#include "job.h"

/* needs: a tree from yaml_read (with overlays applied). Reports what is wrong; NULL when the job failed. */
struct api *openapi_read(struct job *job, struct node *root, uint32_t file);

#endif
