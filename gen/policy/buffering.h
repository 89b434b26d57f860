/* buffering: how much of a body the gateway takes in before it goes on, so that a slow peer does not hold
 * the other side. */
#ifndef GEN_POLICY_BUFFERING_H
#define GEN_POLICY_BUFFERING_H

#include "setting.h"

struct buffering {
    struct setting request, response; /* bytes; 0: off */
};

extern const struct policy_type buffering_type; /* out: struct buffering */

#endif
