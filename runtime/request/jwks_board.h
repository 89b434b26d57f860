/* jwks_board: where the one worker that fetches keys leaves them, and all workers find them. */
#ifndef REQUEST_JWKS_BOARD_H
#define REQUEST_JWKS_BOARD_H

#include "request/jwks.h"

/* One version of a scheme's keys, for as long as somebody uses it. */
struct jwks_version {
    struct jwk_set *set;
    uint64_t number; /* from 1 */
    unsigned users;  /* atomic */
};

/* One worker's side of a scheme. */
struct jwks_seat {
    const struct gw_jwt *scheme;
    struct worker *worker;
    struct jwks_seat *next;       /* of the board's */
    struct jwks_version *version; /* as this worker sees it; NULL: none */
    struct op asked;              /* until the question that is under way has been answered */
    struct loop_call news;        /* something has changed on the board */
};

struct jwks_keeper;

/* What is known of a scheme's keys in the whole process; under its lock. */
struct jwks_board {
    pthread_mutex_t lock;
    struct jwks_version *version;
    uint64_t numbers;      /* given to versions */
    bool is_asking;        /* a question is under way, or about to be */
    uint64_t asked_ms;     /* clock_ms: when the last one ended */
    uint64_t good, failed; /* answers */
    struct jwks_seat *seats;
    struct jwks_keeper *keeper; /* NULL: its worker has closed */
};

/* That of a scheme; made by the first worker that opens. */
struct jwks_board *jwks_board_of(const struct gw_jwt *scheme);

/* A question has been answered: by keys that become everybody's (the set is taken over), by the same as before (NULL, and
 * keeps), or by none. `keeps` false and no set: the last keys hold no longer. */
void jwks_board_answer(struct jwks_board *board, struct jwk_set *set, bool keeps, bool is_good);

/* ---- the keeper: of one worker; see jwks_keeper.c ---- */

struct jwks_keeper *jwks_keeper_open(const struct gw_jwt *scheme, struct worker *worker);
void jwks_keeper_close(struct jwks_keeper *keeper);
/* Asks soon. Under the board's lock, from any thread. */
void jwks_keeper_want(struct jwks_keeper *keeper);

#endif
