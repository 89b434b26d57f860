/* jobs: work that would hold up an event loop (password hashing), done by a few threads that the whole process shares.
 * A job is an op: it has a deadline, can be cancelled, and ends on the loop it was begun on, by mail. What the work
 * reads and writes is memory of its own, so that whoever asked may leave while it runs. The queue is short: who finds
 * it full is told at once. */
#ifndef IO_JOBS_H
#define IO_JOBS_H

#include "io/op.h"

/* How many wait for a thread, at most. */
enum { JOBS_THREADS = 2, JOBS_QUEUED_MAX = 64 };

/* ---- the threads: the process ---- */

struct jobs_module {
    /* Starts them, once, before the first job; they see no signals. False with errno, and none runs. */
    bool (*start)(void);
    /* Ends them: what runs is waited for, what is queued never runs, and no job can be begun any more. After
     * that nobody mails to a loop; comes before any loop is closed. */
    void (*stop)(void);
    /* Wipes and frees what nobody waited for: when all jobs and all loops are closed. Then the threads may be
     * started again. */
    void (*close)(void);
};

extern const struct jobs_module jobs_module;

/* ---- one job: a worker ---- */

/* Embedded in what waits for it; zeroed it is closed. */
struct job {
    struct op op; /* OP_DONE: the work is done; OP_TIMED_OUT, OP_CANCELLED: `data` is gone */
    void *data;   /* of its own, zeroed at first; NULL: closed */
};

/* Takes `size` bytes for the data, which `work` will find. Nothing runs yet; the op is not open. */
void job_open(struct job *job, size_t size, void (*work)(void *data));

/* Puts an open job into the queue; from here to the op's end `data` belongs to the thread. False: the queue
 * is full (or there are no threads any more), the op is not open and the job is closed. */
bool job_start(struct job *job, struct loop *loop, uint64_t timeout_ms);

/* Cancels what is under way; wipes and frees the data, at once or when the thread is done with it. Closing
 * a closed one does nothing. */
void job_close(struct job *job);

#endif
