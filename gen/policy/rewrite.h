/* rewrite: the path and host that the upstream sees. */
#ifndef GEN_POLICY_REWRITE_H
#define GEN_POLICY_REWRITE_H

#include "setting.h"

enum rewrite_strip { REWRITE_STRIP_NONE, REWRITE_STRIP_BASE, REWRITE_STRIP_MATCH };

struct rewrite {
    enum rewrite_strip strip;
    struct said prefix, path, host; /* at NULL when not said */
    bool redirects;
    struct loc loc;
};

extern const struct policy_type rewrite_type; /* out: struct rewrite */

#endif
