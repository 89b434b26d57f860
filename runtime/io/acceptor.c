#include "io/acceptor.h"

#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <stddef.h>
#include <unistd.h>

#include "base/log.h"

enum {
    BURST_MAX = 64,
    PAUSE_MS = 50,
    QUIET_MS = 60 * 1000,
    LAST_CALL_MS = 200 /* longer than a handshake over most networks */
};

/* Descriptors are the process's, so that one worker says it for all. */
static void say_once(uint64_t now, int error)
{
    static uint64_t quiet_until; /* clock_ms, atomic */
    uint64_t until = __atomic_load_n(&quiet_until, __ATOMIC_RELAXED);

    if (now >= until && __atomic_compare_exchange_n(&quiet_until, &until, now + QUIET_MS, false,
                                                    __ATOMIC_RELAXED, __ATOMIC_RELAXED))
        log_warn("cannot accept connections for now: %s", strerror(error));
}

static void pause_accepting(struct acceptor *acceptor, int error)
{
    say_once(acceptor->loop->now, error);
    event_del(&acceptor->event);
    timer_set(acceptor->loop, &acceptor->pause, PAUSE_MS);
}

/* A new descriptor is the lowest free number: with one as high as this, all below are in use. */
static bool is_spare(const struct acceptor *acceptor, int fd)
{
    return acceptor->spare_from > 0 && fd >= acceptor->spare_from;
}

static bool has_room(const struct acceptor *acceptor)
{
    int fd = acceptor->spare_from > 0 ? fcntl(acceptor->fd, F_DUPFD_CLOEXEC, 0) : 0;

    if (acceptor->spare_from > 0 && fd >= 0)
        close(fd);
    return fd >= 0 && !is_spare(acceptor, fd);
}

static void on_pause_over(struct timer *timer)
{
    struct acceptor *acceptor =
        (struct acceptor *)((char *)timer - offsetof(struct acceptor, pause));

    if (has_room(acceptor))
        event_add(&acceptor->event, NULL);
    else
        timer_set(acceptor->loop, &acceptor->pause, PAUSE_MS);
}

/* One connection; false when there is none to be had now. */
static bool accept_one(struct acceptor *acceptor)
{
    struct address peer = {.len = sizeof peer.at};
    int fd =
        accept4(acceptor->fd, (struct sockaddr *)&peer.at, &peer.len, SOCK_NONBLOCK | SOCK_CLOEXEC);

    if (fd >= 0) {
        bool spare = is_spare(acceptor, fd);
        acceptor->accepted(acceptor, fd, &peer);
        if (spare && acceptor->fd >= 0)
            pause_accepting(acceptor, EMFILE);
        return !spare;
    }
    switch (errno) {
    case EMFILE:
    case ENFILE:
    case ENOBUFS:
    case ENOMEM:
        pause_accepting(acceptor, errno);
        return false;
    case EAGAIN:
    case EINVAL: /* shut down, and nothing left in the queue */
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

void acceptor_close(struct acceptor *acceptor)
{
    if (acceptor->fd < 0)
        return;
    event_del(&acceptor->event);
    timer_clear(acceptor->loop, &acceptor->pause);
    timer_clear(acceptor->loop, &acceptor->last_call);
    close(acceptor->fd);
    acceptor->fd = -1;
}

static void take_the_rest(struct acceptor *acceptor)
{
    while (acceptor->fd >= 0 && accept_one(acceptor))
        continue;
    acceptor_close(acceptor);
}

static void on_last_call(struct timer *timer)
{
    take_the_rest((struct acceptor *)((char *)timer - offsetof(struct acceptor, last_call)));
}

/* Drops every SYN (byte 13 of the TCP header, bit 1) before the socket sees it. The client asks again a
 * second later, and finds a closed port or the next gateway; nobody is reset who believes to be connected. */
static bool drop_newcomers(int fd)
{
    struct sock_filter code[] = {
        BPF_STMT(BPF_LD | BPF_B | BPF_ABS, 13),
        BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, 2, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, 0),
        BPF_STMT(BPF_RET | BPF_K, UINT32_MAX),
    };
    struct sock_fprog program = {.len = sizeof code / sizeof *code, .filter = code};

    return setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof program) == 0;
}

static bool is_unix(int fd)
{
    struct address bound = {.len = sizeof bound.at};

    return getsockname(fd, (struct sockaddr *)&bound.at, &bound.len) == 0 &&
           bound.at.ss_family == AF_UNIX;
}

void acceptor_drain(struct acceptor *acceptor)
{
    if (acceptor->fd < 0)
        return;
    acceptor->spare_from = 0; /* for the last ones */
    if (is_unix(acceptor->fd)) {
        shutdown(acceptor->fd, SHUT_RD); /* it refuses from now on, and keeps its queue */
        take_the_rest(acceptor);
    } else if (drop_newcomers(acceptor->fd)) {
        timer_set(acceptor->loop, &acceptor->last_call, LAST_CALL_MS);
    } else {
        take_the_rest(acceptor);
    }
}

bool acceptor_open(struct acceptor *acceptor, struct loop *loop, int fd,
                   void (*accepted)(struct acceptor *acceptor, int fd, const struct address *peer))
{
    *acceptor = (struct acceptor){.loop = loop, .fd = fd, .burst = 1, .accepted = accepted};
    acceptor->pause.fire = on_pause_over;
    acceptor->last_call.fire = on_last_call;
    event_assign(&acceptor->event, loop->base, fd, EV_READ | EV_PERSIST, on_readable, acceptor);
    if (event_add(&acceptor->event, NULL) == 0)
        return true;
    close(fd);
    acceptor->fd = -1;
    return false;
}
