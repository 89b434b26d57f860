/* mixed: clients of every sort beside one another, which count what became of their requests.
 *
 *   mixed PORT SECONDS REQUESTS          until either is reached; then what is under way is finished
 *
 * Bodies of many sizes both ways, with a length and in chunks, pipelines, clients that leave in each phase of a
 * request, heads that do not end, nonsense, and upstreams that fail in each phase of an answer (the paths are
 * those of origin.c). Every kind knows what must become of it. One line of JSON at the end:
 *
 *   asked       heads that were sent completely, and what is answered as if it were one (400, 408)
 *   answered    by status class; cut: answers that broke off, as they must; aborted: left by us
 *   wrong       what became of it was not what must; a line on standard error for the first ones
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

enum { QUICK = 48, SLOW = 24, CLIENTS = QUICK + SLOW, STUCK_MS = 60 * 1000, TICK_MS = 10 };

enum end {
    ANSWERED,   /* by `status`, completely */
    CUT,        /* the answer breaks off */
    LEFT_SOON,  /* we leave some milliseconds after we have sent all there is of it */
    LEFT_BEHIND /* we leave behind the first bytes of the answer */
};

struct kind {
    const char *name, *head; /* head: NULL for nonsense */
    size_t body, sent;       /* Content-Length, or with `chunked` the sum; how much of it is sent */
    int chunked, count;      /* count: requests in a row; 0: not one that is counted */
    enum end end;
    int status;
    int weight;
    char *text;
    size_t len;
};

#define GET(path) "GET " path " HTTP/1.1\r\nHost: a\r\nUser-Agent: mixed\r\nAccept: */*\r\n"
#define POST(path) "POST " path " HTTP/1.1\r\nHost: a\r\nContent-Type: text/plain\r\n"

/* The first ones take as long as they are worked at, the others as long as time-outs do. */
static struct kind quick[] = {
    {"1 KiB", GET("/r/1k"), 0, 0, 0, 1, ANSWERED, 200, 700, 0, 0},
    {"constant", GET("/hello"), 0, 0, 0, 1, ANSWERED, 200, 150, 0, 0},
    {"64 KiB", GET("/r/64k"), 0, 0, 0, 1, ANSWERED, 200, 40, 0, 0},
    {"1 MiB", GET("/r/1m"), 0, 0, 0, 1, ANSWERED, 200, 4, 0, 0},
    {"chunked answer", GET("/r/chunked"), 0, 0, 0, 1, ANSWERED, 200, 20, 0, 0},
    {"answer until close", GET("/r/close"), 0, 0, 0, 1, ANSWERED, 200, 5, 0, 0},
    {"16 KiB up", POST("/r/1k"), 16384, 16384, 0, 1, ANSWERED, 200, 30, 0, 0},
    {"1 MiB up", POST("/r/1k"), 1 << 20, 1 << 20, 0, 1, ANSWERED, 200, 2, 0, 0},
    {"64 KiB both ways", POST("/r/64k"), 65536, 65536, 0, 1, ANSWERED, 200, 5, 0, 0},
    {"chunks up", POST("/r/1k"), 100000, 100000, 1, 1, ANSWERED, 200, 20, 0, 0},
    {"pipeline", GET("/r/1k"), 0, 0, 0, 8, ANSWERED, 200, 20, 0, 0},
    {"pipelined bodies", POST("/r/1k"), 3000, 3000, 0, 4, ANSWERED, 200, 5, 0, 0},
    {"503", GET("/r/503"), 0, 0, 0, 1, ANSWERED, 503, 5, 0, 0},
    {"no such path", GET("/nowhere"), 0, 0, 0, 1, ANSWERED, 404, 5, 0, 0},
    {"nonsense", NULL, 0, 0, 0, 1, ANSWERED, 400, 3, 0, 0},
    {"too large", POST("/r/1k"), 5 << 20, 30000, 0, 1, ANSWERED, 413, 2, 0, 0},
    {"upstream gone", GET("/r/gone"), 0, 0, 0, 1, ANSWERED, 502, 3, 0, 0},
    {"upstream's answer cut", GET("/r/cut"), 0, 0, 0, 1, CUT, 200, 3, 0, 0},
    {"left within 1 MiB", GET("/r/1m"), 0, 0, 0, 1, LEFT_BEHIND, 0, 4, 0, 0},
    {"left within 1 GiB", GET("/r/1g"), 0, 0, 0, 1, LEFT_BEHIND, 0, 1, 0, 0},
    {NULL, NULL, 0, 0, 0, 0, ANSWERED, 0, 0, 0, 0},
};
static struct kind slow[] = {
    {"left within a head", "GET /r/1k HTT", 0, 0, 0, 0, LEFT_SOON, 0, 40, 0, 0},
    {"left within a body", POST("/r/1k"), 100000, 5000, 0, 1, LEFT_SOON, 0, 40, 0, 0},
    {"left within chunks", POST("/r/1k"), 100000, 60000, 1, 1, LEFT_SOON, 0, 40, 0, 0},
    {"left while waiting", GET("/r/hang"), 0, 0, 0, 1, LEFT_SOON, 0, 40, 0, 0},
    {"left a deaf upstream", POST("/r/deaf"), 1 << 22, 1 << 20, 0, 1, LEFT_SOON, 0, 10, 0, 0},
    {"upstream hangs", GET("/r/hang"), 0, 0, 0, 1, ANSWERED, 504, 10, 0, 0},
    {"upstream reads nothing", POST("/r/deaf"), 3 << 20, 3 << 20, 0, 1, ANSWERED, 504, 3, 0, 0},
    {"head without end", "GET /r/1k HTT", 0, 0, 0, 1, ANSWERED, 408, 10, 0, 0},
    {"body without end", POST("/r/1k"), 100000, 5000, 0, 1, ANSWERED, 408, 10, 0, 0},
    {"reads nothing", GET("/r/1g"), 0, 0, 0, 1, CUT, 200, 10, 0, 0},
    {NULL, NULL, 0, 0, 0, 0, ANSWERED, 0, 0, 0, 0},
};

