/* Health checks against a server of the test that answers as a script says, over real sockets: when a target is taken
 * for sick and when for well, by what, and that nothing else notices. */
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/un.h>

#include <cmocka.h>

#include "client/call_h2.h"
#include "client/probe.h"
#include "client/share.h"
#include "fake_wire.h"
#include "io/dns.h"

enum { LONG = 60 * 1000, LOG_MAX = 4096 };

/* What the server does with the next check. */
enum act {
    ACT_ANSWER, /* `answer` */
    ACT_CLOSE,  /* `answer`, and it closes */
    ACT_FAIL,   /* HTTP: 503 */
    ACT_HOLD    /* nothing */
};

struct scene {
    struct loop loop;
    struct timer tick; /* so that a turn of the loop ends */
    struct bufs bufs;
    struct dns *dns;
    struct gw_target targets[2];
    struct gw_health_check check;
    struct gw_upstream config;
    const struct gw_upstream *configs[1];
    struct upstreams *upstreams;
    struct probes *probes;
    int listening, accepted, deaf; /* deaf: bound, nobody listens */
    unsigned accepts, answered;
    char heard[1000];
    size_t heard_len;
    enum act act;
    struct str answer;
    int log, stderr_before;
    char logged[LOG_MAX + 1];
};

static const struct h1_limits limits = {.line = 100, .fields = 400, .count = 10};
static const struct gw_status_range fine[] = {{200, 299}, {304, 304}};

/* ---- the server ---- */

static uint16_t bind_port(int fd)
{
    struct sockaddr_in in = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t len = sizeof in;

    assert_int_equal(bind(fd, (struct sockaddr *)&in, len), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&in, &len), 0);
    return ntohs(in.sin_port);
}

static int new_socket(int family)
{
    int fd = socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    assert_true(fd >= 0);
    return fd;
}

static void up_close(int *fd)
{
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
}

static bool speaks_h2(const struct scene *s)
{
    return s->config.h2 != NULL;
}

/* A frame of HEADERS or DATA that ends a stream is the last thing that a request says; the preface has 24 bytes. */
static bool ends_stream(const unsigned char *at, size_t len)
{
    for (size_t i = 24; i + 9 <= len; i += 9 + ((size_t)at[i] << 16 | at[i + 1] << 8 | at[i + 2]))
        if (at[i + 3] <= 1 && (at[i + 4] & 1))
            return true;
    return false;
}

static bool is_complete(const struct scene *s)
{
    if (speaks_h2(s))
        return ends_stream((const unsigned char *)s->heard, s->heard_len);
    return s->heard_len >= 4 && !memcmp(s->heard + s->heard_len - 4, "\r\n\r\n", 4);
}

static void up_say(struct scene *s, struct str bytes)
{
    if (bytes.len > 0)
        assert_int_equal(send(s->accepted, bytes.at, bytes.len, MSG_NOSIGNAL), bytes.len);
}

