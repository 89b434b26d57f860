/* view_resilience: what becomes of upstreams that fail, as values for constants. */
#ifndef GEN_VIEW_RESILIENCE_H
#define GEN_VIEW_RESILIENCE_H

#include "ir.h"
#include "value.h"

/* Sets balance, hash_key, slow_start, panic_threshold, check, outlier, breaker and retry of an upstream. */
void view_set_resilience(struct pool *pool, struct value *map, const struct ir_upstream *upstream);

/* A constant of struct gw_retry. */
struct value *view_retry(struct pool *pool, struct str name, const struct ir_retry *retry);

/* The mask of a subset's targets; false for all. */
struct value *view_subset(struct pool *pool, const struct ir_subset *subset);

/* True when the gateway reads YAML while it runs. */
bool view_uses_yaml(const struct gateway *gw);

/* The constants of a struct gw_discovery; false when the targets are the document's. */
struct value *view_discovery(struct pool *pool, const struct gateway *gw,
                             const struct ir_upstream *upstream);

/* The constants of a struct gw_sticky, of targets or of a choice; false when it is off. */
struct value *view_sticky(struct pool *pool, const struct ir_sticky *sticky, bool target);

/* The constant NAME of a struct gw_endpoint: part/endpoint.c. */
struct value *view_endpoint(struct pool *pool, const struct gateway *gw, struct str name,
                            const struct ir_asked *asked);

#endif
