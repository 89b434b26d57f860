/* ws: both ends of WebSockets that echo.
 *
 *   ws echo                                serves: says its port, then sends back every message, until it is killed
 *   ws PORT SECONDS CONNECTIONS SIZE       asks: a message at a time on each connection, and the next when it is back
 *
 * Only as much of RFC 6455 as both need of each other: one key, so that its answer is known without SHA-1, and whole
 * messages of at most 125 bytes in one frame. The client reads every byte of the answer and takes no other; one line
 * of JSON, and 1 when anything was wrong.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define KEY "dGhlIHNhbXBsZSBub25jZQ=="
#define ACCEPT "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="

enum { MESSAGE_MAX = 125, MASKED = 6, PLAIN = 2, BINARY = 0x82 };

struct peer {
    int fd, is_open, is_heard; /* open: it is a WebSocket; heard: has echoed */
    size_t len;
    unsigned char bytes[4096];
    unsigned char payload[MESSAGE_MAX]; /* of the client: what is to come back */
};

static int poller, size, heard;
static unsigned long long echoed, wrong, seed = 0x9e3779b97f4a7c15ULL;

static unsigned char draw(void)
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return (unsigned char)(seed >> 40);
}

static int send_all(struct peer *p, const void *bytes, size_t len)
{
    return send(p->fd, bytes, len, MSG_NOSIGNAL) == (ssize_t)len;
}

static void watch(struct peer *p)
{
    int on = 1;

    setsockopt(p->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    epoll_ctl(poller, EPOLL_CTL_ADD, p->fd, &(struct epoll_event){EPOLLIN, {.ptr = p}});
}

static void forget_bytes(struct peer *p, size_t used)
{
    p->len -= used;
    memmove(p->bytes, p->bytes + used, p->len);
}

/* The head, when all of it is there, without which there are no messages; false: it is not what was to come. */
static int take_head(struct peer *p, const char *start, const char *field)
{
    p->bytes[p->len] = 0;
    const char *head = (char *)p->bytes, *end = strstr(head, "\r\n\r\n");

    if (end == NULL)
        return p->len < sizeof p->bytes - 1;
    const char *at = strcasestr(head, field);
    if (strncmp(head, start, strlen(start)) != 0 || at == NULL || at > end)
        return 0;
    p->is_open = 1;
    forget_bytes(p, (size_t)(end + 4 - head));
    return 1;
}

/* ---- the server ---- */

static int echo(struct peer *p)
{
    unsigned char out[sizeof p->bytes];
    size_t out_len = 0, at = 0;

    if (!p->is_open) {
        static const char answer[] =
            "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
            "Connection: Upgrade\r\nSec-WebSocket-Accept: " ACCEPT "\r\n\r\n";
        if (!take_head(p, "GET ", "\r\nsec-websocket-key: " KEY "\r\n"))
            return 0;
        if (p->is_open && !send_all(p, answer, sizeof answer - 1))
            return 0;
    }
    while (p->is_open && p->len - at >= MASKED) {
        const unsigned char *frame = p->bytes + at, *mask = frame + 2;
        size_t len = frame[1] & 0x7f;
        if (frame[0] != BINARY || (frame[1] & 0x80) == 0 || len > MESSAGE_MAX)
            return 0;
        if (p->len - at < MASKED + len)
            break;
        out[out_len++] = BINARY;
        out[out_len++] = (unsigned char)len;
        for (size_t i = 0; i < len; i++)
            out[out_len++] = frame[MASKED + i] ^ mask[i % 4];
        at += MASKED + len;
    }
    forget_bytes(p, at);
    return out_len == 0 || send_all(p, out, out_len);
}

/* ---- the client ---- */

static int say(struct peer *p)
{
    unsigned char out[MASKED + MESSAGE_MAX] = {BINARY, (unsigned char)(0x80 | size)};

    for (int i = 2; i < MASKED; i++)
        out[i] = draw();
    for (int i = 0; i < size; i++) {
        p->payload[i] = draw();
        out[MASKED + i] = p->payload[i] ^ out[2 + i % 4];
    }
    return send_all(p, out, (size_t)(MASKED + size));
}

static int hear(struct peer *p)
{
    if (!p->is_open)
        return take_head(p, "HTTP/1.1 101 ", "\r\nsec-websocket-accept: " ACCEPT "\r\n") &&
               (!p->is_open || (p->len == 0 && say(p)));
    if (p->len < (size_t)(PLAIN + size))
        return 1;
    if (p->len > (size_t)(PLAIN + size) || p->bytes[0] != BINARY || p->bytes[1] != size ||
        memcmp(p->bytes + PLAIN, p->payload, (size_t)size) != 0)
        return 0;
    p->len = 0;
    echoed++;
    heard += !p->is_heard;
    p->is_heard = 1;
    return say(p);
}

static void dial(int port)
{
    static const char request[] =
        "GET /ws HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: " KEY "\r\n\r\n";
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct peer *p = calloc(1, sizeof *p);

    to.sin_port = htons((uint16_t)port);
    if (p == NULL || (p->fd = socket(AF_INET, SOCK_STREAM, 0)) < 0 ||
        connect(p->fd, (struct sockaddr *)&to, sizeof to) != 0 ||
        !send_all(p, request, sizeof request - 1)) {
        perror("ws: connect");
        exit(1);
    }
    watch(p);
}

/* ---- both ---- */

static int listen_anywhere(void)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t at_len = sizeof at;
    int listener = socket(AF_INET, SOCK_STREAM, 0);

    if (bind(listener, (struct sockaddr *)&at, sizeof at) != 0 || listen(listener, 4096) != 0) {
        perror("ws: listen");
        exit(1);
    }
    getsockname(listener, (struct sockaddr *)&at, &at_len);
    printf("%d\n", ntohs(at.sin_port));
    fflush(stdout);
    epoll_ctl(poller, EPOLL_CTL_ADD, listener, &(struct epoll_event){EPOLLIN, {.ptr = NULL}});
    return listener;
}

