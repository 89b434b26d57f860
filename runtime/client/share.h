/* share: what all workers know of the upstreams together: which targets are well, what is under way. Plain
 * atomics without order: each field stands for itself, and a decision that is a moment old is still a good one.
 * What has to be decided once (an ejection, a circuit) goes through `lock`, off the hot path. Times are ms of
 * the monotonic clock (loop.now). */
#ifndef CLIENT_SHARE_H
#define CLIENT_SHARE_H

#include <pthread.h>

#include "client/upstream.h"

/* Alone on its line of the cache: every try writes here. */
struct target_share {
    _Alignas(64) uint32_t active; /* tries under way; kept where target_is_counted says so */
    uint32_t failures_in_row;     /* outlier */
    uint64_t ewma;                /* us, the bits of a double (balance_peak_ewma) … */
    uint64_t ewma_at;             /* … and when it was right */
    uint64_t ejected_until;       /* 0: it is not */
    uint64_t well_since;          /* it came, or came back, then; 0: it was there from the start */
    uint64_t window_at;           /* outlier: failures are counted from here on … */
    uint32_t window_failures;
    uint32_t requests, successes;   /* since the last look at success rates */
    uint32_t ejections;             /* one after another: how long the next one lasts */
    uint32_t weight;                /* now */
    uint32_t holders;               /* workers that still have it; under the lock */
    const struct gw_target *config; /* NULL: the place is free; under the lock */
    bool is_gone;                   /* discovery has lost it; written under the lock */
    bool is_sick;                   /* says the health check */
    bool is_drained;                /* says the operator: nothing new goes there */
    uint64_t total_ejections, total_checks, failed_checks;
};

enum circuit { CIRCUIT_CLOSED, CIRCUIT_OPEN, CIRCUIT_HALF_OPEN };

enum { CIRCUIT_SLOTS = 10, ADAPTIVE_BUCKETS = 256 };

/* What adaptive_concurrency has learnt; its counts are atomic, the rest is written under the lock. */
struct adaptive {
    uint32_t limit;                    /* of requests under way */
    uint32_t probe;                    /* intervals left of a probe; 0: none */
    uint32_t resume;                   /* the limit behind it */
    uint64_t next;                     /* look at the limit */
    uint64_t probe_at;                 /* 0: not known yet */
    uint64_t least_us, probed_us;      /* 0: not known yet */
    uint32_t counts[ADAPTIVE_BUCKETS]; /* latencies of this interval, by adaptive_bucket */
};

struct upstream_share {
    pthread_mutex_t lock;
    const struct gw_upstream *config;
    struct target_share *targets;
    uint32_t count;            /* places of targets that were ever used; under the lock */
    uint32_t live;             /* targets that are there */
    uint32_t ejected;          /* targets; under the lock */
    uint64_t next_look;        /* outlier: at success rates */
    struct adaptive *adaptive; /* NULL: max_requests alone holds */

    _Alignas(64)
        uint32_t active;  /* requests under way; kept where somebody asks: breaker, retry.budget */
    uint32_t retries;     /* of them, not their first try */
    uint32_t connections; /* breaker.max_connections */
    uint32_t pending;     /* requests that wait for a place, or with one for a connection … */
    uint32_t starving;    /* … the latter of them */

    /* breaker; written under the lock */
    struct upstream *members; /* of each worker; under the lock */
    enum circuit circuit;
    uint64_t open_until;
    uint32_t period;                  /* counts up whenever it opens halfway; never 0 then */
    uint32_t trials, trials_well;     /* in this period: let through, succeeded */
    uint32_t failures[CIRCUIT_SLOTS]; /* CIRCUIT_CLOSED: by slot of the window */
    uint64_t slot;                    /* the newest one: now / slot's length */
    uint64_t total_opened, total_refused, total_overflowed, total_retries, total_budget_refused;
    uint64_t total_hedges, total_hedges_won;
    uint64_t total_mirrored, total_mirror_failed, total_mirror_left_out; /* copies that came here */

    struct found *found; /* what discovery knows of it; NULL: its targets are always the same */
};

/* The one of this upstream, made at the first call, which has to name the targets, or how many there can be (NULL).
 * Any thread. Lasts until share_drop or share_close. */
struct upstream_share *share_of(const struct gw_upstream *config, const struct gw_target *targets,
                                uint32_t count);
/* Frees one that nobody uses any more. */
void share_drop(const struct gw_upstream *config);
/* Frees all of them; nobody uses them any more. */
void share_close(void);

/* For fields of one writer or of many whose order does not matter. */
#define SHARE_GET(field) __atomic_load_n(&(field), __ATOMIC_RELAXED)
#define SHARE_SET(field, value) __atomic_store_n(&(field), (value), __ATOMIC_RELAXED)
#define SHARE_ADD(field, by) __atomic_add_fetch(&(field), (by), __ATOMIC_RELAXED)

/* True when nothing speaks against it: neither the health check nor an ejection. */
static inline bool target_is_well(const struct target_share *share)
{
    return !SHARE_GET(share->is_sick) && SHARE_GET(share->ejected_until) == 0;
}

#endif
