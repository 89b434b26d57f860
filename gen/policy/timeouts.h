/* timeouts: how long each step towards an upstream may take. Merged field by field over the levels. */
#ifndef GEN_POLICY_TIMEOUTS_H
#define GEN_POLICY_TIMEOUTS_H

#include "setting.h"

struct timeouts {
    struct setting connect, send, read, request, idle;
    struct setting from_client; /* 0 or 1 */
};

extern const struct policy_type timeouts_type; /* out: struct timeouts */

/* `false`: only connect is left. */
struct timeouts timeouts_off(struct loc loc);

/* What `over` says replaces what `under` says. */
void timeouts_merge(struct timeouts *under, const struct timeouts *over);

#endif
