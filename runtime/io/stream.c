#include "io/stream.h"

#include <assert.h>
#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

static ssize_t fail(struct stream *stream, int error)
{
    if (!stream->error)
        stream->error = error;
    stream->failed = stream->settled = true;
    stream->readable = stream->writable = false;
    return STREAM_FAILED;
}

/* Connected, or not: the socket says so when it becomes writable for the first time. */
static void settle(struct stream *stream)
{
    int error = 0;
    socklen_t len = sizeof error;

    stream->settled = true;
    getsockopt(stream->fd, SOL_SOCKET, SO_ERROR, &error, &len);
    if (error)
        fail(stream, error);
}

/* libevent reports an error on the socket as readable and writable: the next call on it tells which. A
 * peer's FIN is EV_CLOSED; it may come with data or after data that a short read has already taken, so the
 * stream stays readable from then on until the owner has read the end. */
static void on_event(evutil_socket_t fd, short what, void *arg)
{
    struct stream *stream = arg;
    struct loop *loop = stream->loop;

    (void)fd;
    loop_enter(loop);
    if (what & EV_CLOSED)
        stream->hangup = true;
    if (what & (EV_READ | EV_CLOSED)) {
        stream->readable = true;
        stream->drained = false;
    }
    if (what & EV_WRITE)
        stream->writable = true;
    if (stream->connecting && !stream->settled && (what & (EV_WRITE | EV_CLOSED)))
        settle(stream);
    if (stream->layer)
        stream->layer->ops->event(stream);
    stream->ready(stream);
    loop_run_posted(loop);
}

static bool register_fd(struct stream *stream)
{
    event_assign(&stream->event, stream->loop->base, stream->fd,
                 EV_READ | EV_WRITE | EV_CLOSED | EV_ET | EV_PERSIST, on_event, stream);
    return event_add(&stream->event, NULL) == 0;
}

bool stream_open(struct stream *stream, struct loop *loop, int fd)
{
    stream->loop = loop;
    stream->layer = NULL;
    stream->fd = fd;
    stream->error = 0;
    stream->readable = stream->writable = true;
    stream->connecting = stream->settled = stream->failed = stream->hangup = false;
    stream->drained = stream->cut = stream->unsent = false;
    if (register_fd(stream))
        return true;
    close(fd);
    stream->fd = -1;
    return false;
}

