/* h2_conn: the inside of h2, shared by h2_conn.c (connections, frames) and h2_turn.c (one stream). */
#ifndef HTTP_H2_CONN_H
#define HTTP_H2_CONN_H

#include <netinet/in.h>
#include <nghttp2/nghttp2.h>

#include "http/h2.h"
#include "http/h2_head.h"

/* What the connection's timer is for. */
enum h2_waits { H2_WAITS_HEAD, H2_WAITS_REQUEST, H2_WAITS_LAST_CALL, H2_WAITS_END };

struct h2_turn;

struct h2_conn {
    struct wire wire;
    struct timer timer;
    struct loop_call
        flush; /* what all streams have made in this turn of the loop leaves together */
    struct h1_server *server;
    struct h2_conn *next, **link;
    nghttp2_session *session;
    struct h2_turn *turns;
    struct h2_turn *ending; /* their last frame is on its way to the socket */
    uint32_t requests;
    uint32_t credit;    /* for frames that cost us more than them */
    uint64_t credit_at; /* when it was last reckoned, ms */
    union {
        struct sockaddr any;
        struct sockaddr_in in;
        struct sockaddr_in6 in6;
    } peer;
    uint8_t waits;   /* enum h2_waits */
    bool in_head;    /* a header block has begun and not ended */
    bool late_armed; /* the time for it is running */
    bool leaving;    /* GOAWAY is said or about to be */
    bool condemned;  /* a GOAWAY with an error has been made */
    bool broken;     /* nothing more can be sent or received */
};

enum h2_expect { H2_EXPECT_NOTHING, H2_EXPECT_WAITS };

/* One stream: a request and its answer, in the request's pool. */
struct h2_turn {
    struct exchange x;
    struct h2_conn *conn; /* NULL: it is gone */
    struct h2_turn *next, **link, *next_ending;
    struct pool pool; /* until the request side takes it over */
    struct timer timer;
    struct loop_call turn_in, turn_out; /* pumps turn outside the callbacks of nghttp2 */
    struct h2_list list;
    struct wire body; /* queues without sockets: of the request's content … */
    struct wire out;  /* … and of the answer's */
    struct text trailers_in;
    struct str trailers_out;
    uint64_t taken, left; /* of the request's content; still due of the answer's length */
    int32_t id;
    uint8_t expect;
    bool handed_over, closed, lost;
    bool in_ended, in_failed;
    bool replied, staged, has_length, no_content, deferred, out_ended, sent_end, is_ending;
    bool waiting_in, waiting_out; /* the client is the obstacle since the timer was set */
    /* not zeroed: set as a whole before they are read */
    struct head head;
    struct head_out answer;
};

/* ---- h2_conn.c ---- */

/* What waits for the session or the socket goes out soon, once for all who ask. */
void h2_conn_flush_soon(struct h2_conn *conn);
/* The same at once, as far as windows and socket allow; the connection stays, even when it is broken. */
void h2_conn_flush(struct h2_conn *conn);
/* Behind a finished turn: the connection may rest, or end. */
void h2_conn_settle(struct h2_conn *conn);
/* No further requests are wanted: GOAWAY, twice (RFC 9113 section 6.8). */
void h2_conn_leave(struct h2_conn *conn);

/* ---- h2_turn.c ---- */

struct h2_turn *h2_turn_open(struct h2_conn *conn, int32_t id);
/* The header list that is in turn->list is complete: the request's, or its trailers. */
void h2_turn_head(struct h2_turn *turn, bool ends);
void h2_turn_trailers(struct h2_turn *turn);
void h2_turn_data(struct h2_turn *turn, const char *bytes, size_t len);
void h2_turn_data_end(struct h2_turn *turn);
/* The stream is closed; the turn may be freed here. */
void h2_turn_closed(struct h2_turn *turn);
/* The connection is gone. */
void h2_turn_lost(struct h2_turn *turn);
/* Everything has left: the answer is complete. */
void h2_turn_sent(struct h2_turn *turn);
/* For nghttp2: DATA of this stream. */
ssize_t h2_turn_read(nghttp2_session *session, int32_t id, uint8_t *to, size_t room,
                     uint32_t *flags, nghttp2_data_source *source, void *arg);
int h2_turn_send(nghttp2_session *session, nghttp2_frame *frame, const uint8_t *frame_head,
                 size_t len, nghttp2_data_source *source, void *arg);

#define H2_CONTAINER(type, member, at) ((type *)((char *)(at)-offsetof(type, member)))

#endif
