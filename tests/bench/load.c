/* load: an open-loop client, which a slow answer does not slow down.
 *
 *   load PORT RATE SECONDS CONNECTIONS PATH
 *
 * Requests fall due at random times (Poisson) of that mean rate, the same times in every run, and go out on
 * keep-alive connections. One that finds none at rest waits, and that counts: latency runs from when a request was
 * due. The first half second is not counted. One line of JSON, times in microseconds; w99, w999: the same of each
 * fifth of a second by itself, the median of these, which a stall of the machine does not reach; late99: how late
 * this program itself was with what it could have sent.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <math.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define SECOND 1000000000ULL
#define WARM_UP (SECOND / 2)
#define WINDOW (SECOND / 5)

struct conn {
    int fd, in_head, is_busy;
    uint64_t due;
    size_t left, len; /* bytes of the body to come; bytes of an incomplete head */
    char head[4096];
};

struct samples {
    uint64_t *at; /* microseconds, and above them the window that the request fell due in */
    size_t count;
};

static struct conn *conns, **resting;
static size_t conn_count, resting_count;
static struct samples latency, late;
static uint64_t begun, errors, sent, answered;
static char request[4096];
static int poller, port, request_len;

static uint64_t now_ns(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * SECOND + (uint64_t)t.tv_nsec;
}

/* The time to the next request, in nanoseconds. */
static uint64_t draw(double rate)
{
    static uint64_t seed = 0x9e3779b97f4a7c15ULL;

    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return (uint64_t)(-log(((double)(seed >> 11) + 1) / 9007199254740993.0) / rate * 1e9);
}

static void note(struct samples *samples, uint64_t due, uint64_t now)
{
    if (due < begun + WARM_UP)
        return;
    uint64_t us = now > due ? (now - due) / 1000 : 0;
    samples->at[samples->count++] =
        (due - begun) / WINDOW << 32 | (us < UINT32_MAX ? us : UINT32_MAX);
}

