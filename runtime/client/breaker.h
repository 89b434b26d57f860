/* breaker: guards an upstream against more than it can bear. Limits: so many requests under way, so many connections,
 * of all targets and workers; a few more may wait, for a time. The circuit (M. Nygard, Release It!): after so many
 * failures within a window no request is let through; then some are, one by one, and when they have succeeded all
 * are again. A failure is a 5xx, or no answer. */
#ifndef CLIENT_BREAKER_H
#define CLIENT_BREAKER_H

#include "client/target.h"

enum breaker_said { BREAKER_GO, BREAKER_WAIT, BREAKER_REFUSED };

struct breaker_module {
    /* A request begins. BREAKER_WAIT: call_admitted or call_refused will be called, but for `leave` before that.
     * BREAKER_REFUSED: call->status, reason and retry_after say why. */
    enum breaker_said (*admit)(struct upstream_call *call);
    /* A try of it needs a new connection: the same. */
    enum breaker_said (*connect)(struct upstream_call *call);
    /* upstream->wake: somebody may go, or has something that others wait for. */
    void (*serve)(struct loop_call *posted);
    /* A connection was closed, or is idle now: somebody may wait for that. */
    void (*wake)(struct upstream *upstream);
    /* A try has ended; status 0: without an answer. */
    void (*note)(struct upstream_call *call, uint16_t status);
    /* It is over, or is no longer wanted: it leaves the queue, and its place is another one's. */
    void (*leave)(struct upstream_call *call);
};

extern const struct breaker_module breaker_module;

/* ---- the circuit alone; `now` in ms ---- */

/* True: one request may go. *trial: 0, or it is one of those that decide whether the circuit closes, and has to be
 * noted or forgotten. False: *retry_after, in seconds, says when it is worth asking again. */
bool circuit_admits(struct upstream_share *share, uint64_t now, uint32_t *trial,
                    uint32_t *retry_after);
/* What became of one that was admitted. */
void circuit_note(struct upstream_share *share, uint64_t now, uint32_t trial, bool failed);
/* Nothing will be known of a trial: another one may go. */
void circuit_forget(struct upstream_share *share, uint32_t trial);

#endif
