/* view_ip_restriction: the values that templates see of ip_restriction. */
#ifndef GEN_VIEW_IP_RESTRICTION_H
#define GEN_VIEW_IP_RESTRICTION_H

#include "ir.h"
#include "value.h"

/* Every one that some operation or document has: a list of maps; templates/README.md says what is in them. */
struct value *view_ip_restrictions(struct pool *pool, const struct gateway *gw);

/* The number of the operation's, or false. */
struct value *view_ip_restriction_of(struct pool *pool, const struct ir_operation *op);

#endif
