/* listeners: where the gateway accepts connections and what it allows each of them. */
#ifndef GEN_POLICY_LISTENERS_H
#define GEN_POLICY_LISTENERS_H

#include "setting.h"

struct listener {
    struct said address; /* at NULL: the default one */
    bool keep_alive_off;
    struct setting idle, requests;
    struct node *limits, *forwarded; /* values of policies of their own; may be NULL */
    struct loc loc;
};

struct listeners {
    VEC(struct listener) list;
};

extern const struct policy_type listeners_type,
    listeners_keep_alive_type; /* out: struct listeners */

#endif
