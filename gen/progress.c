#include "progress.h"

#include <stdio.h>
#include <time.h>
#include <unistd.h>

/* Seconds; what took less is nothing to a person who waits. */
static const double SLOW = 0.1;

static double now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

void progress_begin(struct progress *progress, bool quiet, bool timings)
{
    *progress = (struct progress){
        .terminal = !quiet && isatty(STDERR_FILENO),
        .timings = timings,
        .begun = now(),
    };
}

void progress_stage(struct progress *progress, const char *stage)
{
    double time = now();
    bool shown = progress->terminal || progress->timings;
    if (progress->stage && progress->terminal)
        fputs("\r\033[K", stderr);
    bool slow = progress->terminal && time - progress->since >= SLOW;
    if (progress->stage && (progress->timings || slow))
        fprintf(stderr, "  %-10s %8.3f s\n", progress->stage, time - progress->since);
    if (!stage && shown && progress->timings)
        fprintf(stderr, "  %-10s %8.3f s\n", "total", time - progress->begun);
    if (stage && progress->terminal)
        fprintf(stderr, "  %s ...", stage);
    progress->stage = stage;
    progress->since = time;
}
