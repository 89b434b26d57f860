/* connect: to the first of several addresses that answers (happy eyeballs, RFC 8305). An attempt that fails
 * is followed by the next address at once, one that hangs is joined by it after 250 ms; the first to be
 * connected wins and the others are closed. With one address use stream_connect: it costs nothing more. */
#ifndef IO_CONNECT_H
#define IO_CONNECT_H

#include "io/dns.h"
#include "io/stream.h"

enum { CONNECT_MAX = 8 }; /* addresses that are tried */

struct connector;

struct connect_attempt {
    struct stream stream;
    struct connector *connector;
};

struct connector {
    struct loop *loop;
    struct dns_address addresses[CONNECT_MAX]; /* a copy: the name may be refreshed meanwhile */
    struct connect_attempt attempts[CONNECT_MAX];
    size_t count, next, under_way;
    struct timer stagger, deadline;
    struct loop_call finished;
    void (*done)(struct connector *connector);
    void *owner; /* for `done`; set after connect_start */
    /* The outcome, for `done`. */
    int fd;     /* connected, non-blocking, the owner's from then on (stream_open); -1: failed */
    int error;  /* errno of the last attempt; ETIMEDOUT */
    size_t won; /* index into addresses */
};

/* Starts; `done` is called once, posted. timeout_ms 0: as long as the system tries. count > 0. */
void connect_start(struct connector *connector, struct loop *loop,
                   const struct dns_address *addresses, size_t count, uint64_t timeout_ms,
                   void (*done)(struct connector *connector));

/* Gives up before `done`, which is not called any more. */
void connect_cancel(struct connector *connector);

#endif
