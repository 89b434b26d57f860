/* discovery: targets of an upstream that are found while the gateway runs. */
#ifndef GEN_POLICY_DISCOVERY_H
#define GEN_POLICY_DISCOVERY_H

#include "setting.h"

struct discovery {
    struct ir_discovery value;
    struct said registry; /* consul: the upstream that is asked; empty: none */
};

/* out: struct discovery */
extern const struct policy_type discovery_type, discovery_consul_type, discovery_eds_type;

#endif