static void turn(struct peer *p, int is_server)
{
    ssize_t n = recv(p->fd, p->bytes + p->len, sizeof p->bytes - 1 - p->len, MSG_DONTWAIT);

    if (n < 0 && errno == EAGAIN)
        return;
    if (n > 0) {
        p->len += (size_t)n;
        if (is_server ? echo(p) : hear(p))
            return;
    }
    wrong++;
    close(p->fd);
    free(p);
}

static void run(int listener, time_t end_at)
{
    struct epoll_event events[256];
    struct timespec now;

    do {
        int count = epoll_wait(poller, events, 256, 100);
        for (int i = 0; i < count; i++) {
            if (events[i].data.ptr != NULL) {
                turn(events[i].data.ptr, listener >= 0);
                continue;
            }
            struct peer *p = calloc(1, sizeof *p);
            if (p == NULL)
                abort();
            p->fd = accept(listener, NULL, NULL);
            watch(p);
        }
        clock_gettime(CLOCK_MONOTONIC, &now);
    } while (listener >= 0 || now.tv_sec < end_at);
}

int main(int argc, char **argv)
{
    struct timespec now;

    poller = epoll_create1(0);
    if (argc == 2 && strcmp(argv[1], "echo") == 0)
        run(listen_anywhere(), 0);
    size = argc == 5 ? atoi(argv[4]) : 0;
    if (size < 1 || size > MESSAGE_MAX) {
        fprintf(stderr, "usage: ws echo | ws PORT SECONDS CONNECTIONS SIZE (1 to 125)\n");
        return 2;
    }
    for (int i = 0; i < atoi(argv[3]); i++)
        dial(atoi(argv[1]));
    clock_gettime(CLOCK_MONOTONIC, &now);
    run(-1, now.tv_sec + atoi(argv[2]));
    wrong += (unsigned)(atoi(argv[3]) - heard); /* not a word came back */
    printf("{\"echoed\": %llu, \"wrong\": %llu}\n", echoed, wrong);
    return wrong > 0;
}
