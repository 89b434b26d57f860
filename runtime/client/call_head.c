/* The head of an answer over HTTP/1.1, interim ones before it. */
#include "client/retry.h"

/* Worth a splice though nearly nothing of it came with the head. */
enum { LONG_ANSWER = 36 * 1024 };

/* RFC 9110 section 7.8: to what was asked for, and nothing else. */
static bool is_upgraded(const struct upstream_call *call)
{
    const struct field *field = fields_find(&call->head.fields, FIELD_UPGRADE);

    return call->upgrade_to.len > 0 && call->head.upgrade && field && call->sent &&
           str_eq_nocase(field_value(field), call->upgrade_to);
}

/* The upstream closes a connection that is idle for so long (Keep-Alive: timeout=5): a request that is sent then may
 * be lost, so that a tenth less is ours. */
static uint32_t rest_time(const struct fields *fields)
{
    const struct field *field = fields_find(fields, FIELD_KEEP_ALIVE);
    struct str list = field ? field_value(field) : (struct str){0};
    uint64_t seconds;

    while (list.at) {
        struct str one = list_next(&list);
        if (str_eq_nocase(str_head(one, 8), STR("timeout=")) &&
            str_to_u64(str_from(one, 8), &seconds))
            return seconds < UINT32_MAX / 1000 ? (uint32_t)seconds * 900 : UINT32_MAX;
    }
    return UINT32_MAX;
}

static void final_head(struct upstream_call *call)
{
    struct upstream_conn *conn = call->conn;
    struct buf *buf = conn->wire.in;

    buf->start += (uint32_t)call->head.head_len;
    buf->keep = buf->start;
    if (call->head.status == 101 && !is_upgraded(call)) {
        call_try_failed(call, TRY_RESET, 502, "the upstream switched protocols unasked");
        return;
    }
    if (call->head.status == 101)
        call->head.framing = FRAMING_CLOSE;
    if (call->method == METHOD_HEAD)
        call->head.framing = FRAMING_NONE;
    conn->rest_ms = rest_time(&call->head.fields);
    call->at->long_answers =
        call->head.framing == FRAMING_LENGTH && call->head.length >= LONG_ANSWER;
    h1_reader_open(&call->reader, &call->head, call->pool);
    if (conn->waits == CONN_WAITS_READ)
        call_conn_waits(conn, CONN_WAITS_NOT, 0);
    call_answered(call);
}

void call_answered(struct upstream_call *call)
{
    call->head_ms = (uint32_t)(call->upstreams->loop->now - call->sent_at);
    call->is_answered = true;
    call_judge_head(call);
    if (call->again && call->retry->module->again(call, TRY_ANSWERED))
        return;
    /* Refused while the body is still on its way: more of it may meet a closed door and cost the answer. */
    if (call->head.status >= 300)
        call_stop_sending(call);
    op_end(&call->op, OP_DONE);
}

/* True when another head follows. */
static bool interim_head(struct upstream_call *call)
{
    struct buf *buf = call->conn->wire.in;

    if (++call->interims > CALL_INTERIMS_MAX) {
        call_fail(call, 502, "the upstream sent too many interim answers");
        return false;
    }
    call->interim(call);
    buf->start += (uint32_t)call->head.head_len;
    h1_parse_begin(&call->parser, H1_RESPONSE, call->upstreams->limits, call->pool, &call->head);
    return true;
}

/* True when more is wanted. */
static bool parse_head(struct upstream_call *call)
{
    struct buf *buf = call->conn->wire.in;

    call->heard = true;
    do {
        switch (h1_parse(&call->parser, buf->bytes + buf->start, buf_len(buf))) {
        case H1_MORE:
            return true;
        case H1_BAD:
            call_try_failed(call, TRY_RESET, 502, call->parser.reason);
            return false;
        case H1_DONE:
            break;
        }
        if (call->head.status >= 200 || call->head.status == 101) {
            final_head(call);
            return false;
        }
    } while (interim_head(call));
    return false;
}

/* The head parser wants its bytes to stay where they are; interim heads in front of it are moved out of the
 * way before the buffer is full. */
static void make_room(struct upstream_call *call)
{
    struct wire *wire = &call->conn->wire;
    struct buf *buf = wire->in;

    if (!buf || buf->start == 0)
        return;
    memmove(buf->bytes, buf->bytes + buf->start, buf_len(buf));
    buf->end = (uint32_t)buf_len(buf);
    buf->start = 0;
    h1_parse_begin(&call->parser, H1_RESPONSE, call->upstreams->limits, call->pool, &call->head);
}

void call_read_head(struct upstream_call *call)
{
    for (;;) {
        struct upstream_conn *conn = call->conn;
        ssize_t len;

        if (conn->wire.in && buf_len(conn->wire.in) > 0 && !parse_head(call))
            return;
        make_room(call);
        len = call->heard ? wire_fill_more(&conn->wire, call_bufs(call))
                          : wire_fill_head(&conn->wire, call_bufs(call), call->at->long_answers);
        if (len == STREAM_AGAIN)
            return;
        if (len > 0)
            continue;
        call_lost(call, call->heard ? "the upstream closed the connection within an answer's head"
                                    : "the upstream closed the connection without an answer");
        return;
    }
}
