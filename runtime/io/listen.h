/* listen: listening sockets: one per worker and address (SO_REUSEPORT), so that workers share no accept
 * queue; a unix socket is one queue that all workers poll. A second gateway on the same address is an error,
 * not a silent share of the traffic. Sockets handed over in LISTEN_FDS are taken when their address is the
 * one asked for. Blocking calls: for the start of the process only. */
#ifndef IO_LISTEN_H
#define IO_LISTEN_H

#include "io/address.h"

enum { LISTEN_TEXT = 256, LISTEN_INHERITED_MAX = 1024 };

/* Sockets that came with the process (systemd's protocol) and that nobody has taken yet. */
struct listen_inherited {
    int fds[LISTEN_INHERITED_MAX];
    unsigned count;
};

/* Reads LISTEN_PID and LISTEN_FDS and unsets them: children do not inherit. */
void listen_inherit(struct listen_inherited *inherited);

/* Opens `address` (address_parse's forms; port 0: any free one) for `count` workers, a descriptor of its own
 * for each. The number of descriptors: `count`, or more (up to `room`) when more sockets of this address were
 * inherited, each of which has to be served; 0: failed. On success `text` says what is listened on, with the port;
 * else why not, as a sentence.
 * "[::]" serves IPv4 too, and is 0.0.0.0 on a machine without IPv6. A unix socket is made with mode 0660; a
 * stale one that nobody listens on is replaced. `inherited` may be NULL. */
unsigned listen_open(struct str address, int *fds, unsigned count, unsigned room,
                     struct listen_inherited *inherited, char text[LISTEN_TEXT]);

/* True when sockets are left that no listener asked for; `text` names the first. */
bool listen_left_over(const struct listen_inherited *inherited, char text[LISTEN_TEXT]);

#endif
