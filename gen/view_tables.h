/* view_tables: the values of everything but flows and matcher: gateway.c, routes.c, gateway.h, Makefile,
 * routes.txt, gateway.lock. */
#ifndef GEN_VIEW_TABLES_H
#define GEN_VIEW_TABLES_H

#include "ir.h"
#include "job.h"
#include "value.h"

/* "proxy route redirect": what the gateway's operations do, for --version. */
struct str view_features(struct pool *pool, const struct gateway *gw);

/* gateway.h, gateway.c, routes.c and flow.c share one tree. */
struct value *view_gateway(struct job *job, const struct gateway *gw);

/* routes.txt and gateway.lock share one tree. */
struct value *view_lock(struct job *job, const struct gateway *gw);

/* One operation's policies in effect: [{key, value}]. */
struct value *view_facts(struct pool *pool, const struct gateway *gw,
                         const struct ir_operation *op);

#endif
