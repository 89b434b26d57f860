#include "request/jwks.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/text.h"
#include "prometheus.h"
#include "request/identity.h"
#include "request/jwks_board.h"

#define SEAT(at) ((struct jwks_seat *)(void *)((char *)(at)-offsetof(struct jwks_seat, news)))

/* ---- the boards ---- */

static struct {
    pthread_mutex_t lock;
    struct jwks_board *at; /* by scheme */
    unsigned users;        /* workers */
} boards = {.lock = PTHREAD_MUTEX_INITIALIZER};

struct jwks_board *jwks_board_of(const struct gw_jwt *scheme)
{
    return &boards.at[scheme->index];
}

static void hold_boards(uint32_t count)
{
    pthread_mutex_lock(&boards.lock);
    if (boards.users++ == 0) {
        boards.at = pool_xmalloc(count * sizeof *boards.at);
        memset(boards.at, 0, count * sizeof *boards.at);
        for (uint32_t i = 0; i < count; i++)
            pthread_mutex_init(&boards.at[i].lock, NULL);
    }
    pthread_mutex_unlock(&boards.lock);
}

static void release_version(struct jwks_version *version)
{
    if (!version || __atomic_sub_fetch(&version->users, 1, __ATOMIC_ACQ_REL) > 0)
        return;
    jwk_set_free(version->set);
    free(version);
}

static struct jwks_version *hold_version(struct jwks_version *version)
{
    if (version)
        __atomic_add_fetch(&version->users, 1, __ATOMIC_RELAXED);
    return version;
}

static void release_boards(uint32_t count)
{
    pthread_mutex_lock(&boards.lock);
    if (--boards.users == 0) {
        for (uint32_t i = 0; i < count; i++) {
            release_version(boards.at[i].version);
            pthread_mutex_destroy(&boards.at[i].lock);
        }
        free(boards.at);
        boards.at = NULL;
    }
    pthread_mutex_unlock(&boards.lock);
}

void jwks_board_answer(struct jwks_board *board, struct jwk_set *set, bool keeps, bool is_good)
{
    pthread_mutex_lock(&board->lock);
    if (!keeps) {
        release_version(board->version);
        board->version = NULL;
    }
    if (set) {
        board->version = pool_xmalloc(sizeof *board->version);
        *board->version = (struct jwks_version){.set = set, .number = ++board->numbers, .users = 1};
    }
    board->is_asking = false;
    board->asked_ms = clock_ms();
    board->good += is_good;
    board->failed += !is_good;
    for (struct jwks_seat *seat = board->seats; seat; seat = seat->next)
        loop_mail(&seat->worker->loop, &seat->news);
    pthread_mutex_unlock(&board->lock);
}

/* ---- one worker's side ---- */

static void on_news(struct loop_call *call)
{
    struct jwks_seat *seat = SEAT(call);
    struct jwks_board *board = jwks_board_of(seat->scheme);
    struct jwks_version *old = seat->version;
    bool is_asking;

    pthread_mutex_lock(&board->lock);
    seat->version = hold_version(board->version);
    is_asking = board->is_asking;
    pthread_mutex_unlock(&board->lock);
    release_version(old);
    if (!is_asking && seat->asked.loop)
        op_end(&seat->asked, OP_DONE);
}

static struct jwks_seat *seat_of(const struct worker *worker, const struct gw_jwt *scheme)
{
    return &worker->jwks_seats[scheme->index];
}

const struct jwk_set *jwks_now(const struct worker *worker, const struct gw_jwt *scheme,
                               uint64_t *number)
{
    const struct jwks_seat *seat = seat_of(worker, scheme);
    struct jwks_board *board = jwks_board_of(scheme);

    *number = seat->version ? seat->version->number : 0;
    if (seat->version)
        return seat->version->set;
    /* Keys that were fetched once are newer than the file. */
    return __atomic_load_n(&board->numbers, __ATOMIC_RELAXED) == 0
               ? worker->live->jwt_keys[scheme->index]
               : NULL;
}

/* Under the lock: true when a question is under way by now, or its answer is, to this worker. */
static bool is_asked(struct jwks_board *board, const struct jwks_seat *seat, bool is_key_unknown)
{
    uint64_t seen = seat->version ? seat->version->number : 0;

    if (board->is_asking || (board->version && board->version->number != seen))
        return true;
    if (!is_key_unknown || !board->keeper || clock_ms() < board->asked_ms + JWKS_REFETCH_MS)
        return false;
    board->is_asking = true;
    jwks_keeper_want(board->keeper);
    return true;
}

