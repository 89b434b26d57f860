/* outlier: ejects targets by how they answer: so many failures one after another, so many within a time (nginx's
 * max_fails), or a rate of success far below the others' (Envoy's outlier detection). An ejected target gets nothing
 * for a time that grows with each ejection that follows another one. A failure is a 5xx, or no answer. */
#ifndef CLIENT_OUTLIER_H
#define CLIENT_OUTLIER_H

#include "client/target.h"

struct outlier_module {
    /* A try has ended; status 0: without an answer. */
    void (*note)(struct target *target, uint16_t status, uint64_t now);
    /* Time goes by: an ejection may be over. */
    void (*look)(struct target *target, uint64_t now);
};

extern const struct outlier_module outlier_module;

#endif
