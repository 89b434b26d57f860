#include "io/acceptor.h"

#include <errno.h>
#include <event2/event.h>
#include <stddef.h>
#include <unistd.h>

#include "base/log.h"

enum { BURST_MAX = 64, PAUSE_MS = 50, QUIET_MS = 60 * 1000 };

static void pause_accepting(struct acceptor *acceptor, int error)
{
    if (acceptor->loop->now >= acceptor->quiet_until) {
        log_warn("cannot accept connections for now: %s", strerror(error));
        acceptor->quiet_until = acceptor->loop->now + QUIET_MS;
    }
    event_del(&acceptor->event);
    timer_set(acceptor->loop, &acceptor->pause, PAUSE_MS);
}

static void on_pause_over(struct timer *timer)
{
    struct acceptor *acceptor =
        (struct acceptor *)((char *)timer - offsetof(struct acceptor, pause));

    event_add(&acceptor->event, NULL);
}

/* One connection; false when there is none to be had now. */
static bool accept_one(struct acceptor *acceptor)
{
    struct address peer = {.len = sizeof peer.at};
    int fd =
        accept4(acceptor->fd, (struct sockaddr *)&peer.at, &peer.len, SOCK_NONBLOCK | SOCK_CLOEXEC);

    if (fd >= 0) {
        acceptor->accepted(acceptor, fd, &peer);
        return true;
    }
    switch (errno) {
    case EMFILE:
    case ENFILE:
    case ENOBUFS:
    case ENOMEM:
        pause_accepting(acceptor, errno);
        return false;
    case EAGAIN:
        return false;
    default: /* ECONNABORTED, or an error of the network that belongs to that one connection */
        return true;
    }
}

/* Level-triggered: what is left is reported again in the next turn. */
static void on_readable(evutil_socket_t fd, short what, void *arg)
{
    struct acceptor *acceptor = arg;
    struct loop *loop = acceptor->loop;
    unsigned tried = 0;

    (void)what;
    loop_enter(loop);
    while (tried < acceptor->burst && accept_one(acceptor)) {
        tried++;
        if (acceptor->fd != fd) /* closed by its owner */
            break;
    }
    if (tried == acceptor->burst && tried < BURST_MAX)
        acceptor->burst = tried * 2;
    else if (tried < acceptor->burst)
        acceptor->burst = tried > 0 ? tried : 1;
    loop_run_posted(loop);
}

bool acceptor_open(struct acceptor *acceptor, struct loop *loop, int fd,
                   void (*accepted)(struct acceptor *acceptor, int fd, const struct address *peer))
{
    *acceptor = (struct acceptor){.loop = loop, .fd = fd, .burst = 1, .accepted = accepted};
    acceptor->pause.fire = on_pause_over;
    event_assign(&acceptor->event, loop->base, fd, EV_READ | EV_PERSIST, on_readable, acceptor);
    if (event_add(&acceptor->event, NULL) == 0)
        return true;
    close(fd);
    acceptor->fd = -1;
    return false;
}

void acceptor_close(struct acceptor *acceptor)
{
    if (acceptor->fd < 0)
        return;
    event_del(&acceptor->event);
    timer_clear(acceptor->loop, &acceptor->pause);
    close(acceptor->fd);
    acceptor->fd = -1;
}
