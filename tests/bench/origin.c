/* origin: the cheapest honest HTTP/1.1 server, so that a benchmark measures the proxy in front of it.
 * One thread, edge-triggered epoll. Reads and drops request bodies, and answers by the path:
 *
 *   /r/64k /r/1m /r/1g   a body of that size (anything else: 1 KiB)
 *   /r/chunked           1 KiB in chunks            /r/close   1 KiB that ends with the connection
 *   /r/503               503                        /r/cut     1,000 bytes of a body of 64 KiB, then the end
 *   /r/gone              the end, without an answer
 *   /r/hang              nothing, ever              /r/deaf    nothing, and it reads no body either
 *   /r/drip              a byte of 64 KiB each second
 *
 *   origin PORT          (0: any; prints the port, then serves until it is killed)
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define FIXED                                                                                      \
    "Server: origin\r\nDate: Thu, 01 Jan 2026 00:00:00 GMT\r\nContent-Type: text/plain\r\n"

enum { BLOCK = 1 << 20 };

struct answer {
    const char *path, *status;
    enum { LENGTH, CHUNKED, CLOSE } framing;
    size_t size, first; /* the body; how much of it is in bytes[] */
    enum { THEN_NEXT, THEN_CLOSE, THEN_DRIP, NEVER, NEVER_READ } then;
    size_t len;
    char *bytes;
};

struct client {
    int fd;
    int is_chunked, matched; /* request body: how much of its last line has been seen */
    size_t len;              /* bytes of an incomplete head */
    size_t body;             /* request body bytes still to come; 1 until a chunked one is over */
    const struct answer *answer, *sending; /* to be sent once the body is in; being sent */
    const char *out;
    size_t out_len, more;        /* more: bytes behind out */
    struct client *next, **link; /* of those that drip; link NULL: does not */
    char in[16384];
};

static struct answer answers[] = {
    {"/r/64k", "200 OK", LENGTH, 65536, 65536, THEN_NEXT, 0, NULL},
    {"/r/1m", "200 OK", LENGTH, BLOCK, BLOCK, THEN_NEXT, 0, NULL},
    {"/r/1g", "200 OK", LENGTH, 1 << 30, 0, THEN_NEXT, 0, NULL},
    {"/r/chunked", "200 OK", CHUNKED, 1024, 1024, THEN_NEXT, 0, NULL},
    {"/r/close", "200 OK", CLOSE, 1024, 1024, THEN_CLOSE, 0, NULL},
    {"/r/503", "503 Service Unavailable", LENGTH, 100, 100, THEN_NEXT, 0, NULL},
    {"/r/cut", "200 OK", LENGTH, 65536, 1000, THEN_CLOSE, 0, NULL},
    {"/r/gone", NULL, LENGTH, 0, 0, THEN_CLOSE, 0, NULL},
    {"/r/drip", "200 OK", LENGTH, 65536, 0, THEN_DRIP, 0, NULL},
    {"/r/hang", NULL, LENGTH, 0, 0, NEVER, 0, NULL},
    {"/r/deaf", NULL, LENGTH, 0, 0, NEVER_READ, 0, NULL},
    {"", "200 OK", LENGTH, 1024, 1024, THEN_NEXT, 0, NULL}};
static char block[BLOCK];
static struct client *dripping;

static char *put_body(const struct answer *a, char *to)
{
    size_t half = a->first / 2;

    if (a->framing != CHUNKED)
        return (char *)memset(to, 'x', a->first) + a->first;
    for (int i = 0; i < 2; i++) {
        to += sprintf(to, "%zx\r\n", half);
        to = (char *)memset(to, 'x', half) + half;
        to += sprintf(to, "\r\n");
    }
    return to + sprintf(to, "0\r\n\r\n");
}

static void make_answers(void)
{
    memset(block, 'x', sizeof block);
    for (size_t i = 0; i < sizeof answers / sizeof *answers; i++) {
        struct answer *a = &answers[i];
        char *to;
        if (a->status == NULL)
            continue;
        to = a->bytes = malloc(a->first + 512);
        if (to == NULL)
            abort();
        to += sprintf(to, "HTTP/1.1 %s\r\n" FIXED, a->status);
        if (a->framing == LENGTH)
            to += sprintf(to, "Content-Length: %zu\r\nETag: \"5e1c\"\r\n\r\n", a->size);
        else
            to +=
                sprintf(to, "%s\r\n\r\n",
                        a->framing == CHUNKED ? "Transfer-Encoding: chunked" : "Connection: close");
        a->len = (size_t)(put_body(a, to) - a->bytes);
    }
}

static const struct answer *answer_for(const char *head)
{
    const char *path = strchr(head, ' ') + 1;
    for (struct answer *a = answers;; a++)
        if (strncmp(path, a->path, strlen(a->path)) == 0)
            return a;
}

/* Sends what it can; false when the client is gone, or is to go. */
static int flush(struct client *c)
{
    while (c->out_len > 0) {
        ssize_t n = send(c->fd, c->out, c->out_len, MSG_NOSIGNAL);
        if (n < 0)
            return errno == EAGAIN;
        c->out += n;
        c->out_len -= (size_t)n;
        if (c->out_len == 0 && c->more > 0) {
            c->out = block;
            c->out_len = c->more < sizeof block ? c->more : sizeof block;
            c->more -= c->out_len;
        }
    }
    if (c->sending != NULL && c->sending->then == THEN_CLOSE)
        return 0;
    c->sending = NULL;
    return 1;
}

/* Where a chunked body ends, if within these bytes; they are known to be chunks of 'x'. */
static size_t end_of_chunks(struct client *c, const char *at, size_t len)
{
    static const char last[] = "\r\n0\r\n\r\n";

    for (size_t i = 0; i < len; i++) {
        c->matched = at[i] == last[c->matched] ? c->matched + 1 : at[i] == '\r';
        if (last[c->matched] == 0)
            return i + 1;
    }
    return 0;
}

