/* crowd: many connections that one does not wish for.
 *
 *   crowd PORT MODE COUNT PATH
 *
 *   idle     asks for PATH once, then rests        drip    a byte of an endless head each second
 *   silent   connects, says nothing                deaf    asks for PATH and never reads
 *   upload   posts 1 GiB to PATH, as fast as it is taken
 *   storm    connects, asks for PATH, reads to the end, again and again, COUNT at once
 *
 * Says "ready N" when all have done their worst, N of them with success (storm: at once), and goes on until its
 * standard input ends; then {"connected": …, "answered": …, "closed": …}: closed by the other side. Every 16,000
 * have a source address of their own, 127.0.FIRST.1 and on: start further programs with other FIRSTs (environment).
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum mode { IDLE, SILENT, DRIP, DEAF, UPLOAD, STORM, MODES };
static const char *const mode_names[MODES] = {"idle", "silent", "drip", "deaf", "upload", "storm"};

enum { PER_ADDRESS = 16000, UNDER_WAY_MAX = 500, TICK_MS = 20, QUIET_MS = 1000 };

struct peer {
    int fd; /* -1: none */
    int is_connected, is_settled;
    size_t sent;
};

static enum mode mode;
static struct peer *peers;
static size_t count, under_way, settled;
static unsigned long long connected, answered, closed_count;
static char request[4096], piece[65536];
static size_t request_len;
static int poller, port;
static uint32_t first = 1;
static long long now, moved_at;

static long long clock_ms(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1000LL + t.tv_nsec / 1000000;
}

static void settle(struct peer *p)
{
    if (!p->is_settled) {
        p->is_settled = 1;
        settled++;
        under_way--;
    }
}

static void dial(struct peer *p)
{
    uint32_t group = first + (uint32_t)((size_t)(p - peers) / PER_ADDRESS);
    struct sockaddr_in from = {.sin_family = AF_INET,
                               .sin_addr.s_addr = htonl(0x7f000001 + (group << 8))};
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int on = 1, small = 32 * 1024; /* the kernel's memory is not what is to run out */

    if (mode == STORM) /* ports in TIME_WAIT: the more addresses, the more of them */
        from.sin_addr.s_addr = htonl(0x7f000001 + (first << 8) + (uint32_t)(connected % 200));
    to.sin_port = htons((uint16_t)port);
    *p = (struct peer){.fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0)};
    setsockopt(p->fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof on);
    setsockopt(p->fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof small);
    setsockopt(p->fd, SOL_SOCKET, SO_SNDBUF, &small, sizeof small);
    if (p->fd < 0 || bind(p->fd, (struct sockaddr *)&from, sizeof from) != 0 ||
        (connect(p->fd, (struct sockaddr *)&to, sizeof to) != 0 && errno != EINPROGRESS)) {
        perror("crowd: connect");
        exit(1);
    }
    under_way++;
    epoll_ctl(poller, EPOLL_CTL_ADD, p->fd,
              &(struct epoll_event){EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET, {.ptr = p}});
}

static void hang_up(struct peer *p)
{
    close(p->fd);
    p->fd = -1;
    settle(p);
    if (mode == STORM)
        dial(p);
}

/* All of the request, then, in an upload, as much of the body as is taken. */
static void send_more(struct peer *p)
{
    size_t whole = mode == UPLOAD ? request_len + (1 << 30) : mode == SILENT ? 0 : request_len;

    while (p->sent < whole) {
        int in_head = p->sent < request_len;
        ssize_t n = in_head ? send(p->fd, request + p->sent, request_len - p->sent, MSG_NOSIGNAL)
                            : send(p->fd, piece, sizeof piece, MSG_NOSIGNAL);
        if (n < 0)
            break;
        moved_at = now;
        p->sent += (size_t)n;
    }
    if (mode != IDLE && mode != STORM)
        settle(p);
}

