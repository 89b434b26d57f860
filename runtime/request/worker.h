/* worker: all that one thread owns. Workers share nothing they need not: each has its loop, its listening
 * sockets (SO_REUSEPORT), its upstream connections, its counters, its log buffer. */
#ifndef REQUEST_WORKER_H
#define REQUEST_WORKER_H

#include <pthread.h>

#include "io/dns.h"
#include "io/loop.h"
#include "request/req.h"

enum { WORKER_SCRATCH = 64 * 1024 };

struct worker {
    unsigned index;
    pthread_t thread;
    struct loop loop;
    struct dns *dns;
    struct upstreams
        *upstreams;          /* client/: this worker's pools and targets, by gateway.upstreams */
    struct server *server;   /* serve: listening sockets, connections */
    struct metrics *metrics; /* counters of this worker, read by the scraper */
    struct access_log *log;  /* lines on their way to the writer thread */
    struct live *live;       /* what HUP may change; this worker's own reference */
    struct tunnel *tunnels;  /* request/tunnel: all that are open */
    uint64_t tunnel_count;   /* of them; may be read from any thread */
    uint64_t tunnel_total;   /* ever; likewise */
    bool tunnels_drain;
    struct mirror *mirrors; /* request/mirror: all that are under way */
    uint32_t mirror_count;
    uint64_t request_count;       /* ids made here */
    char *scratch;                /* WORKER_SCRATCH bytes for the duration of one callback */
    char *head_scratch;           /* the same, for heads being built */
    bool draining;                /* answers say Connection: close */
    struct jwks_seat *jwks_seats; /* request/jwks: likewise */
    struct worker_kept *kept;     /* see worker_keep */
    uint64_t password_checks, password_refusals; /* may be read from any thread; see policy/basic */
    uint64_t tokens_verified, tokens_recalled;   /* may be read from any thread */
};

/* What a listening socket is for: the document's operations, probes and scrapes, the operator. */
enum serve_kind { SERVE_TRAFFIC, SERVE_STATUS, SERVE_ADMIN };

/* The workers of the process, for whoever sums up or tells all. */
extern struct worker *workers;
extern unsigned worker_count;

/* The calling thread's worker. */
extern _Thread_local struct worker *worker_here;

/* Opens the loop, the resolver and the scratch memory on the calling thread, which becomes the worker's;
 * false with errno. What stands on higher floors (server, metrics, log) is opened by the process. */
bool worker_open(struct worker *worker, unsigned index);
void worker_close(struct worker *worker);

/* Where a scheme or a policy, told by its constants, keeps what it has found out on this worker; NULL at first. `close`
 * gets what is there when the worker is closed; nothing of a request is left by then. */
void **worker_keep(struct worker *worker, const void *key, void (*close)(void *kept));

/* A counter that others may read. */
static inline void worker_count_up(uint64_t *cell)
{
    __atomic_store_n(cell, *cell + 1, __ATOMIC_RELAXED);
}

/* A tunnel has been opened (1) or closed (-1). */
static inline void worker_count_tunnel(struct worker *worker, int by)
{
    __atomic_store_n(&worker->tunnel_count, worker->tunnel_count + (uint64_t)by, __ATOMIC_RELAXED);
    if (by > 0)
        __atomic_store_n(&worker->tunnel_total, worker->tunnel_total + 1, __ATOMIC_RELAXED);
}

/* Microseconds since the request began. */
uint64_t worker_elapsed_us(const struct worker *worker, const struct gw_req *rq);

#endif
