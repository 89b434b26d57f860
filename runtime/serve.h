/* serve: accept, match, flow, finish. The only caller of generated code. */
#ifndef SERVE_H
#define SERVE_H

#include "request/worker.h"

/* One listening socket handed to a worker. */
struct serve_listener {
    int fd;
    enum serve_kind kind;
    const struct gw_listener *config; /* limits; for status and admin a built-in one */
};

/* Starts to accept on the worker's loop. false with errno. Takes over the descriptors. */
bool serve_open(struct worker *worker, const struct serve_listener *listeners, size_t count);

/* Stops accepting (closes the listening sockets); idle connections close, busy ones close behind the answer
 * in flight. Traffic only; status and admin go on until serve_close. */
void serve_drain(struct worker *worker);

/* Requests in flight on traffic listeners, this worker. */
size_t serve_in_flight(const struct worker *worker);

/* Closes everything at once. */
void serve_close(struct worker *worker);

#endif