/* The registration follows connect(): an unconnected socket would report a hangup. */
bool stream_connect(struct stream *stream, struct loop *loop, const struct sockaddr *to,
                    unsigned to_len)
{
    int fd = socket(to->sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    int error;

    stream->fd = -1;
    if (fd < 0)
        return false;
    if (to->sa_family != AF_UNIX)
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
    /* An interrupted connect() goes on by itself; a unix socket never is in progress (EAGAIN: its
     * listener is full). */
    error = connect(fd, to, to_len) == 0 ? 0 : errno;
    if (error && error != EINPROGRESS && error != EINTR) {
        close(fd);
        errno = error;
        return false;
    }
    if (!stream_open(stream, loop, fd))
        return false;
    stream->connecting = true;
    stream->settled = error == 0;
    stream->readable = false;
    return true;
}

int stream_connected(struct stream *stream)
{
    if (stream->connecting && !stream->settled)
        return EINPROGRESS;
    stream->connecting = false;
    return stream->error;
}

/* The calls of the hot path without the C library's wrappers, which are cancellation points: each would
 * switch asynchronous cancellation on and off with atomic operations, and nobody here cancels threads. */
static ssize_t do_recv(int fd, void *to, size_t room)
{
    return syscall(SYS_recvfrom, fd, to, room, 0, NULL, NULL);
}

static ssize_t do_send(int fd, const struct iovec *iov, int count, int flags)
{
    struct msghdr message = {.msg_iov = (struct iovec *)iov, .msg_iovlen = (size_t)count};

    if (count == 1)
        return syscall(SYS_sendto, fd, iov->iov_base, iov->iov_len, flags, NULL, 0);
    return syscall(SYS_sendmsg, fd, &message, flags);
}

ssize_t stream_socket_read(struct stream *stream, void *to, size_t room)
{
    ssize_t got;

    assert(room > 0);
    do
        got = do_recv(stream->fd, to, room);
    while (got < 0 && errno == EINTR);
    if (got < 0 && errno != EAGAIN)
        return fail(stream, errno);
    if (got == 0)
        stream->hangup = true;
    stream->drained = got < 0;
    if (got <= 0 || ((size_t)got < room && !stream->hangup))
        stream->readable = false;
    return got < 0 ? STREAM_AGAIN : got;
}

ssize_t stream_read(struct stream *stream, void *to, size_t room)
{
    if (stream->layer)
        return stream->layer->ops->read(stream, to, room);
    return stream_socket_read(stream, to, room);
}

static size_t iov_len(const struct iovec *iov, int count)
{
    size_t len = 0;

    for (int i = 0; i < count; i++)
        len += iov[i].iov_len;
    return len;
}

ssize_t stream_socket_write(struct stream *stream, const struct iovec *iov, int count)
{
    ssize_t sent;

    do
        sent = do_send(stream->fd, iov, count, MSG_NOSIGNAL);
    while (sent < 0 && errno == EINTR);
    if (sent < 0 && errno != EAGAIN)
        return fail(stream, errno);
    stream->settled = stream->settled || sent >= 0;
    if (sent < 0 || (size_t)sent < iov_len(iov, count))
        stream->writable = false;
    return sent < 0 ? STREAM_AGAIN : sent;
}

ssize_t stream_write(struct stream *stream, const struct iovec *iov, int count)
{
    if (stream->layer)
        return stream->layer->ops->write(stream, iov, count);
    return stream_socket_write(stream, iov, count);
}

ssize_t stream_flush(struct stream *stream)
{
    if (stream->failed)
        return STREAM_FAILED;
    return stream->unsent ? stream->layer->ops->flush(stream) : 0;
}

struct str stream_protocol(const struct stream *stream)
{
    return stream->layer ? stream->layer->ops->protocol(stream) : STR("");
}

const struct tls_peer *stream_peer(const struct stream *stream)
{
    return stream->layer ? stream->layer->ops->peer(stream) : NULL;
}

/* From the pipe into the socket. */
static bool drain(struct stream *to, int pipe_out, size_t *stuck)
{
    while (*stuck > 0) {
        ssize_t moved =
            splice(pipe_out, NULL, to->fd, NULL, *stuck, SPLICE_F_MOVE | SPLICE_F_NONBLOCK);
        if (moved > 0) {
            *stuck -= (size_t)moved;
            continue;
        }
        if (moved < 0 && errno == EINTR)
            continue;
        if (moved < 0 && errno != EAGAIN) {
            fail(to, errno);
            return false;
        }
        to->writable = false;
        return true;
    }
    return true;
}

ssize_t stream_splice(struct stream *from, struct stream *to, int pipe[2], size_t len,
                      size_t *stuck)
{
    ssize_t got;

    if (!drain(to, pipe[0], stuck))
        return STREAM_FAILED;
    if (*stuck > 0)
        return STREAM_AGAIN;
    if (len == 0)
        return 0;
    do
        got = splice(from->fd, NULL, pipe[1], NULL, len, SPLICE_F_MOVE | SPLICE_F_NONBLOCK);
    while (got < 0 && errno == EINTR);
    if (got < 0 && errno != EAGAIN)
        return fail(from, errno);
    /* A full pipe looks like a short read, so only EAGAIN (the pipe was empty) says that `from` is. */
    if (got <= 0) {
        from->hangup = from->hangup || got == 0;
        from->readable = false;
        from->drained = got < 0;
        return got < 0 ? STREAM_AGAIN : 0;
    }
    *stuck = (size_t)got;
    return drain(to, pipe[0], stuck) ? got : STREAM_FAILED;
}

bool stream_is_broken(struct stream *stream)
{
    int error = 0;
    socklen_t len = sizeof error;

    if (!stream->failed && stream->fd >= 0 &&
        getsockopt(stream->fd, SOL_SOCKET, SO_ERROR, &error, &len) == 0 && error)
        fail(stream, error);
    return stream->failed;
}

void stream_shutdown(struct stream *stream)
{
    if (stream->fd < 0)
        return;
    if (stream->layer)
        stream->layer->ops->shutdown(stream);
    shutdown(stream->fd, SHUT_WR);
}

int stream_release(struct stream *stream)
{
    int fd = stream->fd;

    if (fd >= 0)
        event_del(&stream->event);
    stream->fd = -1;
    stream->readable = stream->writable = false;
    return fd;
}

/* In order: the layer may say goodbye first. */
static void end(struct stream *stream, bool in_order)
{
    int fd;

    if (stream->layer)
        stream->layer->ops->close(stream, in_order);
    stream->layer = NULL;
    stream->unsent = false;
    fd = stream_release(stream);
    if (fd >= 0)
        close(fd);
}

bool stream_move(struct stream *to, struct stream *from)
{
    void (*ready)(struct stream * stream) = to->ready;

    event_del(&from->event);
    *to = *from;
    to->ready = ready;
    from->fd = -1;
    from->layer = NULL;
    from->readable = from->writable = false;
    if (register_fd(to))
        return true;
    end(to, false);
    return false;
}

void stream_close(struct stream *stream)
{
    end(stream, true);
}

void stream_reset(struct stream *stream)
{
    if (stream->fd >= 0)
        setsockopt(stream->fd, SOL_SOCKET, SO_LINGER, &(struct linger){1, 0},
                   sizeof(struct linger));
    end(stream, false);
}
