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

#include <sys/socket.h>

#include "http/message.h"
#include "io/loop.h"

enum body_state {
    BODY_DATA,  /* there is something */
    BODY_WAIT,  /* nothing now; the pump is turned when there is */
    BODY_END,   /* complete */
    BODY_FAILED /* cut off; what was passed on must not be taken for complete */
};

struct pump;
struct stream;

struct body_in {
    const struct body_in_ops *ops;
    struct pump *pump;   /* turned when bytes, the end or a failure arrive; NULL: nobody reads */
    const char *failure; /* BODY_FAILED: why, for the log */
    struct str trailers; /* BODY_END: raw trailer lines, each with CRLF; may be empty */
    /* A short read is taken for all that there is: one system call less, but a reset that came together with
     * the last bytes is told only by a peek without this. For tunnels, which look again at every tick. */
    bool lazy;
};

struct body_in_ops {
    /* BODY_DATA: *data is a non-empty run, borrowed until consume or stop. */
    enum body_state (*peek)(struct body_in *in, struct str *data);
    void (*consume)(struct body_in *in, size_t len);
    /* The reader leaves, behind the end (which peek goes on to tell) or before: what it borrowed may go.
     * May be called again. NULL: nothing to do. */
    void (*stop)(struct body_in *in);
    /* The socket from which *len bytes of the body may be taken by splice now, or NULL. NULL op: never. */
    struct stream *(*spliceable)(struct body_in *in, uint64_t *len);
    void (*spliced)(struct body_in *in, uint64_t len);
};

/* The peek of a body_in that stands before another one and has nothing of its own to say now. */
enum body_state body_peek_behind(struct body_in *in, struct body_in *source, struct str *data);

struct body_out {
    const struct body_out_ops *ops;
    struct pump *pump; /* turned when room came back, or the receiver left */
};

enum { BODY_NOT_SPLICED = -2 };

struct body_out_ops {
    /* Bytes taken, 0 when blocked (the pump is turned when room is back), -1 when the receiver is gone. */
    ssize_t (*write)(struct body_out *out, struct str data);
    /* Sends what is staged: the pump has nothing more for now. */
    void (*flush)(struct body_out *out);
    /* No more will come. BODY_END: everything is in the socket; BODY_WAIT: turned again; BODY_FAILED. */
    enum body_state (*end)(struct body_out *out, struct str trailers);
    /* Takes up to `len` bytes from a socket without looking at them. As write, or BODY_NOT_SPLICED: there is
     * nothing, or it must be done by reading and writing. NULL op: never. */
    ssize_t (*splice)(struct body_out *out, struct stream *from, uint64_t len);
};

/* A pump and what it reports. `done` is called once, by a posted call, when the body has ended (true) or
 * failed on either side (false; in_failed tells which). */
struct pump {
    struct body_in *in;
    struct body_out *out;
    struct loop *loop;
    struct loop_call call;
    void (*done)(struct pump *pump, bool complete);
    uint64_t moved; /* body bytes */
    bool in_failed, complete;
    bool over;
};

/* Needs: pump->loop, pump->done. A stopped pump may be started again; `moved` goes on. */
void pump_start(struct pump *pump, struct body_in *in, struct body_out *out);
void pump_turn(struct pump *pump);
void pump_stop(struct pump *pump);

static inline bool pump_is_running(const struct pump *pump)
{
    return pump->in && !pump->over;
}

/* A body that is there as a whole, for answers that the gateway makes. */
struct body_text {
    struct body_in in;
    struct str left;
};
void body_text_open(struct body_text *body, struct str text);

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

/* What the request side sets is marked with *. */
struct exchange {
    const struct exchange_ops *ops;
    struct body_in in;   /* the request's body */
    struct body_out out; /* the answer's body */
    struct head *head;
    struct pool *pool; /* * the request's memory; taken over by moving the pool and setting this */
    const struct sockaddr *peer;
    const struct stream *stream; /* the client's connection: what its layer says of it */
    uint16_t refused;            /* not 0: cannot be served, answer with this status … */
    const char *
        refusal; /* … for this reason. Set before the request is handed over, or by a failing `in` */
    void *owner;                      /* * */
    void *server_owner;               /* owner of the server it came in by */
    void (*gone)(struct exchange *x); /* * the client left; posts, does not finish */
    uint32_t idle_timeout;            /* * ms without a byte while a body moves; 0: none */
    uint32_t buffer;                  /* * bytes of the answer kept for a slow client */
    uint64_t body_limit;              /* * bytes of the request's body; 0: none */
    bool expect_passed_on;            /* * the next server will say 100 (Continue) */
};

struct exchange_ops {
    /* Stages the answer's head; it leaves with the first body bytes, the end, or by flush. Once only. Status 101
     * makes the exchange a tunnel: from then on `in` and `out` carry the bytes of another protocol as they
     * are, `in` until the client ends its side. */
    void (*reply)(struct exchange *x, const struct head_out *head);
    /* 100 (Continue), 103 (Early Hints): sent at once, only to clients that know them. */
    void (*interim)(struct exchange *x, const struct head_out *head);
    /* The request is over: the carrier closes its pool and goes on to the next one, or closes. An answer
     * that was begun and not completed is cut off so that the client notices. */
    void (*finish)(struct exchange *x, struct pool *pool);
};

#endif
