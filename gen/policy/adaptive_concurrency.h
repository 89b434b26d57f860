/* adaptive_concurrency: a limit of requests under way that follows how long answers take. */
#ifndef GEN_POLICY_ADAPTIVE_CONCURRENCY_H
#define GEN_POLICY_ADAPTIVE_CONCURRENCY_H

#include "setting.h"

/* out: struct ir_adaptive */
extern const struct policy_type adaptive_concurrency_type;

/* `true`: all of it by default. */
struct ir_adaptive adaptive_concurrency_on(struct loc loc);

#endif
