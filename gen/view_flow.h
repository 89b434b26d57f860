/* view_flow: an operation's life as values for its flow function. */
#ifndef GEN_VIEW_FLOW_H
#define GEN_VIEW_FLOW_H

#include "ir.h"
#include "job.h"
#include "value.h"

/* The values of one flow function, see templates/README.md, "flow_group.c". */
struct value *view_flow(struct job *job, const struct gateway *gw, const struct ir_operation *op);

/* True when a forward is one upstream without a rewrite: those share the constant to_NAME. */
bool view_forward_is_plain(const struct gateway *gw, const struct ir_operation *op,
                           const struct ir_forward *forward);

#endif
