/* metrics: what happened, in numbers. Each worker counts in its own plain cells (relaxed stores, no lock, no
 * atomic read-modify-write); the scraper sums them up. Label sets are bounded by the document: routes are
 * its operations ("none" before and without a match), methods the registered ones. */
#ifndef METRICS_H
#define METRICS_H

#include "base/text.h"
#include "request/worker.h"

/* The cells of one worker; NULL is never returned. */
struct metrics *metrics_open(size_t route_count);
void metrics_close(struct metrics *metrics);

/* A request begins, and is finished (once each, also for refused ones). */
void metrics_request_begin(struct worker *worker);
void metrics_request(struct worker *worker, const struct gw_req *rq);

/* Connections of clients on traffic listeners. */
void metrics_connection_opened(struct worker *worker);
void metrics_connection_closed(struct worker *worker);
void metrics_connection_refused(struct worker *worker); /* over a connection limit */
void metrics_proxy_header_refused(
    struct worker *worker); /* none, or a bad one, from a trusted proxy */

void metrics_address_refused(struct worker *worker); /* a request, by ip_restriction */

/* All workers' sums in Prometheus' text format. */
void metrics_render(struct text *text);

#endif
