/* Streams on real sockets: edges, hangups, back-pressure, closing inside a callback. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "io/address.h"
#include "io/stream.h"

static struct loop loop;

struct end {
    struct stream stream;
    unsigned called;
    bool close_inside, free_inside;
    struct end *victim; /* closed inside the callback, too */
};

static int open_loop(void **state)
{
    (void)state;
    signal(SIGPIPE, SIG_IGN);
    return loop_open(&loop) ? 0 : -1;
}

static int close_loop(void **state)
{
    (void)state;
    loop_close(&loop);
    return 0;
}

static void on_ready(struct stream *stream)
{
    struct end *end = (struct end *)stream;

    end->called++;
    if (end->victim)
        stream_close(&end->victim->stream);
    if (end->close_inside)
        stream_close(stream);
    if (end->free_inside)
        free(end);
}

static struct end *end_new(void)
{
    struct end *end = calloc(1, sizeof *end);

    end->stream.ready = on_ready;
    return end;
}

static void end_free(struct end *end)
{
    stream_close(&end->stream);
    free(end);
}

/* A stream and a plain, non-blocking peer. */
static struct end *pair(int *peer)
{
    struct end *end = end_new();
    int fds[2];

    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds), 0);
    *peer = fds[1];
    assert_true(stream_open(&end->stream, &loop, fds[0]));
    return end;
}

/* Turns the loop until the condition holds; a test that hangs is ended by its runner. */
#define UNTIL(condition)                                                                           \
    while (!(condition))                                                                           \
    loop_turn(&loop)

static void test_read_short_clears_readable(void **state)
{
    char buf[16];
    int peer;
    struct end *end = pair(&peer);

    (void)state;
    assert_true(end->stream.readable && end->stream.writable);
    assert_int_equal(stream_read(&end->stream, buf, sizeof buf), STREAM_AGAIN);
    assert_false(end->stream.readable);
    assert_int_equal(write(peer, "hello", 5), 5);
    UNTIL(end->stream.readable);
    assert_int_equal(stream_read(&end->stream, buf, 3), 3);
    assert_true(end->stream.readable);
    assert_int_equal(stream_read(&end->stream, buf, sizeof buf), 2);
    assert_false(end->stream.readable);
    /* The next edge needs no new registration. */
    assert_int_equal(write(peer, "again", 5), 5);
    UNTIL(end->stream.readable);
    assert_int_equal(stream_read(&end->stream, buf, sizeof buf), 5);
    end_free(end);
    close(peer);
}

static void test_end_with_data_is_noticed(void **state)
{
    char buf[16];
    int peer;
    struct end *end = pair(&peer);

    (void)state;
    assert_int_equal(write(peer, "bye", 3), 3);
    close(peer);
    UNTIL(end->stream.hangup);
    assert_int_equal(stream_read(&end->stream, buf, sizeof buf), 3);
    assert_true(end->stream.readable); /* a short read, but the end is still to come */
    assert_int_equal(stream_read(&end->stream, buf, sizeof buf), 0);
    assert_false(end->stream.readable);
    end_free(end);
}

static void test_end_behind_a_short_read_is_noticed(void **state)
{
    char buf[16];
    int peer;
    struct end *end = pair(&peer);

    (void)state;
    assert_int_equal(write(peer, "bye", 3), 3);
    assert_int_equal(stream_read(&end->stream, buf, sizeof buf), 3);
    assert_false(end->stream.readable);
    shutdown(peer, SHUT_WR);
    UNTIL(end->stream.readable);
    assert_true(end->stream.hangup);
    assert_int_equal(stream_read(&end->stream, buf, sizeof buf), 0);
    /* Half-closed: our side still sends. */
    struct iovec iov = {"late", 4};
    assert_int_equal(stream_write(&end->stream, &iov, 1), 4);
    assert_int_equal(read(peer, buf, sizeof buf), 4);
    end_free(end);
    close(peer);
}

