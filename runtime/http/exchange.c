#include "http/exchange.h"

/* Bytes moved before others have their turn. */
enum { PUMP_TURN_MAX = 256 * 1024 };

#define CONTAINER(type, member, at) ((type *)((char *)(at)-offsetof(type, member)))

static void tell_done(struct loop_call *call)
{
    struct pump *pump = CONTAINER(struct pump, call, call);

    pump->done(pump, pump->complete);
}

static void turn_again(struct loop_call *call)
{
    pump_turn(CONTAINER(struct pump, call, call));
}

static void pump_over(struct pump *pump, bool complete, bool in_failed)
{
    pump->over = true;
    pump->complete = complete;
    pump->in_failed = in_failed;
    pump->in->pump = NULL;
    pump->out->pump = NULL;
    loop_unpost(pump->loop, &pump->call);
    pump->call.run = tell_done;
    loop_post(pump->loop, &pump->call);
}

void pump_start(struct pump *pump, struct body_in *in, struct body_out *out)
{
    pump->in = in;
    pump->out = out;
    pump->over = false;
    pump->call.run = turn_again;
    in->pump = pump;
    out->pump = pump;
    pump_turn(pump);
}

/* The end is passed on at once, and the source let go; then the receiver may take its time. */
static void pump_end(struct pump *pump)
{
    enum body_state state = pump->out->ops->end(pump->out, pump->in->trailers);

    if (state == BODY_END)
        pump_over(pump, true, false);
    else if (state == BODY_FAILED)
        pump_over(pump, false, false);
    if (state != BODY_FAILED && pump->in->ops->stop)
        pump->in->ops->stop(pump->in);
}

enum step { STEP_MOVED, STEP_HALT };

/* What a write has told: true when bytes were taken. */
static enum step took(struct pump *pump, ssize_t taken)
{
    if (taken < 0)
        pump_over(pump, false, false);
    if (taken <= 0)
        return STEP_HALT;
    pump->moved += (uint64_t)taken;
    return STEP_MOVED;
}

static enum step copy(struct pump *pump)
{
    struct body_in *in = pump->in;
    struct body_out *out = pump->out;
    struct str data;
    ssize_t taken;

    switch (in->ops->peek(in, &data)) {
    case BODY_DATA:
        taken = out->ops->write(out, data);
        if (taken > 0)
            in->ops->consume(in, (size_t)taken);
        return took(pump, taken);
    case BODY_WAIT:
        out->ops->flush(out);
        break;
    case BODY_END:
        pump_end(pump);
        break;
    case BODY_FAILED:
        out->ops->flush(out);
        pump_over(pump, false, true);
        break;
    }
    return STEP_HALT;
}

static enum step move(struct pump *pump)
{
    struct body_in *in = pump->in;
    struct body_out *out = pump->out;
    struct stream *from;
    uint64_t len;
    ssize_t taken;

    if (!in->ops->spliceable || !out->ops->splice)
        return copy(pump);
    from = in->ops->spliceable(in, &len);
    if (!from)
        return copy(pump);
    taken = out->ops->splice(out, from, len);
    if (taken == BODY_NOT_SPLICED)
        return copy(pump);
    if (taken > 0)
        in->ops->spliced(in, (uint64_t)taken);
    return took(pump, taken);
}

void pump_turn(struct pump *pump)
{
    uint64_t enough = pump->moved + PUMP_TURN_MAX;

    if (pump->over)
        return;
    while (move(pump) == STEP_MOVED) {
        if (pump->moved >= enough) {
            loop_post_later(pump->loop, &pump->call);
            return;
        }
    }
}

void pump_stop(struct pump *pump)
{
    if (!pump->in)
        return;
    loop_unpost(pump->loop, &pump->call);
    if (pump->over)
        return;
    pump->over = true;
    pump->in->pump = NULL;
    pump->out->pump = NULL;
    if (pump->in->ops->stop)
        pump->in->ops->stop(pump->in);
}

/* ---- a text as a body ---- */

enum body_state body_peek_behind(struct body_in *in, struct body_in *source, struct str *data)
{
    enum body_state state = source->ops->peek(source, data);

    source->pump = state == BODY_WAIT ? in->pump : NULL;
    if (state == BODY_END)
        in->trailers = source->trailers;
    if (state == BODY_FAILED)
        in->failure = source->failure;
    return state;
}

static enum body_state text_peek(struct body_in *in, struct str *data)
{
    *data = CONTAINER(struct body_text, in, in)->left;
    return data->len > 0 ? BODY_DATA : BODY_END;
}

static void text_consume(struct body_in *in, size_t len)
{
    struct body_text *body = CONTAINER(struct body_text, in, in);

    body->left = str_from(body->left, len);
}

void body_text_open(struct body_text *body, struct str text)
{
    static const struct body_in_ops ops = {.peek = text_peek, .consume = text_consume};

    *body = (struct body_text){.in.ops = &ops, .left = text};
}