struct client {
    int fd;
    const struct kind *kind; /* NULL: rests */
    size_t sent, head_len, left, matched;
    int due; /* answers that are still to come */
    int in_head, is_chunked, closes, was_seen;
    long long leave_at, stuck_at;
    uint64_t seed;
    char head[4096];
};

static struct client clients[CLIENTS];
static int poller, port;
static long long now, end_at;
static unsigned long long asked, answered[6], cut, aborted, wrong, limit;

static long long clock_ms(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1000LL + t.tv_nsec / 1000000;
}

static uint32_t draw(struct client *c, uint32_t below)
{
    c->seed ^= c->seed << 13;
    c->seed ^= c->seed >> 7;
    c->seed ^= c->seed << 17;
    return (uint32_t)(c->seed >> 32) % below;
}

/* ---- the texts ---- */

static char *put_chunks(char *to, size_t sum, size_t sent)
{
    static const size_t sizes[] = {1, 5000, 17, 40000};

    for (size_t i = 0, done = 0; done < sent; i++) {
        size_t size = sizes[i % 4] < sent - done ? sizes[i % 4] : sent - done;
        to += sprintf(to, "%zx\r\n", size);
        to = (char *)memset(to, 'x', size) + size;
        to += sprintf(to, "\r\n");
        done += size;
    }
    return sent == sum ? to + sprintf(to, "0\r\n\r\n") : to;
}

static char *put_request(const struct kind *kind, char *to)
{
    int whole = kind->head != NULL && strstr(kind->head, "\r\n") != NULL;

    to += sprintf(to, "%s", kind->head != NULL ? kind->head : "\x16\x03\x01 nonsense\r\n\r\n");
    if (!whole)
        return to;
    if (kind->chunked)
        return put_chunks(to + sprintf(to, "Transfer-Encoding: chunked\r\n\r\n"), kind->body,
                          kind->sent);
    if (kind->body > 0)
        to += sprintf(to, "Content-Length: %zu\r\n", kind->body);
    to += sprintf(to, "\r\n");
    return (char *)memset(to, 'x', kind->sent) + kind->sent;
}

static uint32_t make_texts(struct kind *kind)
{
    uint32_t weights = 0;

    for (; kind->name != NULL; kind++) {
        char *to = kind->text = malloc((size_t)(kind->count + 1) * (kind->sent + 1000));
        if (to == NULL)
            abort();
        to = put_request(kind, to);
        for (int i = 1; i < kind->count; i++)
            to = put_request(kind, to);
        kind->len = (size_t)(to - kind->text);
        weights += (uint32_t)kind->weight;
    }
    return weights;
}

/* ---- connections ---- */

static void hang_up(struct client *c)
{
    if (c->fd >= 0)
        close(c->fd);
    c->fd = -1;
    c->kind = NULL;
}

