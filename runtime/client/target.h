/* target: the inside of the upstreams: targets and connections, shared by target.c (which one, and the
 * pool) and call.c (what happens on it). */
#ifndef CLIENT_TARGET_H
#define CLIENT_TARGET_H

#include "client/share.h"
#include "client/upstream.h"
#include "http/wire.h"

struct upstream_call;
struct dial;
struct h2_link;
struct probes;
struct upstream_found;

enum { LEVELS = 16 }; /* of targets, see levels.h */

/* What a call waits for: a place among the requests under way, or, with one, a connection. */
enum call_wait { CALL_WAITS_PLACE, CALL_WAITS_CONNECTION, CALL_WAITS };

enum conn_wait { CONN_WAITS_NOT, CONN_WAITS_SEND, CONN_WAITS_READ };

/* One connection to a target: in the pool (no call), or serving a call. */
struct upstream_conn {
    struct wire wire;
    struct timer timer;
    struct target *target;
    struct upstream_call *call;
    struct dial *dial;                  /* while connecting */
    struct upstream_conn *next, **link; /* in the pool */
    uint32_t changes; /* of the target's addresses, when this one was last seen among them */
    uint32_t
        rest_ms; /* how long it may be idle, by the upstream's own word; UINT32_MAX: that said nothing */
    bool reused;
    uint8_t waits; /* enum conn_wait: what the timer is for while there is a call */
};

struct target {
    const struct gw_target
        *config; /* NULL: there is none in this place; nothing else is set then */
    struct upstream *upstream;
    struct target_share *share;
    uint32_t uses;   /* calls that name it */
    uint8_t level;   /* see levels.h; LEVELS: nothing new goes there */
    bool is_leaving; /* discovery has lost it: what is under way may end */
    struct dns_name name;
    uint64_t seed; /* who it is: balance_hash places it by that, balance_sticky finds it */
    int64_t turn;  /* smooth weighted round robin */
    struct upstream_conn *idle; /* last in, first out */
    struct upstream_stats stats;
    struct tls_sessions sessions;
    struct h2_link *links;         /* call_h2: connections of HTTP/2 */
    struct h2_link *opening;       /* of these, the one whose SETTINGS have not come */
    struct upstream_call *waiting; /* for one, in order of arrival */
    struct upstream_call *last_waiting;
    uint32_t link_count;
    bool is_dialled;   /* one of them dials */
    bool long_answers; /* the last one was, so the next one may be */
};

struct upstream {
    const struct gw_upstream *config;
    struct upstreams *all;
    struct upstream_share *share;
    struct target *targets;
    uint32_t count;               /* of places; may be read from any thread */
    bool is_named;                /* at start: the targets are not the document's */
    bool has_levels;              /* they are not all of the first one */
    struct upstream_found *found; /* NULL: the targets are always the same */
    /* breaker: those that wait for something to end, in order of arrival */
    struct call_queue {
        struct upstream_call *first, *last;
        uint32_t count; /* may be read from any thread */
    } pending[CALL_WAITS];
    struct upstream *next_member; /* of share->members */
    struct loop_call wake;
};

struct upstreams {
    struct loop *loop;
    struct dns *dns;
    struct bufs *bufs;
    const struct h1_limits *limits;
    struct upstreams_tls tls;
    struct upstream *at;
    size_t count;
    struct probes
        *probes; /* of this worker's targets; NULL: none need be asked, or another worker does it */
    struct upstream_conn *spare;
    unsigned spare_count;
};

/* How calls go over HTTP/2; see call_h2.h. */
struct call_h2_module {
    /* call->at is chosen: a stream is begun, or waited for. */
    void (*start)(struct upstream_call *call);
    /* The dial that the call had to make is over: a connection, or NULL and dial.status. True: it was used; false:
     * the call goes on as after any dial that failed. */
    bool (*dialled)(struct upstream_call *call, struct upstream_conn *conn);
    /* Lets go of everything; may be called again. */
    void (*drop)(struct upstream_call *call);
    /* There may be room for a connection that calls wait for. */
    void (*wake)(struct target *target);
    /* The target is closed. */
    void (*close)(struct target *target);
    /* Those connections that serve nobody are. */
    void (*close_idle)(struct target *target);
};

/* What a choice goes by. */
struct pick {
    uint64_t tried;  /* targets, by bit: only when there is no other */
    uint64_t subset; /* targets that may be taken, by bit; 0: all */
    uint64_t hash;   /* balance_hash: of the key */
    uint64_t wanted; /* balance_sticky: target.seed; 0: nobody in particular */
    uint64_t now;    /* ms */
    uint8_t level;   /* only those of it */
    bool panic;      /* too few are well: all are taken for well */
};

/* How many there are to choose from. Others than the document's, named at start, are in every subset. */
uint32_t target_count(const struct upstream *upstream, uint64_t subset);

/* A target's place becomes this one's. */
void target_open(struct upstream *upstream, uint32_t index, const struct gw_target *config);
/* Gives the place up: no call names it, no connection is open but idle ones. */
void target_forget(struct target *target);

/* The next one to be tried. `pick`: tried, subset, hash and wanted are set. NULL: none of the targets takes anything now. */
struct target *target_choose(struct upstream *upstream, struct pick pick);

/* True when somebody asks how many tries are under way at each target. */
static inline bool target_is_counted(const struct upstream *upstream)
{
    return upstream->config->balance != NULL;
}

/* An idle connection, taken out of the pool, or NULL. */
struct upstream_conn *target_take_idle(struct target *target);

/* breaker.max_connections: false, no other may be opened to the upstream now. */
bool target_may_connect(const struct upstream *upstream);
/* For the count of what is open. */
void target_connected(struct target *target);
void target_disconnected(struct target *target);

/* True when some target's pool has a connection. */
bool target_has_idle(const struct upstream *upstream);
/* Closes a pooled connection to make room for another one; false: there is none. */
bool target_evict_idle(struct upstream *upstream);
/* Closes what serves nobody. */
void target_close_idle(struct target *target);

/* The client for this target's pool; NULL: plain. */
struct tls_client *target_tls(const struct target *target);

/* A new one, not yet connected. */
struct upstream_conn *target_new_conn(struct target *target);

/* For wire.stream.ready between two owners: what happened is seen by the next one. */
void target_not_ready(struct stream *stream);

/* Back into the pool, or closed when that is full or the connection cannot be trusted. */
void target_pool(struct upstream_conn *conn);
void target_close(struct upstream_conn *conn);
/* For one that is given up within an exchange, never for a pooled one: what the upstream has not taken yet is
 * dropped; closing in order would leave it with the kernel for minutes. */
void target_reset(struct upstream_conn *conn);

/* A counter that others may read meanwhile. */
/* NOLINTNEXTLINE(readability-non-const-parameter): the store is a builtin */
static inline void stats_add(uint64_t *counter, int64_t by)
{
    __atomic_store_n(counter, *counter + (uint64_t)by, __ATOMIC_RELAXED);
}

#endif
