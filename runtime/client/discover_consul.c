#include <stdlib.h>

#include "base/data.h"
#include "base/reference.h"
#include "client/call.h"
#include "client/discover.h"

enum {
    WAIT_MS = 60 * 1000, /* how long a question stays open when nothing changes */
    GRACE_MS = 10 * 1000,
    PAUSE_MS = 100, /* between two questions, at the least */
    CONNECT_MS = 5000,
    SEND_MS = 10 * 1000,
    ANSWER_MAX = 4 * 1024 * 1024,
    LABELS_MAX = 128,
    WEIGHT_MAX = 65535
};

#define CONTAINER(type, member, at) ((type *)((char *)(at)-offsetof(type, member)))

struct asking {
    struct finder *finder;
    struct gw_timeouts timeouts;
    struct timer next;
    uint64_t index; /* what the last answer said; 0: the question is not blocking */
    bool has_index; /* the last answer said one: it is worth to ask at once for a change */
    uint64_t backoff;
    /* the question that is under way */
    struct pool pool;
    struct upstream_call *call;
    struct op_waiter answered;
    struct pump drain;
    struct body_out sink;
    char *answer; /* ANSWER_MAX bytes while there is one */
    size_t answer_len;
};

/* ---- the answer's meaning ---- */

static bool read_bounded(const struct data *said, uint64_t max, uint64_t *number)
{
    uint64_t value;

    if (!data_number(said, &value) || value > max)
        return false;
    *number = value;
    return true;
}

/* Meta is labels, and so is a tag of the form name=value. */
static size_t read_labels(const struct data *service, struct gw_label labels[LABELS_MAX])
{
    const struct data *meta = data_get(service, "Meta"), *tags = data_get(service, "Tags");
    size_t count = 0;
    struct str tag;

    for (const struct data *field = meta ? meta->first : NULL; field && count < LABELS_MAX;
         field = field->next) {
        labels[count].name = field->key;
        count += data_text(field, &labels[count].value);
    }
    for (const struct data *one = tags ? tags->first : NULL; one && count < LABELS_MAX;
         one = one->next) {
        if (!data_text(one, &tag) || str_find(tag, '=') == tag.len)
            continue;
        labels[count].name = str_head(tag, str_find(tag, '='));
        labels[count++].value = str_from(tag, str_find(tag, '=') + 1);
    }
    return count;
}

/* The service's own address, or its node's. */
static bool read_host(const struct data *entry, struct str *host)
{
    if (data_text(data_get(data_get(entry, "Service"), "Address"), host) && host->len > 0)
        return true;
    return data_text(data_get(data_get(entry, "Node"), "Address"), host) && host->len > 0;
}

static bool read_entry(struct finder *finder, const struct data *entry)
{
    const struct data *service = data_get(entry, "Service");
    struct gw_target target = {0};
    struct gw_label labels[LABELS_MAX];
    uint64_t port, weight = 1;
    size_t count;

    if (!read_host(entry, &target.host) ||
        !read_bounded(data_get(service, "Port"), UINT16_MAX, &port) || port == 0 ||
        !finder_host_is_legal(finder, target.host))
        return false;
    read_bounded(data_get(data_get(service, "Weights"), "Passing"), WEIGHT_MAX, &weight);
    target.port = (uint16_t)port;
    target.weight = (uint16_t)weight;
    count = read_labels(service, labels);
    for (size_t i = 0; i < count; i++)
        if (str_eq(labels[i].name, STR("zone")))
            target.zone = labels[i].value;
    finder_add(finder, target, labels, count);
    return true;
}

/* False: it makes no sense, and finder_fail has been told. */
static bool read_answer(struct finder *finder, struct str text)
{
    struct data_problem problem;
    const struct data *data =
        data_read_json(&finder->pool, pool_copy(&finder->pool, text), &problem);

    if (!data || data->kind != DATA_LIST) {
        finder_fail(finder, "the answer is no JSON array%s%s", data ? "" : ": ",
                    data ? "" : problem.what);
        return false;
    }
    for (const struct data *entry = data->first; entry; entry = entry->next)
        if (!read_entry(finder, entry)) {
            finder_fail(finder, "line %u of the answer has no address or port", entry->line);
            return false;
        }
    return true;
}

/* ---- the next question ---- */

static void let_go(struct asking *asking)
{
    op_leave(&asking->answered, true);
    pump_stop(&asking->drain);
    if (asking->call)
        call_close(asking->call);
    asking->call = NULL;
    free(asking->answer);
    asking->answer = NULL;
    pool_close(&asking->pool);
}

static void again(struct asking *asking, uint64_t ms)
{
    let_go(asking);
    timer_set(finder_loop(asking->finder), &asking->next, ms);
}

/* The index begins anew, as Consul asks for. */
static void again_later(struct asking *asking)
{
    asking->index = 0;
    again(asking, finder_pause(&asking->backoff));
}

static uint64_t index_of(struct asking *asking)
{
    const struct field *field =
        fields_named(&asking->call->head.fields, STR("X-Consul-Index"), NULL);
    uint64_t index;

    return field && str_to_u64(field_value(field), &index) ? index : 0;
}

/* ---- the answer ---- */

