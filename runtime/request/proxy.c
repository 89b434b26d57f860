#include "request/proxy.h"

#include "base/random.h"
#include "http/cookie.h"
#include "request/client_cert.h"
#include "request/deadline.h"
#include "request/forwarded.h"
#include "request/grpc.h"
#include "request/hedge.h"
#include "request/hold.h"
#include "request/hops.h"
#include "request/identity.h"
#include "request/mirror.h"
#include "request/proxied.h"
#include "request/reply.h"
#include "request/request_id.h"
#include "request/rewrite.h"
#include "request/sticky.h"
#include "request/taken.h"
#include "request/tunnel.h"

enum { LINES_ROOM = 384 };

/* ---- the request ---- */

static void put_host(const struct gw_req *rq, const struct upstream_call *call,
                     struct head_text *text)
{
    const struct gw_rewrite *rewrite = rq->forward->rewrite;
    struct str host = call->target->authority;

    if (rewrite && rewrite->host.len > 0)
        host = rewrite->host;
    else if (call->config->host_header == GW_HOST_LITERAL)
        host = call->config->host;
    else if (call->config->host_header == GW_HOST_PRESERVE && rq->head.authority.len > 0)
        host = rq->head.authority;
    head_put(text, STR("Host: "));
    head_put(text, host);
    head_put(text, STR("\r\n"));
}

/* All fields but Host, and the end of the head. */
static void put_lines(const struct gw_req *rq, const struct upstream_call *call,
                      struct head_text *text)
{
    head_put_fields(text, &rq->head.fields);
    head_put(text, tunnel_line(rq));
    head_put(text, hops_via(rq));
    head_put(text, rq->added_request);
    deadline_put(rq, text);
    if (call->framing == FRAMING_CHUNKED) {
        head_put(text, STR("Transfer-Encoding: chunked\r\n"));
    } else if (call->framing == FRAMING_LENGTH &&
               !fields_find(&rq->head.fields, FIELD_CONTENT_LENGTH)) {
        head_put(text, STR("Content-Length: "));
        head_put_number(text, call->length);
        head_put(text, STR("\r\n"));
    }
    /* RFC 9110 section 6.5.1: we keep trailers if the client does. */
    if (rq->head.te_trailers)
        head_put(text, STR("TE: trailers\r\nConnection: TE\r\n"));
    head_put(text, STR("\r\n"));
}

static void write_head(struct upstream_call *call, struct head_text *text)
{
    struct gw_req *rq = call->owner;

    head_put(text, rq->head.method_text);
    head_put(text, STR(" "));
    rewrite_target(rq, call->target, text);
    head_put(text, STR(" HTTP/1.1\r\n"));
    put_host(rq, call, text);
    put_lines(rq, call, text);
}

/* What every try says: who the client is, and the request id. */
static void add_lines(struct gw_req *rq)
{
    struct text lines = {
        .pool = &rq->pool, .at = pool_take(&rq->pool, LINES_ROOM), .cap = LINES_ROOM};

    text_add(&lines, rq->added_request);
    client_cert_lines(rq, &lines);
    identity_lines(rq, &lines);
    forwarded_lines(rq, &lines);
    if (hops_are_counted(rq))
        hops_count_down(rq, &lines);
    request_id_line(rq, &lines);
    rq->added_request = text_str(&lines);
}

static void on_interim(struct upstream_call *call)
{
    struct gw_req *rq = call->owner;
    struct head_out head = {
        .status = call->head.status, .reason = call->head.reason, .fields = &call->head.fields};

    fields_drop_hop_by_hop(&call->head.fields);
    fields_drop(&call->head.fields, FIELD_CONTENT_LENGTH); /* RFC 9110 section 8.6 */
    rq->x->ops->interim(rq->x, &head);
}

static void on_body_failed(struct upstream_call *call)
{
    struct gw_req *rq = call->owner;

    call_fail(call, taken_status(rq), taken_reason(rq));
}

/* RFC 9110 section 9.2.2 */
static bool is_idempotent(enum method method)
{
    switch (method) {
    case METHOD_GET:
    case METHOD_HEAD:
    case METHOD_PUT:
    case METHOD_DELETE:
    case METHOD_OPTIONS:
    case METHOD_TRACE:
    case METHOD_QUERY:
        return true;
    case METHOD_POST:
    case METHOD_PATCH:
    case METHOD_CONNECT:
    case METHOD_OTHER:
        break;
    }
    return false;
}

