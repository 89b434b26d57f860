/* forwarded: who the client is, and what the upstream is told about it. The client is the rightmost hop
 * that is not a trusted proxy; what an untrusted peer says about itself is replaced, never extended.
 *
 *     peer (socket) ◀─ trusted? ─▶ last of X-Forwarded-For ◀─ trusted? ─▶ the one before … ▶ client */
#ifndef REQUEST_FORWARDED_H
#define REQUEST_FORWARDED_H

#include <sys/socket.h>

#include "request/worker.h"

/* True when the lists of `config` hold the peer; a unix socket counts as "::". */
bool forwarded_trusts(const struct worker *worker, const struct gw_forwarded *config,
                      const struct sockaddr *peer);

/* Fills rq->client_address, rq->client_ip and rq->trusted_peer; marks the client's own forwarding fields as dropped (they
 * are written anew by forwarded_lines). Needs: rq->head (may be empty), rq->listener, rq->pool. */
void forwarded_resolve(struct gw_req *rq, const struct sockaddr *peer);

/* True when the client came over TLS: to us, or as a trusted proxy says to it. */
bool forwarded_is_https(const struct gw_req *rq);

/* Appends the lines for the upstream: X-Forwarded-For, -Proto, -Host, -Port, -Prefix, X-Real-IP, and
 * Forwarded where the listener's mode is RFC 7239. Needs: forwarded_resolve, rq->forward. */
void forwarded_lines(const struct gw_req *rq, struct text *text);

#endif
