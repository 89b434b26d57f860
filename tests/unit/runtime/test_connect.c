/* Happy eyeballs: addresses that answer, refuse and hang. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <unistd.h>

#include "io/address.h"
#include "io/connect.h"

static struct loop loop;
static unsigned finished;

/* A listening socket, and one that lets connections hang: its queue is full. */
static int good, full, fillers[8];
static struct dns_address good_at, full_at, refusing_at, unreachable_at;

static int listen_at(struct dns_address *at, int backlog)
{
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    assert_true(dns_literal(STR("127.0.0.1"), 0, at));
    assert_int_equal(bind(fd, (struct sockaddr *)&at->at, at->len), 0);
    if (backlog >= 0)
        listen(fd, backlog);
    getsockname(fd, (struct sockaddr *)&at->at, &at->len);
    return fd;
}

static int open_all(void **state)
{
    (void)state;
    finished = 0;
    good = listen_at(&good_at, 64);
    full = listen_at(&full_at, 0);
    for (int i = 0; i < 8; i++) {
        fillers[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
        connect(fillers[i], (struct sockaddr *)&full_at.at, full_at.len);
    }
    close(listen_at(&refusing_at, -1));
    /* Refused by connect() itself. */
    struct address path;
    assert_true(address_unix(&path, STR("/nonexistent/socket")));
    unreachable_at = (struct dns_address){path.at, path.len};
    return loop_open(&loop) ? 0 : -1;
}

static int close_all(void **state)
{
    (void)state;
    loop_close(&loop);
    for (int i = 0; i < 8; i++)
        close(fillers[i]);
    close(good);
    close(full);
    return 0;
}

static void on_done(struct connector *connector)
{
    (void)connector;
    finished++;
}

static void wait_for(struct connector *connector)
{
    while (finished == 0)
        loop_turn(&loop);
    assert_int_equal(finished, 1);
    for (size_t i = 0; i < connector->next; i++)
        assert_int_equal(connector->attempts[i].stream.fd, -1);
    assert_false(timer_is_set(&connector->stagger) || timer_is_set(&connector->deadline));
}

static void test_first_that_answers_wins(void **state)
{
    struct connector connector;
    struct dns_address all[] = {unreachable_at, refusing_at, good_at, good_at};

    (void)state;
    connect_start(&connector, &loop, all, 4, 5000, on_done);
    assert_int_equal(finished, 0);
    wait_for(&connector);
    assert_int_equal(connector.error, 0);
    assert_int_equal(connector.won, 2);
    assert_true(fcntl(connector.fd, F_GETFL) & O_NONBLOCK);
    assert_int_equal(write(connector.fd, "hello", 5), 5);
    close(connector.fd);
}

static void test_one_that_hangs_is_joined_by_the_next(void **state)
{
    struct connector connector;
    struct dns_address all[] = {full_at, full_at, good_at};

    (void)state;
    connect_start(&connector, &loop, all, 3, 0, on_done);
    assert_int_equal(connector.under_way, 1);
    loop.now += 260;
    loop_run_timers(&loop);
    assert_int_equal(connector.under_way, 2);
    loop.now += 260;
    loop_run_timers(&loop);
    assert_int_equal(connector.under_way, 3);
    wait_for(&connector);
    assert_int_equal(connector.won, 2);
    close(connector.fd);
}

static void test_all_fail(void **state)
{
    struct connector connector;
    struct dns_address all[] = {refusing_at, unreachable_at, refusing_at};

    (void)state;
    connect_start(&connector, &loop, all, 3, 5000, on_done);
    wait_for(&connector);
    assert_int_equal(connector.fd, -1);
    assert_int_equal(connector.error, ECONNREFUSED);
}

static void test_failure_at_once_is_told_later(void **state)
{
    struct connector connector;

    (void)state;
    connect_start(&connector, &loop, &unreachable_at, 1, 5000, on_done);
    assert_int_equal(finished, 0);
    wait_for(&connector);
    assert_int_equal(connector.error, ENOENT);
}

static void test_deadline(void **state)
{
    struct connector connector;
    struct dns_address all[] = {full_at, full_at};

    (void)state;
    connect_start(&connector, &loop, all, 2, 1000, on_done);
    loop.now += 1100;
    loop_run_timers(&loop);
    wait_for(&connector);
    assert_int_equal(connector.fd, -1);
    assert_int_equal(connector.error, ETIMEDOUT);
}

static void test_cancel(void **state)
{
    struct connector connector;
    struct dns_address all[] = {full_at, good_at};

    (void)state;
    connect_start(&connector, &loop, all, 2, 1000, on_done);
    connect_cancel(&connector);
    assert_int_equal(connector.attempts[0].stream.fd, -1);
    /* It is over already, but nobody has been told. */
    connect_start(&connector, &loop, &good_at, 1, 1000, on_done);
    loop.running_posted = true; /* posted calls wait */
    while (!connector.finished.queued)
        loop_turn(&loop);
    assert_true(connector.fd >= 0);
    connect_cancel(&connector);
    loop.running_posted = false;
    loop_run_posted(&loop);
    assert_int_equal(finished, 0);
    assert_int_equal(connector.fd, -1);
}

static void test_more_addresses_than_are_tried(void **state)
{
    struct connector connector;
    struct dns_address all[DNS_MAX_ADDRESSES];

    (void)state;
    for (int i = 0; i < DNS_MAX_ADDRESSES; i++)
        all[i] = refusing_at;
    connect_start(&connector, &loop, all, DNS_MAX_ADDRESSES, 5000, on_done);
    wait_for(&connector);
    assert_int_equal(connector.next, CONNECT_MAX);
    assert_int_equal(connector.error, ECONNREFUSED);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_all, close_all)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_first_that_answers_wins),
        TEST(test_one_that_hangs_is_joined_by_the_next),
        TEST(test_all_fail),
        TEST(test_failure_at_once_is_told_later),
        TEST(test_deadline),
        TEST(test_cancel),
        TEST(test_more_addresses_than_are_tried),
    };

    return cmocka_run_group_tests_name("connect", tests, NULL, NULL);
}
