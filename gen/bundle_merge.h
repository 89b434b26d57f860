/* bundle_merge: one document out of several, without x-gateway. The first gives version and info; what the
 * others say at their root (servers, security) moves to where it keeps its meaning; components of one name
 * that differ get names of their own. */
#ifndef GEN_BUNDLE_MERGE_H
#define GEN_BUNDLE_MERGE_H

#include "job.h"
#include "node.h"

/* A new tree; the `roots` are not touched. NULL when the job failed. */
struct node *bundle_merge(struct job *job, struct node *const *roots, size_t count);

#endif
