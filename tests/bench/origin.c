/* origin: the cheapest honest HTTP/1.1 server, so that a benchmark measures the proxy in front of it.
 * One thread, edge-triggered epoll. Answers every request with a body of fixed bytes: /r/64k and /r/1m of that size,
 * anything else 1 KiB. Reads and drops request bodies that have a Content-Length.
 *
 *   origin PORT          (0: any; prints the port, then serves until it is killed)
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

struct answer {
    const char *path;
    size_t size, len;
    char *bytes;
};

struct client {
    int fd;
    size_t len;                  /* bytes of an incomplete head */
    size_t body;                 /* request body bytes still to come */
    const struct answer *answer; /* to be sent once the body is in */
    const char *out;             /* answer under way */
    size_t out_len;
    char in[16384];
};

static struct answer answers[] = {
    {"/r/64k", 65536, 0, NULL}, {"/r/1m", 1 << 20, 0, NULL}, {"", 1024, 0, NULL}};

static void make_answers(void)
{
    for (size_t i = 0; i < sizeof answers / sizeof *answers; i++) {
        struct answer *a = &answers[i];
        a->bytes = malloc(a->size + 256);
        if (a->bytes == NULL)
            abort();
        int head =
            sprintf(a->bytes,
                    "HTTP/1.1 200 OK\r\nServer: origin\r\nDate: Thu, 01 Jan 2026 00:00:00 GMT\r\n"
                    "Content-Type: text/plain\r\nContent-Length: %zu\r\nETag: \"5e1c\"\r\n\r\n",
                    a->size);
        memset(a->bytes + head, 'x', a->size);
        a->len = (size_t)head + a->size;
    }
}

static const struct answer *answer_for(const char *head)
{
    const char *path = strchr(head, ' ') + 1;
    for (struct answer *a = answers;; a++)
        if (strncmp(path, a->path, strlen(a->path)) == 0)
            return a;
}

/* Sends what it can; false when the client is gone. */
static int flush(struct client *c)
{
    while (c->out_len > 0) {
        ssize_t n = send(c->fd, c->out, c->out_len, MSG_NOSIGNAL);
        if (n < 0)
            return errno == EAGAIN;
        c->out += n;
        c->out_len -= (size_t)n;
    }
    return 1;
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
    const struct answer *a = answer_for(c->in);
    char *length = strcasestr(c->in, "\r\ncontent-length:");
    c->body = length != NULL && length < end ? strtoul(length + 17, NULL, 10) : 0;
    size_t used = (size_t)(end + 4 - c->in);
    size_t have = c->len - used < c->body ? c->len - used : c->body;
    c->body -= have;
    used += have;
    memmove(c->in, c->in + used, c->len - used);
    c->len -= used;
    c->answer = a;
    return 1;
}

/* Begins the answer when the request is complete; 0 when the client is gone. */
static int answer_when_complete(struct client *c)
{
    if (c->answer == NULL || c->body > 0)
        return 1;
    c->out = c->answer->bytes;
    c->out_len = c->answer->len;
    c->answer = NULL;
    return flush(c);
}

static int turn(struct client *c)
{
    static char sink[65536];
    if (!flush(c))
        return 0;
    while (c->out_len == 0) {
        char *to = c->body > 0 ? sink : c->in + c->len;
        size_t room = c->body > 0 ? sizeof sink : sizeof c->in - 1 - c->len;
        if (c->body > 0 && room > c->body)
            room = c->body;
        ssize_t n = recv(c->fd, to, room, 0);
        if (n <= 0)
            return n < 0 && errno == EAGAIN;
        if (c->answer != NULL)
            c->body -= (size_t)n;
        else
            c->len += (size_t)n;
        if (c->answer == NULL && take_request(c) < 0)
            return 0;
        if (!answer_when_complete(c))
            return 0;
    }
    return 1;
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
        int count = epoll_wait(ep, events, 256, -1);
        for (int i = 0; i < count; i++) {
            struct client *c = events[i].data.ptr;
            if (c != NULL) {
                if (!turn(c)) {
                    close(c->fd);
                    free(c);
                }
                continue;
            }
            int fd;
            while ((fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK)) >= 0) {
                c = calloc(1, sizeof *c);
                if (c == NULL)
                    abort();
                c->fd = fd;
                setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
                event = (struct epoll_event){EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET, {.ptr = c}};
                epoll_ctl(ep, EPOLL_CTL_ADD, fd, &event);
            }
        }
    }
}
