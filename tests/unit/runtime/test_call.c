/* Calls and dials, with an upstream that is a unix socket of the test: it answers at once, late, in any two
 * parts, wrongly, or not at all; the caller stays or leaves. No connection and no buffer is ever left behind. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/un.h>

#include <cmocka.h>

#include "client/call.h"
#include "fake_wire.h"
#include "io/dns.h"

static char folder[] = "/tmp/test_call.XXXXXX";
static struct gw_target config_target = {.url = STR_INIT("unix"), .weight = 1, .is_unix = true};
static const struct gw_upstream config = {.name = STR_INIT("u"),
                                          .target_count = 1,
                                          .targets = &config_target,
                                          .pool_max_idle = 4,
                                          .pool_idle_timeout = 60000};
static const struct gw_upstream *const configs[] = {&config};
static const struct h1_limits limits = {.line = 100, .fields = 400, .count = 10};

/* The gateway's side, the upstream's side, and one call. */
struct scene {
    struct loop loop;
    struct bufs bufs;
    struct dns *dns;
    struct upstreams *upstreams;
    struct pool pool;
    struct upstream_call call;
    struct gw_timeouts timeouts;
    unsigned interims;
    int listening, accepted;
    unsigned accepts;
    char heard[1000];
    size_t heard_len;
};

static struct sockaddr_un address(void)
{
    struct sockaddr_un un = {.sun_family = AF_UNIX};

    snprintf(un.sun_path, sizeof un.sun_path, "%s", config_target.host.at);
    return un;
}

static void up_listen(struct scene *s)
{
    struct sockaddr_un un = address();

    unlink(un.sun_path);
    s->listening = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(s->listening, (struct sockaddr *)&un, sizeof un), 0);
    assert_int_equal(listen(s->listening, 8), 0);
}

static void up_close(int *fd)
{
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
}

