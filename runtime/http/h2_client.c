#include "http/h2_client.h"

#include <nghttp2/nghttp2.h>
#include <pthread.h>
#include <stdlib.h>

#include "http/h1_head.h"
#include "http/h2_memory.h"

enum {
    OUT_MAX = 64 * 1024,
    READS_PER_EVENT = 8,
    STREAM_WINDOW = 256 * 1024,
    LINK_WINDOW = 16 * 1024 * 1024,
    SETTINGS_MS = 10 * 1000,
    PING_MS = 30 * 1000, /* of silence while something is under way */
    PONG_MS = 10 * 1000,
    ACKS_MAX = 200,
    FIELDS_MAX = 512,
    FRAME_HEAD = 9,
    METHOD_FIELDS = 4
};

#define CONTAINER(type, member, at) ((type *)((char *)(at)-offsetof(type, member)))

static pthread_once_t once = PTHREAD_ONCE_INIT;
static nghttp2_session_callbacks *callbacks;
static nghttp2_option *options;

static struct h2_stream *stream_of(nghttp2_session *session, int32_t id)
{
    return nghttp2_session_get_stream_user_data(session, id);
}

static void flush_soon(struct h2_link *link)
{
    loop_post_later(link->loop, &link->flush);
}

/* ---- streams ---- */

static void rest(struct h2_link *link)
{
    link->pinged = false;
    if (link->idle_timeout > 0)
        timer_set(link->loop, &link->timer, link->idle_timeout);
    else
        timer_clear(link->loop, &link->timer);
}

static void detach(struct h2_link *link, struct h2_stream *stream)
{
    *stream->at = stream->next;
    if (stream->next)
        stream->next->at = stream->at;
    wire_forget(&stream->queued, stream->bufs, stream->queued.out_len);
    stream->link = NULL;
    if (--link->count == 0)
        rest(link);
    flush_soon(link);
}

static void lose(struct h2_stream *stream, bool unprocessed)
{
    detach(stream->link, stream);
    stream->events->lost(stream, unprocessed);
}

void h2_stream_drop(struct h2_stream *stream)
{
    struct h2_link *link = stream->link;

    if (stream->bufs)
        wire_forget(&stream->received, stream->bufs, stream->received.out_len);
    if (!link)
        return;
    nghttp2_session_set_stream_user_data(link->session, stream->id, NULL);
    if (!stream->in_ended || !stream->out_ended || stream->queued.out_len > 0)
        nghttp2_submit_rst_stream(link->session, 0, stream->id,
                                  stream->in_ended ? NGHTTP2_NO_ERROR : NGHTTP2_CANCEL);
    detach(link, stream);
}

/* NOLINTNEXTLINE(readability-function-size,readability-non-const-parameter): the signature is nghttp2's */
static ssize_t on_read(nghttp2_session *session, int32_t id, uint8_t *to, size_t room,
                       uint32_t *flags, nghttp2_data_source *source, void *arg)
{
    struct h2_stream *stream = source->ptr;
    size_t len = stream->queued.out_len < room ? stream->queued.out_len : room;

    (void)session;
    (void)id;
    (void)to;
    (void)arg;
    if (len == 0 && !stream->out_ended) {
        stream->deferred = true;
        return NGHTTP2_ERR_DEFERRED;
    }
    *flags |= NGHTTP2_DATA_FLAG_NO_COPY;
    if (stream->out_ended && len == stream->queued.out_len) {
        struct h2_field fields[FIELDS_MAX];
        nghttp2_nv pairs[FIELDS_MAX];
        struct str lines = pool_copy(stream->pool, stream->trailers_out);
        size_t count = h2_fields_of((char *)lines.at, lines.len, fields, FIELDS_MAX);
        *flags |= NGHTTP2_DATA_FLAG_EOF;
        for (size_t i = 0; count != SIZE_MAX && i < count; i++)
            pairs[i] = (nghttp2_nv){(uint8_t *)fields[i].name.at, (uint8_t *)fields[i].value.at,
                                    fields[i].name.len, fields[i].value.len, 0};
        if (count > 0 && count != SIZE_MAX) {
            *flags |= NGHTTP2_DATA_FLAG_NO_END_STREAM;
            nghttp2_submit_trailer(session, id, pairs, count);
        }
    }
    return (ssize_t)len;
}