/* Takes a connection when there is one, and what comes on it; answers when that is a request. */
static void up_turn(struct scene *s)
{
    int fd =
        s->listening < 0 ? -1 : accept4(s->listening, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    ssize_t len;

    if (fd >= 0) {
        up_close(&s->accepted);
        s->accepted = fd;
        s->accepts++;
        s->heard_len = 0;
        if (speaks_h2(s))
            up_say(s, STR("\0\0\0\4\0\0\0\0\0")); /* SETTINGS */
    }
    if (s->accepted < 0)
        return;
    while ((len = recv(s->accepted, s->heard + s->heard_len, sizeof s->heard - s->heard_len, 0)) >
           0)
        s->heard_len += (size_t)len;
    if (!is_complete(s) || s->answered == s->accepts || s->act == ACT_HOLD)
        return;
    s->answered = s->accepts;
    up_say(s, s->act == ACT_FAIL ? STR("HTTP/1.1 503 No\r\nContent-Length: 0\r\n\r\n") : s->answer);
    if (s->act == ACT_CLOSE)
        up_close(&s->accepted);
}

/* ---- the scene ---- */

static void on_tick(struct timer *timer)
{
    struct scene *s = (struct scene *)((char *)timer - offsetof(struct scene, tick));

    timer_set(&s->loop, timer, 5);
}

/* A scene whose targets and check may still be changed: everything is fine, and often asked. */
static void scene_set(struct scene *s)
{
    *s = (struct scene){
        .accepted = -1,
        .answer = STR("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"),
        .check = {.module = &probe_module,
                  .kind = GW_CHECK_HTTP,
                  .path = STR_INIT("/health"),
                  .interval = 20,
                  .timeout = LONG,
                  .unhealthy_threshold = 1,
                  .healthy_threshold = 1,
                  .statuses = fine,
                  .status_count = 2},
    };
    s->listening = new_socket(AF_INET);
    s->deaf = new_socket(AF_INET);
    s->targets[0] = (struct gw_target){.url = STR("http://one"),
                                       .host = STR("127.0.0.1"),
                                       .authority = STR("one.test"),
                                       .path = STR("/prefix"),
                                       .port = bind_port(s->listening),
                                       .weight = 1};
    s->targets[1] = s->targets[0];
    s->targets[1].url = STR("http://two");
    s->targets[1].port = bind_port(s->deaf);
    s->config = (struct gw_upstream){.name = STR("u"),
                                     .target_count = 1,
                                     .targets = s->targets,
                                     .pool_max_idle = 4,
                                     .pool_idle_timeout = LONG,
                                     .max_streams = 10,
                                     .check = &s->check};
    s->configs[0] = &s->config;
}

static void scene_open(struct scene *s)
{
    signal(SIGPIPE, SIG_IGN);
    s->log = memfd_create("log", MFD_CLOEXEC);
    s->stderr_before = dup(STDERR_FILENO);
    dup2(s->log, STDERR_FILENO);
    if (s->listening >= 0)
        assert_int_equal(listen(s->listening, 8), 0);
    assert_true(loop_open(&s->loop));
    s->tick.fire = on_tick;
    on_tick(&s->tick);
    bufs_open(&s->bufs, 1024);
    s->dns = dns_open(&s->loop);
    s->upstreams = upstreams_new(s->configs, 1, &s->loop, s->dns, &s->bufs, &limits,
                                 (struct upstreams_tls){0});
    s->probes = s->check.module->open(s->upstreams);
}

static void scene_close(struct scene *s)
{
    for (uint32_t i = 0; i < s->config.target_count; i++) {
        const struct upstream_stats *stats = &s->upstreams->at[0].targets[i].stats;
        assert_int_equal(stats->requests + stats->connects + stats->connections, 0);
    }
    dns_close(s->dns);
    s->check.module->close(s->probes);
    upstreams_free(s->upstreams);
    share_close();
    assert_int_equal(s->bufs.held, 0);
    bufs_close(&s->bufs);
    loop_close(&s->loop);
    up_close(&s->accepted);
    up_close(&s->listening);
    up_close(&s->deaf);
    dup2(s->stderr_before, STDERR_FILENO);
    up_close(&s->stderr_before);
    up_close(&s->log);
}

static const struct target_share *share(const struct scene *s, int target)
{
    return s->upstreams->at[0].targets[target].share;
}

/* Turns the loop and the server until the condition holds; a test that hangs is ended by its runner. */
#define UNTIL(condition)                                                                           \
    while (!(condition)) {                                                                         \
        loop_turn(&s->loop);                                                                       \
        up_turn(s);                                                                                \
    }

static const char *log_text(struct scene *s)
{
    ssize_t len = pread(s->log, s->logged, LOG_MAX, 0);

    assert_true(len >= 0);
    s->logged[len] = '\0';
    return s->logged;
}

/* How often the log says it. */
static unsigned logged(struct scene *s, const char *words)
{
    unsigned count = 0;

    for (const char *at = log_text(s); (at = strstr(at, words)); at++)
        count++;
    return count;
}

/* ---- how many ---- */

static void it_takes_so_many_one_after_another(void **state)
{
    static const struct {
        uint32_t unhealthy, healthy;
        const char *checks, *then; /* a letter for each: f(ails), or not; s(ick), or not */
        unsigned sick, well;       /* lines of the log */
    } rows[] = {
        {1, 1, "f.f.", "s.s.", 2, 2},
        {3, 2, "fff", "..s", 1, 0},
        {3, 2, "ff.fff", ".....s", 1, 0},
        {2, 3, "ff..f...", ".ssssss.", 1, 1},
        {2, 1, "fff.fffff.", ".ss..ssss.", 2, 2},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct scene scene, *s = &scene;
        uint64_t failed = 0;
        bool was_sick = false;
        scene_set(s);
        s->check.unhealthy_threshold = rows[i].unhealthy;
        s->check.healthy_threshold = rows[i].healthy;
        scene_open(s);
        for (size_t n = 0; rows[i].checks[n]; n++) {
            uint64_t since = share(s, 0)->well_since;
            s->act = rows[i].checks[n] == 'f' ? ACT_FAIL : ACT_ANSWER;
            failed += s->act == ACT_FAIL;
            UNTIL(share(s, 0)->total_checks > n);
            assert_int_equal(share(s, 0)->total_checks, n + 1);
            assert_int_equal(share(s, 0)->failed_checks, failed);
            if (share(s, 0)->is_sick != (rows[i].then[n] == 's'))
                fail_msg("row %zu, check %zu", i, n);
            assert_int_equal(share(s, 0)->well_since > since, was_sick && !share(s, 0)->is_sick);
            was_sick = share(s, 0)->is_sick;
        }
        assert_int_equal(logged(s, "upstream u: http://one is sick: it answered 503"),
                         rows[i].sick);
        assert_int_equal(logged(s, "upstream u: http://one is well again"), rows[i].well);
        scene_close(s);
    }
}

static void each_target_is_asked_for_itself(void **state)
{
    struct scene scene, *s = &scene;

    (void)state;
    scene_set(s);
    s->config.target_count = 2;
    s->targets[0].weight = 0; /* nobody is sent there now */
    scene_open(s);
    UNTIL(share(s, 0)->total_checks >= 2 && share(s, 1)->total_checks >= 2);
    assert_false(share(s, 0)->is_sick);
    assert_true(share(s, 1)->is_sick);
    assert_int_equal(logged(s, "is sick"), 1);
    assert_int_equal(logged(s, "http://two is sick: the upstream refuses connections"), 1);
    scene_close(s);
}

/* ---- by what ---- */

#define OK "HTTP/1.1 200 OK\r\n"

static const struct {
    const char *name;
    struct str answer;
    enum act act;
    const char *sick; /* why; NULL: it is well */
} answers[] = {
    {"a length", STR_INIT(OK "Content-Length: 2\r\n\r\nok"), ACT_ANSWER, NULL},
    {"chunks", STR_INIT(OK "Transfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n"), ACT_ANSWER,
     NULL},
    {"to the close", STR_INIT(OK "\r\nok"), ACT_CLOSE, NULL},
    {"an interim answer", STR_INIT("HTTP/1.1 103 E\r\n\r\nHTTP/1.1 204 N\r\n\r\n"), ACT_ANSWER,
     NULL},
    {"another range", STR_INIT("HTTP/1.1 304 N\r\n\r\n"), ACT_ANSWER, NULL},
    {"not yet a final one", STR_INIT("HTTP/1.1 199 N\r\n\r\n"), ACT_CLOSE,
     "within an answer's head"},
    {"above", STR_INIT("HTTP/1.1 300 N\r\nContent-Length: 0\r\n\r\n"), ACT_ANSWER,
     "it answered 300"},
    {"an error, with a body", STR_INIT("HTTP/1.1 500 N\r\nContent-Length: 9\r\n\r\nno"), ACT_ANSWER,
     "it answered 500"},
    {"closed at once", STR_INIT(""), ACT_CLOSE, "closed the connection without an answer"},
    {"closed within the head", STR_INIT(OK "Content-"), ACT_CLOSE, "within an answer's head"},
    {"closed within the body", STR_INIT(OK "Content-Length: 9\r\n\r\nok"), ACT_CLOSE,
     "its answer was cut off"},
    {"no HTTP", STR_INIT("SSH-2.0-OpenSSH\r\n\r\n"), ACT_ANSWER, "sick: "},
    {"switched protocols", STR_INIT("HTTP/1.1 101 S\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n"),
     ACT_ANSWER, "unasked"},
};

static void wrong(struct scene *s, const char *name)
{
    dup2(s->stderr_before, STDERR_FILENO);
    fail_msg("%s: %s", name, log_text(s));
}

/* One check, and what the log says of it; the scene is set. */
static void one_check(struct scene *s, const char *name, const char *sick)
{
    scene_open(s);
    UNTIL(share(s, 0)->total_checks == 1);
    if (share(s, 0)->is_sick != (sick != NULL) || (sick && logged(s, sick) != 1))
        wrong(s, name);
}

static void by_a_status(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof answers / sizeof *answers; i++) {
        struct scene scene, *s = &scene;
        scene_set(s);
        s->answer = answers[i].answer;
        s->act = answers[i].act;
        one_check(s, answers[i].name, answers[i].sick);
        scene_close(s);
    }
}

