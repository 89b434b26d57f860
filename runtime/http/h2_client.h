/* h2_client: the client's side of HTTP/2 (RFC 9113), by nghttp2: a link is one connection to an upstream, a stream one
 * request on it. Heads are texts and structures of HTTP/1.1 (http/h2_head.h). A stream's window opens as its reader
 * takes, so that a slow one holds up no other. */
#ifndef HTTP_H2_CLIENT_H
#define HTTP_H2_CLIENT_H

#include "http/exchange.h"
#include "http/h1_head.h"
#include "http/h2_head.h"
#include "http/wire.h"

struct h2_link;
struct h2_stream;

/* What happens on a stream; each is the last thing that its cause does with the stream, which may be dropped. */
struct h2_stream_events {
    void (*head)(
        struct h2_stream *stream); /* *stream->head is complete; or list.refused says why not */
    void (*readable)(struct h2_stream *stream); /* content, its end, or a failure */
    void (*writable)(struct h2_stream *stream); /* room in the queue again */
    /* It was closed before the answer was complete. `unprocessed`: it may be asked elsewhere (RFC 9113 section 8.7). */
    void (*lost)(struct h2_stream *stream, bool unprocessed);
};

/* Lives where its owner wants; zeroed but for what is marked with *. */
struct h2_stream {
    const struct h2_stream_events *events; /* * */
    struct pool *pool;                     /* * */
    struct head *head;                     /* * where answers' heads are written */
    size_t queue_max;                      /* * bytes of the request kept for a slow upstream */
    struct h2_link *link;                  /* NULL: none, or not any more */
    struct bufs *bufs;
    struct h2_stream *next, **at;
    struct h2_list list;
    struct wire received, queued; /* queues without sockets */
    struct text trailers_in;
    struct str trailers_out;
    int32_t id;
    bool deferred, out_ended, blocked, in_ended, final_head;
};

/* One connection; its owner keeps it in a list. */
struct h2_link {
    struct h2_link *next, **at; /* the owner's */
    void *owner;
    void (*closed)(
        struct h2_link *link); /* all streams are lost; its memory is freed behind this call */
    void (*room)(struct h2_link *link); /* it takes another stream, for the first time or still */
    /* private */
    struct wire wire;
    struct timer timer;
    struct loop_call flush;
    struct loop *loop;
    struct bufs *bufs;
    const struct h1_limits *limits;
    void *session;
    struct h2_stream *streams;
    uint32_t count, most, idle_timeout;
    bool known, leaving, broken, heard, pinged; /* known: the upstream's SETTINGS have come */
};

/* Takes over a connected stream. NULL: no memory; `from` is closed then. `most`: streams at a time, if the upstream
 * allows them. There is room from its SETTINGS on, so that a stream is never refused for their number. */
struct h2_link *h2_link_open(struct stream *from, struct loop *loop, struct bufs *bufs,
                             const struct h1_limits *limits, uint32_t most, uint32_t idle_timeout);
void h2_link_close(struct h2_link *link);

/* True when it takes another stream now. */
bool h2_link_has_room(const struct h2_link *link);

/* Begins a stream: `head` is a request's head as text, which is written over. `ends`: without content. False: it
 * cannot be begun here. */
bool h2_stream_begin(struct h2_stream *stream, struct h2_link *link, struct head_text *head,
                     bool ends);

/* As body_out_ops and body_in_ops. */
ssize_t h2_stream_write(struct h2_stream *stream, struct str data);
enum body_state h2_stream_end(struct h2_stream *stream, struct str trailers);
enum body_state h2_stream_peek(struct h2_stream *stream, struct str *data);
void h2_stream_consume(struct h2_stream *stream, size_t len);

/* Nobody needs it any more; what came and was not read, which outlives the link, is gone. May be called again. */
void h2_stream_drop(struct h2_stream *stream);

#endif
