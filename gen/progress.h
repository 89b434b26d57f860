/* progress: what the compiler is doing, with times, on standard error. On a terminal each stage is
 * shown while it runs, and the slow ones stay with their time; --timings shows all of them anywhere. */
#ifndef GEN_PROGRESS_H
#define GEN_PROGRESS_H

#include <stdbool.h>

struct progress {
    bool terminal, timings;
    const char *stage; /* under way, or NULL */
    double since, begun;
};

void progress_begin(struct progress *progress, bool quiet, bool timings);

/* Ends the stage under way and starts another; NULL only ends. */
void progress_stage(struct progress *progress, const char *stage);

#endif
