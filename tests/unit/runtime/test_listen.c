/* Listening sockets and accepting. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "io/acceptor.h"
#include "io/listen.h"

static char folder[] = "/tmp/test_listen.XXXXXX";

static int make_folder(void **state)
{
    (void)state;
    return mkdtemp(folder) ? 0 : -1;
}

static int remove_folder(void **state)
{
    (void)state;
    return rmdir(folder);
}

static int dial(const char *text)
{
    struct address at;
    int fd;

    assert_true(address_parse(&at, str_of(text), 0));
    fd = socket(at.at.ss_family, SOCK_STREAM, 0);
    if (connect(fd, (struct sockaddr *)&at.at, at.len) == 0)
        return fd;
    close(fd);
    return -1;
}

static void close_all(const int *fds, unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        close(fds[i]);
}

/* The port of "listening on" text. */
static const char *port_of(const char *text)
{
    return strrchr(text, ':') + 1;
}

static void test_workers_share_a_port(void **state)
{
    enum { WORKERS = 3, CLIENTS = 60 };
    int fds[WORKERS], clients[CLIENTS];
    unsigned served = 0, accepted = 0;
    char text[LISTEN_TEXT];

    (void)state;
    assert_true(listen_open(STR("127.0.0.1:0"), fds, WORKERS, WORKERS, NULL, text));
    assert_int_not_equal(atoi(port_of(text)), 0);
    for (int i = 0; i < CLIENTS; i++)
        assert_true((clients[i] = dial(text)) >= 0);
    for (int i = 0; i < WORKERS; i++) {
        unsigned before = accepted;
        int fd;
        while ((fd = accept(fds[i], NULL, NULL)) >= 0) {
            accepted++;
            close(fd);
        }
        served += accepted > before;
    }
    assert_int_equal(accepted, CLIENTS);
    assert_true(served > 1); /* by chance all to one: 3^-59 */
    close_all(clients, CLIENTS);
    close_all(fds, WORKERS);
}

static void test_second_gateway_is_an_error(void **state)
{
    int first[2], second[2];
    char text[LISTEN_TEXT], said[LISTEN_TEXT];

    (void)state;
    assert_true(listen_open(STR("127.0.0.1:0"), first, 2, 2, NULL, text));
    assert_false(listen_open(str_of(text), second, 2, 2, NULL, said));
    assert_non_null(strstr(said, "Address already in use"));
    assert_non_null(strstr(said, text));
    close_all(first, 2);
    assert_true(listen_open(str_of(text), second, 2, 2, NULL, said));
    assert_string_equal(said, text);
    close_all(second, 2);
}

static bool has_ipv6(void)
{
    int fd = socket(AF_INET6, SOCK_STREAM, 0);

    if (fd >= 0)
        close(fd);
    return fd >= 0;
}

static void test_dual_stack(void **state)
{
    char text[LISTEN_TEXT], v4[64], v6[64];
    int fd, peer;

    (void)state;
    assert_true(listen_open(STR("[::]:0"), &fd, 1, 1, NULL, text));
    snprintf(v4, sizeof v4, "127.0.0.1:%s", port_of(text));
    snprintf(v6, sizeof v6, "[::1]:%s", port_of(text));
    assert_true((peer = dial(v4)) >= 0);
    close(peer);
    if (has_ipv6() && (peer = dial(v6)) >= 0)
        close(peer);
    close(fd);
}

static void test_bad_addresses(void **state)
{
    static const char *bad[] = {"", "localhost:80", "8080", "1.2.3.4", "unix:", "[::1]"};
    char text[LISTEN_TEXT];
    int fd;

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_false(listen_open(str_of(bad[i]), &fd, 1, 1, NULL, text));
        assert_non_null(strstr(text, "not an address"));
    }
    /* An address of nobody here (TEST-NET-1). */
    assert_false(listen_open(STR("192.0.2.1:0"), &fd, 1, 1, NULL, text));
    assert_non_null(strstr(text, "192.0.2.1:0"));
}

static void test_unix(void **state)
{
    char address[128], text[LISTEN_TEXT], said[LISTEN_TEXT];
    struct stat status;
    int fds[2], again[2], client, fd;

    (void)state;
    snprintf(address, sizeof address, "unix:%s/socket", folder);
    mode_t old = umask(0);
    assert_true(listen_open(str_of(address), fds, 2, 2, NULL, text));
    umask(old);
    assert_string_equal(text, address);
    assert_int_equal(stat(address + 5, &status), 0);
    assert_int_equal(status.st_mode & 0777, 0660);
    assert_true((client = dial(address)) >= 0);
    assert_true((fd = accept(fds[1], NULL, NULL)) >= 0); /* both poll one queue */
    assert_false(listen_open(str_of(address), again, 2, 2, NULL, said));
    assert_non_null(strstr(said, "Address already in use"));
    close(fd);
    close(client);
    close_all(fds, 2);
    /* Nobody listens any more: the file is stale, and replaced. */
    assert_true(listen_open(str_of(address), fds, 2, 2, NULL, said));
    close_all(fds, 2);
    assert_int_equal(unlink(address + 5), 0);
}