static void test_write_blocks_and_goes_on(void **state)
{
    static char block[100000], sink[300000];
    struct iovec iov[2] = {{block, sizeof block}, {block, sizeof block}};
    size_t sent = 0, got = 0;
    ssize_t n;
    int peer;
    struct end *end = pair(&peer);

    (void)state;
    while ((n = stream_write(&end->stream, iov, 2)) > 0) {
        sent += (size_t)n;
        if ((size_t)n < 2 * sizeof block)
            assert_false(end->stream.writable);
    }
    assert_int_equal(n, STREAM_AGAIN);
    assert_false(end->stream.writable);
    while (got < sent) {
        n = read(peer, sink, sizeof sink);
        assert_true(n > 0);
        got += (size_t)n;
    }
    UNTIL(end->stream.writable);
    assert_int_equal(stream_write(&end->stream, iov, 1), sizeof block);
    end_free(end);
    close(peer);
}

static void test_write_to_a_closed_peer_fails(void **state)
{
    struct iovec iov = {"x", 1};
    int peer;
    struct end *end = pair(&peer);

    (void)state;
    close(peer);
    assert_int_equal(stream_write(&end->stream, &iov, 1), STREAM_FAILED);
    assert_true(end->stream.failed);
    assert_int_equal(end->stream.error, EPIPE);
    assert_false(end->stream.writable);
    end_free(end);
}

/* ---- closing inside the callback ---- */

static void test_owner_closes_and_frees_inside_ready(void **state)
{
    int peers[2];
    struct end *freed = pair(&peers[0]), *closed = pair(&peers[1]);

    (void)state;
    freed->close_inside = freed->free_inside = closed->close_inside = true;
    UNTIL(closed->called > 0);
    assert_int_equal(closed->stream.fd, -1);
    stream_close(&closed->stream); /* again: nothing */
    loop.now += 10;
    close(peers[0]);
    close(peers[1]);
    free(closed);
}

/* Both are reported in one turn; the first one called closes the other and its number is used again. */
static void test_reports_for_a_closed_stream_are_dropped(void **state)
{
    int peers[2], reused[2];
    struct end *a = pair(&peers[0]), *b = pair(&peers[1]);

    (void)state;
    a->victim = b;
    b->victim = a;
    UNTIL(a->called + b->called > 0);
    assert_int_equal(a->called + b->called, 1);
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, reused), 0);
    struct end *next = end_new();
    assert_true(stream_open(&next->stream, &loop, reused[0]));
    UNTIL(next->called > 0);
    assert_int_equal(a->called + b->called, 1);
    end_free(a);
    end_free(b);
    end_free(next);
    close(peers[0]);
    close(peers[1]);
    close(reused[1]);
}

static struct loop_call posted;
static struct end *watched;
static unsigned ran_after;

static void run_posted(struct loop_call *call)
{
    (void)call;
    ran_after = watched->called;
}

static void post_from_ready(struct stream *stream)
{
    on_ready(stream);
    posted.run = run_posted;
    loop_post(&loop, &posted);
    assert_int_equal(ran_after, 0);
}

static void test_posted_calls_run_behind_ready(void **state)
{
    int peer;

    (void)state;
    watched = pair(&peer);
    watched->stream.ready = post_from_ready;
    UNTIL(watched->called > 0);
    assert_int_equal(ran_after, 1);
    end_free(watched);
    close(peer);
}

/* ---- TCP ---- */

static int listener(struct address *at)
{
    int fd;

    assert_true(address_parse(at, STR("127.0.0.1:0"), 0));
    fd = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&at->at, at->len), 0);
    assert_int_equal(listen(fd, 8), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&at->at, &at->len), 0);
    return fd;
}