static ssize_t sink_write(struct body_out *sink, struct str data)
{
    struct asking *asking = CONTAINER(struct asking, sink, sink);

    if (data.len > ANSWER_MAX - asking->answer_len)
        return -1;
    memcpy(asking->answer + asking->answer_len, data.at, data.len);
    asking->answer_len += data.len;
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
    struct asking *asking = CONTAINER(struct asking, drain, drain);
    struct finder *finder = asking->finder;

    if (!complete) {
        finder_fail(finder, "the answer was cut off, or is longer than %d bytes", ANSWER_MAX);
        again_later(asking);
        return;
    }
    finder_begin(finder);
    if (!read_answer(finder, (struct str){asking->answer, asking->answer_len})) {
        again_later(asking);
        return;
    }
    finder_publish(finder);
    asking->backoff = 0;
    again(asking, asking->has_index ? PAUSE_MS : asking->timeouts.read);
}

static void on_answered(struct loop_call *wake)
{
    static const struct body_out_ops sink_ops = {
        .write = sink_write, .flush = sink_flush, .end = sink_end};
    struct asking *asking = CONTAINER(struct asking, answered.wake, wake);
    struct upstream_call *call = asking->call;
    uint64_t index;

    if (call->op.state != OP_DONE || call->head.status != 200) {
        if (call->op.state == OP_DONE)
            finder_fail(asking->finder, "%.*s answers %u",
                        STR_ARG(asking->finder->config->registry->name), call->head.status);
        else
            finder_fail(asking->finder, "%.*s: %s", STR_ARG(asking->finder->config->registry->name),
                        call->reason);
        again_later(asking);
        return;
    }
    index = index_of(asking);
    asking->has_index = index > 0;
    asking->index = index < asking->index ? 0 : index; /* one that went backwards begins anew */
    asking->answer = pool_xmalloc(ANSWER_MAX);
    asking->answer_len = 0;
    asking->sink.ops = &sink_ops;
    asking->drain = (struct pump){.loop = finder_loop(asking->finder), .done = on_drained};
    pump_start(&asking->drain, &call->in, &asking->sink);
}

/* ---- the question ---- */

static void put_token(struct asking *asking, struct head_text *text)
{
    struct str token, error;

    if (asking->finder->config->token.kind == GW_TEXT_NONE)
        return;
    if (!reference_read(&asking->finder->config->token, &asking->pool, &token, &error))
        return; /* said when the question was begun */
    if (token.len == 0)
        return;
    head_put(text, STR("X-Consul-Token: "));
    head_put(text, token);
    head_put(text, STR("\r\n"));
}

static void write_head(struct upstream_call *call, struct head_text *text)
{
    struct asking *asking = call->owner;
    const struct gw_discovery *config = asking->finder->config;
    uint32_t wait = config->refresh > 0 ? config->refresh : WAIT_MS;
    struct str numbers = pool_printf(call->pool, "?passing=1&wait=%ums&index=%llu", wait,
                                     (unsigned long long)asking->index);

    head_put(text, STR("GET "));
    head_put(text, call->target->path);
    head_put(text, STR("/v1/health/service/"));
    head_put(text, config->name);
    head_put(text, numbers);
    head_put(text, config->query);
    head_put(text, STR(" HTTP/1.1\r\nHost: "));
    head_put(text, call->target->authority);
    head_put(text, STR("\r\nUser-Agent: apigw-gen discovery\r\nAccept: application/json\r\n"));
    put_token(asking, text);
    head_put(text, STR("\r\n"));
}

static void on_interim(struct upstream_call *call)
{
    (void)call;
}

/* A token with a line break would be more than a token; one that is missing is not left out. */
static bool token_is_good(struct asking *asking)
{
    struct str token, error;

    if (asking->finder->config->token.kind == GW_TEXT_NONE)
        return true;
    if (!reference_read(&asking->finder->config->token, &asking->pool, &token, &error)) {
        finder_fail(asking->finder, "the token: %.*s", STR_ARG(error));
        return false;
    }
    for (size_t i = 0; i < token.len; i++)
        if (token.at[i] <= ' ' || token.at[i] >= 0x7f) {
            finder_fail(asking->finder, "the token has bytes that no token has");
            return false;
        }
    return true;
}

static void on_next(struct timer *timer)
{
    struct asking *asking = CONTAINER(struct asking, next, timer);
    struct upstream_call *call;

    pool_open(&asking->pool, NULL);
    if (!token_is_good(asking)) {
        again_later(asking);
        return;
    }
    call = asking->call = call_new(&asking->pool);
    call->upstreams = asking->finder->upstream->all;
    call->config = asking->finder->config->registry;
    call->timeouts = &asking->timeouts;
    call->framing = FRAMING_NONE;
    call->method = METHOD_GET;
    call->idempotent = true;
    call->write_head = write_head;
    call->interim = on_interim;
    call->owner = asking;
    call_start(call);
    op_wait(&call->op, &asking->answered, on_answered);
}

static void open_consul(struct finder *finder)
{
    struct asking *asking = finder->source = pool_xmalloc(sizeof *asking);
    uint32_t wait = finder->config->refresh > 0 ? finder->config->refresh : WAIT_MS;

    *asking = (struct asking){
        .finder = finder,
        .next.fire = on_next,
        /* Consul adds up to a sixteenth of the time. */
        .timeouts = {.connect = CONNECT_MS, .send = SEND_MS, .read = wait + wait / 16 + GRACE_MS},
    };
    timer_set(finder_loop(finder), &asking->next, 0);
}

static void close_consul(struct finder *finder)
{
    struct asking *asking = finder->source;

    timer_clear(finder_loop(finder), &asking->next);
    let_go(asking);
    free(asking);
}

const struct discovery_source discover_consul = {open_consul, close_consul};
