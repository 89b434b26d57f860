/* hosts: the host names that are served; without it any. */
#ifndef GEN_POLICY_HOSTS_H
#define GEN_POLICY_HOSTS_H

#include "setting.h"

struct hosts {
    bool servers; /* $servers: taken from there */
    VEC(struct str) names;
    struct loc loc;
};

extern const struct policy_type hosts_type; /* out: struct hosts */

#endif
