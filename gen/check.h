/* check: rules on the whole gateway that no single place of a document can see. May only complain, changes
 * nothing. Conflicts between path templates are the business of the matcher's planner (route.h). */
#ifndef GEN_CHECK_H
#define GEN_CHECK_H

#include "ir.h"
#include "job.h"

/* needs: what lower gave. */
void check(struct job *job, const struct gateway *gw);

#endif
