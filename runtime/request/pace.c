#include "request/pace.h"

#include "request/worker.h"

#define CONTAINER(type, member, at) ((type *)((char *)(at)-offsetof(type, member)))

/* What may be saved up, and how long the shortest pause is. */
enum { SAVED_MS = 200, PAUSE_MS = 20 };

struct pace {
    struct body_in in;
    struct body_in *source;
    struct loop *loop;
    struct timer pause;
    uint64_t rate;  /* bytes a second */
    uint64_t since; /* loop->now up to which bytes were granted */
    uint64_t granted;
};

static void grant(struct pace *pace)
{
    uint64_t now = pace->loop->now, ms = now - pace->since;

    if (ms > SAVED_MS)
        ms = SAVED_MS;
    if (ms * pace->rate < 1000)
        return; /* less than a byte: goes on counting */
    pace->since = now;
    pace->granted += ms * pace->rate / 1000;
    if (pace->granted > pace->rate * SAVED_MS / 1000 + 1)
        pace->granted = pace->rate * SAVED_MS / 1000 + 1;
}

static void on_pause_over(struct timer *timer)
{
    struct pace *pace = CONTAINER(struct pace, pause, timer);

    if (pace->in.pump)
        pump_turn(pace->in.pump);
}

static enum body_state in_peek(struct body_in *in, struct str *data)
{
    struct pace *pace = CONTAINER(struct pace, in, in);
    enum body_state state = body_peek_behind(in, pace->source, data);

    if (state != BODY_DATA)
        return state;
    grant(pace);
    if (pace->granted == 0) {
        timer_set(pace->loop, &pace->pause, PAUSE_MS);
        return BODY_WAIT;
    }
    if (data->len > pace->granted)
        data->len = (size_t)pace->granted;
    return BODY_DATA;
}

static void in_consume(struct body_in *in, size_t len)
{
    struct pace *pace = CONTAINER(struct pace, in, in);

    pace->granted -= len;
    pace->source->ops->consume(pace->source, len);
}

static void in_stop(struct body_in *in)
{
    struct pace *pace = CONTAINER(struct pace, in, in);

    timer_clear(pace->loop, &pace->pause);
    pace->source->pump = NULL;
}

static void on_pool_close(void *arg)
{
    struct pace *pace = arg;

    timer_clear(pace->loop, &pace->pause);
}

struct body_in *pace_open(struct gw_req *rq, struct body_in *source, uint64_t bytes_per_second)
{
    static const struct body_in_ops ops = {.peek = in_peek, .consume = in_consume, .stop = in_stop};
    struct pace *pace = pool_new(&rq->pool, struct pace);

    pace->in.ops = &ops;
    pace->source = source;
    pace->loop = &rq->worker->loop;
    pace->rate = bytes_per_second;
    pace->since = pace->loop->now;
    pace->pause.fire = on_pause_over;
    pool_defer(&rq->pool, on_pool_close, pace);
    return &pace->in;
}
