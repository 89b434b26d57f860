/* job: one compilation: its memory, its files, its diagnostics. Each stage takes the job, reports what it
 * finds and returns at once when the job has already failed, so the pipeline reads as a table of contents. */
#ifndef GEN_JOB_H
#define GEN_JOB_H

#include "diag.h"
#include "source.h"

struct job {
    struct pool pool;
    struct sources sources;
    struct diags diags;
    enum diag_format format;
    bool colour;
    bool environment_failed; /* no compiler, disk full: exit 3 */
};

void job_begin(struct job *job);

/* True when a stage must not run. */
bool job_failed(const struct job *job);

/* Prints the diagnostics, frees everything, gives the exit status: 0, 1 (spec), 3 (environment). */
int job_end(struct job *job);

#endif