static void read_answer(struct peer *p)
{
    ssize_t n;

    while ((n = recv(p->fd, piece, sizeof piece, 0)) > 0) {
        if (p->is_settled) /* an answer may drip on for ever */
            continue;
        moved_at = now;
        answered++;
        settle(p);
    }
    if (n == 0 || errno != EAGAIN) {
        closed_count++;
        hang_up(p);
    }
}

static void ready(struct peer *p, uint32_t events)
{
    if (events & EPOLLOUT && !p->is_connected && !(events & EPOLLERR)) {
        p->is_connected = 1;
        connected++;
        moved_at = now;
    }
    if (p->is_connected)
        send_more(p);
    if (mode != DEAF)
        read_answer(p);
    else if (events & (EPOLLHUP | EPOLLERR))
        hang_up(p);
}

static void drip(void)
{
    for (size_t i = 0; i < count; i++)
        if (peers[i].fd >= 0 && peers[i].is_connected)
            (void)!send(peers[i].fd, "x", 1, MSG_NOSIGNAL);
}

/* Takes what has happened, or happens within this time; returns how much. */
static int serve(int wait_ms)
{
    struct epoll_event events[512];
    int n = epoll_wait(poller, events, 512, wait_ms);

    now = clock_ms();
    for (int i = 0; i < n; i++) {
        struct peer *p = events[i].data.ptr;
        if (p->fd >= 0)
            ready(p, events[i].events);
    }
    return n;
}

static int is_told_to_stop(void)
{
    struct pollfd in = {.fd = STDIN_FILENO, .events = POLLIN};
    char byte;

    return poll(&in, 1, 0) > 0 && read(STDIN_FILENO, &byte, 1) <= 0;
}

static void run(void)
{
    long long drip_at = 0, look_at = 0;
    size_t dialled = 0;
    int said = 0;

    while (now < look_at || !is_told_to_stop()) {
        if (now >= look_at)
            look_at = now + TICK_MS;
        while (dialled < count && under_way < UNDER_WAY_MAX)
            dial(&peers[dialled++]);
        if (!said && dialled == count &&
            (mode == STORM || (settled == count && now > moved_at + QUIET_MS))) {
            said = printf("ready %llu\n", connected);
            fflush(stdout);
        }
        if (mode == DRIP && now >= drip_at) {
            drip_at = now + 1000;
            drip();
        }
        serve(TICK_MS);
    }
    /* What had happened by then counts, too; but not for ever, where answers never end. */
    for (size_t i = 0; i <= count / 256 && serve(0) > 0; i++)
        ;
}

static void make_request(const char *path)
{
    static const char *const rest[MODES] = {
        "\r\n", "", "X-Endless: ", "\r\n", "\r\n", "Connection: close\r\n\r\n"};

    request_len =
        (size_t)snprintf(request, sizeof request, "%s %s HTTP/1.1\r\nHost: localhost\r\n%s%s",
                         mode == UPLOAD ? "POST" : "GET", path,
                         mode == UPLOAD ? "Content-Length: 1073741824\r\n" : "", rest[mode]);
}

int main(int argc, char **argv)
{
    struct rlimit limit;

    if (argc == 5)
        while (mode < MODES && strcmp(argv[2], mode_names[mode]) != 0)
            mode++;
    if (argc != 5 || mode == MODES) {
        fprintf(stderr, "usage: crowd PORT idle|silent|drip|deaf|upload|storm COUNT PATH\n");
        return 2;
    }
    port = atoi(argv[1]);
    count = strtoul(argv[3], NULL, 10);
    if (getenv("FIRST") != NULL)
        first = (uint32_t)atoi(getenv("FIRST"));
    getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
    make_request(argv[4]);
    memset(piece, 'x', sizeof piece);
    peers = calloc(count, sizeof *peers);
    poller = epoll_create1(0);
    if (peers == NULL || poller < 0)
        abort();
    now = moved_at = clock_ms();
    run();
    printf("{\"connected\": %llu, \"answered\": %llu, \"closed\": %llu}\n", connected, answered,
           closed_count);
    return 0;
}
