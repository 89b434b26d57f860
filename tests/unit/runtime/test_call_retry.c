/* Calls that are tried again, with two upstreams of the test that answer, refuse, stall, talk nonsense and hang up as
 * chance has it from a seed, and bodies that come in any pieces: whatever arrives whole is the body byte for byte, no
 * more tries are made than allowed and no fewer than promised, and nothing is ever left behind. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/log.h"
#include "client/balance.h"
#include "client/breaker.h"
#include "client/retry.h"
#include "fake_upstream.h"
#include "io/dns.h"

enum {
    SEED = 5,
    CALLS = 5000,
    TARGETS = 2,
    CONNS = 64,
    BODY_MAX = 9000,
    BUFFER = 6000,
    CALLS_AT_ONCE = 16
};

static char folder[] = "/tmp/test_call_retry.XXXXXX";
static char paths[TARGETS][64];
static const struct h1_limits limits = {.line = 100, .fields = 400, .count = 10};
static const struct gw_status_range busy[] = {{503, 503}};
static const struct gw_retry retry = {
    .module = &retry_module,
    .attempts = 4,
    .on_connect_failure = true,
    .on_reset = true,
    .on_timeout = true,
    .statuses = busy,
    .status_count = 1,
    .methods = 1 << METHOD_PUT,
    .idempotency_key = true,
    .base = 1,
    .max = 2,
    .jitter = true,
    .budget = 1,
    .budget_min = 1,
    .per_try_timeout = 500,
    .buffer = BUFFER,
};

/* ---- the clock of the whole process is the test's ---- */

static uint64_t clock_ns = 1000000000000;

int clock_gettime(clockid_t clock, struct timespec *now)
{
    (void)clock;
    *now = (struct timespec){.tv_sec = (time_t)(clock_ns / 1000000000),
                             .tv_nsec = (long)(clock_ns % 1000000000)};
    return 0;
}

/* ---- bodies: made of the call's number ---- */

static char byte_of(uint32_t call, uint32_t at)
{
    return (char)((call * 2654435761u + at * 40503u) >> 13);
}

struct source {
    struct body_in in;
    struct loop_call wake;
    struct loop *loop;
    uint32_t call, len, at, run;
    bool has_waited, is_chunked;
    char lent[BODY_MAX];
};

static void source_wake(struct loop_call *posted)
{
    struct source *source = (struct source *)((char *)posted - offsetof(struct source, wake));

    if (source->in.pump)
        pump_turn(source->in.pump);
}

static enum body_state source_peek(struct body_in *in, struct str *data)
{
    struct source *source = (struct source *)((char *)in - offsetof(struct source, in));

    if (source->at == source->len) {
        in->trailers = source->is_chunked ? STR("X-End: yes\r\n") : STR("");
        return BODY_END;
    }
    if (source->run == 0 && !source->has_waited && chance(3) == 0) {
        source->has_waited = true;
        loop_post_later(source->loop, &source->wake);
        return BODY_WAIT;
    }
    if (source->run == 0) {
        source->run = 1 + chance(chance(2) ? 50 : 4000);
        if (source->run > source->len - source->at)
            source->run = source->len - source->at;
        for (uint32_t i = 0; i < source->run; i++)
            source->lent[i] = byte_of(source->call, source->at + i);
    }
    *data = (struct str){source->lent, source->run};
    return BODY_DATA;
}

/* What was lent is nobody's any more. */
static void source_consume(struct body_in *in, size_t len)
{
    struct source *source = (struct source *)((char *)in - offsetof(struct source, in));

    assert_in_range(len, 1, source->run);
    memset(source->lent, '!', source->run);
    source->at += (uint32_t)len;
    source->run = 0;
    source->has_waited = false;
}

/* ---- the upstreams ---- */

enum plan {
    SAYS_OK,
    SAYS_BUSY,
    CLOSES,
    HANGS_UP_EARLY,
    BUSY_EARLY,
    OK_EARLY,
    BABBLES,
    STALLS,
    CUTS,
    PLANS
};

