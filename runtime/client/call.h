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
    struct pool *pool;
    struct body_in *body; /* the request's body; NULL: none */
    enum framing framing; /* as the client sent it */
    uint64_t length;
    bool idempotent, head_method;
    /* Writes the request's head for call->target. */
    void (*write_head)(struct upstream_call *call, struct head_text *text);
    /* 1xx but 101; call->head is it. */
    void (*interim)(struct upstream_call *call);
    /* The request's body failed: call->body says why. The call is still running unless its op has ended. */
    void (*body_failed)(struct upstream_call *call);
    void *owner;

    /* results */
    struct op op;
    struct body_in in;              /* OP_DONE: the answer's body */
    uint16_t status;                /* OP_FAILED */
    const char *reason;             /* OP_FAILED */
    const struct gw_target *target; /* of the last try */
    uint8_t tries;
    uint32_t head_ms;   /* from sending to the answer's head, last try */
    struct pump upload; /* upload.moved: bytes of the request's body */

    /* private */
    struct body_out out;
    struct target *at;
    struct upstream_conn *conn;
    struct dial dial;
    uint64_t tried; /* targets, by bit */
    uint64_t sent_at;
    uint8_t interims;
    bool staged;  /* the request's head has not left yet */
    bool wrote;   /* something did */
    bool heard;   /* bytes of an answer came */
    bool retried; /* a stale connection was replaced */
    bool sent;    /* the request is complete */
    bool over;    /* the answer is complete */
    bool starved; /* the answer's body is waited for */

    /* not zeroed: set as a whole before they are read */
    struct head head; /* OP_DONE; its strings live until the body was read to its end */
    struct h1_parser parser;
    struct h1_reader reader;
    struct h1_writer writer;
};

/* A call whose fields are to be set. Lives in the pool, which is also call->pool. */
struct upstream_call *call_new(struct pool *pool);

/* Starts it. */
void call_start(struct upstream_call *call);

/* Nobody needs the answer, or the rest of it: the connection goes back to its pool if it can. The op must
 * have no waiters. Needed once for every started call. */
void call_close(struct upstream_call *call);

/* Ends a running call: what body_failed does when the request cannot be completed. */
void call_fail(struct upstream_call *call, uint16_t status, const char *reason);

/* True while the request's body is still being sent. */
static inline bool call_is_sending(const struct upstream_call *call)
{
    return pump_is_running(&call->upload);
}

/* The rest of the request's body is not sent; the connection cannot be used again. */
void call_stop_sending(struct upstream_call *call);

#endif