/* Everybody has an address of their own, so that ports do not run out. */
static void dial(struct client *c)
{
    uint32_t own = INADDR_LOOPBACK + 256 + (uint32_t)(c - clients);
    struct sockaddr_in from = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(own)};
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int on = 1;

    to.sin_port = htons((uint16_t)port);
    c->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    setsockopt(c->fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof on);
    setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    if (c->fd < 0 || bind(c->fd, (struct sockaddr *)&from, sizeof from) != 0 ||
        (connect(c->fd, (struct sockaddr *)&to, sizeof to) != 0 && errno != EINPROGRESS)) {
        perror("mixed: connect");
        exit(1);
    }
    epoll_ctl(poller, EPOLL_CTL_ADD, c->fd,
              &(struct epoll_event){EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET, {.ptr = c}});
}

static void begin(struct client *c)
{
    static uint32_t quick_weights, slow_weights;
    int is_quick = c - clients < QUICK;
    const struct kind *kind = is_quick ? quick : slow;

    if (quick_weights == 0) {
        quick_weights = make_texts(quick);
        slow_weights = make_texts(slow);
    }
    uint32_t at = draw(c, is_quick ? quick_weights : slow_weights);
    for (; at >= (uint32_t)kind->weight; kind++)
        at -= (uint32_t)kind->weight;
    if (c->fd < 0)
        dial(c);
    c->kind = kind;
    c->due = kind->count;
    c->sent = c->head_len = 0;
    c->in_head = 1;
    c->closes = c->was_seen = 0;
    c->leave_at = 0;
    c->stuck_at = now + STUCK_MS;
}

static void complain(struct client *c, const char *what)
{
    if (wrong++ < 20)
        fprintf(stderr, "mixed: %s: %s, behind %.*s\n",
                c->kind != NULL ? c->kind->name : "nothing asked", what, (int)c->head_len, c->head);
    hang_up(c);
}

/* The other side has ended the connection. */
static void ended(struct client *c)
{
    if (c->kind == NULL) {
        hang_up(c); /* it had rested for too long */
    } else if (c->kind->end == CUT && c->was_seen) {
        cut++;
        hang_up(c);
    } else {
        complain(c, "the connection ended");
    }
}

static void leave(struct client *c)
{
    aborted += (unsigned)c->kind->count;
    hang_up(c);
}

/* ---- answers ---- */

/* One answer is complete. False: the connection is not to be used further. */
static int is_complete(struct client *c)
{
    int status = atoi(c->head + 9);

    if (c->kind->end == LEFT_SOON) { /* an upstream's time-out came before we had a turn to leave */
        leave(c);
        return 0;
    }
    if (c->kind->end != ANSWERED || status != c->kind->status) {
        complain(c, "answered so");
        return 0;
    }
    answered[status / 100]++;
    c->in_head = 1;
    c->head_len = 0;
    if (--c->due > 0 && !c->closes)
        return 1;
    asked -= (unsigned)c->due; /* behind an answer that closes: to be asked again elsewhere */
    if (c->closes || c->sent < c->kind->len || c->kind->sent < c->kind->body)
        hang_up(c);
    c->kind = NULL;
    return c->fd >= 0;
}

static const char *find(const char *head, const char *name)
{
    const char *at = strcasestr(head, name);
    return at != NULL ? at + strlen(name) : NULL;
}

/* Takes bytes of a head; how many belonged to it. */
static size_t take_head(struct client *c, const char *at, size_t len)
{
    size_t before = c->head_len, room = sizeof c->head - 1 - before;

    if (len > room)
        len = room;
    memcpy(c->head + before, at, len);
    c->head[before + len] = 0;
    char *end = strstr(c->head, "\r\n\r\n");
    if (end == NULL) {
        c->head_len += len;
        return len;
    }
    end[2] = 0;
    c->head_len = (size_t)(end + 2 - c->head);
    const char *length = find(c->head, "\r\nContent-Length: ");
    c->is_chunked = find(c->head, "\r\nTransfer-Encoding: chunked\r\n") != NULL;
    c->matched = 2;
    c->left = length != NULL ? strtoul(length, NULL, 10) : 1;
    c->closes = find(c->head, "\r\nConnection: close\r\n") != NULL;
    c->in_head = 0;
    return c->head_len + 2 - before;
}

static size_t take_body(struct client *c, const char *at, size_t len)
{
    static const char last[] = "\r\n0\r\n\r\n"; /* bodies are of 'x' */

    if (!c->is_chunked) {
        len = len < c->left ? len : c->left;
        c->left -= len;
        return len;
    }
    for (size_t i = 0; i < len; i++) {
        c->matched = at[i] == last[c->matched] ? c->matched + 1 : at[i] == '\r';
        if (last[c->matched] == 0) {
            c->left = 0;
            return i + 1;
        }
    }
    return len;
}