static int on_send(nghttp2_session *session, nghttp2_frame *frame, const uint8_t *frame_head,
                   size_t len, nghttp2_data_source *source, void *arg)
{
    struct h2_stream *stream = source->ptr;
    struct h2_link *link = arg;

    (void)session;
    (void)frame;
    wire_queue(&link->wire, link->bufs, (struct str){(const char *)frame_head, FRAME_HEAD});
    while (len > 0) {
        struct buf *first = stream->queued.out;
        struct str part = str_head((struct str){first->bytes + first->start, buf_len(first)}, len);
        wire_queue(&link->wire, link->bufs, part);
        wire_forget(&stream->queued, link->bufs, part.len);
        len -= part.len;
    }
    return 0;
}

/* "GET /path HTTP/1.1\r\nHost: …\r\n…": false when it does not fit. */
static size_t make_pairs(const struct h2_link *link, struct head_text *head, nghttp2_nv *pairs)
{
    struct h2_field fields[FIELDS_MAX];
    char *end = memchr(head->at, '\r', head->len);
    struct str line = {head->at, end ? (size_t)(end - head->at) : 0};
    size_t space = str_find(line, ' '), count, used = METHOD_FIELDS;
    struct str method = str_head(line, space), rest = str_from(line, space + 1);
    struct str path = str_head(rest, str_find(rest, ' ')), authority = STR("");
    struct str scheme = link->wire.stream.layer ? STR("https") : STR("http");

    count = head->full || !end ? SIZE_MAX
                               : h2_fields_of(end + 2, head->len - line.len - 2, fields,
                                              FIELDS_MAX - METHOD_FIELDS);
    if (count == SIZE_MAX)
        return 0;
    for (size_t i = 0; i < count; i++) {
        if (str_eq(fields[i].name, STR("host")))
            authority = fields[i].value;
        else
            pairs[used++] =
                (nghttp2_nv){(uint8_t *)fields[i].name.at, (uint8_t *)fields[i].value.at,
                             fields[i].name.len, fields[i].value.len, 0};
    }
    pairs[0] = (nghttp2_nv){(uint8_t *)":method", (uint8_t *)method.at, 7, method.len, 0};
    pairs[1] = (nghttp2_nv){(uint8_t *)":scheme", (uint8_t *)scheme.at, 7, scheme.len, 0};
    pairs[2] = (nghttp2_nv){(uint8_t *)":authority", (uint8_t *)authority.at, 10, authority.len, 0};
    pairs[3] = (nghttp2_nv){(uint8_t *)":path", (uint8_t *)path.at, 5, path.len, 0};
    return used;
}

bool h2_stream_begin(struct h2_stream *stream, struct h2_link *link, struct head_text *head,
                     bool ends)
{
    nghttp2_nv pairs[FIELDS_MAX];
    nghttp2_data_provider content = {.source.ptr = stream, .read_callback = on_read};
    size_t count = make_pairs(link, head, pairs);

    if (count == 0)
        return false;
    stream->id =
        nghttp2_submit_request(link->session, NULL, pairs, count, ends ? NULL : &content, stream);
    if (stream->id < 0)
        return false;
    stream->link = link;
    stream->bufs = link->bufs;
    stream->received.stream.fd = stream->queued.stream.fd = -1;
    stream->out_ended = ends;
    stream->next = link->streams;
    stream->at = &link->streams;
    if (stream->next)
        stream->next->at = &stream->next;
    link->streams = stream;
    if (link->count++ == 0) {
        link->heard = true;
        timer_set(link->loop, &link->timer, PING_MS);
    }
    h2_list_begin(&stream->list, stream->pool, link->limits);
    flush_soon(link);
    return true;
}

static void resume(struct h2_stream *stream)
{
    if (stream->deferred)
        nghttp2_session_resume_data(stream->link->session, stream->id);
    stream->deferred = false;
    flush_soon(stream->link);
}

