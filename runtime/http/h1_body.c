#include "http/h1_body.h"

enum {
    CHUNK_MAX = 64 * 1024,  /* of what we send */
    GATHER_MAX = 16 * 1024, /* small chunks are gathered and sent together at the end of a turn */
    SIZE_LINE_MAX = 18,
    SPLICE_MIN = 32 * 1024, /* below, copying is cheaper than two more system calls */
};

void h1_reader_open(struct h1_reader *reader, const struct head *head, struct pool *pool)
{
    *reader = (struct h1_reader){
        .framing = head->framing, .drops_trailers = head->drops_trailers, .trailers.pool = pool};
    if (head->framing == FRAMING_LENGTH)
        reader->left = head->length;
    reader->ended =
        head->framing == FRAMING_NONE || (head->framing == FRAMING_LENGTH && head->length == 0);
}

static void reader_chunks(struct h1_reader *reader, struct buf *buf)
{
    size_t used = 0;

    switch (h1_chunks_read(&reader->chunks, buf->bytes + buf->start, buf_len(buf), &used,
                           &reader->run, reader->drops_trailers ? NULL : &reader->trailers)) {
    case H1_MORE:
        break;
    case H1_DONE:
        reader->ended = true;
        break;
    case H1_BAD:
        reader->failure = reader->chunks.reason;
        reader->bad = true;
        break;
    }
    buf->start += (uint32_t)used;
}

/* Makes a run of what the buffer holds. */
static void reader_run(struct h1_reader *reader, struct buf *buf)
{
    size_t len = buf_len(buf);

    if (reader->framing == FRAMING_CHUNKED) {
        reader_chunks(reader, buf);
        return;
    }
    if (reader->framing == FRAMING_LENGTH) {
        if (len > reader->left)
            len = (size_t)reader->left;
        reader->left -= len;
        reader->ended = reader->left == 0;
    }
    reader->run = (struct str){buf->bytes + buf->start, len};
    buf->start += (uint32_t)len;
}

/* One more read. BODY_DATA: something came. */
static enum body_state reader_fill(struct h1_reader *reader, struct wire *wire, struct bufs *bufs)
{
    ssize_t len = reader->lazy ? wire_fill(wire, bufs) : wire_fill_more(wire, bufs);

    if (len > 0)
        return BODY_DATA;
    if (len == STREAM_AGAIN)
        return BODY_WAIT;
    if (len == 0 && reader->framing == FRAMING_CLOSE && !wire->stream.cut) {
        reader->ended = true;
        return BODY_END;
    }
    if (len == WIRE_FULL) {
        reader->failure = "a chunk's framing is too long";
        reader->bad = true;
    } else {
        reader->failure = len == 0 ? "closed before the end of the body" : "reset within the body";
    }
    return BODY_FAILED;
}

enum body_state h1_reader_peek(struct h1_reader *reader, struct wire *wire, struct bufs *bufs,
                               struct str *data)
{
    for (;;) {
        enum body_state state;

        if (reader->run.len > 0) {
            *data = reader->run;
            return BODY_DATA;
        }
        if (reader->failure)
            return BODY_FAILED;
        if (reader->ended)
            return BODY_END;
        if (wire->in && buf_len(wire->in) > 0) {
            size_t before = buf_len(wire->in);
            reader_run(reader, wire->in);
            if (reader->run.len > 0 || buf_len(wire->in) < before || reader->ended ||
                reader->failure)
                continue;
        }
        state = reader_fill(reader, wire, bufs);
        if (state == BODY_WAIT)
            return BODY_WAIT;
    }
}

void h1_reader_consume(struct h1_reader *reader, size_t len)
{
    reader->run = str_from(reader->run, len);
}

bool h1_reader_skip(struct h1_reader *reader, struct wire *wire)
{
    for (;;) {
        size_t before;

        reader->run.len = 0;
        if (reader->ended || reader->failure || !wire->in)
            return reader->ended;
        before = buf_len(wire->in);
        if (before > 0)
            reader_run(reader, wire->in);
        if (reader->run.len == 0 && buf_len(wire->in) == before)
            return reader->ended;
    }
}

struct stream *h1_reader_spliceable(const struct h1_reader *reader, struct wire *wire,
                                    uint64_t *len)
{
    if (reader->framing != FRAMING_LENGTH || reader->left < SPLICE_MIN || reader->run.len > 0 ||
        reader->failure || !wire->stream.readable || wire->stream.layer ||
        (wire->in && buf_len(wire->in) > 0))
        return NULL;
    *len = reader->left;
    return &wire->stream;
}

void h1_reader_spliced(struct h1_reader *reader, uint64_t len)
{
    reader->left -= len;
    reader->ended = reader->left == 0;
}

/* ---- writing ---- */

static ssize_t write_chunk(struct h1_writer *writer, struct wire *wire, struct bufs *bufs,
                           struct str head, struct str data)
{
    char line[SIZE_LINE_MAX];
    struct wire_pieces pieces = {.count = 0};
    size_t total;

