/* h2: the server's side of HTTP/2 (RFC 9113), by nghttp2. A connection comes from h1 when its first bytes, or the
 * protocol agreed on in TLS, say so; each stream is then an exchange like any other, so that nobody above knows.
 * Reached through `h2_module`, which a gateway names when a listener speaks HTTP/2.
 *
 *     client's window ─▶ nghttp2 ─▶ queue of the stream ─▶ pump      opened again as the pump takes
 *     pump ─▶ queue of the stream (x->buffer) ─▶ nghttp2 ─▶ socket   as far as the client's windows go */
#ifndef HTTP_H2_H
#define HTTP_H2_H

#include "http/h1.h"

struct h2_settings {
    uint32_t max_concurrent_streams;
    uint32_t initial_stream_window_size;     /* of a stream: what a slow reader above may hold up */
    uint32_t initial_connection_window_size; /* of all of them */
};

struct h2_module {
    /* Takes over a connection with the bytes read so far (may be NULL); `from` is closed then. */
    void (*take)(struct h1_server *server, struct stream *from, struct buf *in,
                 const struct sockaddr *peer);
    /* As the functions of h1.h, for the connections that have become HTTP/2. */
    void (*drain)(struct h1_server *server);
    void (*close)(struct h1_server *server);
};

extern const struct h2_module h2_module;

#endif
