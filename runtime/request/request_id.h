/* request_id: the correlation id that ties a client's complaint, a log line and an upstream's log together.
 * Made when a request is opened, before anything can go wrong with it, so that every error has one.
 *
 *     uuid     version 7 (RFC 9562): sortable by time
 *     counter  UUID#N: one random UUID per worker, then a counter (Kong's "uuid#counter")
 *     tracker  address-port-pid-worker-N-seconds (Kong's, with the worker for the connection) */
#ifndef REQUEST_REQUEST_ID_H
#define REQUEST_REQUEST_ID_H

#include "request/worker.h"

/* Once, before any worker runs. `needed`: something shows ids although no header carries them (the log,
 * error bodies); when nothing does, none are made. */
void request_id_setup(const struct gw_correlation *config, bool needed);

/* Fills rq->request_id: the client's own when it came through a trusted proxy and is 1 to 128 of
 * [A-Za-z0-9._-], else a new one. Needs: forwarded_resolve. */
void request_id_make(struct gw_req *rq);

/* The same once more by the rules of a route that has its own. */
void request_id_use_route(struct gw_req *rq);

/* "X-Request-ID: …\r\n" for the upstream, in the place of the client's field of that name; nothing when ids
 * travel in no header. */
void request_id_line(struct gw_req *rq, struct text *text);

/* The same for the client's answer, when the document wants it echoed. */
void request_id_echo(const struct gw_req *rq, struct text *text);

#endif
