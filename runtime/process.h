/* process: the gateway from its start to its end: opens everything, runs the workers, answers signals,
 * drains.
 *
 *     START ─▶ RUN ─TERM─▶ DELAY (still accepting, not ready) ─▶ DRAIN (requests in flight end) ─▶ end
 *                  └─INT──────────────────────────────────────────┘        a second signal ─▶ end at once */
#ifndef PROCESS_H
#define PROCESS_H

#include "options.h"

/* Runs the gateway; the exit status: 0 after a drain, 1 when it could not start or was cut off. */
int process_run(const struct options *options);

/* --check: reads all that a start needs; the exit status. */
int process_check(const struct options *options);

#endif
