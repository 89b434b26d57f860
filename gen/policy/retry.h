/* retry: what is tried again where a try has failed, how often and when. */
#ifndef GEN_POLICY_RETRY_H
#define GEN_POLICY_RETRY_H

#include "setting.h"

/* out: struct ir_retry, without `buffer`. */
extern const struct policy_type retry_type, retry_backoff_type, retry_budget_type, retry_hedge_type;

/* `false`: one try, whatever becomes of it. */
struct ir_retry retry_off(struct loc loc);

#endif