/* Takes a connection when there is one, and what was sent on it. */
static void up_hear(struct scene *s)
{
    int fd =
        s->listening < 0 ? -1 : accept4(s->listening, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    ssize_t len;

    if (fd >= 0) {
        up_close(&s->accepted);
        s->accepted = fd;
        s->accepts++;
        s->heard_len = 0;
    }
    if (s->accepted >= 0 &&
        (len = recv(s->accepted, s->heard + s->heard_len, sizeof s->heard - s->heard_len, 0)) > 0)
        s->heard_len += (size_t)len;
}

static void up_say(struct scene *s, struct str bytes)
{
    if (bytes.len > 0)
        assert_int_equal(send(s->accepted, bytes.at, bytes.len, MSG_NOSIGNAL), bytes.len);
}

static void scene_open(struct scene *s)
{
    *s = (struct scene){
        .listening = -1, .accepted = -1, .timeouts = {.connect = 5000, .read = 5000}};
    signal(SIGPIPE, SIG_IGN);
    assert_true(loop_open(&s->loop));
    bufs_open(&s->bufs, 1024);
    s->dns = dns_open(&s->loop);
    s->upstreams =
        upstreams_new(configs, 1, &s->loop, s->dns, &s->bufs, &limits, (struct upstreams_tls){0});
    pool_open(&s->pool, NULL);
    up_listen(s);
}

static const struct upstream_stats *stats(const struct scene *s)
{
    return &s->upstreams->at[0].targets[0].stats;
}

static void scene_close(struct scene *s)
{
    upstreams_free(s->upstreams);
    dns_close(s->dns);
    pool_close(&s->pool);
    assert_int_equal(s->bufs.held, 0);
    bufs_close(&s->bufs);
    loop_close(&s->loop);
    up_close(&s->accepted);
    up_close(&s->listening);
}

/* ---- the caller ---- */

static void write_head(struct upstream_call *call, struct head_text *text)
{
    (void)call;
    head_put(text, STR("GET / HTTP/1.1\r\nHost: u\r\n\r\n"));
}

static void on_interim(struct upstream_call *call)
{
    ((struct scene *)call->owner)->interims++;
}

static void begin(struct scene *s)
{
    s->call = (struct upstream_call){.upstreams = s->upstreams,
                                     .config = &config,
                                     .timeouts = &s->timeouts,
                                     .pool = &s->pool,
                                     .idempotent = true,
                                     .write_head = write_head,
                                     .interim = on_interim,
                                     .owner = s};
    s->interims = 0;
    call_start(&s->call);
}

/* Turns the loop until the condition holds; a test that hangs is ended by its runner. */
#define UNTIL(condition)                                                                           \
    while (!(condition))                                                                           \
    loop_turn(&s->loop)

static void until_heard(struct scene *s)
{
    up_hear(s);
    while (s->heard_len == 0) {
        loop_turn(&s->loop);
        up_hear(s);
    }
}

/* The answer's body to its end; the state it ends in. */
static enum body_state drain(struct scene *s, struct text *body)
{
    enum body_state state;
    struct str run;

    while ((state = s->call.in.ops->peek(&s->call.in, &run)) == BODY_DATA || state == BODY_WAIT) {
        if (state == BODY_WAIT) {
            loop_turn(&s->loop);
            continue;
        }
        text_add(body, run);
        s->call.in.ops->consume(&s->call.in, run.len);
    }
    return state;
}

/* ---- answers ---- */

static const struct {
    const char *name;
    struct str answer;
    bool closes;      /* behind it */
    uint16_t status;  /* 0: there is no answer … */
    const char *tell; /* … for this reason; else the body, "!" when it is cut off */
    bool pooled;
    unsigned interims;
} answers[] = {
    {"a length", STR_INIT("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"), false, 200, "hello",
     true, 0},
    {"chunks",
     STR_INIT("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n"), false,
     200, "hi", true, 0},
    {"no body", STR_INIT("HTTP/1.1 204 No Content\r\n\r\n"), false, 204, "", true, 0},
    {"to the close", STR_INIT("HTTP/1.1 200 OK\r\n\r\nhello"), true, 200, "hello", false, 0},
    {"close said", STR_INIT("HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nhi"),
     false, 200, "hi", false, 0},
    {"HTTP/1.0", STR_INIT("HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nhi"), false, 200, "hi",
     false, 0},
    {"more than the answer", STR_INIT("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi!"), false,
     200, "hi", false, 0},
    {"interim answers",
     STR_INIT(
         "HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 102 P\r\n\r\nHTTP/1.1 204 N\r\n\r\n"),
     false, 204, "", true, 2},
    {"a body that is cut", STR_INIT("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhel"), true, 200,
     "!", false, 0},
    {"a head that is cut", STR_INIT("HTTP/1.1 200 OK\r\nContent-Le"), true, 0, "closed", false, 0},
    {"an interim answer alone", STR_INIT("HTTP/1.1 103 Early Hints\r\n\r\n"), true, 0, "closed",
     false, 1},
    {"no HTTP", STR_INIT("SSH-2.0-OpenSSH\r\n\r\n"), false, 0, "", false, 0},
    {"two lengths", STR_INIT("HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nhi"),
     false, 0, "", false, 0},
    {"switched protocols",
     STR_INIT("HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n"),
     false, 0, "unasked", false, 0},
};

static void answer_row(size_t row, size_t split)
{
    struct scene scene, *s = &scene;
    struct text body;
    enum body_state state;

    scene_open(s);
    body = (struct text){.pool = &s->pool};
    begin(s);
    until_heard(s);
    up_say(s, str_head(answers[row].answer, split));
    if (split < answers[row].answer.len) {
        loop_turn(&s->loop);
        if (s->call.op.state == OP_RUNNING || answers[row].status != 0)
            up_say(s, str_from(answers[row].answer, split));
    }
    if (answers[row].closes)
        up_close(&s->accepted);
    UNTIL(s->call.op.state != OP_RUNNING);
    if (answers[row].status == 0) {
        if (s->call.op.state != OP_FAILED || s->call.status != 502 ||
            !strstr(s->call.reason, answers[row].tell))
            fail_msg("%s, split at %zu: %u %s", answers[row].name, split, s->call.status,
                     s->call.reason);
    } else {
        assert_int_equal(s->call.op.state, OP_DONE);
        assert_int_equal(s->call.head.status, answers[row].status);
        state = drain(s, &body);
        assert_int_equal(state, answers[row].tell[0] == '!' ? BODY_FAILED : BODY_END);
        if (state == BODY_END && !str_eq(text_str(&body), str_of(answers[row].tell)))
            fail_msg("%s, split at %zu: %.*s", answers[row].name, split, (int)body.len, body.at);
    }
    assert_int_equal(s->interims, answers[row].interims);
    call_close(&s->call);
    if (stats(s)->idle != answers[row].pooled || stats(s)->connections != stats(s)->idle)
        fail_msg("%s, split at %zu: %d open, %d idle", answers[row].name, split,
                 (int)stats(s)->connections, (int)stats(s)->idle);
    scene_close(s);
}

static void an_answer_comes_in_any_two_parts(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof answers / sizeof *answers; i++)
        for (size_t split = 1; split <= answers[i].answer.len; split++)
            if (strcmp(answers[i].name, "more than the answer") || split == answers[i].answer.len)
                answer_row(i, split);
}

