/* bundle: one document out of many files, without x-gateway: what may be published. What external
 * references point at moves into components, under its own name where that is free; path items are put in
 * place. Local references stay as they are. */
#ifndef GEN_BUNDLE_H
#define GEN_BUNDLE_H

#include "job.h"
#include "node.h"

/* A new tree; `root` is not touched. NULL when the job failed. */
struct node *bundle(struct job *job, struct node *root);

#endif