ssize_t h2_stream_write(struct h2_stream *stream, struct str data)
{
    size_t room;

    if (!stream->link)
        return -1;
    room =
        stream->queue_max > stream->queued.out_len ? stream->queue_max - stream->queued.out_len : 0;
    stream->blocked = room == 0;
    if (room == 0)
        return 0;
    data = str_head(data, room);
    wire_queue(&stream->queued, stream->link->bufs, data);
    resume(stream);
    return (ssize_t)data.len;
}

enum body_state h2_stream_end(struct h2_stream *stream, struct str trailers)
{
    if (!stream->link)
        return BODY_FAILED;
    if (!stream->out_ended) {
        stream->out_ended = true;
        stream->trailers_out = trailers;
        resume(stream);
    }
    stream->blocked = stream->queued.out_len > 0;
    return stream->blocked ? BODY_WAIT : BODY_END;
}

enum body_state h2_stream_peek(struct h2_stream *stream, struct str *data)
{
    struct buf *first = stream->received.out;

    if (stream->received.out_len > 0) {
        *data = (struct str){first->bytes + first->start, buf_len(first)};
        return BODY_DATA;
    }
    if (stream->in_ended)
        return BODY_END;
    return stream->link ? BODY_WAIT : BODY_FAILED;
}

void h2_stream_consume(struct h2_stream *stream, size_t len)
{
    wire_forget(&stream->received, stream->bufs, len);
    if (!stream->link)
        return;
    nghttp2_session_consume_stream(stream->link->session, stream->id, len);
    flush_soon(stream->link);
}

/* ---- the link ---- */

static void link_free(struct h2_link *link)
{
    struct h2_stream *stream;

    while ((stream = link->streams)) {
        if (stream->in_ended)
            detach(link, stream); /* its reader has all it needs */
        else
            lose(stream, false);
    }
    timer_clear(link->loop, &link->timer);
    loop_unpost(link->loop, &link->flush);
    nghttp2_session_del(link->session);
    wire_close(&link->wire, link->bufs);
    link->closed(link);
    free(link);
}

void h2_link_close(struct h2_link *link)
{
    nghttp2_submit_goaway(link->session, 0, 0, NGHTTP2_NO_ERROR, NULL, 0);
    link_free(link);
}

static void make_ready(struct h2_link *link)
{
    while (link->wire.out_len < OUT_MAX) {
        const uint8_t *bytes;
        ssize_t len = nghttp2_session_mem_send(link->session, &bytes);
        if (len < 0)
            link->broken = true;
        if (len < 0 || (len == 0 && link->wire.out_len < OUT_MAX))
            return;
        wire_queue(&link->wire, link->bufs, (struct str){(const char *)bytes, (size_t)len});
    }
}

/* Whose queue has room again may write: the list may change meanwhile. */
static void wake_writers(struct h2_link *link)
{
    struct h2_stream *next;

    for (struct h2_stream *stream = link->streams; stream; stream = next) {
        next = stream->next;
        if (!stream->blocked || stream->queued.out_len >= stream->queue_max ||
            (stream->out_ended && stream->queued.out_len > 0))
            continue;
        stream->blocked = false;
        stream->events->writable(stream);
    }
}

/* Of a connection that has failed all is read that had come before. */
static void on_ready(struct stream *stream)
{
    struct h2_link *link = CONTAINER(struct h2_link, wire.stream, stream);

    for (int i = 0; !link->broken && (stream->failed || (i < READS_PER_EVENT && stream->readable));
         i++) {
        ssize_t len = wire_fill(&link->wire, link->bufs), used;
        if (len == STREAM_AGAIN)
            break;
        if (len <= 0) {
            link->broken = true;
            break;
        }
        link->heard = true;
        used = nghttp2_session_mem_recv(link->session,
                                        (uint8_t *)link->wire.in->bytes + link->wire.in->start,
                                        buf_len(link->wire.in));
        wire_drop_in(&link->wire, link->bufs);
        if (used < 0)
            link->broken = true;
    }
    if (link->wire.in && buf_len(link->wire.in) == 0)
        wire_drop_in(&link->wire, link->bufs);
    if (stream->failed)
        link->broken = true;
    flush_soon(link);
}