struct peer {
    int fd;
    bool planned, answered;
    enum plan plan;
    size_t len;
    char heard[4 * BODY_MAX];
};

static struct {
    int listening[TARGETS];
    struct peer peers[CONNS];
    uint32_t whole;                /* requests … */
    uint32_t begun[CALLS_AT_ONCE]; /* … of each call that is under way: by number */
} up;

static void peer_close(struct peer *peer)
{
    close(peer->fd);
    *peer = (struct peer){.fd = -1};
}

static void peer_say(struct peer *peer, const char *text)
{
    (void)send(peer->fd, text, strlen(text), MSG_NOSIGNAL); /* it may have left */
    peer->answered = true;
}

/* The request's length with its head once it is whole, 0: not yet. Its content is compared. */
static size_t whole_request(struct peer *peer, size_t head)
{
    uint32_t call, len, got = 0;
    char framing;
    size_t at = head;

    assert_int_equal(sscanf(peer->heard, "PUT /%u/%u/%c", &call, &len, &framing), 3);
    for (;;) {
        size_t run = framing == 'l' ? len : 0;
        if (framing == 'c') {
            char *line = memmem(peer->heard + at, peer->len - at, "\r\n", 2);
            if (!line)
                return 0;
            run = strtoul(peer->heard + at, NULL, 16);
            at = (size_t)(line - peer->heard) + 2;
        }
        for (size_t i = 0; i < run && at < peer->len; i++)
            if (peer->heard[at++] != byte_of(call, got++))
                fail_msg("seed %d, call %u: byte %u is another one", SEED, call, got - 1);
        if (framing == 'l')
            return got == len ? at : 0;
        if (run == 0)
            break;
        at += 2;
        if (at > peer->len)
            return 0;
    }
    if (at + 14 > peer->len)
        return 0;
    assert_int_equal(got, len);
    assert_memory_equal(peer->heard + at, "X-End: yes\r\n\r\n", 14);
    return at + 14;
}

