/* levels: who of an upstream's targets is asked first: those of the least priority number in the gateway's own zone, those
 * of that number elsewhere, those of the next number … A level is asked only when all targets before it are tried or
 * not well; only from the own zone to the others there is a slope, as Envoy has it (overprovisioning factor 1.4):
 * while 5/7 of its weight are well all requests stay, below that as many as they can bear. */
#ifndef CLIENT_LEVELS_H
#define CLIENT_LEVELS_H

#include "client/target.h"

struct levels_module {
    /* After each change of targets. */
    void (*set)(struct upstream *upstream);
    /* For pick->level, where has_levels. */
    uint8_t (*choose)(const struct upstream *upstream, const struct pick *pick);
};

extern const struct levels_module levels_module;

#endif
