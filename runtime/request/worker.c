#include "request/worker.h"

#include <errno.h>
#include <stdlib.h>

struct worker *workers;
unsigned worker_count;
_Thread_local struct worker *worker_here;

struct worker_kept {
    struct worker_kept *next;
    const void *key;
    void *what;
    void (*close)(void *kept);
};

void **worker_keep(struct worker *worker, const void *key, void (*close)(void *kept))
{
    struct worker_kept *kept = worker->kept;

    while (kept && kept->key != key)
        kept = kept->next;
    if (!kept) {
        kept = pool_xmalloc(sizeof *kept);
        *kept = (struct worker_kept){worker->kept, key, NULL, close};
        worker->kept = kept;
    }
    return &kept->what;
}

static void close_kept(struct worker *worker)
{
    while (worker->kept) {
        struct worker_kept *kept = worker->kept;
        worker->kept = kept->next;
        if (kept->what)
            kept->close(kept->what);
        free(kept);
    }
}

bool worker_open(struct worker *worker, unsigned index)
{
    worker->index = index;
    worker_here = worker;
    if (!loop_open(&worker->loop))
        return false;
    worker->dns = dns_open(&worker->loop);
    if (!worker->dns) {
        int why = errno;
        loop_close(&worker->loop);
        errno = why;
        return false;
    }
    worker->scratch = pool_xmalloc(WORKER_SCRATCH);
    worker->head_scratch = pool_xmalloc(WORKER_SCRATCH);
    return true;
}

void worker_close(struct worker *worker)
{
    close_kept(worker);
    if (worker->dns)
        dns_close(worker->dns);
    loop_close(&worker->loop);
    free(worker->scratch);
    free(worker->head_scratch);
    worker_here = NULL;
}

/* The wall clock is finer than the loop's milliseconds but may be set; then the milliseconds hold. */
uint64_t worker_elapsed_us(const struct worker *worker, const struct gw_req *rq)
{
    uint64_t ms = worker->loop.now - rq->started_ms;
    uint64_t us = worker->loop.wall_us - rq->started_us;

    return us / 1000 <= ms + 2 && us / 1000 + 2 >= ms ? us : ms * 1000;
}
