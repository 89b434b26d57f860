/* stream: a non-blocking stream of bytes with back-pressure. Plain TCP and unix sockets now; TLS is to come
 * behind the same functions. One persistent edge-triggered registration per socket: after a short read or a
 * blocked write the stream waits for the next edge, and no system call is made per wait.
 *
 * `ready` is called when something changed; the owner then reads while stream->readable and writes while
 * stream->writable. The owner may close the stream inside `ready`. */
#ifndef IO_STREAM_H
#define IO_STREAM_H

#include <event2/event_struct.h>
#include <sys/uio.h>

#include "io/loop.h"

struct stream {
    struct event event;
    struct loop *loop;
    void (*ready)(struct stream *stream);
    int fd; /* -1: closed */
    bool readable, writable;
    bool connecting; /* stream_connect is under way; `ready` tells the outcome through stream_connected */
    bool failed;     /* reset, or an error on the socket */
    bool hangup;     /* the peer has shut down its side: read on to the end, then 0 */
};

enum { STREAM_AGAIN = -1, STREAM_FAILED = -2 };

/* Takes over a connected, non-blocking descriptor. The stream counts as readable and writable at once
 * (speculative I/O). */
void stream_open(struct stream *stream, struct loop *loop, int fd);

/* Starts to connect; writable at once so that a first send may be tried. false: refused at once, errno. */
struct sockaddr;
bool stream_connect(struct stream *stream, struct loop *loop, const struct sockaddr *to,
                    unsigned to_len);

/* After `ready` while connecting: 0 connected, else errno; EINPROGRESS: not yet. */
int stream_connected(struct stream *stream);

/* Bytes read (> 0), 0 at the end, STREAM_AGAIN, STREAM_FAILED. A short read clears `readable`. */
ssize_t stream_read(struct stream *stream, void *to, size_t room);

/* Bytes written (maybe fewer than asked), STREAM_AGAIN, STREAM_FAILED. A short write clears `writable`.
 * more: further bytes follow at once (MSG_MORE). */
ssize_t stream_write(struct stream *stream, const struct iovec *iov, int count);

/* Moves up to `len` bytes from one plain stream towards another through `pipe` (both ends, kept by the
 * worker) without copying; as splice(2). Returns as stream_read; *stuck is what sits in the pipe. */
ssize_t stream_splice(struct stream *from, struct stream *to, int pipe[2], size_t len,
                      size_t *stuck);

/* Ends our side (FIN); the peer may still send. */
void stream_shutdown(struct stream *stream);

void stream_close(struct stream *stream);

/* Closes with a reset: the peer must not take what it got for complete. */
void stream_reset(struct stream *stream);

#endif
