/* stream: a non-blocking stream of bytes with back-pressure. Plain TCP and unix sockets now; TLS is to come
 * behind the same functions. One persistent edge-triggered registration per socket: after a short read or a
 * blocked write the stream waits for the next edge, and no system call is made per wait.
 *
 * `ready` is called when something changed; the owner then reads while stream->readable and writes while
 * stream->writable. The owner may close the stream inside `ready`. An owner that leaves a stream readable
 * (back-pressure) is not called again for it: it goes on when it wants to. */
#ifndef IO_STREAM_H
#define IO_STREAM_H

#include <event2/event_struct.h>
#include <sys/uio.h>

#include "io/loop.h"

struct stream {
    struct event event;
    struct loop *loop;
    void (*ready)(struct stream *stream);
    int fd;    /* -1: closed */
    int error; /* errno of the first failure */
    bool readable, writable;
    bool
        connecting; /* stream_connect is under way; `ready` tells the outcome through stream_connected */
    bool settled; /* the outcome is known */
    bool failed;  /* reset, or an error on the socket */
    bool hangup;  /* the peer has shut down its side: read on to the end, then 0 */
    bool drained; /* the socket itself said that there is nothing to read, after the last event */
};

enum { STREAM_AGAIN = -1, STREAM_FAILED = -2 };

/* Takes over a connected, non-blocking descriptor; `ready` must be set before the next turn of the loop.
 * The stream counts as readable and writable at once (speculative I/O). False: no memory for the
 * registration, errno; the descriptor is then closed. */
bool stream_open(struct stream *stream, struct loop *loop, int fd);

/* Starts to connect; writable at once so that a first send may be tried: it succeeds when the peer is near,
 * else it is STREAM_AGAIN and `ready` tells when to try again. false: refused at once, errno; the stream is
 * closed then. */
struct sockaddr;
bool stream_connect(struct stream *stream, struct loop *loop, const struct sockaddr *to,
                    unsigned to_len);

/* While connecting: 0 connected, else errno; EINPROGRESS: not yet. Ends `connecting` unless EINPROGRESS. */
int stream_connected(struct stream *stream);

/* Bytes read (> 0), 0 at the end, STREAM_AGAIN, STREAM_FAILED. A short read clears `readable`, except when
 * the peer has hung up: then the end is still to be read. room > 0.
 * libevent does not tell a reset from data on a writable socket, so a short read may have left an error
 * behind that no event will report: whoever needs more bytes now reads on until `drained`. */
ssize_t stream_read(struct stream *stream, void *to, size_t room);

/* Bytes written (maybe fewer than asked), STREAM_AGAIN, STREAM_FAILED. A short write clears `writable`.
 * The second one says that further bytes follow at once (MSG_MORE). */
ssize_t stream_write(struct stream *stream, const struct iovec *iov, int count);
ssize_t stream_write_more(struct stream *stream, const struct iovec *iov, int count);

/* Moves up to `len` bytes from one plain stream towards another through `pipe` (both ends, non-blocking)
 * without copying, as splice(2). *stuck is what sits in the pipe because `to` did not take it: it goes first,
 * by a call with len 0 when nothing more is to be read. Returns the bytes read as stream_read does (with
 * len 0: 0). STREAM_AGAIN: `from` has nothing, or `to` takes nothing. STREAM_FAILED: either of them, see
 * `failed`. A pipe with bytes in it belongs to this transfer; after a failure it has to be closed. The
 * process must ignore SIGPIPE. */
ssize_t stream_splice(struct stream *from, struct stream *to, int pipe[2], size_t len,
                      size_t *stuck);

/* Asks the socket whether the connection was reset: for streams that are not being read. One system call. */
bool stream_is_broken(struct stream *stream);

/* Ends our side (FIN); the peer may still send. */
void stream_shutdown(struct stream *stream);

/* Closing a closed stream (fd -1) does nothing. */
void stream_close(struct stream *stream);

/* Closes with a reset: the peer must not take what it got for complete. */
void stream_reset(struct stream *stream);

/* Lets go of the descriptor without closing it: to hand it to another stream. */
int stream_release(struct stream *stream);

#endif
