#include "request/reply.h"

#include "request/errors.h"
#include "request/grpc.h"
#include "request/request_id.h"
#include "request/rewrite.h"

#define CONTAINER(type, member, at) ((type *)((char *)(at)-offsetof(type, member)))

static void on_sent(struct pump *pump, bool complete)
{
    struct gw_req *rq = CONTAINER(struct gw_req, download, pump);

    /* The carrier knows as well, and cuts the client off. */
    if (!complete && !rq->reason)
        rq->reason =
            pump->in_failed ? pump->in->failure : "the client left before the answer's end";
    req_end(rq);
}

void reply_send(struct gw_req *rq, const struct head_out *head, struct body_in *body)
{
    rq->replied = true;
    rq->status = head->status;
    rq->x->ops->reply(rq->x, head);
    rq->download.loop = &rq->worker->loop;
    rq->download.done = on_sent;
    pump_start(&rq->download, body, &rq->x->out);
}

/* RFC 9110 section 6.4.1 */
static bool has_no_body(unsigned status)
{
    return status == 204 || status == 304 || status < 200;
}

/* An answer that the gateway makes: `head` has status, constant and added lines. */
static enum gw_next send_made(struct gw_req *rq, struct head_out head, struct str body)
{
    struct text added = {.pool = &rq->pool};

    if (rq->replied)
        return GW_DONE;
    if (rq->upstream)
        call_stop_sending(rq->upstream); /* whoever takes the answer sends no more */
    text_add(&added, head.added);
    text_add(&added, rq->added_reply);
    request_id_echo(rq, &added);
    head.added = text_str(&added);
    head.framing = has_no_body(head.status) ? FRAMING_NONE : FRAMING_LENGTH;
    head.length = body.len;
    if (head.framing == FRAMING_NONE || rq->head.method == METHOD_HEAD)
        body.len = 0;
    body_text_open(&rq->body, body);
    reply_send(rq, &head, &rq->body.in);
    return GW_DONE;
}

static struct str content_type_line(struct gw_req *rq, struct str type)
{
    return pool_printf(&rq->pool, "Content-Type: %.*s\r\n", STR_ARG(type));
}

enum gw_next reply_text(struct gw_req *rq, unsigned status, struct str content_type,
                        struct str body)
{
    struct head_out head = {.status = (uint16_t)status,
                            .constant = content_type_line(rq, content_type)};

    return send_made(rq, head, body);
}

enum gw_next reply_lines(struct gw_req *rq, unsigned status, struct str lines)
{
    return send_made(rq, (struct head_out){.status = (uint16_t)status, .added = lines}, STR(""));
}

enum gw_next reply_constant(struct gw_req *rq, const struct gw_answer *answer)
{
    return send_made(rq, (struct head_out){.status = answer->status, .constant = answer->head},
                     answer->body);
}

enum gw_next reply_error(struct gw_req *rq, unsigned status, const char *reason, struct str lines)
{
    struct error_body made;

    if (rq->replied)
        return GW_DONE;
    rq->reason = reason;
    if (grpc_is_call(rq))
        return send_made(
            rq, (struct head_out){.status = 200, .constant = grpc_error_lines(rq, status, reason)},
            STR(""));
    made = error_body_make(rq, status, reason);
    return send_made(rq,
                     (struct head_out){.status = (uint16_t)made.status,
                                       .constant = content_type_line(rq, made.content_type),
                                       .added = lines},
                     made.body);
}

/* The host without its port; an IPv6 address keeps its brackets. */
static struct str host_only(struct str authority)
{
    size_t colon = authority.len;

    while (colon > 0 && authority.at[colon - 1] != ':' && authority.at[colon - 1] != ']')
        colon--;
    return colon > 0 && authority.at[colon - 1] == ':' ? str_head(authority, colon - 1) : authority;
}

enum gw_next reply_redirect_https(struct gw_req *rq)
{
    struct text line = {.pool = &rq->pool};

    if (rq->head.authority.len == 0)
        return reply_error(rq, 400, "no host to redirect to", STR(""));
    text_add(&line, STR("Location: https://"));
    text_add(&line, host_only(rq->head.authority));
    if (rq->listener->https_port != 443)
        text_printf(&line, ":%u", rq->listener->https_port);
    text_add(&line, rq->head.path);
    if (rq->head.query.at) {
        text_byte(&line, '?');
        text_add(&line, rq->head.query);
    }
    text_add(&line, STR("\r\n"));
    return reply_lines(rq, rq->listener->redirect_https, text_str(&line));
}

enum gw_next reply_redirect(struct gw_req *rq, const struct gw_redirect *redirect)
{
    struct text line = {.pool = &rq->pool};

    text_add(&line, STR("Location: "));
    rewrite_pieces(rq, redirect->pieces, redirect->piece_count, &line);
    if (redirect->keep_query && rq->head.query.at) {
        text_byte(&line, str_find(text_str(&line), '?') < line.len ? '&' : '?');
        text_add(&line, rq->head.query);
    }
    text_add(&line, STR("\r\n"));
    return reply_lines(rq, redirect->status, text_str(&line));
}