static void test_unix_never_removes_a_file(void **state)
{
    char address[128], said[LISTEN_TEXT];
    struct stat status;
    int fd;

    (void)state;
    snprintf(address, sizeof address, "unix:%s/file", folder);
    close(open(address + 5, O_CREAT | O_WRONLY, 0600));
    assert_false(listen_open(str_of(address), &fd, 1, 1, NULL, said));
    assert_int_equal(stat(address + 5, &status), 0);
    assert_true(S_ISREG(status.st_mode));
    unlink(address + 5);
}

static void test_unix_abstract(void **state)
{
    char address[64], text[LISTEN_TEXT];
    int fd, client;

    (void)state;
    snprintf(address, sizeof address, "unix:@test_listen.%d", (int)getpid());
    assert_true(listen_open(str_of(address), &fd, 1, 1, NULL, text));
    assert_string_equal(text, address);
    assert_true((client = dial(address)) >= 0);
    close(client);
    close(fd);
}

/* ---- LISTEN_FDS: in a child, where descriptors 3 and up can be what we want ---- */

static int make_listener(const char *text)
{
    struct address at;
    int fd;

    address_parse(&at, str_of(text), 0);
    fd = socket(at.at.ss_family, SOCK_STREAM, 0);
    return bind(fd, (struct sockaddr *)&at.at, at.len) == 0 && listen(fd, 8) == 0 ? fd : -1;
}

static void set_number(const char *name, int value)
{
    char text[16];

    snprintf(text, sizeof text, "%d", value);
    setenv(name, text, 1);
}

#define CHECK(condition)                                                                           \
    do {                                                                                           \
        if (!(condition))                                                                          \
            _exit(__LINE__ % 250 + 1);                                                             \
    } while (0)

static void inherit_in_child(void)
{
    struct listen_inherited inherited;
    struct address bound = {.len = sizeof bound.at};
    char text[LISTEN_TEXT], said[LISTEN_TEXT];
    int fds[2], fd;

    closefrom(3);
    CHECK(make_listener("127.0.0.1:0") == 3);
    CHECK(open("/proc/self/stat", O_RDONLY) == 4); /* no socket: passed over */
    CHECK(make_listener("127.0.0.2:0") == 5);
    getsockname(3, (struct sockaddr *)&bound.at, &bound.len);
    address_text(&bound, text);
    set_number("LISTEN_FDS", 3);
    set_number("LISTEN_PID", (int)getpid() + 1);
    listen_inherit(&inherited);
    CHECK(inherited.count == 0 && !getenv("LISTEN_FDS"));
    set_number("LISTEN_FDS", 3);
    set_number("LISTEN_PID", (int)getpid());
    listen_inherit(&inherited);
    CHECK(inherited.count == 2 && !getenv("LISTEN_FDS") && !getenv("LISTEN_PID"));
    CHECK(fcntl(3, F_GETFD) == FD_CLOEXEC && (fcntl(3, F_GETFL) & O_NONBLOCK));
    CHECK(listen_open(str_of(text), fds, 2, 2, &inherited, said)); /* one for two workers */
    CHECK(fds[0] == 3 && fds[1] > 5 && strcmp(text, said) == 0);
    CHECK((fd = dial(text)) >= 0 && accept(fds[1], NULL, NULL) >= 0);
    CHECK(listen_left_over(&inherited, said) && strncmp(said, "127.0.0.2:", 10) == 0);
    inherited.count = 0;
    CHECK(!listen_left_over(&inherited, said));
    _exit(0);
}

static void test_inherited_sockets(void **state)
{
    int status;
    pid_t child = fork();

    (void)state;
    if (child == 0)
        inherit_in_child();
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
}

/* ---- acceptor ---- */

static struct loop loop;
static unsigned accepted, turn_accepted;
static char last_peer[ADDRESS_TEXT];
static bool stop_inside;

static void on_accepted(struct acceptor *acceptor, int fd, const struct address *peer)
{
    assert_true(fcntl(fd, F_GETFL) & O_NONBLOCK);
    assert_int_equal(fcntl(fd, F_GETFD), FD_CLOEXEC);
    address_host(peer, last_peer);
    close(fd);
    accepted++;
    turn_accepted++;
    if (stop_inside)
        acceptor_close(acceptor);
}

