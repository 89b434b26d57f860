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

/* Opens the worker's upstreams and starts to accept on its loop. false with errno. Takes over the
 * descriptors. The configs must outlive all workers. */
bool serve_open(struct worker *worker, const struct serve_listener *listeners, size_t count);

/* Stops accepting: who is already in a queue is still served, then the listening sockets close; idle
 * connections close after a moment, busy ones behind the answer in flight. Traffic only; status and admin go
 * on until serve_close. */
void serve_drain(struct worker *worker, bool handed_over);

/* Requests in flight on traffic listeners, this worker. While it drains: connections that are still open. */
size_t serve_in_flight(const struct worker *worker);

/* Closes everything at once, also the upstreams. Not from within a request. */
void serve_close(struct worker *worker);

#endif