static void peer_act(struct peer *peer)
{
    char *end = memmem(peer->heard, peer->len, "\r\n\r\n", 4);
    size_t whole = end ? whole_request(peer, (size_t)(end - peer->heard) + 4) : 0;

    if (!end)
        return;
    if (!peer->planned) {
        peer->plan = chance(3) ? chance(PLANS) : SAYS_OK;
        peer->planned = true;
        up.begun[strtoul(peer->heard + 5, NULL, 10) % CALLS_AT_ONCE]++;
    }
    if (peer->plan == HANGS_UP_EARLY) {
        peer_close(peer);
        return;
    }
    if (!peer->answered && (peer->plan == BUSY_EARLY || (whole && peer->plan == SAYS_BUSY)))
        peer_say(peer, "HTTP/1.1 503 Busy\r\nContent-Length: 4\r\n\r\nbusy");
    if (!peer->answered && (peer->plan == OK_EARLY || (whole && peer->plan == SAYS_OK)))
        peer_say(peer, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello");
    if (whole && peer->plan == BABBLES)
        peer_say(peer, "what?\r\n\r\n");
    if (whole && peer->plan == CUTS)
        peer_say(peer, "HTTP/1.1 200 OK\r\nConte");
    if (whole && (peer->plan == CLOSES || peer->plan == CUTS || peer->plan == BABBLES)) {
        peer_close(peer);
    } else if (whole && peer->plan != STALLS) {
        up.whole++;
        peer->len -= whole;
        memmove(peer->heard, peer->heard + whole, peer->len);
        peer->planned = peer->answered = false;
    }
}

/* True when there was one. */
static bool up_accept(int listening)
{
    int fd = accept4(listening, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

    if (fd < 0)
        return false;
    for (size_t i = 0; i < CONNS; i++) {
        if (up.peers[i].fd < 0) {
            up.peers[i].fd = fd;
            return true;
        }
    }
    fail_msg("too many connections");
    return false;
}

/* True when there was something to do. */
static bool up_turn(void)
{
    bool did = false;

    for (int t = 0; t < TARGETS; t++)
        did |= up_accept(up.listening[t]);
    for (size_t i = 0; i < CONNS; i++) {
        struct peer *peer = &up.peers[i];
        ssize_t len;
        if (peer->fd < 0)
            continue;
        /* One that hangs up early has read the head and no more: what is unread makes it a reset. */
        len = recv(peer->fd, peer->heard + peer->len,
                   peer->plan == HANGS_UP_EARLY ? 0 : 1 + chance(3000), 0);
        did |= len >= 0;
        if (len > 0)
            peer->len += (size_t)len;
        if (len == 0)
            peer_close(peer);
        else if (len > 0)
            peer_act(peer);
    }
    return did;
}

/* ---- one call ---- */

struct scene {
    struct loop loop;
    struct bufs bufs;
    struct dns *dns;
    struct gw_target targets[TARGETS];
    struct gw_upstream config;
    const struct gw_upstream *configs[1];
    struct upstreams *upstreams;
    struct gw_timeouts timeouts;
    struct loop_call nudge;
    struct work {
        struct scene *scene;
        struct source source;
        struct pool pool;
        struct upstream_call *call; /* NULL: none */
    } works[CALLS_AT_ONCE];
};

static void write_head(struct upstream_call *call, struct head_text *text)
{
    const struct work *w = call->owner;
    char line[200];

    snprintf(line, sizeof line, "PUT /%u/%u/%c HTTP/1.1\r\nHost: u\r\n", w->source.call,
             w->source.len, w->source.is_chunked ? 'c' : 'l');
    head_put(text, str_of(line));
    if (w->source.is_chunked)
        snprintf(line, sizeof line, "Transfer-Encoding: chunked\r\n\r\n");
    else
        snprintf(line, sizeof line, "Content-Length: %u\r\n\r\n", w->source.len);
    head_put(text, str_of(line));
}

static void begin(struct scene *s, uint32_t number)
{
    static const struct body_in_ops ops = {.peek = source_peek, .consume = source_consume};
    struct work *w = &s->works[number % CALLS_AT_ONCE];
    struct source *source = &w->source;

    *source = (struct source){.in.ops = &ops, .wake.run = source_wake, .loop = &s->loop};
    source->call = number;
    up.begun[number % CALLS_AT_ONCE] = 0;
    w->scene = s;
    source->is_chunked = chance(2);
    source->len = chance(4) ? chance(BODY_MAX) : 0;
    pool_open(&w->pool, NULL);
    w->call = call_new(&w->pool);
    w->call->upstreams = s->upstreams;
    w->call->config = &s->config;
    w->call->timeouts = &s->timeouts;
    w->call->retry = &retry;
    w->call->body = &source->in;
    w->call->framing = source->is_chunked ? FRAMING_CHUNKED : FRAMING_LENGTH;
    w->call->length = source->len;
    w->call->method = chance(4) ? METHOD_PUT : METHOD_POST;
    w->call->has_idempotency_key = chance(3) == 0;
    w->call->idempotent = w->call->method == METHOD_PUT;
    w->call->write_head = write_head;
    w->call->owner = w;
    call_start(w->call);
}

static void on_nudge(struct loop_call *posted)
{
    (void)posted;
}

static void turn(struct scene *s)
{
    /* Nobody ever waits: where the upstreams have nothing to do, time goes by. */
    clock_ns += up_turn() ? 10000 : 10000000;
    loop_post_later(&s->loop, &s->nudge);
    loop_turn(&s->loop);
}

/* The answer's body, and the rest of the request's. */
static void finish_answer(struct work *w)
{
    struct upstream_call *call = w->call;
    char body[16] = "";
    enum body_state state = BODY_WAIT;
    struct str run;

    while (state != BODY_END || call_is_sending(call)) {
        state = call->in.ops->peek(&call->in, &run);
        if (state == BODY_FAILED)
            break; /* it was closed while the request's body was on its way */
        if (state != BODY_DATA) {
            turn(w->scene);
            continue;
        }
        strncat(body, run.at, run.len);
        call->in.ops->consume(&call->in, run.len);
    }
    if (state == BODY_END && strcmp(body, call->head.status == 200 ? "hello" : "busy") != 0)
        fail_msg("seed %d, call %u: the answer is %s", SEED, w->source.call, body);
}

/* There were as many tries as promised where none of them got an answer to pass on; a breaker may allow fewer. */
static void check_tries(const struct work *w)
{
    const struct upstream_call *call = w->call;
    uint32_t number = w->source.call, begun = up.begun[number % CALLS_AT_ONCE];
    bool failed = call->op.state != OP_DONE || call->head.status != 200;
    bool may = call->method == METHOD_PUT || call->has_idempotency_key;

    if (call->tries > retry.attempts + 1 || begun > retry.attempts + 1)
        fail_msg("seed %d, call %u: %u tries, %u requests", SEED, number, call->tries, begun);
    if (!may && begun > 1)
        fail_msg("seed %d, call %u: a POST is sent %u times", SEED, number, begun);
    if (failed && may && !call->config->breaker && w->source.len <= BUFFER &&
        call->tries < retry.attempts)
        fail_msg("seed %d, call %u: %u tries, and then %u %s", SEED, number, call->tries,
                 call->status, call->reason ? call->reason : "");
}

static void end(struct work *w)
{
    if (w->call->op.state != OP_RUNNING)
        check_tries(w);
    if (w->call->op.state == OP_DONE && chance(4))
        finish_answer(w);
    call_close(w->call);
    loop_unpost(&w->scene->loop, &w->source.wake);
    pool_close(&w->pool);
    w->call = NULL;
}

static void assert_nothing_is_left(const struct scene *s)
{
    const struct upstream_share *share = s->upstreams->at[0].share;

    if (s->bufs.held != 0 || share->active != 0 || share->retries != 0 || share->pending != 0)
        fail_msg("seed %d: %u bytes, %u requests, %u retries, %u that wait are left", SEED,
                 (unsigned)s->bufs.held, share->active, share->retries, share->pending);
    for (int t = 0; t < TARGETS; t++) {
        const struct target *target = &s->upstreams->at[0].targets[t];
        if (target->share->active != 0 || target->stats.connections != target->stats.idle)
            fail_msg("seed %d: %u under way, %d connections, %d idle", SEED, target->share->active,
                     (int)target->stats.connections, (int)target->stats.idle);
    }
}

static void run_alone(struct scene *s, uint32_t number)
{
    struct work *w = &s->works[number % CALLS_AT_ONCE];
    uint32_t patience = chance(5) ? UINT32_MAX : chance(12);

    begin(s, number);
    while (w->call->op.state == OP_RUNNING && patience-- > 0)
        turn(s);
    end(w);
    assert_nothing_is_left(s);
}

static void scene_open(struct scene *s, const struct gw_breaker *breaker)
{
    seed_now = SEED;
    *s = (struct scene){.timeouts = {.connect = 5000, .send = 5000, .read = 5000}};
    up.whole = 0;
    s->config = (struct gw_upstream){.name = STR("u"),
                                     .target_count = TARGETS,
                                     .targets = s->targets,
                                     .pool_max_idle = 4,
                                     .pool_idle_timeout = 60000,
                                     .balance = balance_least_conn,
                                     .breaker = breaker};
    s->configs[0] = &s->config;
    for (int t = 0; t < TARGETS; t++)
        s->targets[t] = (struct gw_target){
            .url = str_of(paths[t]), .host = str_of(paths[t]), .weight = 1, .is_unix = true};
    s->nudge.run = on_nudge;
    assert_true(loop_open(&s->loop));
    bufs_open(&s->bufs, 1024);
    s->dns = dns_open(&s->loop);
    s->upstreams = upstreams_new(s->configs, 1, &s->loop, s->dns, &s->bufs, &limits,
                                 (struct upstreams_tls){0});
}

static void scene_close(struct scene *s)
{
    upstreams_free(s->upstreams);
    dns_close(s->dns);
    bufs_close(&s->bufs);
    loop_close(&s->loop);
    share_close();
}

static struct scene scene;

static void calls_survive_any_faults(void **state)
{
    (void)state;
    scene_open(&scene, NULL);
    for (uint32_t number = 1; number <= CALLS; number++)
        run_alone(&scene, number);
    assert_true(up.whole > CALLS / 2);
    scene_close(&scene);
}

/* ---- many at once, with limits ---- */

static const struct gw_breaker breaker = {
    .module = &breaker_module,
    .max_requests = 8,
    .max_connections = 3,
    .max_pending_requests = 6,
    .pending_timeout = 300,
    .threshold = 12,
    .window_size = 1000,
    .timeout = 200,
    .half_open_requests = 2,
};

static void assert_limits(const struct scene *s)
{
    const struct upstream_share *share = s->upstreams->at[0].share;
    uint64_t connections = 0;

    for (int t = 0; t < TARGETS; t++)
        connections += s->upstreams->at[0].targets[t].stats.connections;
    if (connections != share->connections || connections > breaker.max_connections ||
        share->active > breaker.max_requests || share->pending > breaker.max_pending_requests)
        fail_msg("seed %d: %u connections, %u requests, %u that wait", SEED, (unsigned)connections,
                 share->active, share->pending);
}

static void limits_hold_and_nobody_is_forgotten(void **state)
{
    struct scene *s = &scene;
    uint32_t begun = 0, running = 0, well = 0;

    (void)state;
    scene_open(s, &breaker);
    for (uint32_t turns = 0; begun < CALLS || running > 0; turns++) {
        struct work *w = &s->works[chance(CALLS_AT_ONCE)];
        if (turns > 400 * CALLS)
            fail_msg("seed %d: %u of %u calls do not end", SEED, running, begun);
        if (!w->call && begun < CALLS && chance(4) == 0) {
            begun++;
            running++;
            begin(s, (uint32_t)(w - s->works) + CALLS_AT_ONCE * begun);
        } else if (w->call && (w->call->op.state != OP_RUNNING || chance(500) == 0)) {
            well += w->call->op.state == OP_DONE;
            running--;
            end(w);
        }
        turn(s);
        assert_limits(s);
    }
    assert_nothing_is_left(s);
    assert_true(well > CALLS / 10);
    assert_true(s->upstreams->at[0].share->total_opened > 0);
    assert_true(s->upstreams->at[0].share->total_overflowed > 0);
    scene_close(s);
}

static int listen_at(const char *path)
{
    struct sockaddr_un un = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    snprintf(un.sun_path, sizeof un.sun_path, "%s", path);
    if (fd < 0 || bind(fd, (struct sockaddr *)&un, sizeof un) != 0 || listen(fd, 64) != 0)
        return -1;
    return fd;
}

static int open_upstreams(void **state)
{
    (void)state;
    if (!mkdtemp(folder))
        return -1;
    for (size_t i = 0; i < CONNS; i++)
        up.peers[i].fd = -1;
    for (int t = 0; t < TARGETS; t++) {
        snprintf(paths[t], sizeof paths[t], "%s/%d", folder, t);
        up.listening[t] = listen_at(paths[t]);
        if (up.listening[t] < 0)
            return -1;
    }
    return 0;
}

static int close_upstreams(void **state)
{
    (void)state;
    for (size_t i = 0; i < CONNS; i++)
        if (up.peers[i].fd >= 0)
            peer_close(&up.peers[i]);
    for (int t = 0; t < TARGETS; t++) {
        close(up.listening[t]);
        unlink(paths[t]);
    }
    return rmdir(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(calls_survive_any_faults),
        cmocka_unit_test(limits_hold_and_nobody_is_forgotten),
    };

    log_set_level(LOG_ERROR);
    return cmocka_run_group_tests_name("call_retry", tests, open_upstreams, close_upstreams);
}