static void interim_answers_have_an_end(void **state)
{
    struct scene scene, *s = &scene;

    (void)state;
    scene_open(s);
    begin(s);
    until_heard(s);
    for (int i = 0; i < CALL_INTERIMS_MAX + 1; i++)
        up_say(s, STR("HTTP/1.1 103 Early Hints\r\n\r\n"));
    UNTIL(s->call.op.state != OP_RUNNING);
    assert_int_equal(s->call.op.state, OP_FAILED);
    assert_int_equal(s->call.status, 502);
    assert_int_equal(s->interims, CALL_INTERIMS_MAX);
    call_close(&s->call);
    scene_close(s);
}

/* ---- waits ---- */

static void nobody_listens(void **state)
{
    struct scene scene, *s = &scene;

    (void)state;
    scene_open(s);
    up_close(&s->listening);
    begin(s);
    assert_int_equal(s->call.op.state, OP_RUNNING); /* never told from within */
    UNTIL(s->call.op.state != OP_RUNNING);
    assert_int_equal(s->call.op.state, OP_FAILED);
    assert_int_equal(s->call.status, 502);
    assert_non_null(strstr(s->call.reason, "refuses"));
    assert_true(stats(s)->connect_failures >= 1);
    assert_int_equal(stats(s)->connections, 0);
    call_close(&s->call);
    scene_close(s);
}

static void nobody_answers(void **state)
{
    static const struct {
        struct gw_timeouts timeouts;
        const char *words;
        enum op_state ends;
    } rows[] = {
        {{.connect = 5000, .read = 20}, "", OP_FAILED},
        {{.connect = 5000, .request = 20}, "took too long", OP_TIMED_OUT},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct scene scene, *s = &scene;
        scene_open(s);
        s->timeouts = rows[i].timeouts;
        begin(s);
        until_heard(s);
        UNTIL(s->call.op.state != OP_RUNNING);
        assert_int_equal(s->call.op.state, rows[i].ends);
        assert_int_equal(s->call.status, 504);
        assert_non_null(strstr(s->call.reason, rows[i].words));
        call_close(&s->call);
        assert_int_equal(stats(s)->connections, 0);
        scene_close(s);
    }
}

enum leaves {
    BEFORE_DIALLED,
    BEFORE_THE_ANSWER,
    WITHIN_THE_HEAD,
    BEFORE_THE_BODY,
    WITHIN_THE_BODY,
    LEAVES
};

static void the_caller_leaves(void **state)
{
    (void)state;
    for (enum leaves when = 0; when < LEAVES; when++) {
        struct scene scene, *s = &scene;
        struct str run;
        scene_open(s);
        begin(s);
        if (when >= BEFORE_THE_ANSWER)
            until_heard(s);
        if (when == WITHIN_THE_HEAD) {
            up_say(s, STR("HTTP/1.1 200 OK\r\n"));
            loop_turn(&s->loop);
        }
        if (when >= BEFORE_THE_BODY) {
            up_say(s, STR("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhello"));
            UNTIL(s->call.op.state != OP_RUNNING);
        }
        if (when == WITHIN_THE_BODY) {
            assert_int_equal(s->call.in.ops->peek(&s->call.in, &run), BODY_DATA);
            s->call.in.ops->consume(&s->call.in, 1);
        }
        call_close(&s->call);
        assert_int_equal(stats(s)->connections, 0);
        scene_close(s);
    }
}

/* ---- pooled connections ---- */

/* One call to its end, after which its connection rests. */
static void once(struct scene *s)
{
    struct text body = {.pool = &s->pool};

    begin(s);
    until_heard(s);
    up_say(s, STR("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi"));
    UNTIL(s->call.op.state != OP_RUNNING);
    assert_int_equal(drain(s, &body), BODY_END);
    call_close(&s->call);
    assert_int_equal(stats(s)->idle, 1);
    s->heard_len = 0;
}

static void a_connection_is_used_again(void **state)
{
    struct scene scene, *s = &scene;

    (void)state;
    scene_open(s);
    once(s);
    once(s);
    once(s);
    assert_int_equal(s->accepts, 1);
    assert_int_equal(stats(s)->connects, 1);
    assert_int_equal(stats(s)->requests, 3);
    scene_close(s);
}

