/* listen: listening sockets: one per worker and address (SO_REUSEPORT), so that workers share no accept
 * queue; a unix socket is one queue that all workers poll. A second gateway on the same address is an error,
 * not a silent share of the traffic. Sockets handed over in LISTEN_FDS are taken when their address is the
 * one asked for. Blocking calls: for the start of the process only. */
#ifndef IO_LISTEN_H
#define IO_LISTEN_H

#include "io/address.h"

enum { LISTEN_TEXT = 256, LISTEN_INHERITED_MAX = 64 };

/* Sockets that came with the process (systemd's protocol) and that nobody has taken yet. */
struct listen_inherited {
    int fds[LISTEN_INHERITED_MAX];
    unsigned count;
};

/* Reads LISTEN_PID and LISTEN_FDS and unsets them: children do not inherit. */
void listen_inherit(struct listen_inherited *inherited);

/* Opens `address` (address_parse's forms; port 0: any free one) for `count` workers, a descriptor of its own
 * for each. On success `text` says what is listened on, with the port; else why not, as a sentence.
 * "[::]" serves IPv4 too, and is 0.0.0.0 on a machine without IPv6. A unix socket is made with mode 0660; a
 * stale one that nobody listens on is replaced. `inherited` may be NULL. */
bool listen_open(struct str address, int *fds, unsigned count, struct listen_inherited *inherited,
                 char text[LISTEN_TEXT]);

/* True when sockets are left that no listener asked for; `text` names the first. */
bool listen_left_over(const struct listen_inherited *inherited, char text[LISTEN_TEXT]);

#endif
