/* view_match: the matcher's tables as the values of templates/match.c.mustache. */
#ifndef GEN_VIEW_MATCH_H
#define GEN_VIEW_MATCH_H

#include "ir.h"
#include "job.h"
#include "value.h"

/* needs: a planned gateway. */
struct value *view_match(struct job *job, const struct gateway *gw);

#endif