/* True while the first part of the body has still to be taken in. */
static bool is_holding(struct gw_req *rq)
{
    if (rq->route->buffer_request == 0 || rq->head.framing == FRAMING_NONE)
        return false;
    if (!rq->hold)
        rq->hold = hold_start(rq, taken_body(rq), rq->route->buffer_request);
    return rq->hold->op.state == OP_RUNNING;
}

/* The key that says where the request goes; a request without it goes where its client's address says. */
static uint64_t hash_key(const struct gw_req *rq, const struct gw_forward *forward)
{
    const struct gw_hash_key *key = &forward->upstream->hash_key;
    const struct field *field;
    struct str value = {0};

    if (!forward->upstream->hashes)
        return 0;
    switch (key->from) {
    case GW_HASH_IP:
        break;
    case GW_HASH_HEADER:
        field = fields_named(&rq->head.fields, key->name, NULL);
        value = field ? field_value(field) : value;
        break;
    case GW_HASH_COOKIE:
        value = cookie_named(&rq->head.fields, key->name);
        break;
    case GW_HASH_PARAM:
        value = rq->params[forward->hash_param];
        break;
    }
    return forward->upstream->hashes(value.len > 0 ? value : rq->client_address);
}

/* A copy of the request goes elsewhere. What does not fit into the scratch memory is not copied: the request will not
 * leave either. */
static void mirror(struct gw_req *rq, struct upstream_call *call, const struct gw_mirror *config)
{
    static const struct gw_target nowhere = {.path = STR_INIT("")};
    struct head_text text = {.at = rq->worker->head_scratch, .room = WORKER_SCRATCH};
    struct mirror_request request = {
        .method_text = rq->head.method_text,
        .method = call->method,
        .host = rq->head.authority,
        .greeting = proxied_greeting(rq, config->to.upstream),
        .framing = call->framing,
        .length = call->length,
        .hash = hash_key(rq, &config->to),
    };
    size_t path_len;

    head_put(&text, STR(" ")); /* as in a request line */
    rewrite_target(rq, &nowhere, &text);
    path_len = text.len;
    put_lines(rq, call, &text);
    if (text.full)
        return;
    request.path = (struct str){text.at + 1, path_len - 1};
    request.lines = (struct str){text.at + path_len, text.len - path_len};
    call->body = config->module->begin(rq, config, &request, call->body);
}

static enum gw_next start(struct gw_req *rq, const struct gw_forward *forward)
{
    const struct gw_sticky *sticky = forward->upstream->sticky;
    bool has_body = rq->head.framing != FRAMING_NONE;
    struct upstream_call *call;

    rq->forward = forward;
    if (forward->timeouts)
        rq->timeouts = forward->timeouts;
    if (!deadline_read(rq))
        return reply_error(rq, 400, "X-Request-Timeout is not a number of seconds", STR(""));
    rq->upstream = call = call_new(&rq->pool);
    fields_drop(&rq->head.fields, FIELD_HOST);
    fields_drop_hop_by_hop(&rq->head.fields);
    add_lines(rq);
    call->upstreams = rq->worker->upstreams;
    call->config = forward->upstream;
    call->timeouts = rq->timeouts;
    call->deadline = rq->deadline.ms;
    call->body = has_body ? taken_body(rq) : NULL;
    call->framing = rq->head.framing;
    call->length = rq->head.length;
    call->idempotent = is_idempotent(rq->head.method);
    call->upgrade_to = rq->upgrade_to;
    call->method = rq->head.method;
    call->retry = forward->retry;
    call->has_idempotency_key =
        forward->retry && fields_named(&rq->head.fields, STR("Idempotency-Key"), NULL);
    call->hash = hash_key(rq, forward);
    call->subset = forward->subset;
    if (sticky)
        call->wanted = sticky->module->target(rq, sticky);
    call->write_head = write_head;
    call->interim = on_interim;
    call->body_failed = on_body_failed;
    call->owner = rq;
    call->greeting = proxied_greeting(rq, forward->upstream);
    if (forward->upstream->mirror &&
        forward->upstream->mirror->module->wants(rq, forward->upstream->mirror))
        mirror(rq, call, forward->upstream->mirror);
    rq->x->expect_passed_on = rq->head.expect_continue && !rq->hold;
    call_start(call);
    rq->asked = call->retry && call->retry->hedge ? call->retry->hedge->begin(rq) : &call->op;
    return req_park(rq, rq->asked);
}

