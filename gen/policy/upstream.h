/* upstream: where an operation's requests go: one pool, a weighted choice, or what `servers` says. */
#ifndef GEN_POLICY_UPSTREAM_H
#define GEN_POLICY_UPSTREAM_H

#include "policy/overridable.h"

struct upstream_choice {
    struct said name;
    struct str subset;
    bool has_subset;
    uint32_t weight;
    struct overridable turned; /* the weight, where the runtime file may override it */
};

struct upstream {
    bool servers; /* $servers */
    VEC(struct upstream_choice) choices;
    struct ir_sticky sticky;
    struct loc loc;
};

/* "pets", or "pets:v2": some of its targets. */
struct upstream_choice upstream_choice_of(struct said said, uint32_t weight);

extern const struct policy_type upstream_type; /* out: struct upstream */

#endif