static void an_idle_connection_that_says_something_is_closed(void **state)
{
    (void)state;
    for (int closes = 0; closes < 2; closes++) {
        struct scene scene, *s = &scene;
        scene_open(s);
        once(s);
        if (closes)
            up_close(&s->accepted);
        else
            up_say(s, STR("HTTP/1.1 408 Request Timeout\r\n\r\n"));
        UNTIL(stats(s)->connections == 0);
        assert_int_equal(stats(s)->idle, 0);
        once(s);
        assert_int_equal(s->accepts, 2);
        scene_close(s);
    }
}

/* The upstream closes the connection just when it is used: another one takes the request, if it may be sent
 * twice, and only once. */
static void a_stale_connection_is_replaced_when_that_is_safe(void **state)
{
    (void)state;
    for (int idempotent = 0; idempotent < 2; idempotent++) {
        struct scene scene, *s = &scene;
        scene_open(s);
        once(s);
        begin(s);
        s->call.idempotent = idempotent;
        until_heard(s);
        assert_int_equal(s->accepts, 1);
        up_close(&s->accepted);
        s->heard_len = 0;
        if (idempotent) {
            until_heard(s);
            assert_int_equal(s->accepts, 2);
            up_close(&s->accepted); /* not a third time */
        }
        UNTIL(s->call.op.state != OP_RUNNING);
        assert_int_equal(s->call.op.state, OP_FAILED);
        assert_int_equal(s->call.status, 502);
        assert_int_equal(s->call.tries, 1 + idempotent);
        call_close(&s->call);
        assert_int_equal(stats(s)->connections, 0);
        scene_close(s);
    }
}

/* ---- dials ---- */

static unsigned told;

static void on_done(struct dial *dial)
{
    (void)dial;
    told++;
}

static void a_dial_is_told_once_and_never_from_within(void **state)
{
    struct scene scene, *s = &scene;
    struct dial dial;

    (void)state;
    scene_open(s);
    told = 0;
    dial_start(&dial, &s->upstreams->at[0].targets[0], &s->pool, 1000, on_done);
    assert_int_equal(told, 0);
    UNTIL(told);
    assert_int_equal(told, 1);
    assert_non_null(dial.conn);
    assert_false(timer_is_set(&dial.late));
    target_close(dial.conn);
    up_close(&s->listening);
    dial_start(&dial, &s->upstreams->at[0].targets[0], &s->pool, 1000, on_done);
    assert_int_equal(told, 1);
    UNTIL(told > 1);
    assert_null(dial.conn);
    assert_int_equal(dial.status, 502);
    assert_int_equal(stats(s)->connect_failures, 1);
    scene_close(s);
}

static void a_cancelled_dial_is_not_told(void **state)
{
    struct scene scene, *s = &scene;
    struct dial dial = {0};

    (void)state;
    scene_open(s);
    told = 0;
    dial_cancel(&dial); /* one that never began */
    dial_start(&dial, &s->upstreams->at[0].targets[0], &s->pool, 1000, on_done);
    dial_cancel(&dial);
    dial_cancel(&dial);
    assert_int_equal(stats(s)->connections, 0);
    once(s); /* the loop has turned since */
    assert_int_equal(told, 0);
    scene_close(s);
}

static int make_folder(void **state)
{
    static char path[64];

    (void)state;
    if (!mkdtemp(folder))
        return -1;
    snprintf(path, sizeof path, "%s/u", folder);
    config_target.host = str_of(path);
    return 0;
}

static int remove_folder(void **state)
{
    (void)state;
    unlink(config_target.host.at);
    return rmdir(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_dial_is_told_once_and_never_from_within),
        cmocka_unit_test(a_cancelled_dial_is_not_told),
        cmocka_unit_test(an_answer_comes_in_any_two_parts),
        cmocka_unit_test(interim_answers_have_an_end),
        cmocka_unit_test(nobody_listens),
        cmocka_unit_test(nobody_answers),
        cmocka_unit_test(the_caller_leaves),
        cmocka_unit_test(a_connection_is_used_again),
        cmocka_unit_test(an_idle_connection_that_says_something_is_closed),
        cmocka_unit_test(a_stale_connection_is_replaced_when_that_is_safe),
    };

    return cmocka_run_group_tests_name("call", tests, make_folder, remove_folder);
}