static void the_request_is_what_the_check_says(void **state)
{
    static const struct {
        struct str host;
        const char *wanted;
    } rows[] = {
        {STR_INIT(""), "GET /health HTTP/1.1\r\nHost: one.test\r\n"},
        {STR_INIT("health.test"), "GET /health HTTP/1.1\r\nHost: health.test\r\n"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct scene scene, *s = &scene;
        scene_set(s);
        s->check.host = rows[i].host;
        one_check(s, "host", NULL);
        assert_true(str_starts((struct str){s->heard, s->heard_len}, str_of(rows[i].wanted)));
        assert_true(is_complete(s));
        scene_close(s);
    }
}

static void by_a_connection(void **state)
{
    struct scene scene, *s = &scene;

    (void)state;
    scene_set(s);
    s->check.kind = GW_CHECK_TCP;
    scene_open(s);
    UNTIL(share(s, 0)->total_checks >= 2);
    assert_false(share(s, 0)->is_sick);
    up_close(&s->listening);
    UNTIL(share(s, 0)->is_sick);
    assert_int_equal(logged(s, "sick: the upstream refuses connections"), 1);
    scene_close(s);
}

static void another_port_is_asked(void **state)
{
    (void)state;
    for (enum gw_check kind = GW_CHECK_HTTP; kind <= GW_CHECK_TCP; kind++) {
        struct scene scene, *s = &scene;
        scene_set(s);
        s->check.kind = kind;
        s->check.port = s->targets[0].port;
        s->targets[0].port = s->targets[1].port;
        one_check(s, "port", NULL);
        scene_close(s);
    }
}

static void a_unix_socket_is_asked(void **state)
{
    struct sockaddr_un un = {.sun_family = AF_UNIX};
    char folder[] = "/tmp/test_probe.XXXXXX";
    struct scene scene, *s = &scene;

    (void)state;
    assert_non_null(mkdtemp(folder));
    snprintf(un.sun_path, sizeof un.sun_path, "%s/s", folder);
    scene_set(s);
    up_close(&s->listening);
    s->listening = new_socket(AF_UNIX);
    assert_int_equal(bind(s->listening, (struct sockaddr *)&un, sizeof un), 0);
    s->targets[0].is_unix = true;
    s->targets[0].host = str_of(un.sun_path);
    one_check(s, "unix", NULL);
    scene_close(s);
    unlink(un.sun_path);
    rmdir(folder);
}

/* In front of all else, of nobody. */
static void the_proxy_header_comes_first(void **state)
{
    (void)state;
    for (enum gw_check kind = GW_CHECK_HTTP; kind <= GW_CHECK_TCP; kind++) {
        struct scene scene, *s = &scene;
        scene_set(s);
        s->check.kind = kind;
        s->config.proxy_protocol = proxy_protocol_v1;
        one_check(s, "header", NULL);
        UNTIL(s->heard_len > 0);
        assert_true(str_starts((struct str){s->heard, s->heard_len},
                               kind == GW_CHECK_TCP ? STR("PROXY UNKNOWN\r\n")
                                                    : STR("PROXY UNKNOWN\r\nGET /health ")));
        scene_close(s);
    }
}

/* ---- gRPC ---- */

/* HEADERS of stream 1: without a table of names and values, nothing compressed. */
#define STATUS_200 "\x88"
#define GRPC_STATUS "\0\x0bgrpc-status"
#define HEAD_FRAME "\0\0\1\1\4\0\0\0\1" STATUS_200
#define TRAILERS_FRAME(digit) "\0\0\x0f\1\5\0\0\0\1" GRPC_STATUS "\1" digit

static const struct {
    const char *name;
    struct str answer;
    const char *sick;
} health[] = {
    {"serving",
     STR_INIT(HEAD_FRAME "\0\0\7\0\0\0\0\0\1"
                         "\0\0\0\0\2\x08\1" TRAILERS_FRAME("0")),
     NULL},
    {"in two parts",
     STR_INIT(HEAD_FRAME "\0\0\6\0\0\0\0\0\1"
                         "\0\0\0\0\2\x08"
                         "\0\0\1\0\0\0\0\0\1\1" TRAILERS_FRAME("0")),
     NULL},
    {"not serving",
     STR_INIT(HEAD_FRAME "\0\0\7\0\0\0\0\0\1"
                         "\0\0\0\0\2\x08\2" TRAILERS_FRAME("0")),
     "it is not serving"},
    {"not implemented",
     STR_INIT("\0\0\x11\1\5\0\0\0\1" STATUS_200 GRPC_STATUS "\2"
              "12"),
     "grpc-status 12"},
    {"serving, but for the status",
     STR_INIT(HEAD_FRAME "\0\0\7\0\0\0\0\0\1"
                         "\0\0\0\0\2\x08\1" TRAILERS_FRAME("5")),
     "grpc-status 5"},
    {"no message", STR_INIT(HEAD_FRAME TRAILERS_FRAME("0")),
     "its answer is no HealthCheckResponse"},
    {"a message that is cut",
     STR_INIT(HEAD_FRAME "\0\0\6\0\0\0\0\0\1"
                         "\0\0\0\0\2\x08" TRAILERS_FRAME("0")),
     "its answer is no HealthCheckResponse"},
    {"no trailers",
     STR_INIT(HEAD_FRAME "\0\0\7\0\1\0\0\0\1"
                         "\0\0\0\0\2\x08\1"),
     "its answer has no grpc-status"},
    {"no number",
     STR_INIT("\0\0\x11\1\5\0\0\0\1" STATUS_200 GRPC_STATUS "\2"
              "no"),
     "its answer has no grpc-status"},
    {"another status of HTTP", STR_INIT("\0\0\1\1\5\0\0\0\1\x8d"), "it answered 404"},
    {"the stream is reset", STR_INIT(HEAD_FRAME "\0\0\4\3\0\0\0\0\1\0\0\0\2"),
     "its answer was cut off"},
    {"no HTTP/2", STR_INIT("HTTP/1.1 200 OK\r\n\r\n"), "without an answer"},
};

static void scene_set_grpc(struct scene *s)
{
    scene_set(s);
    s->check.kind = GW_CHECK_GRPC;
    s->check.service = STR("a.Service");
    s->config.h2 = &call_h2_module;
}

static void by_the_health_service(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof health / sizeof *health; i++) {
        struct scene scene, *s = &scene;
        scene_set_grpc(s);
        s->answer = health[i].answer;
        one_check(s, health[i].name, health[i].sick);
        assert_true(str_find_str((struct str){s->heard, s->heard_len}, STR("\0\0\0\0\x0b\x0a\x09"
                                                                           "a.Service")) <
                    s->heard_len);
        scene_close(s);
    }
}

