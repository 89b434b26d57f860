/* call: one request to an upstream: choose a target, take a pooled connection or open one, send the head,
 * pump the body, hand back the answer's head and then its body. Lives in the request's pool.
 *
 * The op ends when the answer's head is there (OP_DONE), when there will be none (OP_FAILED: status and
 * reason say what to tell the client), or when timeouts.request is over (OP_TIMED_OUT).
 *
 * A pooled connection that turns out to be closed before the first byte of an answer is replaced once, when
 * that is safe (RFC 9110 section 9.2.2, RFC 9112 section 9.3.1); a target that cannot be reached is replaced
 * by another one, since nothing was sent. */
#ifndef CLIENT_CALL_H
#define CLIENT_CALL_H

#include "client/dial.h"
#include "http/h1_body.h"
#include "http/h1_head.h"

enum { CALL_TRIES_MAX = 4, CALL_INTERIMS_MAX = 16 };

struct upstream_call {
    /* set by the caller */
    struct upstreams *upstreams;
    const struct gw_upstream *config;
    const struct gw_timeouts *timeouts;
    const struct gw_retry *retry; /* NULL: only what was never sent is tried again */
    uint64_t hash;                /* of the key by which a target is chosen: balance_hash */
    uint64_t subset;              /* targets that may be asked, by bit; 0: all */
    uint64_t wanted; /* the target that the client was sent to before; see struct pick */
    /* One try beside another call's, for the same request: made only when a place, the budget and a target that was
     * not tried are there at once. call->tries is 0 when it was not. */
    bool is_hedge;
    struct pool *pool;
    struct body_in *body; /* the request's body; NULL: none */
    enum framing framing; /* as the client sent it */
    uint64_t length;
    enum method method;
    bool idempotent, has_idempotency_key;
    uint32_t deadline; /* ms to the answer's head that the client grants; 0: none */
    struct str
        upgrade_to; /* the head asks for it: 101 is an answer (OP_DONE), and then a tunnel; empty: no */
    struct str greeting; /* what a new connection begins with, before all else; empty: nothing */
    /* Writes the request's head for call->target. */
    void (*write_head)(struct upstream_call *call, struct head_text *text);
    /* 1xx but 101; call->head is it. */
    void (*interim)(struct upstream_call *call);
    /* The request's body failed: call->body says why. The call is still running unless its op has ended. */
    void (*body_failed)(struct upstream_call *call);
    /* The request's body begins anew, for a stale connection took some of it; NULL: it cannot. Not with `retry`, which
     * keeps what it read. */
    void (*body_again)(struct upstream_call *call);
    void *owner;

    /* results */
    struct op op;
    struct body_in in;              /* OP_DONE: the answer's body */
    uint16_t status;                /* OP_FAILED */
    const char *reason;             /* OP_FAILED */
    uint32_t retry_after;           /* OP_FAILED: seconds for the client; 0: nothing is known */
    const struct gw_target *target; /* of the last try */
    uint8_t tries;
    uint8_t beside;     /* tries of other calls for the same request */
    uint32_t head_ms;   /* from sending to the answer's head, last try */
    struct pump upload; /* upload.moved: bytes of the request's body */

    /* private */
    struct call_h2 *h2;       /* NULL: over HTTP/1.1 */
    struct call_retry *again; /* NULL: without `retry` */
    struct upstream_call *next_waiting;
    struct timer patience;  /* breaker: in its queue; discovery: until there are targets */
    struct op_waiter found; /* discovery: for the first answer */
    struct target *named;   /* it is not forgotten before call_close */
    uint32_t trial;         /* breaker: of a circuit that is half open */
    uint64_t try_began_us;  /* wall clock */
    uint64_t answer_us;     /* from there to the answer's head; of the last that came */
    struct body_out out;
    struct target *at;
    struct upstream_conn *conn;
    struct dial dial;
    uint64_t tried; /* targets, by bit */
    uint64_t sent_at;
    uint8_t interims;
    bool is_early;    /* discovery: there was no answer yet */
    bool is_pending;  /* breaker: it is in the queue */
    bool is_counted;  /* in share->active */
    bool is_trying;   /* in the target's share->active */
    bool is_judged;   /* what became of the try was noted */
    bool staged;      /* the request's head has not left yet */
    bool wrote;       /* something did */
    bool heard;       /* bytes of an answer came */
    bool retried;     /* a stale connection was replaced */
    bool sent;        /* the request is complete */
    bool is_answered; /* call->head is the answer's */
    bool over;        /* the answer is complete */
    bool is_tunnel;
    bool starved; /* the answer's body is waited for */

    /* not zeroed: set as a whole before they are read */
    struct head head; /* OP_DONE; its strings live until the body was read to its end */
    struct h1_parser parser;
    struct h1_reader reader;
    struct h1_writer writer;
};

