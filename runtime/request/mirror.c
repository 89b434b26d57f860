#include "request/mirror.h"

#include "base/random.h"
#include "request/worker.h"

#define CONTAINER(type, member, at) ((type *)((char *)(at)-offsetof(type, member)))

/* A copy: while its content comes in, and while it is under way. */
struct mirror {
    struct worker *worker;
    struct mirror *next, **link; /* of the worker's */
    struct pool pool;            /* this lies in it, too */
    const struct gw_mirror *config;
    struct mirror_request request;
    struct tee *tee; /* NULL: it is complete */
    struct wire kept;
    struct str trailers;
    struct body_in in; /* what is kept, for the upstream */
    struct loop_call leave;
    struct upstream_call *call;
    struct op_waiter answered;
    struct pump drain; /* the answer's body … */
    struct body_out sink;
    struct timer late;
};

/* The request's body on its way to the real upstream; lives in the request. */
struct tee {
    struct body_in in, *source;
    struct mirror *mirror; /* NULL: nothing is copied any more */
};

static struct bufs *bufs_of(const struct mirror *mirror)
{
    return mirror->worker->upstreams->bufs;
}

static struct upstream_share *share_of_mirror(const struct mirror *mirror)
{
    return mirror->worker->upstreams->at[mirror->config->to.upstream->index].share;
}

/* ---- the end ---- */

static void finish(struct mirror *mirror)
{
    struct worker *worker = mirror->worker;
    struct pool pool = mirror->pool;

    timer_clear(&worker->loop, &mirror->late);
    loop_unpost(&worker->loop, &mirror->leave);
    op_leave(&mirror->answered, true);
    pump_stop(&mirror->drain);
    if (mirror->call)
        call_close(mirror->call);
    wire_forget(&mirror->kept, bufs_of(mirror), mirror->kept.out_len);
    if (mirror->tee)
        mirror->tee->mirror = NULL;
    *mirror->link = mirror->next;
    if (mirror->next)
        mirror->next->link = mirror->link;
    worker->mirror_count--;
    pool_close(&pool);
}

static void fail(struct mirror *mirror)
{
    SHARE_ADD(share_of_mirror(mirror)->total_mirror_failed, 1);
    finish(mirror);
}

static void leave_out(struct mirror *mirror)
{
    SHARE_ADD(share_of_mirror(mirror)->total_mirror_left_out, 1);
    finish(mirror);
}

static void on_late(struct timer *timer)
{
    fail(CONTAINER(struct mirror, late, timer));
}

/* ---- the answer ---- */

static ssize_t sink_write(struct body_out *sink, struct str data)
{
    (void)sink;
    return (ssize_t)data.len;
}

static void sink_flush(struct body_out *sink)
{
    (void)sink;
}

static enum body_state sink_end(struct body_out *sink, struct str trailers)
{
    (void)sink;
    (void)trailers;
    return BODY_END;
}

static void on_drained(struct pump *drain, bool complete)
{
    struct mirror *mirror = CONTAINER(struct mirror, drain, drain);

    if (complete)
        finish(mirror);
    else
        fail(mirror);
}

static void on_answered(struct loop_call *wake)
{
    static const struct body_out_ops ops = {
        .write = sink_write, .flush = sink_flush, .end = sink_end};
    struct mirror *mirror = CONTAINER(struct mirror, answered.wake, wake);

    if (mirror->call->op.state != OP_DONE) {
        fail(mirror);
        return;
    }
    mirror->sink.ops = &ops;
    mirror->drain.loop = &mirror->worker->loop;
    mirror->drain.done = on_drained;
    pump_start(&mirror->drain, &mirror->call->in, &mirror->sink);
}

/* ---- the request ---- */

static void write_head(struct upstream_call *call, struct head_text *text)
{
    const struct mirror *mirror = call->owner;
    const struct mirror_request *request = &mirror->request;

    head_put(text, request->method_text);
    head_put(text, STR(" "));
    head_put(text, call->target->path);
    head_put(text, request->path);
    head_put(text, STR(" HTTP/1.1\r\nHost: "));
    if (call->config->host_header == GW_HOST_LITERAL)
        head_put(text, call->config->host);
    else if (call->config->host_header == GW_HOST_PRESERVE && request->host.len > 0)
        head_put(text, request->host);
    else
        head_put(text, call->target->authority);
    head_put(text, STR("\r\n"));
    head_put(text, request->lines);
}

static void on_interim(struct upstream_call *call)
{
    (void)call;
}

/* What is kept does not fail. */
static void on_body_failed(struct upstream_call *call)
{
    call_fail(call, 502, "its content was lost");
}

static enum body_state in_peek(struct body_in *in, struct str *data)
{
    struct mirror *mirror = CONTAINER(struct mirror, in, in);
    const struct buf *first = mirror->kept.out;

    if (mirror->kept.out_len > 0) {
        *data = (struct str){first->bytes + first->start, buf_len(first)};
        return BODY_DATA;
    }
    in->trailers = mirror->trailers;
    return BODY_END;
}

static void in_consume(struct body_in *in, size_t len)
{
    struct mirror *mirror = CONTAINER(struct mirror, in, in);

    wire_forget(&mirror->kept, bufs_of(mirror), len);
}

