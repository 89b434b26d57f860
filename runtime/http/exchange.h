/* exchange: one request and its answer, whatever carries them: HTTP/1.1 now, HTTP/2 streams, a cache or a
 * sub-request later. The carrier implements the ops; the request side never knows which one it has.
 *
 * Bodies are not waits: a pump moves bytes from a body_in to a body_out for as long as both can, and is
 * turned again by whichever side was the obstacle. That is all of back-pressure: a writer that takes nothing
 * stops the reader, whose socket then fills.
 *
 *     body_in (client's request body) ──pump──▶ body_out (upstream's request)
 *     body_in (upstream's answer)     ──pump──▶ body_out (client's answer)
 */
#ifndef HTTP_EXCHANGE_H
#define HTTP_EXCHANGE_H

#include <sys/types.h>

#include "http/message.h"

enum body_state {
    BODY_DATA,  /* there is something */
    BODY_WAIT,  /* nothing now; the pump is turned when there is */
    BODY_END,   /* complete */
    BODY_FAILED /* cut off; what was passed on must not be taken for complete */
};

struct pump;

struct body_in {
    const struct body_in_ops *ops;
    struct pump *pump;   /* turned when bytes, the end or a failure arrive; NULL: nobody reads */
    const char *failure; /* BODY_FAILED: why, for the log */
    struct str trailers; /* BODY_END: raw trailer lines, each with CRLF; may be empty */
};

struct body_in_ops {
    /* BODY_DATA: *data is a non-empty run, borrowed until consume or stop. */
    enum body_state (*peek)(struct body_in *in, struct str *data);
    void (*consume)(struct body_in *in, size_t len);
    /* The reader leaves: the carrier drains or closes as its protocol demands. */
    void (*stop)(struct body_in *in);
    /* The socket and the bytes that may be taken from it by splice, or NULL/0 when there are none. */
    struct stream *(*spliceable)(struct body_in *in, uint64_t *len);
    void (*spliced)(struct body_in *in, uint64_t len);
};

struct body_out {
    const struct body_out_ops *ops;
    struct pump *pump; /* turned when room came back, or the receiver left */
};

struct body_out_ops {
    /* Bytes taken, 0 when blocked (the pump is turned when room is back), -1 when the receiver is gone. */
    ssize_t (*write)(struct body_out *out, struct str data);
    /* No more will come. BODY_END: everything is in the socket; BODY_WAIT: turned again; BODY_FAILED. */
    enum body_state (*end)(struct body_out *out, struct str trailers);
    /* What was begun cannot be completed: the receiver must notice (reset, missing last chunk). */
    void (*reset)(struct body_out *out);
    struct stream *(*spliceable)(struct body_out *out);
};

/* A pump and what it reports. `done` is called once, by a posted call, when the body has ended (true) or
 * failed on either side (false; in_failed tells which). */
struct pump {
    struct body_in *in;
    struct body_out *out;
    void (*done)(struct pump *pump, bool complete);
    uint64_t moved; /* body bytes */
    bool in_failed;
    bool over;
};

void pump_start(struct pump *pump, struct body_in *in, struct body_out *out);
void pump_turn(struct pump *pump);
void pump_stop(struct pump *pump);

/* A header block that goes out: what the sender's head had, minus dropped fields, plus blocks. */
struct head_out {
    uint16_t status;             /* answers */
    struct str reason;           /* answers; at NULL: the registered phrase */
    const struct fields *fields; /* forwarded fields or NULL */
    struct str constant;         /* "Name: value\r\n" lines made at build time */
    struct str added;            /* the same, made for this request */
    enum framing framing;
    uint64_t length;
};

struct exchange {
    const struct exchange_ops *ops;
    struct body_in in;   /* the request's body */
    struct body_out out; /* the answer's body */
};

struct exchange_ops {
    /* Stages the answer's head; it leaves with the first body bytes, or by flush. Once only. */
    void (*reply)(struct exchange *x, const struct head_out *head);
    /* Sends what is staged now. */
    void (*flush)(struct exchange *x);
    /* 100 (Continue), 103 (Early Hints): sent at once, only to clients that know them. */
    void (*interim)(struct exchange *x, const struct head_out *head);
    /* The request is over and its memory goes: the carrier goes on to the next one, or closes. */
    void (*finish)(struct exchange *x);
    /* The answer cannot be completed: the client must notice. */
    void (*reset)(struct exchange *x);
};

#endif