/* How many of these bytes belong to the body. */
static size_t take_body(struct client *c, const char *at, size_t len)
{
    if (c->is_chunked) {
        size_t end = end_of_chunks(c, at, len);
        c->body = end == 0;
        return end > 0 ? end : len;
    }
    if (len > c->body)
        len = c->body;
    c->body -= len;
    return len;
}

static const char *find_field(const char *head, const char *end, const char *name)
{
    const char *at = strcasestr(head, name);
    return at != NULL && at < end ? at + strlen(name) : NULL;
}

/* Takes one request out of c->in; 0: incomplete, -1: not understood. */
static int take_request(struct client *c)
{
    c->in[c->len] = 0;
    char *end = strstr(c->in, "\r\n\r\n");
    if (end == NULL)
        return c->len == sizeof c->in - 1 ? -1 : 0;
    if (strchr(c->in, ' ') == NULL)
        return -1;
    c->answer = answer_for(c->in);
    const char *body = find_field(c->in, end + 2, "\r\ncontent-length:");
    c->is_chunked = find_field(c->in, end + 2, "\r\ntransfer-encoding:") != NULL;
    c->matched = c->is_chunked ? 2 : 0; /* an empty body is its last line alone */
    c->body = c->is_chunked ? 1 : body != NULL ? strtoul(body, NULL, 10) : 0;
    size_t used = (size_t)(end + 4 - c->in);
    used += take_body(c, c->in + used, c->len - used);
    memmove(c->in, c->in + used, c->len - used);
    c->len -= used;
    return 1;
}

static void start_to_drip(struct client *c)
{
    if (c->link != NULL)
        return;
    c->next = dripping;
    c->link = &dripping;
    if (c->next != NULL)
        c->next->link = &c->next;
    dripping = c;
}

/* A byte for each, when a second has passed; milliseconds to the next one, or -1. */
static int drip(void)
{
    static long long due;
    struct timespec t;

    if (dripping == NULL)
        return -1;
    clock_gettime(CLOCK_MONOTONIC, &t);
    long long now = t.tv_sec * 1000LL + t.tv_nsec / 1000000;
    if (now >= due) {
        due = now + 1000;
        for (struct client *c = dripping; c != NULL; c = c->next)
            (void)!send(c->fd, "x", 1, MSG_NOSIGNAL); /* its end comes as an event */
    }
    return (int)(due - now);
}

static void forget(struct client *c)
{
    if (c->link != NULL) {
        *c->link = c->next;
        if (c->next != NULL)
            c->next->link = c->link;
    }
    close(c->fd);
    free(c);
}

/* Begins the answer when the request is complete; 0 when the client is gone. */
static int answer_when_complete(struct client *c)
{
    if (c->answer == NULL || c->body > 0 || c->answer->then >= NEVER)
        return 1;
    c->sending = c->answer;
    c->out = c->answer->bytes;
    c->out_len = c->answer->len;
    c->more = c->answer->then == THEN_NEXT ? c->answer->size - c->answer->first : 0;
    if (c->answer->then == THEN_DRIP)
        start_to_drip(c);
    c->answer = NULL;
    return flush(c);
}

static int turn(struct client *c, uint32_t events)
{
    static char sink[65536];
    if (events & (EPOLLHUP | EPOLLERR) || !flush(c))
        return 0;
    while (c->out_len == 0 && !(c->answer != NULL && c->answer->then == NEVER_READ)) {
        char *to = c->answer != NULL ? sink : c->in + c->len;
        size_t room = c->answer != NULL ? sizeof sink : sizeof c->in - 1 - c->len;
        if (c->answer != NULL && !c->is_chunked && c->body > 0 && room > c->body)
            room = c->body;
        ssize_t n = recv(c->fd, to, room, 0);
        if (n <= 0)
            return n < 0 && errno == EAGAIN;
        if (c->answer != NULL)
            take_body(c, sink, (size_t)n);
        else
            c->len += (size_t)n;
        if (c->answer == NULL && take_request(c) < 0)
            return 0;
        if (!answer_when_complete(c))
            return 0;
    }
    return 1;
}

static void accept_all(int ep, int listener)
{
    int fd, on = 1;

    while ((fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK)) >= 0) {
        struct client *c = calloc(1, sizeof *c);
        if (c == NULL)
            abort();
        c->fd = fd;
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        epoll_ctl(ep, EPOLL_CTL_ADD, fd,
                  &(struct epoll_event){EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET, {.ptr = c}});
    }
}

int main(int argc, char **argv)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int on = 1, listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0), ep = epoll_create1(0);
    socklen_t at_len = sizeof at;

    at.sin_port = htons((uint16_t)(argc > 1 ? atoi(argv[1]) : 0));
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (bind(listener, (struct sockaddr *)&at, sizeof at) != 0 || listen(listener, 4096) != 0) {
        perror("origin");
        return 1;
    }
    getsockname(listener, (struct sockaddr *)&at, &at_len);
    printf("%d\n", ntohs(at.sin_port));
    fflush(stdout);
    make_answers();
    struct epoll_event event = {EPOLLIN, {.ptr = NULL}}, events[256];
    epoll_ctl(ep, EPOLL_CTL_ADD, listener, &event);
    for (;;) {
        int count = epoll_wait(ep, events, 256, drip());
        for (int i = 0; i < count; i++) {
            struct client *c = events[i].data.ptr;
            if (c == NULL) {
                accept_all(ep, listener);
            } else if (!turn(c, events[i].events)) {
                forget(c);
            }
        }
    }
}