static void run_flush(struct loop_call *call)
{
    struct h2_link *link = CONTAINER(struct h2_link, flush, call);

    for (bool more = true; more && !link->broken;) {
        make_ready(link);
        more = link->wire.out_len >= OUT_MAX;
        switch (wire_flush(&link->wire, link->bufs)) {
        case WIRE_SENT:
            break;
        case WIRE_BLOCKED:
            more = false;
            break;
        case WIRE_BROKEN:
            on_ready(&link->wire.stream);
            link->broken = true;
            break;
        }
    }
    if (!link->broken)
        wake_writers(link);
    if (h2_link_has_room(link))
        link->room(link);
    if (link->broken ||
        (link->count == 0 && (link->leaving || (!nghttp2_session_want_read(link->session) &&
                                                !nghttp2_session_want_write(link->session)))))
        link_free(link);
    else if (link->wire.stream.readable)
        on_ready(&link->wire.stream);
}

static void on_timer(struct timer *timer)
{
    struct h2_link *link = CONTAINER(struct h2_link, timer, timer);

    if (link->count == 0 || (link->pinged && !link->heard)) {
        link->broken = true;
        flush_soon(link);
        return;
    }
    link->pinged = !link->heard;
    link->heard = false;
    if (link->pinged) {
        nghttp2_submit_ping(link->session, NGHTTP2_FLAG_NONE, NULL);
        flush_soon(link);
    }
    timer_set(link->loop, &link->timer, link->pinged ? PONG_MS : PING_MS);
}

/* ---- what comes in ---- */

static int on_begin_headers(nghttp2_session *session, const nghttp2_frame *frame, void *arg)
{
    struct h2_stream *stream = stream_of(session, frame->hd.stream_id);
    struct h2_link *link = arg;

    if (stream)
        h2_list_begin(&stream->list, stream->pool, link->limits);
    return 0;
}

/* NOLINTNEXTLINE(readability-function-size): the signature is nghttp2's */
static int on_header(nghttp2_session *session, const nghttp2_frame *frame, const uint8_t *name,
                     size_t name_len, const uint8_t *value, size_t value_len, uint8_t flags,
                     void *arg)
{
    struct h2_stream *stream = stream_of(session, frame->hd.stream_id);

    (void)flags;
    (void)arg;
    if (stream)
        h2_list_add(&stream->list, (struct str){(const char *)name, name_len},
                    (struct str){(const char *)value, value_len});
    return 0;
}

/* NOLINTNEXTLINE(readability-function-size): the signature is nghttp2's */
static int on_invalid_header(nghttp2_session *session, const nghttp2_frame *frame,
                             const uint8_t *name, size_t name_len, const uint8_t *value,
                             size_t value_len, uint8_t flags, void *arg)
{
    (void)session;
    (void)frame;
    (void)name;
    (void)name_len;
    (void)value;
    (void)value_len;
    (void)flags;
    (void)arg;
    return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
}

static void take_head(struct h2_stream *stream, bool ends)
{
    stream->in_ended = ends;
    if (stream->final_head) {
        stream->trailers_in.pool = stream->pool;
        h2_list_trailers(&stream->list, &stream->trailers_in);
        stream->events->readable(stream);
        return;
    }
    if (h2_list_answer(&stream->list, ends, stream->head))
        stream->final_head = stream->head->status >= 200;
    stream->events->head(stream);
}

static int on_frame(nghttp2_session *session, const nghttp2_frame *frame, void *arg)
{
    struct h2_stream *stream = stream_of(session, frame->hd.stream_id);
    struct h2_link *link = arg;
    bool ends = frame->hd.flags & NGHTTP2_FLAG_END_STREAM;

    switch (frame->hd.type) {
    case NGHTTP2_HEADERS:
        if (stream)
            take_head(stream, ends);
        break;
    case NGHTTP2_DATA:
        if (stream && ends) {
            stream->in_ended = true;
            stream->events->readable(stream);
        }
        break;
    case NGHTTP2_SETTINGS:
        if (!link->known)
            rest(link);
        link->known = true;
        break;
    case NGHTTP2_GOAWAY:
        link->leaving = true;
        break;
    default:
        break;
    }
    return 0;
}

