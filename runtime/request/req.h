/* req: one request on its way through the gateway: what it is, where its flow stands, what it waits for,
 * what came of it. Opened by serve when the carrier hands over a head, finished by serve. All its memory is
 * in its pool.
 *
 * Life: req_open ▶ gateway_match ▶ gateway_flow ─┬─▶ answer, pumps ▶ log ▶ req_finish
 *                                        ▲       │ GW_WAIT
 *                                        └─ wake ┘   (posted; never from inside a callback) */
#ifndef REQUEST_REQ_H
#define REQUEST_REQ_H

#include "client/call.h"
#include "http/exchange.h"
#include "io/op.h"
#include "request/config.h"

enum gw_next { GW_GO, GW_WAIT, GW_DONE };

/* ---- one request ---- */

enum { GW_MAX_PARAMS = 32 };

struct worker;
struct hold;
struct consumer;
struct identity_token;
struct identity_hiding;
struct identity_memo;
struct tunnel;

struct gw_req {
    /* what a flow may read */
    int at;                       /* label of the flow */
    const struct gw_route *route; /* NULL before and without a match */
    struct str path;              /* normalised: what is matched and sent on */
    struct str host;  /* lower case, without port; at NULL: nobody has asked yet, see gw_host_is */
    struct str allow; /* methods of the path, for OPTIONS and without a route: see gw_allow */
    struct str request_id;
    struct str client_address; /* text; behind trusted proxies the real client */
    uint8_t client_ip[16];     /* the same; "::": on a unix socket, which has none */
    struct str peer_address;   /* text; the other end of the connection */
    bool trusted_peer;         /* which is a trusted proxy */
    const struct gw_forward *forward;
    struct head *answer; /* after gw_proxy */

    /* machinery */
    struct worker *worker;
    const struct gw_listener *listener;
    const struct gw_errors *errors; /* the route's, once there is one */
    const struct gw_timeouts *timeouts;
    struct exchange *x;
    struct pool pool;
    struct op_waiter wait;           /* one request, one wait */
    struct loop_call call;           /* posted to enter the flow (again), or to end the request */
    struct upstream_call *upstream;  /* the call of gw_proxy */
    struct op *asked;                /* ends when that has */
    const struct gw_tunnel *upgrade; /* the client asks for it, and may */
    struct str upgrade_to;
    struct tunnel *tunnel;           /* the upstream has agreed */
    struct hold *hold;               /* what of the body is taken in before it */
    struct pump download;            /* the answer's body */
    struct body_text body;           /* of an answer that the gateway makes */
    struct str added_request;        /* header lines for the upstream made by policies */
    struct str added_reply;          /* header lines for the client made by policies */
    const struct gw_forward *chosen; /* by gw_choose */
    const struct gw_choice *drawn;   /* from which it was drawn by chance */
    struct {
        uint64_t at;  /* loop->now */
        uint32_t ms;  /* 0: none */
        bool is_grpc; /* by grpc-timeout */
    } deadline;       /* the client's own */
    struct {
        const struct consumer *consumer;     /* NULL: nobody in particular */
        const struct identity_token *tokens; /* the last one first */
        struct identity_hiding *hidings;     /* see identity_hide */
        struct identity_memo *memos;         /* see identity_memo */
        const char *reason;                  /* why nobody is let in, so far */
        struct str lacking;   /* the scopes that a token would need that is good otherwise */
        uint32_t retry_after; /* s; > 0: it cannot be told now who calls */
        bool is_taken;        /* some way in is */
        uint16_t failed;      /* not 0: with this status, whatever proofs say */
        bool is_wrong;        /* some credentials are no good … */
        bool is_bearer_wrong; /* … of them, a token */
        bool is_spared;       /* a preflight, which need not tell who it is */
        bool hides_groups;    /* from the upstream */
        enum {
            GW_DENIED_NOT,
            GW_DENIED_SECURITY,
            GW_DENIED_ACL,
            GW_DENIED_FORWARD_AUTH,
            GW_DENIED_COUNT
        } denied;        /* by whom */
        bool is_unasked; /* forward_auth got no answer, and lets in then */
    } identity;          /* see identity.h */
    bool begun;          /* the flow was entered */
    bool replied;        /* an answer has begun */
    bool ended;          /* and is complete, or given up */
    bool cancelled;      /* the client is gone: the flow is not entered any more */

    /* for the log */
    uint64_t started_us; /* wall clock */
    uint64_t started_ms; /* loop->now */
    uint16_t status;
    const char *reason;         /* whatever the gateway decided, or NULL */
    struct str upstream_target; /* address or name of the target, last try */
    uint16_t upstream_status;
    uint8_t tries;
    uint32_t upstream_ms;         /* send to head, last try */
    uint64_t bytes_in, bytes_out; /* bodies */

    /* Not zeroed, here and below. The request's head; its strings point into the carrier's buffer. */
    struct head head;
    /* Path parameters of the route, slices of path. Only those are ever written. */
    struct str params[GW_MAX_PARAMS];
};

/* Waits for the op; the flow goes on when it has ended. Returns GW_WAIT. */
enum gw_next req_park(struct gw_req *rq, struct op *op);

/* The answer is complete or given up: serve finishes the request. Only from posted calls. */
void req_end(struct gw_req *rq);

#endif
