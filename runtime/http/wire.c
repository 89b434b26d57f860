#include "http/wire.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

enum {
    BUFS_KEPT = 512,
    FLUSH_PIECES = 8,
    PIPE_BYTES = 256 * 1024, /* room for many small pieces */
    SPLICE_MAX = 64 * 1024,  /* at once: what a slow receiver leaves has to be kept */
    HEAD_READ = 16 * 1024,
    HEAD_READ_LONG = 2 * 1024, /* most heads */
    ADDED_LINES = 32 * 1024    /* what a head may gain on its way through */
};

void bufs_open(struct bufs *bufs, uint32_t size)
{
    *bufs = (struct bufs){.size = size, .scratch_size = size + ADDED_LINES};
    bufs->scratch = pool_xmalloc(bufs->scratch_size);
    bufs->pipe[0] = bufs->pipe[1] = -1;
}

static void pipe_close(struct bufs *bufs)
{
    if (bufs->pipe[0] >= 0) {
        close(bufs->pipe[0]);
        close(bufs->pipe[1]);
    }
    bufs->pipe[0] = bufs->pipe[1] = -1;
}

static bool pipe_open(struct bufs *bufs)
{
    if (bufs->pipe[0] >= 0)
        return true;
    if (pipe2(bufs->pipe, O_NONBLOCK | O_CLOEXEC) != 0) {
        bufs->pipe[0] = bufs->pipe[1] = -1;
        return false;
    }
    /* More pages, fewer calls; the default does when this is not allowed. */
    fcntl(bufs->pipe[1], F_SETPIPE_SZ, PIPE_BYTES);
    return true;
}

void bufs_close(struct bufs *bufs)
{
    struct buf *buf;

    while ((buf = bufs->idle)) {
        bufs->idle = buf->next;
        free(buf);
    }
    free(bufs->scratch);
    pipe_close(bufs);
    *bufs = (struct bufs){0};
}

struct buf *buf_take(struct bufs *bufs)
{
    struct buf *buf = bufs->idle;

    if (buf) {
        bufs->idle = buf->next;
        bufs->idle_count--;
    } else {
        buf = pool_xmalloc(sizeof *buf + bufs->size);
    }
    buf->next = NULL;
    buf->start = buf->end = buf->keep = 0;
    return buf;
}

void buf_give(struct bufs *bufs, struct buf *buf)
{
    if (bufs->idle_count >= BUFS_KEPT) {
        free(buf);
        return;
    }
    buf->next = bufs->idle;
    bufs->idle = buf;
    bufs->idle_count++;
}

/* ---- in ---- */

static void move_down(struct buf *buf)
{
    size_t len = buf_len(buf);

    if (buf->start == buf->keep)
        return;
    if (len > 0)
        memmove(buf->bytes + buf->keep, buf->bytes + buf->start, len);
    buf->start = buf->keep;
    buf->end = buf->keep + (uint32_t)len;
}

static ssize_t fill(struct wire *wire, struct bufs *bufs, size_t most)
{
    struct buf *buf = wire->in;
    size_t room;
    ssize_t len;

    if (!wire->stream.readable)
        return wire->stream.failed ? STREAM_FAILED : STREAM_AGAIN;
    if (!buf)
        buf = wire->in = buf_take(bufs);
    if (buf->start == buf->end || buf->end == bufs->size)
        move_down(buf);
    if (buf->end == bufs->size)
        return WIRE_FULL;
    room = bufs->size - buf->end;
    len = stream_read(&wire->stream, buf->bytes + buf->end, room < most ? room : most);
    if (len > 0)
        buf->end += (uint32_t)len;
    return len;
}

ssize_t wire_fill(struct wire *wire, struct bufs *bufs)
{
    return fill(wire, bufs, SIZE_MAX);
}

ssize_t wire_fill_head(struct wire *wire, struct bufs *bufs, bool long_body)
{
    return fill(wire, bufs, long_body ? HEAD_READ_LONG : HEAD_READ);
}

ssize_t wire_fill_more(struct wire *wire, struct bufs *bufs)
{
    if (!wire->stream.readable && !wire->stream.drained && !wire->stream.failed)
        wire->stream.readable = true;
    return wire_fill(wire, bufs);
}

void wire_drop_in(struct wire *wire, struct bufs *bufs)
{
    if (wire->in)
        buf_give(bufs, wire->in);
    wire->in = NULL;
}

/* ---- out ---- */

void wire_queue(struct wire *wire, struct bufs *bufs, struct str text)
{
    wire->out_len += text.len;
    bufs->held += text.len;
    while (text.len > 0) {
        struct buf *last = wire->out_last;
        size_t room = last ? bufs->size - last->end : 0;
        size_t len = text.len < room ? text.len : room;

        if (len == 0) {
            struct buf *more = buf_take(bufs);
            if (last)
                last->next = more;
            else
                wire->out = more;
            wire->out_last = more;
            continue;
        }
        memcpy(last->bytes + last->end, text.at, len);
        last->end += (uint32_t)len;
        text = str_from(text, len);
    }
}

void wire_forget(struct wire *wire, struct bufs *bufs, size_t len)
{
    wire->out_len -= len;
    bufs->held -= len;
    while (wire->out && len >= buf_len(wire->out)) {
        struct buf *sent = wire->out;
        len -= buf_len(sent);
        wire->out = sent->next;
        buf_give(bufs, sent);
    }
    if (!wire->out)
        wire->out_last = NULL;
    else
        wire->out->start += (uint32_t)len;
}