static void test_connect_and_send_at_once(void **state)
{
    struct address at;
    struct iovec iov = {"hello", 5};
    char buf[8];
    int fd = listener(&at), peer;
    struct end *end = end_new();

    (void)state;
    assert_true(stream_connect(&end->stream, &loop, (struct sockaddr *)&at.at, at.len));
    assert_true(end->stream.connecting && end->stream.writable);
    ssize_t sent = stream_write(&end->stream, &iov, 1); /* speculative */
    if (sent == STREAM_AGAIN) {
        assert_int_equal(stream_connected(&end->stream), EINPROGRESS);
        UNTIL(end->stream.writable);
        sent = stream_write(&end->stream, &iov, 1);
    }
    assert_int_equal(sent, 5);
    assert_int_equal(stream_connected(&end->stream), 0);
    assert_false(end->stream.connecting);
    peer = accept(fd, NULL, NULL);
    assert_int_equal(read(peer, buf, sizeof buf), 5);
    end_free(end);
    close(peer);
    close(fd);
}

static void test_connect_waits_for_the_outcome(void **state)
{
    struct address at;
    int fd = listener(&at);
    struct end *end = end_new();

    (void)state;
    assert_true(stream_connect(&end->stream, &loop, (struct sockaddr *)&at.at, at.len));
    assert_int_equal(stream_connected(&end->stream), EINPROGRESS);
    UNTIL(end->called > 0);
    assert_int_equal(stream_connected(&end->stream), 0);
    end_free(end);
    close(fd);
}

static void test_connect_refused(void **state)
{
    struct address at;
    struct iovec iov = {"hello", 5};
    struct end *waits = end_new(), *writes = end_new();

    (void)state;
    close(listener(&at)); /* a port that nobody listens on */
    assert_true(stream_connect(&waits->stream, &loop, (struct sockaddr *)&at.at, at.len));
    UNTIL(waits->called > 0);
    assert_int_equal(stream_connected(&waits->stream), ECONNREFUSED);
    assert_true(waits->stream.failed);
    assert_true(stream_connect(&writes->stream, &loop, (struct sockaddr *)&at.at, at.len));
    if (stream_write(&writes->stream, &iov, 1) == STREAM_AGAIN)
        UNTIL(writes->called > 0);
    assert_int_equal(stream_connected(&writes->stream), ECONNREFUSED);
    end_free(waits);
    end_free(writes);
}

static void test_connect_refused_at_once(void **state)
{
    struct address at;
    struct end *end = end_new();

    (void)state;
    assert_true(address_unix(&at, STR("/nonexistent/socket")));
    assert_false(stream_connect(&end->stream, &loop, (struct sockaddr *)&at.at, at.len));
    assert_int_equal(errno, ENOENT);
    assert_int_equal(end->stream.fd, -1);
    end_free(end);
}

/* A connected pair over TCP; the peer is a plain, blocking socket. */
static struct end *tcp_pair(int *peer)
{
    struct address at;
    int fd = listener(&at);
    struct end *end = end_new();

    assert_true(stream_connect(&end->stream, &loop, (struct sockaddr *)&at.at, at.len));
    *peer = accept(fd, NULL, NULL);
    UNTIL(end->called > 0);
    assert_int_equal(stream_connected(&end->stream), 0);
    close(fd);
    return end;
}

static void test_reset_by_us(void **state)
{
    char buf[8];
    int peer;
    struct end *end = tcp_pair(&peer);

    (void)state;
    stream_reset(&end->stream);
    assert_int_equal(end->stream.fd, -1);
    assert_int_equal(read(peer, buf, sizeof buf), -1);
    assert_int_equal(errno, ECONNRESET);
    end_free(end);
    close(peer);
}

static void test_reset_by_the_peer(void **state)
{
    char buf[8];
    int peer;
    struct end *end = tcp_pair(&peer);

    (void)state;
    end->called = 0;
    setsockopt(peer, SOL_SOCKET, SO_LINGER, &(struct linger){1, 0}, sizeof(struct linger));
    close(peer);
    UNTIL(end->called > 0);
    assert_true(end->stream.readable);
    assert_int_equal(stream_read(&end->stream, buf, sizeof buf), STREAM_FAILED);
    assert_int_equal(end->stream.error, ECONNRESET);
    end_free(end);
}

