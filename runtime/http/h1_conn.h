/* h1_conn: the inside of h1, shared by h1_conn.c (connections, and what h1.h promises) and h1_turn.c (one request and its answer). */
#ifndef HTTP_H1_CONN_H
#define HTTP_H1_CONN_H

#include <netinet/in.h>

#include "http/h1.h"
#include "http/h1_body.h"

enum conn_state { CONN_IDLE, CONN_HEAD, CONN_BUSY, CONN_DRAIN, CONN_LINGER };

/* What is kept for an idle connection: keep it small. */
struct h1_conn {
    struct wire wire;
    struct timer timer; /* what for follows from the state; in BUSY it counts while turn->waiting */
    struct h1_server *server;
    struct h1_conn *next, **link;
    struct h1_turn *turn; /* HEAD, BUSY */
    uint32_t requests;
    uint32_t left; /* DRAIN, LINGER: bytes to be read away */
    union {
        struct sockaddr any;
        struct sockaddr_in in;
        struct sockaddr_in6 in6;
    } peer;
    uint8_t state;   /* enum conn_state */
    bool late_armed; /* HEAD: the time for the head is running */
};

enum expect { EXPECT_NOTHING, EXPECT_WAITS, EXPECT_OVERDUE };

/* One request and its answer, in the request's pool. */
struct h1_turn {
    struct exchange x;
    struct h1_conn *conn;
    struct pool pool; /* until the request side takes it over */
    struct h1_reader reader;
    struct h1_writer writer;
    uint64_t taken; /* bytes of the request's body passed on */
    uint8_t expect; /* enum expect */
    bool staged;    /* the answer's head has not left yet */
    bool replied;
    bool complete; /* the answer is in the socket */
    bool close;    /* the connection ends behind this answer */
    bool is_tunnel;
    bool lost;                    /* the client is gone */
    bool waiting_in, waiting_out; /* the client is the obstacle since timer was set */
    /* not zeroed: set as a whole before they are read */
    struct head head;
    struct h1_parser parser;
    struct head_out answer;
};

#define CONTAINER(type, member, at) ((type *)((char *)(at)-offsetof(type, member)))

extern const struct exchange_ops h1_exchange_ops;
extern const struct body_in_ops h1_in_ops;
extern const struct body_out_ops h1_out_ops;

/* The connection can be used no more: the request side is told. */
void h1_turn_lost(struct h1_turn *turn);

/* The client has been waited for in vain while a body moved. */
void h1_turn_late(struct h1_turn *turn);

/* Behind the answer: the turn's memory is gone. */
enum conn_next { NEXT_REQUEST, NEXT_DRAIN, NEXT_CLOSE, NEXT_LINGER, NEXT_RESET };
void h1_conn_next(struct h1_conn *conn, enum conn_next next);

#endif
