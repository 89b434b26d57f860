/* stream: a non-blocking stream of bytes with back-pressure: plain TCP and unix sockets, and whatever a layer
 * makes of them (TLS), behind the same functions. One persistent edge-triggered registration per socket: after a short read or a
 * blocked write the stream waits for the next edge, and no system call is made per wait.
 *
 * `ready` is called when something changed; the owner then reads while stream->readable and writes while
 * stream->writable. The owner may close the stream inside `ready`. An owner that leaves a stream readable
 * (back-pressure) is not called again for it: it goes on when it wants to. */
#ifndef IO_STREAM_H
#define IO_STREAM_H

#include <event2/event_struct.h>
#include <sys/uio.h>

#include "base/str.h"
#include "io/loop.h"

struct stream;
struct tls_peer;

/* What stands between a stream and its socket: TLS. Its calls keep the contracts of the functions of the same
 * name below, set the flags of the stream as those do, and may call stream_socket_read and
 * stream_socket_write. */
struct stream_layer {
    const struct stream_layer_ops *ops;
};

struct stream_layer_ops {
    ssize_t (*read)(struct stream *stream, void *to, size_t room);
    /* What it has taken is its own: it never asks for the same bytes again. What the socket does not take of
     * that sets `unsent`; until it has gone nothing more is taken (STREAM_AGAIN). */
    ssize_t (*write)(struct stream *stream, const struct iovec *iov, int count);
    /* Sends what is unsent: 0 when all of it has gone, STREAM_AGAIN, STREAM_FAILED. */
    ssize_t (*flush)(struct stream *stream);
    /* The flags say what the socket may do; the layer says what the stream may do. */
    void (*event)(struct stream *stream);
    void (*shutdown)(struct stream *stream);
    /* Frees the layer. In order: it says goodbye if the socket takes that at once. The socket is still open. */
    void (*close)(struct stream *stream, bool in_order);
    /* The application protocol that was agreed on (ALPN), "" when none was. */
    struct str (*protocol)(const struct stream *stream);
    /* What became of the handshake, and who the other side is; NULL: no memory. */
    const struct tls_peer *(*peer)(const struct stream *stream);
};

struct stream {
    struct event event;
    struct loop *loop;
    struct stream_layer *layer; /* NULL: bytes go as they are */
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
    bool cut;     /* the end came without the goodbye of the layer: it may be false */
    bool unsent;  /* the layer holds bytes that it has taken and the socket has not: stream_flush */
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

/* Bytes written (maybe fewer than asked), STREAM_AGAIN, STREAM_FAILED. A short write clears `writable`. */
ssize_t stream_write(struct stream *stream, const struct iovec *iov, int count);

/* Sends what a layer holds: 0 when nothing is unsent any more, STREAM_AGAIN, STREAM_FAILED. */
ssize_t stream_flush(struct stream *stream);

/* For a layer: the socket itself, with the contracts of stream_read and stream_write. */
ssize_t stream_socket_read(struct stream *stream, void *to, size_t room);
ssize_t stream_socket_write(struct stream *stream, const struct iovec *iov, int count);

/* The application protocol that was agreed on (ALPN): "h2", "http/1.1"; "" when none was. */
struct str stream_protocol(const struct stream *stream);

/* See io/tls.h; NULL for a stream without a layer. */
const struct tls_peer *stream_peer(const struct stream *stream);

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

/* Hands descriptor, flags and layer over to another stream, whose `ready` is set; `from` is closed then.
 * False: no memory for the registration, errno; everything is closed then. */
bool stream_move(struct stream *to, struct stream *from);

/* Ends our side (FIN); the peer may still send. */
void stream_shutdown(struct stream *stream);

/* Closing a closed stream (fd -1) does nothing. */
void stream_close(struct stream *stream);

/* Closes with a reset: the peer must not take what it got for complete. */
void stream_reset(struct stream *stream);

/* Lets go of the descriptor of a stream without a layer, without closing it: to hand it to another stream. */
int stream_release(struct stream *stream);

#endif