static void by_a_status_over_http_2(void **state)
{
    static const struct {
        struct str answer;
        const char *sick;
    } rows[] = {
        {STR_INIT("\0\0\1\1\5\0\0\0\1" STATUS_200), NULL},
        {STR_INIT(HEAD_FRAME "\0\0\2\0\1\0\0\0\1ok"), NULL},
        {STR_INIT("\0\0\1\1\5\0\0\0\1\x8e"), "it answered 500"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct scene scene, *s = &scene;
        scene_set_grpc(s);
        s->check.kind = GW_CHECK_HTTP;
        s->answer = rows[i].answer;
        one_check(s, "HTTP/2", rows[i].sick);
        scene_close(s);
    }
}

/* More than any status has is passed over. */
static void a_long_answer_is_none(void **state)
{
    static char answer[10 + 9 + 300 + 24] = HEAD_FRAME "\0\1\x2c\0\0\0\0\0\1";
    struct scene scene, *s = &scene;

    (void)state;
    memcpy(answer + sizeof answer - 24, TRAILERS_FRAME("0"), 24);
    scene_set_grpc(s);
    s->answer = (struct str){answer, sizeof answer};
    one_check(s, "long", "its answer is too long");
    scene_close(s);
}

/* What is asked is a target, not a connection. */
static void every_check_connects(void **state)
{
    (void)state;
    for (enum gw_check kind = GW_CHECK_HTTP; kind <= GW_CHECK_GRPC; kind++) {
        struct scene scene, *s = &scene;
        if (kind == GW_CHECK_GRPC) {
            scene_set_grpc(s);
            s->answer = health[0].answer;
        } else {
            scene_set(s);
        }
        s->check.kind = kind;
        scene_open(s);
        UNTIL(share(s, 0)->total_checks >= 3 && s->accepts >= 3);
        assert_int_equal(share(s, 0)->failed_checks, 0);
        scene_close(s);
    }
}

/* ---- time ---- */

static void a_check_has_a_time_limit(void **state)
{
    (void)state;
    for (enum gw_check kind = GW_CHECK_HTTP; kind <= GW_CHECK_GRPC; kind++) {
        struct scene scene, *s = &scene;
        if (kind == GW_CHECK_TCP) /* answered by the kernel */
            continue;
        if (kind == GW_CHECK_GRPC)
            scene_set_grpc(s);
        else
            scene_set(s);
        s->check.timeout = 20;
        s->act = ACT_HOLD;
        one_check(s, "time", "sick: it did not answer in time");
        scene_close(s);
    }
}

static void an_answer_without_end_has_one_too(void **state)
{
    struct scene scene, *s = &scene;

    (void)state;
    scene_set(s);
    s->check.timeout = 500;
    s->answer = STR(OK "Content-Length: 9\r\n\r\nok");
    one_check(s, "time", "sick: it did not answer in time");
    scene_close(s);
}

static struct scene *waiting;
static bool is_long_after;

static void long_after(struct timer *timer)
{
    (void)timer;
    is_long_after = true;
    assert_int_equal(waiting->accepts, 1);
}

/* The next one begins when this one has ended, though the interval be over many times. */
static void checks_do_not_overlap(void **state)
{
    struct timer much_later = {.fire = long_after};
    struct scene scene, *s = waiting = &scene;

    (void)state;
    scene_set(s);
    s->check.interval = 1;
    s->act = ACT_HOLD;
    scene_open(s);
    UNTIL(is_complete(s));
    timer_set(&s->loop, &much_later, 100);
    UNTIL(is_long_after);
    assert_int_equal(share(s, 0)->total_checks, 0);
    s->act = ACT_ANSWER;
    UNTIL(share(s, 0)->total_checks == 2);
    assert_int_equal(s->accepts, 2);
    scene_close(s);
}

/* ---- the end ---- */

static void checks_end_at_any_time(void **state)
{
    static const struct str parts[] = {STR_INIT(""), STR_INIT("HTTP/1.1 200 OK\r\n"),
                                       STR_INIT(OK "Content-Length: 9\r\n\r\nok")};

    (void)state;
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        struct scene scene, *s = &scene;
        scene_set(s);
        s->answer = parts[i];
        scene_open(s);
        UNTIL(s->answered == 1);
        loop_turn(&s->loop);
        assert_int_equal(share(s, 0)->total_checks, 0);
        scene_close(s);
    }
    for (enum gw_check kind = GW_CHECK_HTTP; kind <= GW_CHECK_GRPC; kind++) {
        struct scene scene, *s = &scene;
        scene_set_grpc(s);
        s->check.kind = kind;
        s->check.interval = 1;
        s->act = ACT_HOLD;
        if (kind == GW_CHECK_TCP)
            s->targets[0].host = STR("localhost");
        scene_open(s);
        UNTIL(s->loop.posted || s->accepts > 0);
        scene_close(s);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_takes_so_many_one_after_another),
        cmocka_unit_test(each_target_is_asked_for_itself),
        cmocka_unit_test(by_a_status),
        cmocka_unit_test(the_request_is_what_the_check_says),
        cmocka_unit_test(by_a_connection),
        cmocka_unit_test(another_port_is_asked),
        cmocka_unit_test(a_unix_socket_is_asked),
        cmocka_unit_test(the_proxy_header_comes_first),
        cmocka_unit_test(by_the_health_service),
        cmocka_unit_test(by_a_status_over_http_2),
        cmocka_unit_test(a_long_answer_is_none),
        cmocka_unit_test(every_check_connects),
        cmocka_unit_test(a_check_has_a_time_limit),
        cmocka_unit_test(an_answer_without_end_has_one_too),
        cmocka_unit_test(checks_do_not_overlap),
        cmocka_unit_test(checks_end_at_any_time),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
