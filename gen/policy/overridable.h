/* overridable: {default: 95, min: 0, max: 100}, {default: false}: a value that the runtime file may override, and what
 * it is where the file says nothing of it. */
#ifndef GEN_POLICY_OVERRIDABLE_H
#define GEN_POLICY_OVERRIDABLE_H

#include "setting.h"

struct policy_reader;

struct overridable {
    bool said;
    uint64_t normal, min, max;
    struct loc loc;
};

/* A number; out: struct overridable, whose min and max are the bounds of the key. */
extern const struct policy_type overridable_number_type;

/* The `default` of a switch. */
void overridable_read_switch(struct policy_reader *r, const struct node *normal,
                             const struct node *whole, struct overridable *out);

#endif
