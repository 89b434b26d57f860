#include "client/fetch.h"

enum { CONNECT_MS = 5000 };

#define CONTAINER(type, member, at) ((type *)((char *)(at)-offsetof(type, member)))

/* ---- the end ---- */

static void let_go(struct fetch *fetch)
{
    op_leave(&fetch->answered, true);
    pump_stop(&fetch->drain);
    if (fetch->call)
        call_close(fetch->call);
    fetch->call = NULL;
}

static void fail(struct fetch *fetch, const char *reason)
{
    let_go(fetch);
    fetch->reason = reason;
    op_end(&fetch->op, OP_FAILED);
}

static void on_cancel(struct op *op)
{
    struct fetch *fetch = CONTAINER(struct fetch, op, op);

    fetch->reason = "it took too long";
    let_go(fetch);
}

/* ---- the answer ---- */

static ssize_t sink_write(struct body_out *sink, struct str data)
{
    struct fetch *fetch = CONTAINER(struct fetch, sink, sink);

    if (data.len > fetch->max - fetch->answer.len)
        return -1;
    text_add(&fetch->answer, data);
    return (ssize_t)data.len;
}

static void sink_flush(struct body_out *sink)
{
    (void)sink;
}

static enum body_state sink_end(struct body_out *sink, struct str trailers)
{
    (void)sink, (void)trailers;
    return BODY_END;
}

static void on_drained(struct pump *drain, bool complete)
{
    struct fetch *fetch = CONTAINER(struct fetch, drain, drain);

    if (!complete) {
        fail(fetch, drain->in_failed ? "the answer was cut off" : "the answer is too long");
        return;
    }
    let_go(fetch);
    text_add(&fetch->answer, STR(""));
    fetch->body = text_str(&fetch->answer);
    op_end(&fetch->op, OP_DONE);
}

/* The answer's own bytes go with the connection's buffer. */
static void keep_fields(struct fetch *fetch, const struct fields *fields)
{
    struct field *kept = pool_take(&fetch->pool, (fields->count + 1u) * sizeof *kept);

    for (uint16_t i = 0; i < fields->count; i++) {
        kept[i] = fields->at[i];
        kept[i].name = pool_copy(&fetch->pool, field_name(&fields->at[i])).at;
        kept[i].value = pool_copy(&fetch->pool, field_value(&fields->at[i])).at;
    }
    fetch->fields = *fields;
    fetch->fields.at = kept;
    fetch->fields.cap = fields->count;
}

static void on_answered(struct loop_call *wake)
{
    static const struct body_out_ops sink_ops = {
        .write = sink_write, .flush = sink_flush, .end = sink_end};
    struct fetch *fetch = CONTAINER(struct fetch, answered.wake, wake);
    struct upstream_call *call = fetch->call;

    if (call->op.state != OP_DONE) {
        fail(fetch, call->reason);
        return;
    }
    if (call->head.framing == FRAMING_LENGTH && call->head.length > fetch->max) {
        fail(fetch, "the answer is too long");
        return;
    }
    fetch->status = call->head.status;
    keep_fields(fetch, &call->head.fields);
    fetch->sink.ops = &sink_ops;
    fetch->drain = (struct pump){.loop = fetch->upstreams->loop, .done = on_drained};
    pump_start(&fetch->drain, &call->in, &fetch->sink);
}

/* ---- the question ---- */

static struct str host_of(const struct fetch *fetch, const struct upstream_call *call)
{
    if (fetch->host.len > 0)
        return fetch->host;
    return call->config->host_header == GW_HOST_LITERAL ? call->config->host
                                                        : call->target->authority;
}

static void write_head(struct upstream_call *call, struct head_text *text)
{
    const struct fetch *fetch = call->owner;

    head_put(text, fetch->method_text.at ? fetch->method_text : method_name(fetch->method));
    head_put(text, STR(" "));
    head_put(text, call->target->path);
    head_put(text, fetch->endpoint->path);
    head_put(text, STR(" HTTP/1.1\r\nHost: "));
    head_put(text, host_of(fetch, call));
    head_put(text, STR("\r\n"));
    head_put(text, fetch->lines);
    if (fetch->content.at) {
        head_put(text, STR("Content-Length: "));
        head_put_number(text, fetch->content.len);
        head_put(text, STR("\r\n"));
    }
    head_put(text, STR("\r\n"));
}

static void on_interim(struct upstream_call *call)
{
    (void)call;
}

/* What is there as a whole does not fail. */
static void on_body_failed(struct upstream_call *call)
{
    call_fail(call, 502, "the question was lost");
}

static void open_upload(struct upstream_call *call)
{
    struct fetch *fetch = call->owner;

    body_text_open(&fetch->upload, fetch->content);
}

static void set_content(struct fetch *fetch, struct upstream_call *call)
{
    if (fetch->content.len == 0)
        return;
    open_upload(call);
    call->body = &fetch->upload.in;
    call->body_failed = on_body_failed;
    call->body_again = open_upload;
    call->framing = FRAMING_LENGTH;
    call->length = fetch->content.len;
}

void fetch_start(struct fetch *fetch)
{
    struct upstream_call *call;

    pool_open(&fetch->pool, NULL);
    fetch->answer = (struct text){.pool = &fetch->pool};
    fetch->status = 0;
    fetch->reason = NULL;
    fetch->timeouts =
        (struct gw_timeouts){.connect = fetch->timeout < CONNECT_MS ? fetch->timeout : CONNECT_MS};
    op_open(&fetch->op, fetch->upstreams->loop, fetch->timeout, on_cancel);
    call = fetch->call = call_new(&fetch->pool);
    call->upstreams = fetch->upstreams;
    call->config = fetch->endpoint->upstream;
    call->timeouts = &fetch->timeouts;
    call->retry = fetch->endpoint->retry;
    call->framing = FRAMING_NONE;
    call->method = fetch->method;
    call->idempotent = fetch->is_idempotent;
    call->write_head = write_head;
    call->interim = on_interim;
    call->owner = fetch;
    set_content(fetch, call);
    call_start(call);
    op_wait(&call->op, &fetch->answered, on_answered);
}

void fetch_close(struct fetch *fetch)
{
    if (!fetch->op.loop)
        return;
    op_cancel(&fetch->op);
    fetch->op = (struct op){0};
    fetch->fields = (struct fields){0};
    fetch->body = (struct str){0};
    pool_close_wiped(&fetch->pool);
}

struct str fetch_field(const struct fetch *fetch, struct str name)
{
    const struct field *field = fields_named(&fetch->fields, name, NULL);

    return field ? field_value(field) : (struct str){0};
}