static int compare(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

/* Needs: sorted. */
static unsigned quantile(const uint64_t *at, size_t count, double share)
{
    return count > 0 ? (uint32_t)at[(size_t)((double)(count - 1) * share)] : 0;
}

/* The median of a percentile of all windows. Needs: sorted, window by window. */
static unsigned window_quantile(const struct samples *samples, double share)
{
    uint64_t found[4096];
    size_t count = 0;

    for (size_t i = 0, end; i < samples->count && count < 4096; i = end) {
        for (end = i; end < samples->count && samples->at[end] >> 32 == samples->at[i] >> 32; end++)
            continue;
        found[count++] = quantile(samples->at + i, end - i, share);
    }
    qsort(found, count, sizeof *found, compare);
    return quantile(found, count, 0.5);
}

static void sort(struct samples *samples)
{
    qsort(samples->at, samples->count, sizeof *samples->at, compare);
}

static void forget_windows(struct samples *samples)
{
    for (size_t i = 0; i < samples->count; i++)
        samples->at[i] &= UINT32_MAX;
    sort(samples);
}

static void report(void)
{
    sort(&latency);
    unsigned w99 = window_quantile(&latency, 0.99), w999 = window_quantile(&latency, 0.999);
    forget_windows(&latency);
    forget_windows(&late);
    printf("{\"sent\": %llu, \"answered\": %llu, \"errors\": %llu", (unsigned long long)sent,
           (unsigned long long)answered, (unsigned long long)errors);
    printf(
        ", \"p50\": %u, \"p99\": %u, \"p999\": %u, \"max\": %u, \"w99\": %u, \"w999\": %u, \"late99\": %u}\n",
        quantile(latency.at, latency.count, 0.5), quantile(latency.at, latency.count, 0.99),
        quantile(latency.at, latency.count, 0.999), quantile(latency.at, latency.count, 1), w99,
        w999, quantile(late.at, late.count, 0.99));
}

/* ---- connections ---- */

static void dial(struct conn *c)
{
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int on = 1;

    to.sin_port = htons((uint16_t)port);
    c->fd = socket(AF_INET, SOCK_STREAM, 0);
    if (c->fd < 0 || connect(c->fd, (struct sockaddr *)&to, sizeof to) != 0) {
        perror("load: connect");
        exit(1);
    }
    setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    epoll_ctl(poller, EPOLL_CTL_ADD, c->fd, &(struct epoll_event){EPOLLIN | EPOLLET, {.ptr = c}});
    c->is_busy = 0;
    resting[resting_count++] = c;
}

static void start_request(uint64_t due)
{
    struct conn *c = resting[--resting_count];

    c->due = due;
    c->is_busy = c->in_head = 1;
    c->len = 0;
    sent++;
    if (send(c->fd, request, (size_t)request_len, MSG_NOSIGNAL | MSG_DONTWAIT) != request_len)
        errors++; /* the reading side finds out */
}

static void drop(struct conn *c)
{
    errors += (unsigned)c->is_busy;
    for (size_t i = 0; !c->is_busy && i < resting_count; i++) {
        if (resting[i] == c)
            resting[i] = resting[--resting_count];
    }
    close(c->fd);
    dial(c);
}

/* The head is complete when its body's length is known; false: the answer is not what was asked for. */
static int take_head(struct conn *c, const char *at, size_t len)
{
    size_t room = sizeof c->head - 1 - c->len;

    len = len < room ? len : room;
    memcpy(c->head + c->len, at, len);
    c->len += len;
    c->head[c->len] = 0;
    char *end = strstr(c->head, "\r\n\r\n");
    if (end == NULL)
        return c->len < sizeof c->head - 1;
    const char *length = strcasestr(c->head, "\r\ncontent-length:");
    if (length == NULL || length > end || strncmp(c->head + 8, " 200", 4) != 0)
        return 0;
    size_t have = c->len - (size_t)(end + 4 - c->head), body = strtoul(length + 17, NULL, 10);
    c->in_head = 0;
    c->left = body - have;
    return have <= body;
}

static int take(struct conn *c, const char *at, size_t len)
{
    if (c->in_head)
        return take_head(c, at, len);
    if (len > c->left)
        return 0;
    c->left -= len;
    return 1;
}

static void ready(struct conn *c)
{
    char bytes[65536];

    for (;;) {
        size_t room = c->in_head ? sizeof c->head - 1 - c->len : sizeof bytes;
        ssize_t n = recv(c->fd, bytes, room, MSG_DONTWAIT);
        if (n < 0 && errno == EAGAIN)
            return;
        if (n <= 0 || !c->is_busy || !take(c, bytes, (size_t)n)) {
            drop(c);
            return;
        }
        if (c->in_head || c->left > 0)
            continue;
        note(&latency, c->due, now_ns());
        answered++;
        c->is_busy = 0;
        resting[resting_count++] = c;
        if (n < (ssize_t)room)
            return;
    }
}

static void run(double rate, uint64_t seconds)
{
    struct epoll_event events[256];
    uint64_t end, due;
    int starved = 0; /* what is due waits for the gateway, not for us */

    begun = now_ns();
    end = begun + seconds * SECOND;
    due = begun + draw(rate);
    for (;;) {
        uint64_t now = now_ns();
        for (; due <= now && due < end && resting_count > 0; due += draw(rate)) {
            if (!starved)
                note(&late, due, now);
            start_request(due);
        }
        starved = resting_count == 0;
        if (due >= end && (resting_count == conn_count || now > end + 5 * SECOND))
            return;
        uint64_t wait = resting_count == 0 || due >= end ? SECOND / 10 : due > now ? due - now : 0;
        struct timespec timeout = {(time_t)(wait / SECOND), (long)(wait % SECOND)};
        int count = epoll_pwait2(poller, events, 256, &timeout, NULL);
        for (int i = 0; i < count; i++)
            ready(events[i].data.ptr);
    }
}

int main(int argc, char **argv)
{
    if (argc != 6) {
        fprintf(stderr, "usage: load PORT RATE SECONDS CONNECTIONS PATH\n");
        return 2;
    }
    port = atoi(argv[1]);
    double rate = atof(argv[2]);
    uint64_t seconds = strtoull(argv[3], NULL, 10);
    conn_count = strtoul(argv[4], NULL, 10);
    request_len =
        snprintf(request, sizeof request, "GET %s HTTP/1.1\r\nHost: localhost\r\n\r\n", argv[5]);
    size_t most = (size_t)(rate * (double)seconds * 1.2) + 10000;
    conns = calloc(conn_count, sizeof *conns);
    resting = calloc(conn_count, sizeof(struct conn *));
    latency.at = malloc(most * sizeof(uint64_t));
    late.at = malloc(most * sizeof(uint64_t));
    if (conns == NULL || resting == NULL || latency.at == NULL || late.at == NULL)
        abort();
    prctl(PR_SET_TIMERSLACK, 1);
    poller = epoll_create1(0);
    for (size_t i = 0; i < conn_count; i++)
        dial(&conns[i]);
    run(rate, seconds);
    report();
    return errors > 0;
}