/* For the log, from the call as it stands. */
static void note(struct gw_req *rq, const struct upstream_call *call)
{
    if (call->target)
        rq->upstream_target =
            call->config->discovery ? pool_copy(&rq->pool, call->target->url) : call->target->url;
    rq->tries = call->tries + call->beside;
    rq->upstream_ms = call->head_ms;
    rq->upstream_status = call->op.state == OP_DONE ? call->head.status : 0;
}

enum gw_next proxy_ask(struct gw_req *rq, const struct gw_forward *forward)
{
    struct upstream_call *call = rq->upstream;

    if (!call && hops_are_counted(rq) && hops_check(rq) != GW_GO)
        return GW_DONE;
    if (!call && is_holding(rq))
        return req_park(rq, &rq->hold->op);
    if (!call && rq->hold && rq->hold->op.state != OP_DONE)
        return reply_error(rq, taken_status(rq), taken_reason(rq), STR(""));
    if (!call)
        return start(rq, forward);
    if (rq->asked->state == OP_RUNNING)
        return req_park(rq, rq->asked);
    note(rq, call);
    if (call->op.state == OP_DONE) {
        rq->answer = &call->head;
        return GW_GO;
    }
    return reply_error(rq, call->status, call->reason,
                       call->retry_after > 0
                           ? pool_printf(&rq->pool, "Retry-After: %u\r\n", call->retry_after)
                           : STR(""));
}

/* By an earlier call, or by the client's cookie. */
static bool is_chosen(struct gw_req *rq, const struct gw_choice *choice)
{
    if (!rq->chosen && choice->sticky)
        rq->chosen = choice->sticky->module->forward(rq, choice);
    return rq->chosen != NULL;
}

const struct gw_forward *proxy_choose(struct gw_req *rq, const struct gw_choice *choice)
{
    uint64_t ticket;

    if (is_chosen(rq, choice))
        return rq->chosen;
    rq->drawn = choice;
    ticket = random_u64() % (choice->total > 0 ? choice->total : 1);
    rq->chosen = &choice->forwards[choice->count - 1];
    for (uint32_t i = 0; i < choice->count; i++) {
        if (ticket < choice->weights[i]) {
            rq->chosen = &choice->forwards[i];
            break;
        }
        ticket -= choice->weights[i];
    }
    return rq->chosen;
}

/* Each weight is looked at once, for it may change meanwhile: the n-th is taken with its share of the first n. Their sum
 * is never 0, but several looks may tell another story; then they are looked at again. */
const struct gw_forward *proxy_choose_live(struct gw_req *rq, const struct gw_choice *choice)
{
    if (is_chosen(rq, choice))
        return rq->chosen;
    rq->drawn = choice;
    while (!rq->chosen) {
        uint64_t total = 0;
        for (uint32_t i = 0; i < choice->count; i++) {
            uint32_t weight = gw_choice_weight(choice, i);
            total += weight;
            if (weight > 0 && random_u64() % total < weight)
                rq->chosen = &choice->forwards[i];
        }
    }
    return rq->chosen;
}

/* ---- the answer ---- */

/* Where it was sent to, when somebody cares. */
static void keep_client(struct gw_req *rq)
{
    const struct gw_sticky *sticky = rq->forward->upstream->sticky;

    if (!sticky && rq->drawn)
        sticky = rq->drawn->sticky;
    if (sticky)
        sticky->module->keep(rq);
}

enum gw_next proxy_reply(struct gw_req *rq)
{
    struct upstream_call *call = rq->upstream;
    struct head *answer = rq->answer;
    struct text added = {
        .pool = &rq->pool, .at = pool_take(&rq->pool, LINES_ROOM), .cap = LINES_ROOM};
    struct str echoed;

    if (rq->replied)
        return GW_DONE;
    keep_client(rq);
    if (answer->status == 101)
        return tunnel_start(rq);
    fields_drop_hop_by_hop(&answer->fields);
    /* RFC 9110 section 8.6 */
    if (answer->status == 204)
        fields_drop(&answer->fields, FIELD_CONTENT_LENGTH);
    request_id_echo(rq, &added);
    echoed = text_str(&added);
    /* The gateway's own id is the one that counts: an upstream's field of that name would be a second one. */
    if (echoed.len > 0)
        fields_drop_named(&answer->fields, str_head(echoed, str_find(echoed, ':')));
    text_add(&added, rq->added_reply);
    rewrite_back(rq, &added);
    reply_send(rq,
               &(struct head_out){
                   .status = answer->status,
                   .reason = answer->reason,
                   .fields = &answer->fields,
                   .added = text_str(&added),
                   .framing = answer->framing,
                   .length = answer->length,
               },
               &call->in);
    return GW_DONE;
}
