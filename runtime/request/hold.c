#include "request/hold.h"

#include "request/worker.h"

#define CONTAINER(type, member, at) ((type *)((char *)(at)-offsetof(type, member)))

/* ---- taking in ---- */

static ssize_t out_write(struct body_out *out, struct str data)
{
    struct hold *hold = CONTAINER(struct hold, out, out);
    size_t room = hold->limit - hold->kept.out_len;

    if (room == 0 || bufs_are_full(hold->bufs)) {
        hold->full = true;
        op_end(&hold->op, OP_DONE);
        return 0;
    }
    data = str_head(data, room);
    wire_queue(&hold->kept, hold->bufs, data);
    return (ssize_t)data.len;
}

static void out_flush(struct body_out *out)
{
    (void)out;
}

static enum body_state out_end(struct body_out *out, struct str trailers)
{
    struct hold *hold = CONTAINER(struct hold, out, out);

    hold->in.trailers = trailers;
    hold->ended = true;
    return BODY_END;
}

static void on_done(struct pump *pump, bool complete)
{
    op_end(&CONTAINER(struct hold, pump, pump)->op, complete ? OP_DONE : OP_FAILED);
}

/* ---- giving out ---- */

static enum body_state in_peek(struct body_in *in, struct str *data)
{
    struct hold *hold = CONTAINER(struct hold, in, in);
    struct buf *first = hold->kept.out;

    if (hold->kept.out_len > 0) {
        *data = (struct str){first->bytes + first->start, buf_len(first)};
        return BODY_DATA;
    }
    if (hold->ended)
        return BODY_END;
    return body_peek_behind(in, hold->source, data);
}

static void in_consume(struct body_in *in, size_t len)
{
    struct hold *hold = CONTAINER(struct hold, in, in);

    if (hold->kept.out_len > 0)
        wire_forget(&hold->kept, hold->bufs, len);
    else
        hold->source->ops->consume(hold->source, len);
}

static void in_stop(struct body_in *in)
{
    CONTAINER(struct hold, in, in)->source->pump = NULL;
}

/* ---- public ---- */

static void on_cancel(struct op *op)
{
    pump_stop(&CONTAINER(struct hold, op, op)->pump);
}

static void on_pool_close(void *arg)
{
    struct hold *hold = arg;

    op_cancel(&hold->op);
    pump_stop(&hold->pump);
    wire_forget(&hold->kept, hold->bufs, hold->kept.out_len);
}

struct hold *hold_start(struct gw_req *rq, struct body_in *source, size_t limit)
{
    static const struct body_in_ops in_ops = {
        .peek = in_peek, .consume = in_consume, .stop = in_stop};
    static const struct body_out_ops out_ops = {
        .write = out_write, .flush = out_flush, .end = out_end};
    struct hold *hold = pool_new(&rq->pool, struct hold);

    hold->in.ops = &in_ops;
    hold->out.ops = &out_ops;
    hold->source = source;
    hold->limit = limit;
    hold->bufs = rq->worker->upstreams->bufs;
    hold->pump.loop = &rq->worker->loop;
    hold->pump.done = on_done;
    op_open(&hold->op, &rq->worker->loop, 0, on_cancel);
    pool_defer(&rq->pool, on_pool_close, hold);
    pump_start(&hold->pump, source, &hold->out);
    return hold;
}

struct body_in *hold_body(struct hold *hold)
{
    pump_stop(&hold->pump);
    return &hold->in;
}

struct str hold_text(const struct hold *hold, struct pool *pool)
{
    char *at = pool_alloc(pool, hold->kept.out_len + 1);
    size_t len = 0;

    for (const struct buf *buf = hold->kept.out; buf; buf = buf->next) {
        memcpy(at + len, buf->bytes + buf->start, buf_len(buf));
        len += buf_len(buf);
    }
    return (struct str){at, len};
}
