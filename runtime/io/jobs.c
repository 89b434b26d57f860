#include "io/jobs.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

/* Threads give way to the loops where they share a processor. */
enum { NICENESS = 5 };

enum task_state {
    TASK_OPEN,   /* not begun; its job's alone */
    TASK_QUEUED, /* in jobs.queued */
    TASK_OUT     /* in jobs.out: runs, or is done and on its way back */
};

/* A job's errand: stays in memory until it has come back, even when nobody waits for it any more. */
struct task {
    struct task *next, **link; /* in the queue or among those that are out */
    struct job *job;           /* the loop's thread only; NULL: nobody waits */
    struct loop *loop;
    struct loop_call back;
    void (*work)(void *data);
    enum task_state state; /* under the lock, but for TASK_OPEN */
    size_t size;
    _Alignas(16) unsigned char data[];
};

static struct {
    pthread_mutex_t lock;
    pthread_cond_t work; /* something is queued, or the end has come */
    struct task *queued, **queued_end;
    struct task *out;
    size_t queued_count;
    pthread_t threads[JOBS_THREADS];
    unsigned count; /* of threads */
    bool open;      /* takes jobs */
} jobs = {.lock = PTHREAD_MUTEX_INITIALIZER,
          .work = PTHREAD_COND_INITIALIZER,
          .queued_end = &jobs.queued};

#define TASK(field, at) ((struct task *)(void *)((char *)(at)-offsetof(struct task, field)))

static void free_task(struct task *task)
{
    explicit_bzero(task->data, task->size);
    free(task);
}

/* ---- under the lock ---- */

static void enqueue(struct task *task)
{
    task->state = TASK_QUEUED;
    task->next = NULL;
    task->link = jobs.queued_end;
    *jobs.queued_end = task;
    jobs.queued_end = &task->next;
    jobs.queued_count++;
}

static void dequeue(struct task *task)
{
    *task->link = task->next;
    if (task->next)
        task->next->link = task->link;
    else
        jobs.queued_end = task->link;
    jobs.queued_count--;
}

static void send_out(struct task *task)
{
    task->state = TASK_OUT;
    task->next = jobs.out;
    task->link = &jobs.out;
    if (task->next)
        task->next->link = &task->next;
    jobs.out = task;
}

static void take_in(struct task *task)
{
    *task->link = task->next;
    if (task->next)
        task->next->link = task->link;
}

/* ---- the threads ---- */

/* What tells of a crash stays allowed. */
static void block_signals(void)
{
    const int fatal[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGTRAP, SIGSYS};
    sigset_t set;

    sigfillset(&set);
    for (size_t i = 0; i < sizeof fatal / sizeof *fatal; i++)
        sigdelset(&set, fatal[i]);
    pthread_sigmask(SIG_BLOCK, &set, NULL);
}

static struct task *next_task(void)
{
    struct task *task;

    pthread_mutex_lock(&jobs.lock);
    while (!jobs.queued && jobs.open)
        pthread_cond_wait(&jobs.work, &jobs.lock);
    task = jobs.open ? jobs.queued : NULL;
    if (task) {
        dequeue(task);
        send_out(task);
    }
    pthread_mutex_unlock(&jobs.lock);
    return task;
}

static void *run(void *unused)
{
    struct task *task;

    (void)unused;
    block_signals();
    setpriority(PRIO_PROCESS, (id_t)gettid(), getpriority(PRIO_PROCESS, 0) + NICENESS);
    while ((task = next_task())) {
        task->work(task->data);
        loop_mail(task->loop, &task->back);
    }
    return NULL;
}

static void stop(void)
{
    pthread_mutex_lock(&jobs.lock);
    jobs.open = false;
    pthread_cond_broadcast(&jobs.work);
    pthread_mutex_unlock(&jobs.lock);
    for (unsigned i = 0; i < jobs.count; i++)
        pthread_join(jobs.threads[i], NULL);
    jobs.count = 0;
}

static bool start(void)
{
    int why = 0;

    pthread_mutex_lock(&jobs.lock);
    jobs.open = true;
    pthread_mutex_unlock(&jobs.lock);
    while (jobs.count < JOBS_THREADS && why == 0) {
        why = pthread_create(&jobs.threads[jobs.count], NULL, run, NULL);
        jobs.count += why == 0;
    }
    if (why == 0)
        return true;
    stop();
    errno = why;
    return false;
}

static void close_all(void)
{
    while (jobs.out) {
        struct task *task = jobs.out;
        take_in(task);
        free_task(task);
    }
}

const struct jobs_module jobs_module = {.start = start, .stop = stop, .close = close_all};

/* ---- one job, on its loop's thread ---- */

static void come_back(struct loop_call *call)
{
    struct task *task = TASK(back, call);

    pthread_mutex_lock(&jobs.lock);
    take_in(task);
    task->state = TASK_OPEN;
    pthread_mutex_unlock(&jobs.lock);
    if (task->job)
        op_end(&task->job->op, OP_DONE);
    else
        free_task(task);
}

/* Nobody waits any more: what is queued goes, what is out is let go. */
static void abandon(struct op *op)
{
    struct job *job = (struct job *)((char *)op - offsetof(struct job, op));
    struct task *task = TASK(data, job->data);
    bool is_ours;

    job->data = NULL;
    task->job = NULL;
    pthread_mutex_lock(&jobs.lock);
    is_ours = task->state == TASK_QUEUED;
    if (is_ours)
        dequeue(task);
    pthread_mutex_unlock(&jobs.lock);
    if (is_ours)
        free_task(task);
}

void job_open(struct job *job, size_t size, void (*work)(void *data))
{
    struct task *task = pool_xmalloc(sizeof *task + size);

    memset(task, 0, sizeof *task + size);
    task->job = job;
    task->back.run = come_back;
    task->work = work;
    task->size = size;
    *job = (struct job){.data = task->data};
}

/* It cannot come back before the loop's next turn, so the op may be opened behind it. */
bool job_start(struct job *job, struct loop *loop, uint64_t timeout_ms)
{
    struct task *task = TASK(data, job->data);
    bool has_room;

    task->loop = loop;
    pthread_mutex_lock(&jobs.lock);
    has_room = jobs.open && jobs.queued_count < JOBS_QUEUED_MAX;
    if (has_room) {
        enqueue(task);
        pthread_cond_signal(&jobs.work);
    }
    pthread_mutex_unlock(&jobs.lock);
    if (has_room)
        op_open(&job->op, loop, timeout_ms, abandon);
    else
        job_close(job);
    return has_room;
}

void job_close(struct job *job)
{
    if (!job->data)
        return;
    if (job->op.loop)
        op_cancel(&job->op);
    if (job->data)
        free_task(TASK(data, job->data));
    job->data = NULL;
}
