/* view_jwt: schemes of tokens that the gateway verifies itself, for the templates. */
#ifndef GEN_VIEW_JWT_H
#define GEN_VIEW_JWT_H

#include "ir.h"
#include "value.h"

/* Of all such schemes: the constants of a struct gw_jwt. */
struct value *view_jwts(struct pool *pool, const struct gateway *gw);

/* The same of those whose issuer is asked: struct gw_introspection. */
struct value *view_introspections(struct pool *pool, const struct gateway *gw);

/* What the claims mean: sets `claims_…` and `told` in the map of a scheme. */
void view_set_claims(struct pool *pool, struct value *map, const struct ir_claims *claims);

#endif
