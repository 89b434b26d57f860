/* stray: the corners of a document that no reader has business in. Two things there must not pass in
 * silence: a $ref that points nowhere, and an x-gateway block where nobody would read it. */
#ifndef GEN_STRAY_H
#define GEN_STRAY_H

#include "api.h"
#include "job.h"

/* needs: a read document. Reports ref-…: what nobody followed yet may still point nowhere. */
void stray_references(struct job *job, const struct api *api);

/* The same; reports blocks that `api` does not hold. */
void stray_blocks(struct job *job, const struct api *api);

#endif
