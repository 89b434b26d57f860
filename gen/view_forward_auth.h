/* view_forward_auth: who else is asked whether a request may go on, for the templates. */
#ifndef GEN_VIEW_FORWARD_AUTH_H
#define GEN_VIEW_FORWARD_AUTH_H

#include "ir.h"
#include "value.h"

/* The constants of a struct gw_forward_auth; false when nobody is asked. */
struct value *view_forward_auth(struct pool *pool, const struct gateway *gw,
                                const struct ir_operation *op);
/* True when somebody is asked about some operation. */
bool view_uses_forward_auth(const struct gateway *gw);

#endif