static void queue_drop(struct wire *wire, struct bufs *bufs)
{
    wire_forget(wire, bufs, wire->out_len);
}

static enum wire_sent flush_layer(struct wire *wire)
{
    if (!wire->stream.unsent)
        return WIRE_SENT;
    switch (stream_flush(&wire->stream)) {
    case 0:
        return WIRE_SENT;
    case STREAM_AGAIN:
        return WIRE_BLOCKED;
    default:
        return WIRE_BROKEN;
    }
}

enum wire_sent wire_flush(struct wire *wire, struct bufs *bufs)
{
    while (wire->out_len > 0) {
        struct iovec iov[FLUSH_PIECES];
        int count = 0;
        ssize_t sent;

        if (wire->stream.failed)
            return WIRE_BROKEN;
        if (!wire->stream.writable)
            return WIRE_BLOCKED;
        for (struct buf *buf = wire->out; buf && count < FLUSH_PIECES; buf = buf->next)
            iov[count++] = (struct iovec){buf->bytes + buf->start, buf_len(buf)};
        sent = stream_write(&wire->stream, iov, count);
        if (sent == STREAM_AGAIN)
            return WIRE_BLOCKED;
        if (sent < 0)
            return WIRE_BROKEN;
        wire_forget(wire, bufs, (size_t)sent);
    }
    return flush_layer(wire);
}

/* Cuts the first `len` bytes off the pieces. */
static void pieces_skip(struct wire_pieces *pieces, size_t len)
{
    for (int i = 0; i < pieces->count && len > 0; i++) {
        struct iovec *piece = &pieces->at[i];
        size_t cut = len < piece->iov_len ? len : piece->iov_len;
        piece->iov_base = (char *)piece->iov_base + cut;
        piece->iov_len -= cut;
        len -= cut;
    }
}

static size_t pieces_len(const struct wire_pieces *pieces)
{
    size_t len = 0;

    for (int i = 0; i < pieces->count; i++)
        len += pieces->at[i].iov_len;
    return len;
}

static void queue_pieces(struct wire *wire, struct bufs *bufs, const struct wire_pieces *pieces,
                         size_t len)
{
    for (int i = 0; i < pieces->count && len > 0; i++) {
        struct str piece =
            str_head((struct str){pieces->at[i].iov_base, pieces->at[i].iov_len}, len);
        wire_queue(wire, bufs, piece);
        len -= piece.len;
    }
}

ssize_t wire_send(struct wire *wire, struct bufs *bufs, struct wire_pieces *pieces, size_t must,
                  size_t limit)
{
    size_t total = pieces_len(pieces), kept;
    ssize_t sent = 0;

    if (wire->stream.failed || (wire_owes(wire) && wire_flush(wire, bufs) == WIRE_BROKEN))
        return -1;
    if (wire->out_len == 0 && wire->stream.writable)
        sent = stream_write(&wire->stream, pieces->at, pieces->count);
    if (sent == STREAM_FAILED)
        return -1;
    if (sent < 0)
        sent = 0;
    if ((size_t)sent == total)
        return sent;
    pieces_skip(pieces, (size_t)sent);
    kept = limit > wire->out_len && !bufs_are_full(bufs) ? limit - wire->out_len : 0;
    if (must > (size_t)sent && kept < must - (size_t)sent)
        kept = must - (size_t)sent;
    if (kept > total - (size_t)sent)
        kept = total - (size_t)sent;
    queue_pieces(wire, bufs, pieces, kept);
    return sent + (ssize_t)kept;
}

/* The pipe serves many connections: what a slow receiver leaves in it moves to the queue. */
static bool queue_stuck(struct wire *wire, struct bufs *bufs, size_t stuck)
{
    while (stuck > 0) {
        size_t room = stuck < bufs->scratch_size ? stuck : bufs->scratch_size;
        ssize_t len = read(bufs->pipe[0], bufs->scratch, room);
        if (len < 0 && errno == EINTR)
            continue;
        if (len <= 0)
            return false;
        wire_queue(wire, bufs, (struct str){bufs->scratch, (size_t)len});
        stuck -= (size_t)len;
    }
    return true;
}

ssize_t wire_splice(struct wire *wire, struct bufs *bufs, struct stream *from, size_t len)
{
    size_t stuck = 0;
    ssize_t moved;

    if (!pipe_open(bufs))
        return STREAM_AGAIN;
    moved =
        stream_splice(from, &wire->stream, bufs->pipe, len < SPLICE_MAX ? len : SPLICE_MAX, &stuck);
    if (moved == STREAM_FAILED || (stuck > 0 && !queue_stuck(wire, bufs, stuck)))
        pipe_close(bufs);
    if (wire->stream.failed)
        return STREAM_FAILED;
    /* An end or a failure of `from` is met again by reading: recv says 0 or tells the error. */
    return moved > 0 ? moved : STREAM_AGAIN;
}

void wire_close(struct wire *wire, struct bufs *bufs)
{
    stream_close(&wire->stream);
    wire_drop_in(wire, bufs);
    queue_drop(wire, bufs);
}

void wire_reset(struct wire *wire, struct bufs *bufs)
{
    stream_reset(&wire->stream);
    wire_drop_in(wire, bufs);
    queue_drop(wire, bufs);
}
