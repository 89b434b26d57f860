/* h1_parse: HTTP/1.1 heads and chunks from bytes, and back (RFC 9112). Pure functions on memory, no I/O.
 * Lexed by re2c, resumable at every byte: call again with the same buffer and more bytes. Strict where
 * laxness is an attack: bare CR or LF, obs-fold, space before the colon, NUL and control bytes, repeated or
 * odd Content-Length, Content-Length with Transfer-Encoding, unknown codings, bad chunk sizes are refused. */
#ifndef HTTP_H1_PARSE_H
#define HTTP_H1_PARSE_H

#include "base/text.h"
#include "http/message.h"

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

enum h1_kind { H1_REQUEST, H1_RESPONSE };

/* One head while it arrives. `head` is complete after H1_DONE; its strings point into the buffer. */
struct h1_parser {
    enum h1_kind kind;
    const struct h1_limits *limits;
    struct pool *pool;        /* the field array is taken from here, grown by need up to limits->count */
    struct head *head;
    size_t scanned;           /* private: resume point */
    int state;                /* private */
    uint16_t status;          /* H1_BAD: 400, 414, 431, 501, 505 for requests; 502 for answers */
    const char *reason;       /* H1_BAD: one sentence for the log and the problem's detail */
};

void h1_parse_begin(struct h1_parser *parser, enum h1_kind kind, const struct h1_limits *limits,
                    struct pool *pool, struct head *head);

/* Parses bytes[0..len), which start with the head; may be called again with more bytes behind the same
 * ones, at the same address. Empty lines before a request line are skipped (RFC 9112 section 2.2), at most
 * two. Sets every field of *head, also framing, keep_alive, path, query, authority. For answers the framing
 * of 1xx, 204, 304 is FRAMING_NONE; the caller knows about HEAD. */
enum h1_result h1_parse(struct h1_parser *parser, const char *bytes, size_t len);

/* A chunked body while it arrives. */
struct h1_chunks {
    uint64_t left;  /* data bytes left of the current chunk */
    uint32_t extra; /* bytes spent on extensions and trailers, limited */
    int state;
    const char *reason;
};

/* Looks at bytes[0..len): *used bytes are done with; when data bytes were met, *data is the slice of them
 * (inside bytes, at most one run per call; it is part of *used). H1_DONE: the body is complete, trailers
 * included (*used ends behind the last CRLF). Trailer fields are checked and appended to `trailers` as raw
 * lines when it is not NULL. */
enum h1_result h1_chunks_read(struct h1_chunks *chunks, const char *bytes, size_t len, size_t *used,
                              struct str *data, struct text *trailers);

/* Writes "1a3f\r\n" to `to` (at least 18 bytes); returns its length. */
size_t h1_chunk_size_line(char *to, uint64_t size);

/* True when `authority` is a legal Host: uri-host [":" port] (RFC 3986 section 3.2.2). */
bool h1_host_is_legal(struct str authority);

#endif
