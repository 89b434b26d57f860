/* plan: conducts what is worked out between meaning and text: names, then the matcher. */
#ifndef GEN_PLAN_H
#define GEN_PLAN_H

#include "ir.h"
#include "job.h"

/* needs: lowered and checked IR. fills: every field marked "plan". keeps: order. */
void plan(struct job *job, struct gateway *gw);

#endif
