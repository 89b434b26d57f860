#include "crew.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "access_log.h"
#include "crash.h"
#include "gw.h"
#include "io/jobs.h"
#include "metrics.h"

/* How often a draining worker looks whether it is done. */
enum { IDLE_CHECK_MS = 20 };

struct member {
    struct worker *worker;
    const struct crew_post *post;
    struct loop_call wind_down, drain, adopt, stop;
    struct timer idle_check;
    struct live *next_live; /* atomic: on its way to the worker */
    size_t in_flight;       /* atomic: as last seen */
    bool accepts_no_more;   /* atomic */
    bool idle;              /* atomic */
    bool opened;
    char error[CREW_ERROR];
};

static struct {
    struct member *members;
    unsigned count;
    int event;
    pthread_mutex_t lock;
    pthread_cond_t moved;
    unsigned reported, left; /* workers that opened or failed; that are out of their loop */
    bool go, failed;         /* they may run, or close again at once */
    bool handed_over;        /* atomic: others serve the sockets */
    bool told;               /* nobody mails them any more */
} crew = {.lock = PTHREAD_MUTEX_INITIALIZER, .moved = PTHREAD_COND_INITIALIZER};

#define MEMBER(field, at) ((struct member *)(void *)((char *)(at)-offsetof(struct member, field)))

/* ---- on the worker's thread ---- */

static void do_wind_down(struct loop_call *call)
{
    MEMBER(wind_down, call)->worker->draining = true;
}

/* The event holds a counter that nobody lets overflow. */
static void tell_main(struct member *member, bool *what)
{
    uint64_t one = 1;

    __atomic_store_n(what, true, __ATOMIC_RELEASE);
    if (write(crew.event, &one, sizeof one) < 0)
        member->error[0] = 0;
}

static void check_idle(struct timer *timer)
{
    struct member *member = MEMBER(idle_check, timer);
    size_t in_flight = serve_in_flight(member->worker);

    __atomic_store_n(&member->in_flight, in_flight, __ATOMIC_RELAXED);
    if (in_flight > 0) {
        timer_set(&member->worker->loop, timer, IDLE_CHECK_MS);
        return;
    }
    tell_main(member, &member->idle);
}

static void do_drain(struct loop_call *call)
{
    struct member *member = MEMBER(drain, call);

    member->worker->draining = true;
    serve_drain(member->worker, __atomic_load_n(&crew.handed_over, __ATOMIC_RELAXED));
    tell_main(member, &member->accepts_no_more);
    timer_set(&member->worker->loop, &member->idle_check, IDLE_CHECK_MS);
}

static void do_adopt(struct loop_call *call)
{
    struct member *member = MEMBER(adopt, call);
    struct live *next = __atomic_exchange_n(&member->next_live, NULL, __ATOMIC_ACQ_REL);

    if (!next)
        return;
    live_release(member->worker->live);
    member->worker->live = next;
}

static void do_stop(struct loop_call *call)
{
    struct member *member = MEMBER(stop, call);

    timer_clear(&member->worker->loop, &member->idle_check);
    loop_stop(&member->worker->loop);
}

static void fail(struct member *member, const char *what)
{
    snprintf(member->error, sizeof member->error, "worker %u: cannot open its %s: %s",
             (unsigned)(member - crew.members), what, strerror(errno));
}

static bool open_member(struct member *member)
{
    struct worker *worker = member->worker;

    if (!worker_open(worker, (unsigned)(member - crew.members))) {
        fail(member, "event loop");
        return false;
    }
    worker->log = access_log_open(worker);
    if (serve_open(worker, member->post->listeners, member->post->count))
        return true;
    fail(member, "listeners");
    if (worker->log)
        access_log_close(worker->log);
    worker_close(worker);
    return false;
}

static void close_member(struct member *member)
{
    struct worker *worker = member->worker;

    serve_close(worker);
    if (worker->log)
        access_log_close(worker->log);
    worker->log = NULL;
    worker_close(worker);
}

/* Reports, and waits until all have; true when all are well. */
static bool wait_for_go(struct member *member)
{
    bool go;

    pthread_mutex_lock(&crew.lock);
    crew.reported++;
    crew.failed = crew.failed || !member->opened;
    pthread_cond_broadcast(&crew.moved);
    while (!crew.go)
        pthread_cond_wait(&crew.moved, &crew.lock);
    go = !crew.failed;
    pthread_mutex_unlock(&crew.lock);
    return go;
}

/* None closes its loop while another may still show it, or the main thread mail to it. */
static void wait_for_all_to_leave(void)
{
    pthread_mutex_lock(&crew.lock);
    crew.left++;
    pthread_cond_broadcast(&crew.moved);
    while (crew.left < crew.count || !crew.told)
        pthread_cond_wait(&crew.moved, &crew.lock);
    pthread_mutex_unlock(&crew.lock);
}

static void *work(void *arg)
{
    struct member *member = arg;

    crash_thread_begin();
    member->opened = open_member(member);
    if (wait_for_go(member)) {
        loop_run(&member->worker->loop);
        wait_for_all_to_leave();
    }
    if (member->opened)
        close_member(member);
    crash_thread_end();
    return NULL;
}

