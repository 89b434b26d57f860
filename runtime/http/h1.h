/* h1: the server's side of HTTP/1.1 (RFC 9112): reads heads, hands each request over as an exchange, writes
 * its answer, goes on to the next one or closes. One request at a time: what a client pipelines waits in
 * its socket. An idle connection holds no buffer and no pool.
 *
 *     IDLE ──first byte──▶ HEAD ──complete──▶ BUSY ──finish──▶ IDLE
 *       │ idle_timeout       │ bad, late        │       └──▶ DRAIN (a short unread body) ──▶ IDLE
 *       ▼                    ▼ refused          ▼ client must not go on
 *     closed               BUSY              LINGER (our side is shut, the rest is read away) ──▶ closed */
#ifndef HTTP_H1_H
#define HTTP_H1_H

#include "http/exchange.h"
#include "http/h1_head.h"
#include "http/h1_parse.h"
#include "http/wire.h"

struct h1_conn;
struct h2_conn;
struct h2_module;
struct h2_settings;

/* One listener's connections on one worker. */
struct h1_server {
    /* set by the owner */
    struct loop *loop;
    struct bufs *bufs; /* of at least h1_head_room(limits) */
    const struct h1_limits *limits;
    uint32_t header_timeout, idle_timeout; /* ms; 0: none */
    uint32_t keep_alive_requests;          /* 0: without limit */
    const bool *winding_down;              /* while true, answers say Connection: close */
    bool (*secure)(struct h1_server *server, struct stream *stream); /* adds a layer; NULL: plain */
    void (*request)(struct h1_server *server, struct exchange *x);   /* posts, does not answer */
    void (*closed)(struct h1_server *server, const struct sockaddr *peer);
    void *owner;
    /* HTTP/2 (http/h2.h): agreed on in TLS, or said by the first bytes where there is no TLS and `h2c`. */
    const struct h2_module *h2; /* NULL: never */
    const struct h2_settings *h2_settings;
    bool h2c;

    /* private */
    struct h2_conn *h2_conns; /* those that have become HTTP/2 */
    struct h1_conn *conns;    /* all others */
    struct h1_conn *spare;    /* memory of closed ones */
    unsigned spare_count;
    struct h1_date date;
    bool draining;
    size_t conn_count, busy_count; /* may be read */
};

void h1_server_open(struct h1_server *server);

/* Takes over a connected, non-blocking socket, and reads from it at once. */
void h1_accept(struct h1_server *server, int fd, const struct sockaddr *peer);

/* No answer keeps its connection any more; idle connections are closed after a moment in which a request that
 * is on its way still finds an open door. */
void h1_drain(struct h1_server *server);

/* Closes every connection at once; exchanges that are under way are told by `gone` and must be finished. */
void h1_server_close(struct h1_server *server);

#endif