bool jwks_wait(struct gw_req *rq, const struct gw_jwt *scheme, bool is_key_unknown)
{
    struct jwks_seat *seat = seat_of(rq->worker, scheme);
    struct jwks_board *board = jwks_board_of(scheme);
    void **has_waited = identity_memo(rq, scheme);
    bool is_under_way;

    if (*has_waited || (is_key_unknown && !scheme->jwks->refetch))
        return false;
    pthread_mutex_lock(&board->lock);
    is_under_way = is_asked(board, seat, is_key_unknown);
    pthread_mutex_unlock(&board->lock);
    if (!is_under_way)
        return false;
    *has_waited = seat;
    if (!seat->asked.loop || seat->asked.state != OP_RUNNING)
        op_open(&seat->asked, &rq->worker->loop, 2 * JWKS_TIMEOUT_MS, NULL);
    req_park(rq, &seat->asked);
    return true;
}

void jwks_refresh(const struct gw_jwts *jwts)
{
    for (uint32_t i = 0; i < jwts->count; i++) {
        struct jwks_board *board = &boards.at[i];
        pthread_mutex_lock(&board->lock);
        if (board->keeper && !board->is_asking) {
            board->is_asking = true;
            jwks_keeper_want(board->keeper);
        }
        pthread_mutex_unlock(&board->lock);
    }
}

/* ---- opening and closing ---- */

/* The first worker fetches for all. */
void jwks_open(const struct gw_jwts *jwts, struct worker *worker)
{
    hold_boards(jwts->count);
    worker->jwks_seats = pool_xmalloc(jwts->count * sizeof *worker->jwks_seats);
    memset(worker->jwks_seats, 0, jwts->count * sizeof *worker->jwks_seats);
    for (uint32_t i = 0; i < jwts->count; i++) {
        struct jwks_seat *seat = &worker->jwks_seats[i];
        struct jwks_board *board = &boards.at[i];
        *seat = (struct jwks_seat){.scheme = jwts->at[i], .worker = worker, .news.run = on_news};
        if (!seat->scheme->jwks)
            continue;
        pthread_mutex_lock(&board->lock);
        seat->next = board->seats;
        board->seats = seat;
        seat->version = hold_version(board->version);
        if (worker->index == 0) {
            board->keeper = jwks_keeper_open(seat->scheme, worker);
            board->is_asking = true;
            jwks_keeper_want(board->keeper);
        }
        pthread_mutex_unlock(&board->lock);
    }
}

static void leave(struct jwks_board *board, const struct jwks_seat *seat)
{
    struct jwks_seat **link = &board->seats;
    struct jwks_keeper *keeper = NULL;

    pthread_mutex_lock(&board->lock);
    while (*link != seat)
        link = &(*link)->next;
    *link = seat->next;
    if (seat->worker->index == 0) {
        keeper = board->keeper;
        board->keeper = NULL;
        board->is_asking = false;
    }
    pthread_mutex_unlock(&board->lock);
    if (keeper)
        jwks_keeper_close(keeper);
}

void jwks_close(const struct gw_jwts *jwts, struct worker *worker)
{
    for (uint32_t i = 0; i < jwts->count; i++) {
        struct jwks_seat *seat = &worker->jwks_seats[i];
        if (!seat->scheme->jwks)
            continue;
        leave(&boards.at[i], seat);
        if (seat->asked.loop)
            op_cancel(&seat->asked);
        release_version(seat->version);
    }
    free(worker->jwks_seats);
    release_boards(jwts->count);
}

/* ---- what is told of it ---- */

bool jwks_are_ready(const struct gw_jwts *jwts)
{
    bool are_ready = true;

    pthread_mutex_lock(&boards.lock);
    for (uint32_t i = 0; i < jwts->count && boards.users > 0; i++) {
        const struct gw_jwt *scheme = jwts->at[i];
        if (scheme->jwks && scheme->key.kind == GW_TEXT_NONE &&
            __atomic_load_n(&boards.at[i].numbers, __ATOMIC_RELAXED) == 0)
            are_ready = false;
    }
    pthread_mutex_unlock(&boards.lock);
    return are_ready;
}

static void sample(struct text *text, const struct gw_jwt *scheme, const char *result,
                   uint64_t count)
{
    text_add(text, STR("apigw_jwks_fetches_total{"));
    prom_label(text, "scheme", scheme->name);
    text_printf(text, ",result=\"%s\"} %llu\n", result, (unsigned long long)count);
}

void jwks_metrics(const struct gw_jwts *jwts, struct text *text)
{
    bool is_first = true;

    for (uint32_t i = 0; i < jwts->count; i++) {
        struct jwks_board *board = &boards.at[i];
        uint64_t good, failed;
        if (!jwts->at[i]->jwks)
            continue;
        if (is_first)
            prom_family(text, "apigw_jwks_fetches_total", "counter",
                        "Answers of providers that were asked for their keys.");
        is_first = false;
        pthread_mutex_lock(&board->lock);
        good = board->good;
        failed = board->failed;
        pthread_mutex_unlock(&board->lock);
        sample(text, jwts->at[i], "good", good);
        sample(text, jwts->at[i], "failed", failed);
    }
}