    data = str_head(data, CHUNK_MAX);
    wire_piece(&pieces, head);
    wire_piece(&pieces, (struct str){line, h1_chunk_size_line(line, data.len)});
    wire_piece(&pieces, data);
    wire_piece(&pieces, STR("\r\n"));
    total = head.len + pieces.at[1].iov_len + data.len + 2;
    if (wire->stream.writable && wire->out_len + total <= GATHER_MAX) {
        for (int i = 0; i < pieces.count; i++)
            wire_queue(wire, bufs, (struct str){pieces.at[i].iov_base, pieces.at[i].iov_len});
        return (ssize_t)data.len;
    }
    /* A chunk that was announced is queued to its end. */
    if (wire_send(wire, bufs, &pieces, total, writer->limit) < 0)
        return -1;
    return (ssize_t)data.len;
}

static ssize_t write_plain(struct h1_writer *writer, struct wire *wire, struct bufs *bufs,
                           struct str head, struct str data)
{
    struct wire_pieces pieces = {.count = 0};
    ssize_t taken;

    if (writer->framing == FRAMING_LENGTH && data.len > writer->left)
        data = str_head(data, (size_t)writer->left);
    if (head.len > 0)
        wire_piece(&pieces, head);
    wire_piece(&pieces, data);
    taken = wire_send(wire, bufs, &pieces, head.len, writer->limit);
    if (taken < 0)
        return -1;
    taken -= (ssize_t)head.len;
    writer->left -= writer->framing == FRAMING_LENGTH ? (uint64_t)taken : 0;
    return taken;
}

/* True when more may be taken: nothing waits for the socket, or the queue has room. */
static bool has_room(const struct h1_writer *writer, struct wire *wire, struct bufs *bufs)
{
    if (!wire_owes(wire))
        return true;
    if (writer->framing == FRAMING_CHUNKED && wire->stream.writable && wire->out_len < GATHER_MAX)
        return true;
    return wire_flush(wire, bufs) != WIRE_BLOCKED || wire->out_len < writer->limit;
}

ssize_t h1_writer_write(struct h1_writer *writer, struct wire *wire, struct bufs *bufs,
                        struct str head, struct str data)
{
    size_t len = data.len;

    if (wire->stream.failed)
        return -1;
    if (head.len == 0 && !has_room(writer, wire, bufs))
        return 0;
    switch (writer->framing) {
    case FRAMING_NONE:
        if (head.len > 0) {
            struct wire_pieces pieces = {.count = 0};
            wire_piece(&pieces, head);
            if (wire_send(wire, bufs, &pieces, head.len, 0) < 0)
                return -1;
        }
        return (ssize_t)len;
    case FRAMING_CHUNKED:
        return write_chunk(writer, wire, bufs, head, data);
    case FRAMING_LENGTH:
    case FRAMING_CLOSE:
        break;
    }
    return write_plain(writer, wire, bufs, head, data);
}

ssize_t h1_writer_splice(struct h1_writer *writer, struct wire *wire, struct bufs *bufs,
                         struct stream *from, uint64_t len)
{
    ssize_t moved;

    if (writer->framing != FRAMING_LENGTH || writer->left < len || wire->stream.layer)
        return BODY_NOT_SPLICED;
    if (wire->out_len > 0 && wire_flush(wire, bufs) == WIRE_BROKEN)
        return -1;
    /* The rest is read and kept when there is room for all of it: the sender is then free. */
    if (wire->out_len > 0 || !wire->stream.writable)
        return wire->out_len + len <= writer->limit && !bufs_are_full(bufs) ? BODY_NOT_SPLICED : 0;
    if (writer->is_slow && len > writer->limit)
        len = writer->limit;
    if (len == 0 || bufs_are_full(bufs))
        return BODY_NOT_SPLICED;
    moved = wire_splice(wire, bufs, from, (size_t)len);
    if (moved == STREAM_FAILED)
        return -1;
    if (moved == STREAM_AGAIN)
        return BODY_NOT_SPLICED;
    writer->is_slow = writer->is_slow || wire->out_len > 0;
    writer->left -= (uint64_t)moved;
    return moved;
}

enum body_state h1_writer_end(struct h1_writer *writer, struct wire *wire, struct bufs *bufs,
                              struct str head, struct str trailers)
{
    if (!writer->ended) {
        writer->ended = true;
        if (wire->stream.failed || (writer->framing == FRAMING_LENGTH && writer->left > 0))
            return BODY_FAILED;
        if (head.len > 0 && writer->framing != FRAMING_CHUNKED) {
            struct wire_pieces pieces = {.count = 0};
            wire_piece(&pieces, head);
            if (wire_send(wire, bufs, &pieces, head.len, 0) < 0)
                return BODY_FAILED;
        }
        if (writer->framing == FRAMING_CHUNKED) {
            wire_queue(wire, bufs, head);
            wire_queue(wire, bufs, STR("0\r\n"));
            wire_queue(wire, bufs, trailers);
            wire_queue(wire, bufs, STR("\r\n"));
        }
    }
    switch (wire_flush(wire, bufs)) {
    case WIRE_SENT:
        return BODY_END;
    case WIRE_BLOCKED:
        return BODY_WAIT;
    case WIRE_BROKEN:
        break;
    }
    return BODY_FAILED;
}
