/* acceptor: takes connections from a listening socket. A bounded number per turn, so that a flood of new
 * ones does not starve those that are served. Out of descriptors, or when only the spare ones are left, it
 * pauses: clients then wait in the queue instead of being turned away, and the process says so once a minute. */
#ifndef IO_ACCEPTOR_H
#define IO_ACCEPTOR_H

#include "io/address.h"
#include "io/loop.h"

struct acceptor {
    struct event event;
    struct loop *loop;
    int fd;
    unsigned burst; /* how many to try for in a turn: grows while there are more */
    int spare_from; /* the owner's: descriptors from this number on are not for connections; 0: all are */
    struct timer pause, last_call;
    /* Takes over a connected, non-blocking descriptor. May close the acceptor. */
    void (*accepted)(struct acceptor *acceptor, int fd, const struct address *peer);
};

/* Starts to accept; takes over the descriptor of the listening socket. False with errno. */
bool acceptor_open(struct acceptor *acceptor, struct loop *loop, int fd,
                   void (*accepted)(struct acceptor *acceptor, int fd, const struct address *peer));

/* Lets nobody new in, takes those that are in the queue or half way through the handshake, and closes (fd is
 * -1) after a moment: closing at once would reset them. */
void acceptor_drain(struct acceptor *acceptor);

/* Stops, and closes the listening socket. Closing a closed one (fd -1) does nothing. */
void acceptor_close(struct acceptor *acceptor);

#endif