/* False: done with this connection for now. */
static int feed(struct client *c, const char *at, size_t len)
{
    c->was_seen = 1;
    while (len > 0) {
        size_t used;
        if (c->kind == NULL) {
            complain(c, "more than an answer came");
            return 0;
        }
        used = c->in_head ? take_head(c, at, len) : take_body(c, at, len);
        at += used;
        len -= used;
        if (c->in_head && c->head_len == sizeof c->head - 1) {
            complain(c, "a head that does not end");
            return 0;
        }
        if (!c->in_head && c->left == 0 && !is_complete(c))
            return 0;
    }
    return 1;
}

/* ---- events ---- */

/* False: there is no connection any more. */
static int send_more(struct client *c)
{
    while (c->kind != NULL && c->sent < c->kind->len) {
        ssize_t n = send(c->fd, c->kind->text + c->sent, c->kind->len - c->sent, MSG_NOSIGNAL);
        if (n < 0)
            return errno == EAGAIN || errno == EPIPE ||
                   errno == ECONNRESET; /* the reading side tells */
        if (c->sent == 0)               /* a head is sent at once or not at all */
            asked += (unsigned)c->kind->count;
        c->sent += (size_t)n;
        if (c->sent == c->kind->len && c->kind->end == LEFT_SOON)
            c->leave_at = now + draw(c, 50);
    }
    return 1;
}

static int reads_nothing(const struct client *c)
{
    return c->kind != NULL && c->kind->end == CUT && c->kind >= slow &&
           c->kind < slow + sizeof slow / sizeof *slow;
}

static void ready(struct client *c, uint32_t events)
{
    static char bytes[65536];

    if (!send_more(c)) {
        ended(c);
        return;
    }
    if (reads_nothing(c)) {
        c->was_seen |= (events & EPOLLIN) != 0;
        if (events & (EPOLLHUP | EPOLLERR | EPOLLRDHUP))
            ended(c);
        return;
    }
    while (c->fd >= 0) {
        ssize_t n = recv(c->fd, bytes, sizeof bytes, 0);
        if (n < 0 && errno == EAGAIN)
            return;
        if (n <= 0) {
            ended(c);
            return;
        }
        if (c->kind != NULL && c->kind->end == LEFT_BEHIND) {
            leave(c);
            return;
        }
        if (!feed(c, bytes, (size_t)n))
            return;
    }
}

/* All that does not come from a socket. False when nothing is under way and nothing is to begin. */
static int look_around(int is_over)
{
    int busy = 0;

    for (struct client *c = clients; c < clients + CLIENTS; c++) {
        if (c->kind != NULL && c->leave_at != 0 && now >= c->leave_at)
            leave(c);
        if (c->kind != NULL && now >= c->stuck_at)
            complain(c, "stuck");
        if (c->kind == NULL && !is_over) {
            begin(c);
            ready(c, 0);
        }
        busy |= c->kind != NULL;
    }
    return busy;
}

static void run(void)
{
    struct epoll_event events[CLIENTS];
    long long look_at = 0;

    for (;;) {
        int is_over = now >= end_at || asked >= limit;
        if (now >= look_at) {
            look_at = now + TICK_MS;
            if (!look_around(is_over))
                return;
        }
        int count = epoll_wait(poller, events, CLIENTS, TICK_MS);
        now = clock_ms();
        for (int i = 0; i < count; i++) {
            struct client *c = events[i].data.ptr;
            if (c->fd < 0)
                continue;
            ready(c, events[i].events);
            if (c->kind == NULL && !is_over) {
                begin(c);
                ready(c, 0);
            }
        }
    }
}

int main(int argc, char **argv)
{
    if (argc != 4) {
        fprintf(stderr, "usage: mixed PORT SECONDS REQUESTS\n");
        return 2;
    }
    port = atoi(argv[1]);
    now = clock_ms();
    end_at = now + atoll(argv[2]) * 1000;
    limit = strtoull(argv[3], NULL, 10);
    poller = epoll_create1(0);
    for (int i = 0; i < CLIENTS; i++)
        clients[i] = (struct client){.fd = -1, .seed = 0x9e3779b97f4a7c15ULL * (unsigned)(i + 1)};
    run();
    printf(
        "{\"asked\": %llu, \"answered\": {\"2xx\": %llu, \"4xx\": %llu, \"5xx\": %llu}, \"cut\": %llu, "
        "\"aborted\": %llu, \"wrong\": %llu}\n",
        asked, answered[2], answered[4], answered[5], cut, aborted, wrong);
    return wrong > 0;
}
