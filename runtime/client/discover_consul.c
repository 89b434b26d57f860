#include <stdlib.h>

#include "base/backoff.h"
#include "base/data.h"
#include "base/reference.h"
#include "client/discover.h"
#include "client/fetch.h"

enum {
    WAIT_MS = 60 * 1000, /* how long a question stays open when nothing changes */
    GRACE_MS = 10 * 1000,
    PAUSE_MS = 100, /* between two questions, at the least */
    ANSWER_MAX = 4 * 1024 * 1024,
    LABELS_MAX = 128,
    WEIGHT_MAX = 65535
};

#define CONTAINER(type, member, at) ((type *)((char *)(at)-offsetof(type, member)))

struct asking {
    struct finder *finder;
    uint32_t timeout; /* ms of a question */
    struct timer next;
    uint64_t index; /* what the last answer said; 0: the question is not blocking */
    bool has_index; /* the last answer said one: it is worth to ask at once for a change */
    uint64_t backoff;
    /* the question that is under way */
    struct pool pool;
    struct gw_endpoint endpoint;
    struct fetch fetch;
    struct op_waiter answered;
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
    fetch_close(&asking->fetch);
    pool_close_wiped(&asking->pool); /* the token */
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
    again(asking, backoff_pause(&asking->backoff));
}

static uint64_t index_of(struct asking *asking)
{
    uint64_t index;

    return str_to_u64(fetch_field(&asking->fetch, STR("X-Consul-Index")), &index) ? index : 0;
}

/* ---- the answer ---- */

/* False: there is none that is good, and finder_fail has been told. */
static bool is_answered(struct asking *asking)
{
    struct str registry = asking->finder->config->registry->name;

    if (asking->fetch.op.state != OP_DONE)
        finder_fail(asking->finder, "%.*s: %s", STR_ARG(registry), asking->fetch.reason);
    else if (asking->fetch.status != 200)
        finder_fail(asking->finder, "%.*s answers %u", STR_ARG(registry), asking->fetch.status);
    else
        return true;
    return false;
}

static void on_answered(struct loop_call *wake)
{
    struct asking *asking = CONTAINER(struct asking, answered.wake, wake);
    uint64_t index;

    if (!is_answered(asking)) {
        again_later(asking);
        return;
    }
    index = index_of(asking);
    asking->has_index = index > 0;
    asking->index = index < asking->index ? 0 : index; /* one that went backwards begins anew */
    finder_begin(asking->finder);
    if (!read_answer(asking->finder, asking->fetch.body)) {
        again_later(asking);
        return;
    }
    finder_publish(asking->finder);
    asking->backoff = 0;
    again(asking, asking->has_index ? PAUSE_MS : asking->timeout);
}

/* ---- the question ---- */

/* A token with a line break would be more than a token; one that is missing is not left out. */
static bool read_token(struct asking *asking, struct str *token)
{
    struct str error;

    *token = STR("");
    if (asking->finder->config->token.kind == GW_TEXT_NONE)
        return true;
    if (!reference_read(&asking->finder->config->token, &asking->pool, token, &error)) {
        finder_fail(asking->finder, "the token: %.*s", STR_ARG(error));
        return false;
    }
    for (size_t i = 0; i < token->len; i++)
        if (token->at[i] <= ' ' || token->at[i] >= 0x7f) {
            finder_fail(asking->finder, "the token has bytes that no token has");
            return false;
        }
    return true;
}

static struct str path_of(struct asking *asking)
{
    const struct gw_discovery *config = asking->finder->config;
    uint32_t wait = config->refresh > 0 ? config->refresh : WAIT_MS;

    return pool_printf(&asking->pool, "/v1/health/service/%.*s?passing=1&wait=%ums&index=%llu%.*s",
                       STR_ARG(config->name), wait, (unsigned long long)asking->index,
                       STR_ARG(config->query));
}

static struct str lines_of(struct asking *asking, struct str token)
{
    struct text lines = {.pool = &asking->pool};

    text_add(&lines, STR("User-Agent: apigw-gen discovery\r\nAccept: application/json\r\n"));
    if (token.len > 0)
        text_printf(&lines, "X-Consul-Token: %.*s\r\n", STR_ARG(token));
    return text_str(&lines);
}

static void on_next(struct timer *timer)
{
    struct asking *asking = CONTAINER(struct asking, next, timer);
    struct str token;

    pool_open(&asking->pool, NULL);
    if (!read_token(asking, &token)) {
        again_later(asking);
        return;
    }
    asking->endpoint =
        (struct gw_endpoint){.upstream = asking->finder->config->registry, .path = path_of(asking)};
    asking->fetch = (struct fetch){
        .upstreams = asking->finder->upstream->all,
        .endpoint = &asking->endpoint,
        .timeout = asking->timeout,
        .max = ANSWER_MAX,
        .method = METHOD_GET,
        .is_idempotent = true,
        .lines = lines_of(asking, token),
    };
    fetch_start(&asking->fetch);
    op_wait(&asking->fetch.op, &asking->answered, on_answered);
}

static void open_consul(struct finder *finder)
{
    struct asking *asking = finder->source = pool_xmalloc(sizeof *asking);
    uint32_t wait = finder->config->refresh > 0 ? finder->config->refresh : WAIT_MS;

    *asking = (struct asking){
        .finder = finder,
        .next.fire = on_next,
        .timeout = wait + wait / 16 + GRACE_MS, /* Consul adds up to a sixteenth of the time */
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