static int on_data(nghttp2_session *session, uint8_t flags, int32_t id, const uint8_t *bytes,
                   size_t len, void *arg)
{
    struct h2_stream *stream = stream_of(session, id);
    struct h2_link *link = arg;

    (void)flags;
    nghttp2_session_consume_connection(session, len);
    if (!stream) {
        nghttp2_session_consume_stream(session, id, len);
        return 0;
    }
    wire_queue(&stream->received, link->bufs, (struct str){(const char *)bytes, len});
    stream->events->readable(stream);
    return 0;
}

static int on_closed(nghttp2_session *session, int32_t id, uint32_t error, void *arg)
{
    struct h2_stream *stream = stream_of(session, id);

    (void)arg;
    /* One that was complete is let go by its reader. */
    if (stream && !stream->in_ended)
        lose(stream, error == NGHTTP2_REFUSED_STREAM);
    return 0;
}

/* nghttp2 goes on with a session that it has condemned, as long as there are streams; nothing good comes of that. */
static int on_sent(nghttp2_session *session, const nghttp2_frame *frame, void *arg)
{
    struct h2_link *link = arg;

    (void)session;
    if (frame->hd.type == NGHTTP2_GOAWAY && frame->goaway.error_code != NGHTTP2_NO_ERROR)
        link->broken = true;
    return 0;
}

static void make_shared(void)
{
    nghttp2_session_callbacks_new(&callbacks);
    nghttp2_session_callbacks_set_on_begin_headers_callback(callbacks, on_begin_headers);
    nghttp2_session_callbacks_set_on_header_callback(callbacks, on_header);
    nghttp2_session_callbacks_set_on_invalid_header_callback(callbacks, on_invalid_header);
    nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, on_frame);
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, on_data);
    nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, on_closed);
    nghttp2_session_callbacks_set_send_data_callback(callbacks, on_send);
    nghttp2_session_callbacks_set_on_frame_send_callback(callbacks, on_sent);
    nghttp2_option_new(&options);
    nghttp2_option_set_no_auto_window_update(options, 1);
    nghttp2_option_set_no_closed_streams(options, 1);
    nghttp2_option_set_max_outbound_ack(options, ACKS_MAX);
}

struct h2_link *h2_link_open(struct stream *from, struct loop *loop, struct bufs *bufs,
                             const struct h1_limits *limits, uint32_t most, uint32_t idle_timeout)
{
    struct h2_link *link = pool_xmalloc(sizeof *link);
    nghttp2_session *session = NULL;
    nghttp2_settings_entry settings[] = {
        {NGHTTP2_SETTINGS_ENABLE_PUSH, 0},
        {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, STREAM_WINDOW},
        {NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, limits->fields + limits->line},
    };

    pthread_once(&once, make_shared);
    *link = (struct h2_link){.loop = loop,
                             .bufs = bufs,
                             .limits = limits,
                             .most = most,
                             .idle_timeout = idle_timeout,
                             .flush.run = run_flush,
                             .timer.fire = on_timer};
    link->wire.stream.ready = on_ready;
    if (nghttp2_session_client_new3(&session, callbacks, link, options, &h2_memory) != 0 ||
        !stream_move(&link->wire.stream, from)) {
        nghttp2_session_del(session);
        stream_close(from);
        free(link);
        return NULL;
    }
    link->session = session;
    nghttp2_submit_settings(session, NGHTTP2_FLAG_NONE, settings,
                            sizeof settings / sizeof *settings);
    nghttp2_session_set_local_window_size(session, NGHTTP2_FLAG_NONE, 0, LINK_WINDOW);
    link->wire.stream.readable = true;
    timer_set(loop, &link->timer, SETTINGS_MS);
    flush_soon(link);
    return link;
}

bool h2_link_has_room(const struct h2_link *link)
{
    uint32_t theirs =
        nghttp2_session_get_remote_settings(link->session, NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS);

    return link->known && !link->leaving && !link->broken && link->count < link->most &&
           link->count < theirs && nghttp2_session_check_request_allowed(link->session);
}