/* A call whose fields are to be set. Lives in the pool, which is also call->pool. */
struct upstream_call *call_new(struct pool *pool);

/* One for the same request: what the caller of that one has set is set. A request without content. */
struct upstream_call *call_copy(const struct upstream_call *call);

/* Starts it. */
void call_start(struct upstream_call *call);

/* Nobody needs the answer, or the rest of it: the connection goes back to its pool if it can. The op must
 * have no waiters. Needed once for every started call. */
void call_close(struct upstream_call *call);

/* Ends a running call: what body_failed does when the request cannot be completed. */
void call_fail(struct upstream_call *call, uint16_t status, const char *reason);

/* ---- the inside: for call_try.c, call_head.c (the answer's head over HTTP/1.1) and call_h2.c ---- */

static inline struct bufs *call_bufs(const struct upstream_call *call)
{
    return call->upstreams->bufs;
}

/* What the connection is waited for, and how long; ms 0: for ever. */
void call_conn_waits(struct upstream_conn *conn, enum conn_wait waits, uint32_t ms);

/* The connection ended before an answer: another one is tried where that is safe. */
void call_lost(struct upstream_call *call, const char *reason);

enum try_end {
    TRY_UNCONNECTED, /* nothing was sent */
    TRY_RESET,       /* the connection ended, or what came was no answer */
    TRY_TIMED_OUT,
    TRY_ANSWERED /* call->head has a final status */
};

/* True while a try is under way: not between two of them, and not in the breaker's queue. */
static inline bool call_is_trying(const struct upstream_call *call)
{
    return call->op.state == OP_RUNNING && call->tries > 0 && !call->is_judged;
}

/* How long the call may take to the answer's head, ms; 0: as long as it likes. The gateway's limit, or the client's own
 * when that is shorter. */
static inline uint32_t call_time(const struct upstream_call *call)
{
    uint32_t ours = call->timeouts->request;

    if (call->deadline == 0)
        return ours;
    return ours == 0 || call->deadline < ours ? call->deadline : ours;
}

/* How long the try has taken until now, us of the wall clock. */
static inline uint64_t call_try_us(const struct upstream_call *call)
{
    uint64_t now = call->upstreams->loop->wall_us;

    return now > call->try_began_us ? now - call->try_began_us : 0;
}

/* The call holds on to a target, in place of the one before; NULL: to none. */
void call_name(struct upstream_call *call, struct target *target);

/* What became of a try, for those who keep count of it; status 0: no answer. Once for each try. */
void call_judge(struct upstream_call *call, uint16_t status);
/* The answer's head is there. It judges the try, but for one of gRPC whose content has still to come: that one is judged
 * by its end, and by its head where the end is not waited for. */
void call_judge_head(struct upstream_call *call);
/* A try has come to nothing: there is another one, or the call fails. */
void call_try_failed(struct upstream_call *call, enum try_end how, uint16_t status,
                     const char *reason);
/* The answer has been read to its end: the connection and the place among what is under way are free. */
void call_finish(struct upstream_call *call);
/* Lets go of the try that is under way: what comes next begins anew. */
void call_let_go(struct upstream_call *call);
/* The first try, as soon as the breaker lets it; the next one. */
void call_begin(struct upstream_call *call);
void call_try(struct upstream_call *call);
/* The try is over; nothing more will be tried or waited for: for those who count. May be called again. */
void call_end_try(struct upstream_call *call);
void call_leave(struct upstream_call *call);
/* Lets go of everything that is under way. */
void call_drop(struct upstream_call *call);
/* The connection is the call's: it sends its request there. */
void call_use(struct upstream_call *call, struct upstream_conn *conn);

/* What the breaker tells those that it made wait; call_refused: call->status and reason are set. */
void call_admitted(struct upstream_call *call);
void call_refused(struct upstream_call *call);

/* Reads the answer's head on, as far as the socket has something. */
void call_read_head(struct upstream_call *call);

/* A new connection to call->at. */
void call_dial(struct upstream_call *call);
/* There was none to be had: another target is tried, or the call fails. */
void call_undialled(struct upstream_call *call, uint16_t status, const char *reason);
/* The request may be sent: its content goes to call->out. */
void call_begin_sending(struct upstream_call *call);
/* call->head is the answer's. */
void call_answered(struct upstream_call *call);

/* True while the request's body is still being sent. */
static inline bool call_is_sending(const struct upstream_call *call)
{
    return pump_is_running(&call->upload);
}

/* Behind an answer 101: what the client says goes there, and `in` is what the upstream says, as they are. No time
 * limits hold any more. */
struct body_out *call_tunnel(struct upstream_call *call);
/* The client has ended its side. */
static inline void call_end_sending(struct upstream_call *call)
{
    if (call->conn)
        stream_shutdown(&call->conn->wire.stream);
}

/* The rest of the request's body is not sent; the connection cannot be used again. */
void call_stop_sending(struct upstream_call *call);

#endif