/* ---- on the main thread ---- */

static void prepare(struct member *member, unsigned index, const struct crew_post *post,
                    struct live *live)
{
    member->worker = &workers[index];
    member->post = post;
    member->wind_down.run = do_wind_down;
    member->drain.run = do_drain;
    member->adopt.run = do_adopt;
    member->stop.run = do_stop;
    member->idle_check.fire = check_idle;
    member->worker->metrics = metrics_open(gateway.route_count);
    member->worker->live = live_hold(live);
}

/* Lets the started ones go on or, after a failure, close again; then joins those. */
static void release(unsigned started, bool failed)
{
    pthread_mutex_lock(&crew.lock);
    while (crew.reported < started)
        pthread_cond_wait(&crew.moved, &crew.lock);
    crew.failed = crew.failed || failed;
    crew.go = true;
    pthread_cond_broadcast(&crew.moved);
    pthread_mutex_unlock(&crew.lock);
}

static void let_go(unsigned started)
{
    for (unsigned i = 0; i < started; i++)
        pthread_join(workers[i].thread, NULL);
    for (unsigned i = 0; i < crew.count; i++) {
        struct live *pending = crew.members[i].next_live;
        if (pending)
            live_release(pending);
        live_release(workers[i].live);
        metrics_close(workers[i].metrics);
    }
    if (gateway.jobs)
        gateway.jobs->close();
    worker_count = 0;
    close(crew.event);
    free(crew.members);
    free(workers);
    crew.members = NULL;
    workers = NULL;
}

static void tell_failure(int why, char error[CREW_ERROR])
{
    if (why != 0)
        snprintf(error, CREW_ERROR, "cannot start a worker thread: %s", strerror(why));
    for (unsigned i = 0; i < crew.count && why == 0; i++) {
        if (crew.members[i].error[0] != 0) {
            memcpy(error, crew.members[i].error, CREW_ERROR);
            return;
        }
    }
}

bool crew_start(unsigned count, const struct crew_post *posts, struct live *live,
                char error[CREW_ERROR])
{
    unsigned started = 0;
    int why = 0;

    workers = pool_xmalloc(count * sizeof *workers);
    memset(workers, 0, count * sizeof *workers);
    crew.members = pool_xmalloc(count * sizeof *crew.members);
    memset(crew.members, 0, count * sizeof *crew.members);
    crew.event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    crew.count = worker_count = count;
    for (unsigned i = 0; i < count; i++)
        prepare(&crew.members[i], i, &posts[i], live);
    if (gateway.jobs && !gateway.jobs->start())
        why = errno;
    while (started < count && why == 0) {
        why = pthread_create(&workers[started].thread, NULL, work, &crew.members[started]);
        started += why == 0;
    }
    release(started, why != 0);
    if (!crew.failed)
        return true;
    tell_failure(why, error);
    if (gateway.jobs)
        gateway.jobs->stop();
    let_go(started);
    return false;
}

void crew_wind_down(void)
{
    for (unsigned i = 0; i < crew.count; i++)
        loop_mail(&workers[i].loop, &crew.members[i].wind_down);
}

void crew_drain(bool handed_over)
{
    __atomic_store_n(&crew.handed_over, handed_over, __ATOMIC_RELAXED);
    for (unsigned i = 0; i < crew.count; i++)
        loop_mail(&workers[i].loop, &crew.members[i].drain);
}

bool crew_has_handed_over(void)
{
    for (unsigned i = 0; i < crew.count; i++) {
        if (!__atomic_load_n(&crew.members[i].accepts_no_more, __ATOMIC_ACQUIRE))
            return false;
    }
    return __atomic_load_n(&crew.handed_over, __ATOMIC_RELAXED);
}

bool crew_is_idle(void)
{
    for (unsigned i = 0; i < crew.count; i++) {
        if (!__atomic_load_n(&crew.members[i].idle, __ATOMIC_ACQUIRE))
            return false;
    }
    return true;
}

int crew_event(void)
{
    return crew.event;
}

size_t crew_in_flight(void)
{
    size_t sum = 0;

    for (unsigned i = 0; i < crew.count; i++)
        sum += __atomic_load_n(&crew.members[i].in_flight, __ATOMIC_RELAXED);
    return sum;
}

void crew_adopt(struct live *live)
{
    for (unsigned i = 0; i < crew.count; i++) {
        struct live *skipped =
            __atomic_exchange_n(&crew.members[i].next_live, live_hold(live), __ATOMIC_ACQ_REL);
        if (skipped)
            live_release(skipped);
        loop_mail(&workers[i].loop, &crew.members[i].adopt);
    }
}

void crew_stop(void)
{
    for (unsigned i = 0; i < crew.count; i++)
        loop_mail(&workers[i].loop, &crew.members[i].stop);
    if (gateway.jobs)
        gateway.jobs->stop();
    pthread_mutex_lock(&crew.lock);
    crew.told = true;
    pthread_cond_broadcast(&crew.moved);
    pthread_mutex_unlock(&crew.lock);
    let_go(crew.count);
}