static void on_leave(struct loop_call *posted)
{
    static const struct body_in_ops ops = {.peek = in_peek, .consume = in_consume};
    static const struct gw_timeouts none = {0}; /* one limit holds for all of it: `late` */
    struct mirror *mirror = CONTAINER(struct mirror, leave, posted);
    struct upstream_call *call = mirror->call = call_new(&mirror->pool);

    SHARE_ADD(share_of_mirror(mirror)->total_mirrored, 1);
    timer_set(&mirror->worker->loop, &mirror->late, mirror->config->timeout);
    mirror->in.ops = &ops;
    call->upstreams = mirror->worker->upstreams;
    call->config = mirror->config->to.upstream;
    call->timeouts = &none;
    call->body = mirror->request.framing == FRAMING_NONE ? NULL : &mirror->in;
    call->framing = mirror->request.framing;
    call->length = mirror->request.length;
    call->method = mirror->request.method;
    call->hash = mirror->request.hash;
    call->subset = mirror->config->to.subset;
    call->greeting = mirror->request.greeting;
    call->write_head = write_head;
    call->interim = on_interim;
    call->body_failed = on_body_failed;
    call->owner = mirror;
    call_start(call);
    op_wait(&call->op, &mirror->answered, on_answered);
}

/* ---- the copying of the content ---- */

static void complete(struct tee *tee)
{
    struct mirror *mirror = tee->mirror;

    tee->mirror = NULL;
    mirror->tee = NULL;
    mirror->trailers = pool_copy(&mirror->pool, tee->source->trailers);
    loop_post(&mirror->worker->loop, &mirror->leave);
}

static enum body_state tee_peek(struct body_in *in, struct str *data)
{
    struct tee *tee = CONTAINER(struct tee, in, in);
    enum body_state state = body_peek_behind(in, tee->source, data);

    if (state == BODY_END && tee->mirror)
        complete(tee);
    return state;
}

/* What has been taken is read again from the source, which lends it until it is consumed. */
static void tee_consume(struct body_in *in, size_t len)
{
    struct tee *tee = CONTAINER(struct tee, in, in);
    struct mirror *mirror = tee->mirror;
    struct str data;

    if (mirror &&
        (mirror->kept.out_len + len > mirror->config->buffer || bufs_are_full(bufs_of(mirror)) ||
         tee->source->ops->peek(tee->source, &data) != BODY_DATA))
        leave_out(mirror);
    else if (mirror)
        wire_queue(&mirror->kept, bufs_of(mirror), str_head(data, len));
    tee->source->ops->consume(tee->source, len);
}

static void tee_stop(struct body_in *in)
{
    CONTAINER(struct tee, in, in)->source->pump = NULL;
}

/* The request is over. When its content was not read to its end there is nothing to be copied. */
static void on_request_over(void *arg)
{
    struct tee *tee = arg;

    if (tee->mirror)
        leave_out(tee->mirror);
}

static struct body_in *tee_open(struct gw_req *rq, struct mirror *mirror, struct body_in *body)
{
    static const struct body_in_ops ops = {
        .peek = tee_peek, .consume = tee_consume, .stop = tee_stop};
    struct tee *tee = pool_new(&rq->pool, struct tee);

    tee->in.ops = &ops;
    tee->source = body;
    tee->mirror = mirror;
    mirror->tee = tee;
    pool_defer(&rq->pool, on_request_over, tee);
    return &tee->in;
}

/* ---- the module ---- */

static bool wants(const struct gw_req *rq, const struct gw_mirror *config)
{
    const struct upstreams *upstreams = rq->worker->upstreams;
    bool is_one_of_them = config->percent >= 100 || random_u64() % 100 < config->percent;

    if (!is_one_of_them || rq->upgrade_to.len > 0)
        return false;
    if (rq->worker->mirror_count < config->max_requests && !rq->head.expect_continue &&
        (rq->head.framing != FRAMING_LENGTH || rq->head.length <= config->buffer))
        return true;
    SHARE_ADD(upstreams->at[config->to.upstream->index].share->total_mirror_left_out, 1);
    return false;
}

static struct mirror *new_mirror(struct gw_req *rq, const struct gw_mirror *config)
{
    struct worker *worker = rq->worker;
    struct mirror *mirror;
    struct pool pool;

    pool_open(&pool, &worker->loop.chunks);
    mirror = pool_new(&pool, struct mirror);
    mirror->pool = pool;
    mirror->worker = worker;
    mirror->config = config;
    mirror->leave.run = on_leave;
    mirror->late.fire = on_late;
    mirror->next = worker->mirrors;
    mirror->link = &worker->mirrors;
    if (mirror->next)
        mirror->next->link = &mirror->next;
    worker->mirrors = mirror;
    worker->mirror_count++;
    return mirror;
}

static struct body_in *begin(struct gw_req *rq, const struct gw_mirror *config,
                             const struct mirror_request *request, struct body_in *body)
{
    struct mirror *mirror = new_mirror(rq, config);

    mirror->request = *request;
    mirror->request.method_text = pool_copy(&mirror->pool, request->method_text);
    mirror->request.path = pool_copy(&mirror->pool, request->path);
    mirror->request.host = pool_copy(&mirror->pool, request->host);
    mirror->request.lines = pool_copy(&mirror->pool, request->lines);
    mirror->request.greeting = pool_copy(&mirror->pool, request->greeting);
    if (body)
        return tee_open(rq, mirror, body);
    loop_post(&mirror->worker->loop, &mirror->leave);
    return NULL;
}

static void close_all(struct worker *worker)
{
    while (worker->mirrors)
        finish(worker->mirrors);
}

const struct mirror_module mirror_module = {.wants = wants, .begin = begin, .close = close_all};
