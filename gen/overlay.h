/* overlay: OpenAPI Overlay 1.0 documents: changes to a located tree, kept apart from it. Each action selects
 * nodes by a JSONPath and merges an update into them or removes them. What an overlay adds keeps its own
 * place for complaints, but its references are seen from the document it was applied to.
 *
 * Merging (Overlay 1.0.0 §4.4.3): objects member by member; a list takes a list's items, or another value as
 * one new item when it is the target itself; anything else replaces what was there. An update that says null
 * where a map or list stands says nothing (the specification's own example does so). */
#ifndef GEN_OVERLAY_H
#define GEN_OVERLAY_H

#include "job.h"
#include "node.h"

/* The tree of `root`'s document with the overlay's actions applied, in order: a new tree that shares what
 * did not change, and that references to the document now see. NULL when errors were reported; a target that
 * matches nothing is a warning (overlay-no-match). `root` must be the whole document. */
struct node *overlay_apply(struct job *job, struct node *root, uint32_t overlay_file);

#endif
