/* h1_body: the body of one HTTP/1.1 message, read from a wire or written to one (RFC 9112 sections 6 and 7).
 * The same code for requests and answers, towards clients and upstreams. */
#ifndef HTTP_H1_BODY_H
#define HTTP_H1_BODY_H

#include "http/exchange.h"
#include "http/h1_parse.h"
#include "http/wire.h"

struct h1_reader {
    enum framing framing;
    bool ended;
    uint64_t left;  /* FRAMING_LENGTH: bytes not yet in a run */
    struct str run; /* bytes met and not yet consumed */
    struct h1_chunks chunks;
    struct text trailers;
    const char *failure; /* a sentence; BODY_FAILED was told */
    bool drops_trailers; /* of a message whose Connection may name them */
    bool bad;            /* it broke the protocol, and was not just cut off */
    bool lazy;           /* see body_in */
};

void h1_reader_open(struct h1_reader *reader, const struct head *head, struct pool *pool);

/* As body_in_ops.peek; reads from the socket when the buffer has nothing more. */
enum body_state h1_reader_peek(struct h1_reader *reader, struct wire *wire, struct bufs *bufs,
                               struct str *data);
void h1_reader_consume(struct h1_reader *reader, size_t len);

/* Passes over what the buffer holds of the body, without reading from the socket; true at its end. */
bool h1_reader_skip(struct h1_reader *reader, struct wire *wire);

/* As body_in_ops.spliceable and spliced. */
struct stream *h1_reader_spliceable(const struct h1_reader *reader, struct wire *wire,
                                    uint64_t *len);
void h1_reader_spliced(struct h1_reader *reader, uint64_t len);

struct h1_writer {
    enum framing framing;
    bool ended;
    uint64_t left; /* FRAMING_LENGTH: bytes still due */
    size_t limit;  /* of the queue: body bytes kept for a slow receiver */
    bool is_slow;  /* splice left bytes behind once: no more than limit are moved at a time */
};

/* Sends `head` (may be empty) and body bytes. Body bytes taken, 0 when blocked (the head is taken all the
 * same), -1 when the receiver is gone. */
ssize_t h1_writer_write(struct h1_writer *writer, struct wire *wire, struct bufs *bufs,
                        struct str head, struct str data);

/* As body_out_ops.splice; the head must have left. */
ssize_t h1_writer_splice(struct h1_writer *writer, struct wire *wire, struct bufs *bufs,
                         struct stream *from, uint64_t len);

/* Ends the body. BODY_FAILED: bytes are missing, or the receiver is gone. May be called again. */
enum body_state h1_writer_end(struct h1_writer *writer, struct wire *wire, struct bufs *bufs,
                              struct str head, struct str trailers);

#endif