static void test_shutdown_is_half(void **state)
{
    char buf[8];
    int peer;
    struct end *end = tcp_pair(&peer);

    (void)state;
    stream_shutdown(&end->stream);
    assert_int_equal(read(peer, buf, sizeof buf), 0);
    assert_int_equal(write(peer, "late", 4), 4);
    UNTIL(end->stream.readable);
    assert_int_equal(stream_read(&end->stream, buf, sizeof buf), 4);
    end_free(end);
    close(peer);
}

static void test_release_keeps_the_descriptor(void **state)
{
    char buf[8];
    int peer;
    struct end *first = tcp_pair(&peer), *second = end_new();
    int fd = stream_release(&first->stream);

    (void)state;
    assert_int_equal(first->stream.fd, -1);
    assert_true(stream_open(&second->stream, &loop, fd));
    assert_int_equal(write(peer, "hi", 2), 2);
    UNTIL(second->called > 0);
    assert_int_equal(stream_read(&second->stream, buf, sizeof buf), 2);
    end_free(first);
    end_free(second);
    close(peer);
}

/* ---- splice ---- */

static void test_splice_moves_everything(void **state)
{
    enum { TOTAL = 3000000 };
    static char block[65536];
    int in_peer, out_peer, pipe[2];
    size_t written = 0, moved = 0, got = 0, stuck = 0;
    struct end *from = tcp_pair(&in_peer), *to = tcp_pair(&out_peer);

    (void)state;
    watched = from;
    posted.run = run_posted;
    assert_int_equal(pipe2(pipe, O_NONBLOCK), 0);
    fcntl(in_peer, F_SETFL, O_NONBLOCK);
    fcntl(out_peer, F_SETFL, O_NONBLOCK);
    while (got < TOTAL) {
        ssize_t n = 0;
        if (written < TOTAL) {
            size_t left = TOTAL - written;
            memset(block, (int)(written / sizeof block), sizeof block);
            n = send(in_peer, block, left < sizeof block ? left : sizeof block, MSG_NOSIGNAL);
            written += n > 0 ? (size_t)n : 0;
        }
        if ((from->stream.readable || stuck > 0) && to->stream.writable) {
            n = stream_splice(&from->stream, &to->stream, pipe, moved < TOTAL ? 1 << 20 : 0,
                              &stuck);
            assert_int_not_equal(n, STREAM_FAILED);
            moved += n > 0 ? (size_t)n : 0;
        }
        /* A slow reader: the pipe gets stuck now and then. */
        if (!to->stream.writable || !from->stream.readable || moved == TOTAL)
            while ((n = recv(out_peer, block, sizeof block, 0)) > 0)
                got += (size_t)n;
        loop_post(&loop, &posted); /* the turn must not wait: this test is the peer, too */
        loop_turn(&loop);
    }
    assert_int_equal(moved, TOTAL);
    assert_int_equal(got, TOTAL);
    assert_int_equal(stuck, 0);
    close(in_peer);
    UNTIL(from->stream.hangup);
    assert_int_equal(stream_splice(&from->stream, &to->stream, pipe, 1000, &stuck), 0);
    end_free(from);
    end_free(to);
    close(out_peer);
    close(pipe[0]);
    close(pipe[1]);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_loop, close_loop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_read_short_clears_readable),
        TEST(test_end_with_data_is_noticed),
        TEST(test_end_behind_a_short_read_is_noticed),
        TEST(test_write_blocks_and_goes_on),
        TEST(test_write_to_a_closed_peer_fails),
        TEST(test_owner_closes_and_frees_inside_ready),
        TEST(test_reports_for_a_closed_stream_are_dropped),
        TEST(test_posted_calls_run_behind_ready),
        TEST(test_connect_and_send_at_once),
        TEST(test_connect_waits_for_the_outcome),
        TEST(test_connect_refused),
        TEST(test_connect_refused_at_once),
        TEST(test_reset_by_us),
        TEST(test_reset_by_the_peer),
        TEST(test_shutdown_is_half),
        TEST(test_release_keeps_the_descriptor),
        TEST(test_splice_moves_everything),
    };

    return cmocka_run_group_tests_name("stream", tests, NULL, NULL);
}