static void test_acceptor_takes_a_bounded_number_per_turn(void **state)
{
    enum { CLIENTS = 300 };
    struct acceptor acceptor;
    int fd, clients[CLIENTS];
    char text[LISTEN_TEXT];

    (void)state;
    accepted = 0;
    stop_inside = false;
    assert_true(loop_open(&loop));
    assert_true(listen_open(STR("127.0.0.1:0"), &fd, 1, 1, NULL, text));
    assert_true(acceptor_open(&acceptor, &loop, fd, on_accepted));
    for (int i = 0; i < CLIENTS; i++)
        assert_true((clients[i] = dial(text)) >= 0);
    while (accepted < CLIENTS) {
        turn_accepted = 0;
        loop_turn(&loop);
        assert_true(turn_accepted <= 64);
    }
    assert_string_equal(last_peer, "127.0.0.1");
    close_all(clients, CLIENTS);
    acceptor_close(&acceptor);
    acceptor_close(&acceptor);
    assert_int_equal(dial(text), -1);
    loop_close(&loop);
}

static void test_acceptor_may_be_closed_inside(void **state)
{
    struct acceptor acceptor;
    int fd, clients[3];
    char text[LISTEN_TEXT];

    (void)state;
    accepted = 0;
    stop_inside = true;
    assert_true(loop_open(&loop));
    assert_true(listen_open(STR("127.0.0.1:0"), &fd, 1, 1, NULL, text));
    assert_true(acceptor_open(&acceptor, &loop, fd, on_accepted));
    acceptor.burst = 8;
    for (int i = 0; i < 3; i++)
        clients[i] = dial(text);
    loop_turn(&loop);
    assert_int_equal(accepted, 1);
    assert_int_equal(acceptor.fd, -1);
    close_all(clients, 3);
    loop_close(&loop);
}

static void test_acceptor_pauses_without_descriptors(void **state)
{
    struct acceptor acceptor;
    struct rlimit limit, tight;
    int fd, client, spare;
    char text[LISTEN_TEXT];

    (void)state;
    accepted = 0;
    stop_inside = false;
    assert_true(loop_open(&loop));
    assert_true(listen_open(STR("127.0.0.1:0"), &fd, 1, 1, NULL, text));
    assert_true(acceptor_open(&acceptor, &loop, fd, on_accepted));
    client = dial(text);
    spare = dup(client); /* the next free number is one above */
    close(spare);
    getrlimit(RLIMIT_NOFILE, &limit);
    tight = (struct rlimit){(rlim_t)spare, limit.rlim_max};
    setrlimit(RLIMIT_NOFILE, &tight);
    loop_turn(&loop);
    assert_int_equal(accepted, 0);
    assert_true(timer_is_set(&acceptor.pause));
    setrlimit(RLIMIT_NOFILE, &limit);
    while (accepted == 0) /* the client has waited */
        loop_turn(&loop);
    close(client);
    acceptor_close(&acceptor);
    loop_close(&loop);
}

static int kept = -1;

static void on_accepted_kept(struct acceptor *acceptor, int fd, const struct address *peer)
{
    (void)acceptor, (void)peer;
    kept = fd;
    accepted++;
}

static void test_acceptor_leaves_the_spare_descriptors(void **state)
{
    struct acceptor acceptor;
    int fd, clients[2];
    char text[LISTEN_TEXT];

    (void)state;
    accepted = 0;
    assert_true(loop_open(&loop));
    assert_true(listen_open(STR("127.0.0.1:0"), &fd, 1, 1, NULL, text));
    assert_true(acceptor_open(&acceptor, &loop, fd, on_accepted_kept));
    for (int i = 0; i < 2; i++)
        clients[i] = dial(text);
    acceptor.burst = 8;
    acceptor.spare_from = dup(fd); /* the next free number */
    close(acceptor.spare_from);
    loop_turn(&loop);
    assert_int_equal(accepted, 1); /* the first one above says that all below are taken */
    assert_int_equal(kept, acceptor.spare_from);
    for (int turns = 0; turns < 3; turns++) {
        assert_true(timer_is_set(&acceptor.pause));
        loop_turn(&loop);
    }
    assert_int_equal(accepted, 1);
    close(kept);
    close(clients[0]); /* room below */
    while (accepted == 1)
        loop_turn(&loop);
    assert_int_equal(accepted, 2);
    close(kept);
    close(clients[1]);
    acceptor_close(&acceptor);
    loop_close(&loop);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_workers_share_a_port),
        cmocka_unit_test(test_second_gateway_is_an_error),
        cmocka_unit_test(test_dual_stack),
        cmocka_unit_test(test_bad_addresses),
        cmocka_unit_test(test_unix),
        cmocka_unit_test(test_unix_never_removes_a_file),
        cmocka_unit_test(test_unix_abstract),
        cmocka_unit_test(test_inherited_sockets),
        cmocka_unit_test(test_acceptor_takes_a_bounded_number_per_turn),
        cmocka_unit_test(test_acceptor_may_be_closed_inside),
        cmocka_unit_test(test_acceptor_pauses_without_descriptors),
        cmocka_unit_test(test_acceptor_leaves_the_spare_descriptors),
    };

    return cmocka_run_group_tests_name("listen", tests, make_folder, remove_folder);
}
