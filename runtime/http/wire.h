/* wire: the bytes of one connection on their way in and out, for clients and upstreams alike: a receive
 * buffer that is borrowed only while it holds something, and a queue for what the socket did not take.
 * Buffers come from a last-in-first-out list of the worker, so that the warm ones are used again and the
 * steady state never allocates. */
#ifndef HTTP_WIRE_H
#define HTTP_WIRE_H

#include "http/message.h"
#include "io/stream.h"

/*   bytes ┬ keep ┬ done with ┬ unread (received) or unsent (queued) ┬ room ┐
 *         0                start                                   end    size */
struct buf {
    struct buf *next;
    uint32_t start, end;
    uint32_t
        keep; /* bytes at the front that stay: the head that a request or an answer points into */
    char bytes[];
};

struct bufs {
    struct buf *idle;
    uint32_t idle_count;
    uint32_t size; /* of each buffer's bytes */
    uint32_t scratch_size;
    char *scratch;     /* for the duration of one call: heads being written */
    int pipe[2];       /* the same: for splice; -1: not open */
    uint64_t held;     /* bytes in all queues */
    uint64_t held_max; /* beyond it nothing more is kept for slow receivers; 0: no limit */
};

static inline bool bufs_are_full(const struct bufs *bufs)
{
    return bufs->held_max > 0 && bufs->held >= bufs->held_max;
}

void bufs_open(struct bufs *bufs, uint32_t size);
void bufs_close(struct bufs *bufs);
struct buf *buf_take(struct bufs *bufs);
void buf_give(struct bufs *bufs, struct buf *buf);

static inline size_t buf_len(const struct buf *buf)
{
    return buf->end - buf->start;
}

struct wire {
    struct stream stream;
    struct buf *in; /* NULL: nothing received and nothing kept */
    struct buf *out, *out_last;
    size_t out_len; /* bytes queued */
};

enum { WIRE_FULL = -3 };

/* True while something that was accepted has not left. */
static inline bool wire_owes(const struct wire *wire)
{
    return wire->out_len > 0 || wire->stream.unsent;
}

/* One read behind what is there: bytes read, 0 at the end, STREAM_AGAIN, STREAM_FAILED, or WIRE_FULL when
 * there is no room. Makes room by moving unread bytes down to `keep` when that helps. */
ssize_t wire_fill(struct wire *wire, struct bufs *bufs);

/* The same, for the head of an answer: no more than a little of the body, so that what is long is left to
 * splice; next to nothing of it when it is `long_body`. */
ssize_t wire_fill_head(struct wire *wire, struct bufs *bufs, bool long_body);

/* The same in the middle of a message: takes a short read for the end of what there is only when the socket
 * says so, since a reset may hide behind it (see stream_read). */
ssize_t wire_fill_more(struct wire *wire, struct bufs *bufs);

/* The receive buffer goes back, whatever it holds. */
void wire_drop_in(struct wire *wire, struct bufs *bufs);

/* Queues text without sending it. */
void wire_queue(struct wire *wire, struct bufs *bufs, struct str text);

/* Takes the first `len` bytes out of the queue. */
void wire_forget(struct wire *wire, struct bufs *bufs, size_t len);

/* Sends what is queued: BODY_END-like answers are spelled out. */
enum wire_sent { WIRE_SENT, WIRE_BLOCKED, WIRE_BROKEN };
enum wire_sent wire_flush(struct wire *wire, struct bufs *bufs);

/* Sends the pieces behind what is queued. What the socket does not take is queued up to a queue length of
 * `limit`, the first `must` bytes in any case. Bytes accepted, or -1. The pieces are consumed. */
struct wire_pieces {
    struct iovec at[6];
    int count;
};
static inline void wire_piece(struct wire_pieces *pieces, struct str text)
{
    pieces->at[pieces->count++] = (struct iovec){(void *)text.at, text.len};
}
ssize_t wire_send(struct wire *wire, struct bufs *bufs, struct wire_pieces *pieces, size_t must,
                  size_t limit);

/* Moves up to `len` bytes from one socket towards the wire's without looking at them; what it does not take
 * is queued. Bytes moved (> 0), STREAM_AGAIN: `from` has nothing for now, or this cannot be done;
 * STREAM_FAILED: the wire's socket failed. Needs: nothing queued. */
ssize_t wire_splice(struct wire *wire, struct bufs *bufs, struct stream *from, size_t len);

/* Closes the socket and gives all buffers back. */
void wire_close(struct wire *wire, struct bufs *bufs);
/* The same with a reset. */
void wire_reset(struct wire *wire, struct bufs *bufs);

#endif
