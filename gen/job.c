#include "job.h"

void job_begin(struct job *job)
{
    *job = (struct job){0};
    pool_open(&job->pool, NULL);
    job->sources.pool = &job->pool;
    job->diags.pool = &job->pool;
    job->diags.sources = &job->sources;
}

bool job_failed(const struct job *job)
{
    return job->environment_failed || diag_failed(&job->diags);
}

int job_end(struct job *job)
{
    int status = job->environment_failed ? 3 : diag_failed(&job->diags) ? 1 : 0;

    /* What a program reads goes where a program looks for it. */
    diag_print(&job->diags, job->format == DIAG_TEXT ? stderr : stdout, job->format, job->colour);
    pool_close(&job->pool);
    return status;
}
