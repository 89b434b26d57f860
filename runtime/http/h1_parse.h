/* h1_parse: HTTP/1.1 heads and chunks from bytes, and back (RFC 9112). Pure functions on memory,
 * no I/O. Lexed by re2c, resumable at every byte: call again with the same buffer and more
 * bytes. Strict where laxness is an attack: bare CR or LF, obs-fold, space before the colon, NUL
 * and control bytes, repeated or odd Content-Length, Content-Length with Transfer-Encoding,
 * unknown codings, bad chunk sizes are refused. */
#ifndef HTTP_H1_PARSE_H
#define HTTP_H1_PARSE_H

#include "base/text.h"
#include "http/h1_sense.h"

enum h1_result {
    H1_MORE, /* incomplete so far */
    H1_DONE,
    H1_BAD /* see parser->status and parser->reason */
};

struct h1_limits {
    uint32_t line;   /* request target (limits.uri); for answers the status line */
    uint32_t fields; /* bytes of all field lines (limits.headers, upstream_headers) */
    uint16_t count;  /* field lines */
};

enum { H1_METHOD_MAX = 32, H1_EXTRA_MAX = 16384, H1_CHUNK_DIGITS = 16 };

/* One head while it arrives. `head` is complete after H1_DONE; its strings point into the buffer
 * (the path of an absolute-form target without one is a literal). */
struct h1_parser {
    const struct h1_limits *limits;
    struct pool *pool; /* the field array is taken from here, grown by need up to limits->count */
    struct head *head;
    uint16_t status;    /* H1_BAD: 400, 414, 417, 431, 501, 505 for requests; 502 for answers */
    const char *reason; /* H1_BAD: one sentence for the log and the problem's detail */
    /* private: where to go on, offsets from the start of the buffer */
    int state;
    size_t scanned; /* everything before has been judged */
    size_t mark;    /* start of the current element */
    size_t cap;     /* the current element ends at or before this offset, or is too long */
    size_t colon, value;
    uint8_t empty_lines;
    struct h1_sense sense;
};

void h1_parse_begin(struct h1_parser *parser, enum h1_kind kind, const struct h1_limits *limits,
                    struct pool *pool, struct head *head);

/* Parses bytes[0..len), which start with the head; may be called again with more bytes behind
 * the same ones, at the same address. Empty lines before a request line are skipped (RFC 9112
 * section 2.2), at most two. Sets every field of *head, also framing, keep_alive, path, query,
 * authority. For answers the framing of 1xx, 204, 304 is FRAMING_NONE; the caller knows about
 * HEAD. */
enum h1_result h1_parse(struct h1_parser *parser, const char *bytes, size_t len);

/* A buffer of so many bytes always suffices for a verdict (H1_DONE or H1_BAD) on a head. */
static inline size_t h1_head_room(const struct h1_limits *limits)
{
    return sizeof "\r\n\r\n" + H1_METHOD_MAX + (size_t)limits->line + sizeof "  HTTP/1.1\r\n" +
           limits->fields + sizeof "\r\n";
}

/* A chunked body while it arrives. Begins zeroed. */
struct h1_chunks {
    uint64_t left;      /* data bytes left of the current chunk */
    uint32_t extra;     /* bytes spent on extensions and trailers, at most H1_EXTRA_MAX */
    int state;          /* private, and below */
    const char *reason; /* H1_BAD: one sentence */
    size_t line;        /* where the trailer line that is being read begins in `trailers` */
    uint8_t digits;     /* of the size */
};

/* Looks at bytes[0..len): *used bytes are done with, never to be shown again; when data bytes
 * were met, *data is the slice of them (inside bytes, at most one run per call; it is part of
 * *used), else it is empty. H1_MORE: call again with the bytes behind *used, or when more
 * arrive. H1_DONE: the body is complete, trailers included (*used ends behind the last CRLF);
 * the same call may still have met data. Trailer fields are checked and appended to `trailers`
 * as raw lines when it is not NULL (empty at first, the same in each call); those that must not
 * be trailers (RFC 9110 section 6.5.1) are left out. */
enum h1_result h1_chunks_read(struct h1_chunks *chunks, const char *bytes, size_t len, size_t *used,
                              struct str *data, struct text *trailers);

/* Writes "1a3f\r\n" to `to` (at least 18 bytes); returns its length. */
size_t h1_chunk_size_line(char *to, uint64_t size);

#endif
