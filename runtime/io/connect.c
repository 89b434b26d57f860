#include "io/connect.h"

#include <errno.h>
#include <stddef.h>
#include <unistd.h>

enum { STAGGER_MS = 250 };

#define OWNER(member, pointer)                                                                     \
    ((struct connector *)((char *)(pointer)-offsetof(struct connector, member)))

static void stop(struct connector *connector)
{
    for (size_t i = 0; i < connector->next; i++)
        stream_close(&connector->attempts[i].stream);
    timer_clear(connector->loop, &connector->stagger);
    timer_clear(connector->loop, &connector->deadline);
}

static void finish(struct connector *connector, int fd, int error)
{
    stop(connector);
    connector->fd = fd;
    connector->error = error;
    loop_post(connector->loop, &connector->finished);
}

static void try_next(struct connector *connector);

static void on_ready(struct stream *stream)
{
    struct connect_attempt *attempt = (struct connect_attempt *)stream;
    struct connector *connector = attempt->connector;
    int error = stream_connected(stream);

    if (error == EINPROGRESS)
        return;
    if (error == 0) {
        connector->won = (size_t)(attempt - connector->attempts);
        finish(connector, stream_release(stream), 0);
        return;
    }
    stream_close(stream);
    connector->under_way--;
    connector->error = error;
    try_next(connector);
}

static void try_next(struct connector *connector)
{
    while (connector->next < connector->count) {
        size_t i = connector->next++;
        const struct dns_address *to = &connector->addresses[i];
        struct stream *stream = &connector->attempts[i].stream;
        if (stream_connect(stream, connector->loop, (const struct sockaddr *)&to->at, to->len)) {
            stream->ready = on_ready;
            connector->attempts[i].connector = connector;
            connector->under_way++;
            if (connector->next < connector->count)
                timer_set(connector->loop, &connector->stagger, STAGGER_MS);
            return;
        }
        connector->error = errno;
    }
    if (connector->under_way == 0)
        finish(connector, -1, connector->error);
}

static void on_stagger(struct timer *timer)
{
    try_next(OWNER(stagger, timer));
}

static void on_deadline(struct timer *timer)
{
    finish(OWNER(deadline, timer), -1, ETIMEDOUT);
}

static void on_finished(struct loop_call *call)
{
    struct connector *connector = OWNER(finished, call);

    connector->done(connector);
}

void connect_start(struct connector *connector, struct loop *loop,
                   const struct dns_address *addresses, size_t count, uint64_t timeout_ms,
                   void (*done)(struct connector *connector))
{
    *connector = (struct connector){.loop = loop, .done = done, .fd = -1};
    connector->count = count < CONNECT_MAX ? count : CONNECT_MAX;
    memcpy(connector->addresses, addresses, connector->count * sizeof *addresses);
    connector->stagger.fire = on_stagger;
    connector->deadline.fire = on_deadline;
    connector->finished.run = on_finished;
    if (timeout_ms > 0)
        timer_set(loop, &connector->deadline, timeout_ms);
    try_next(connector);
}

void connect_cancel(struct connector *connector)
{
    stop(connector);
    /* It may have been over, and `done` posted. */
    if (connector->finished.queued && connector->fd >= 0)
        close(connector->fd);
    loop_unpost(connector->loop, &connector->finished);
    connector->fd = -1;
}
