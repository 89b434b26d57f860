/* dial: a new connection to a target: its name looked up, its addresses tried (happy eyeballs when there are
 * several), all within one time limit. */
#ifndef CLIENT_DIAL_H
#define CLIENT_DIAL_H

#include "client/target.h"
#include "io/connect.h"

struct dial {
    struct target *target;
    struct upstream_conn *conn; /* connecting; for `done`: connected, or NULL */
    struct op_waiter resolved;
    struct connector *connector; /* several addresses */
    struct timer late;
    bool shaking; /* connected, in the TLS handshake */
    struct pool *pool;
    struct str greeting; /* set before dial_start: sent in front of TLS, if there is TLS; lasts */
    /* Called once unless cancelled, never from within dial_start. Without a connection: status and reason for
     * the client. */
    void (*done)(struct dial *dial);
    uint16_t status;
    const char *reason;
    struct loop_call tell;
};

/* timeout_ms 0: as long as the system tries. A dial that is over may be started again. */
void dial_start(struct dial *dial, struct target *target, struct pool *pool, uint32_t timeout_ms,
                void (*done)(struct dial *dial));

/* Gives up. Does nothing when it is over. */
void dial_cancel(struct dial *dial);

#endif
