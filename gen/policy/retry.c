#include "policy/retry.h"

#include "member.h"
#include "policy/type.h"

enum { ATTEMPTS_MAX = 10, MIN_MAX = 10000, HEDGE_ATTEMPTS_MAX = 3 };

struct raw_backoff {
    char *base, *max;
    int jitter;
};

static const cyaml_schema_field_t backoff_fields[] = {
    POLICY_CELL(struct raw_backoff, base, DURATION),
    POLICY_CELL(struct raw_backoff, max, DURATION),
    POLICY_TRUTH(struct raw_backoff, jitter),
    CYAML_FIELD_END,
};
static const cyaml_schema_value_t backoff_schema =
    POLICY_MAPPING(struct raw_backoff, backoff_fields);

struct raw_budget {
    char *percent, *min;
};

static const cyaml_schema_field_t budget_fields[] = {
    POLICY_CELL(struct raw_budget, percent, NUMBER),
    POLICY_CELL(struct raw_budget, min, NUMBER),
    CYAML_FIELD_END,
};
static const cyaml_schema_value_t budget_schema = POLICY_MAPPING(struct raw_budget, budget_fields);

struct raw_hedge {
    char *delay, *max_attempts;
};

static const cyaml_schema_field_t hedge_fields[] = {
    POLICY_NEEDED(struct raw_hedge, delay, DURATION),
    POLICY_CELL(struct raw_hedge, max_attempts, NUMBER),
    CYAML_FIELD_END,
};
static const cyaml_schema_value_t hedge_schema = POLICY_MAPPING(struct raw_hedge, hedge_fields);

struct raw {
    char *attempts, *on, *methods, *backoff, *budget, *per_try_timeout, *hedge;
    int idempotency_key;
};

static const cyaml_schema_field_t fields[] = {
    POLICY_CELL(struct raw, attempts, NUMBER),
    POLICY_CELL(struct raw, on, TEXT_OR_TEXTS),
    POLICY_CELL(struct raw, methods, TEXT_OR_TEXTS),
    POLICY_TRUTH(struct raw, idempotency_key),
    POLICY_CELL(struct raw, backoff, TYPED),
    POLICY_CELL(struct raw, budget, TYPED_OR_OFF),
    POLICY_CELL(struct raw, per_try_timeout, DURATION_OR_OFF),
    POLICY_CELL(struct raw, hedge, TYPED_OR_OFF),
    CYAML_FIELD_END,
};
static const cyaml_schema_value_t schema = POLICY_MAPPING(struct raw, fields);

struct ir_retry retry_off(struct loc loc)
{
    return (struct ir_retry){.said = true, .attempts = 1, .loc = loc};
}

static void read_backoff(struct policy_reader *r, const struct node *node, const void *from,
                         size_t count, void *out)
{
    const struct raw_backoff *raw = from;
    struct ir_retry *retry = out;
    struct node *cell;

    (void)count;
    if ((cell = policy_cell(r, raw->base)) != NULL)
        setting_duration(r->job, cell, "base", &retry->base);
    if ((cell = policy_cell(r, raw->max)) != NULL)
        setting_duration(r->job, cell, "max", &retry->max);
    if (raw->jitter != UNSAID)
        retry->jitter = raw->jitter == YES;
    if (retry->base > retry->max)
        diag_error(&r->job->diags, node->loc, "contradiction",
                   "'base' of the backoff is more than its 'max'");
}

const struct policy_type retry_backoff_type = {"retry.backoff", &backoff_schema, read_backoff};

static void read_budget(struct policy_reader *r, const struct node *node, const void *from,
                        size_t count, void *out)
{
    const struct raw_budget *raw = from;
    struct ir_retry *retry = out;
    struct node *cell;

    (void)node;
    (void)count;
    if ((cell = policy_cell(r, raw->percent)) != NULL)
        setting_number(r->job, cell, "percent", 1, 100, &retry->budget);
    if ((cell = policy_cell(r, raw->min)) != NULL)
        setting_number(r->job, cell, "min", 0, MIN_MAX, &retry->budget_min);
}

const struct policy_type retry_budget_type = {"retry.budget", &budget_schema, read_budget};

static void read_hedge(struct policy_reader *r, const struct node *node, const void *from,
                       size_t count, void *out)
{
    const struct raw_hedge *raw = from;
    struct node *delay = policy_cell(r, raw->delay);
    struct ir_hedge *hedge = out;

    (void)count;
    *hedge = (struct ir_hedge){.max_attempts = 2, .loc = node->loc};
    hedge->on = setting_duration(r->job, delay, "delay", &hedge->delay);
    if (hedge->on && hedge->delay == 0)
        diag_error(&r->job->diags, delay->loc, "bad-value", "'delay' of 'hedge' is not 0");
    setting_said_number(r->job, policy_cell(r, raw->max_attempts), "max_attempts", 2,
                        HEDGE_ATTEMPTS_MAX, &hedge->max_attempts);
}

const struct policy_type retry_hedge_type = {"retry.hedge", &hedge_schema, read_hedge};

static void check_hedge(struct policy_reader *r, const struct ir_retry *retry)
{
    if (!retry->hedge.on)
        return;
    if (retry->hedge.max_attempts > retry->attempts)
        diag_error(&r->job->diags, retry->hedge.loc, "contradiction",
                   "'hedge' makes up to %llu of the tries, and 'attempts' allows %llu",
                   (unsigned long long)retry->hedge.max_attempts,
                   (unsigned long long)retry->attempts);
    if (!(retry->methods & IR_METHODS_HEDGED))
        diag_error(&r->job->diags, retry->hedge.loc, "contradiction",
                   "'hedge' is for GET, HEAD and OPTIONS, and 'methods' has none of them");
}

/* A call of gRPC is a POST. */
static void check_grpc_statuses(struct policy_reader *r, const struct ir_retry *retry)
{
    if (retry->grpc_statuses != 0 && !(retry->methods & IR_METHODS_GRPC) && !retry->idempotency_key)
        diag_error(&r->job->diags, retry->grpc_loc, "contradiction",
                   "'on' names statuses of gRPC, whose calls are POST: say 'methods: [POST]' or "
                   "'idempotency_key: true'");
}

/* Each entry of a text or a list of texts. */
static void each(struct policy_reader *r, const struct node *node, const char *what,
                 void (*read)(struct policy_reader *r, struct said text, struct ir_retry *retry),
                 struct ir_retry *retry)
{
    struct said text;

    if (node->kind == NODE_LIST && node->item_count == 0)
        diag_error(&r->job->diags, node->loc, "bad-value", "'%s' lists nothing", what);
    if (node->kind != NODE_LIST && setting_text(r->job, node, what, &text))
        read(r, text, retry);
    for (size_t i = 0; node->kind == NODE_LIST && i < node->item_count; i++)
        if (setting_text(r->job, node->items[i], what, &text))
            read(r, text, retry);
}

/* Answers that may be different ones the next time. */
static bool is_temporary(const struct ir_status_range *range)
{
    return (range->first >= 500 && range->last <= 599) ||
           (range->first == 429 && range->last == 429) ||
           (range->first == 425 && range->last == 425);
}

/* False: it is none of gRPC's words. */
static bool read_grpc_status(struct said text, struct ir_retry *retry)
{
    static const struct ir_grpc_status known[IR_GRPC_STATUS_COUNT] = IR_GRPC_STATUSES;

    for (size_t i = 0; i < IR_GRPC_STATUS_COUNT; i++) {
        if (!str_eq(text.text, str_of(known[i].word)))
            continue;
        if (retry->grpc_statuses == 0)
            retry->grpc_loc = text.loc;
        retry->grpc_statuses |= UINT32_C(1) << known[i].number;
        return true;
    }
    return false;
}

static void read_condition(struct policy_reader *r, struct said text, struct ir_retry *retry)
{
    struct ir_status_range range;

    if (str_eq(text.text, STR("connect_failure"))) {
        retry->on_connect_failure = true;
    } else if (str_eq(text.text, STR("reset"))) {
        retry->on_reset = true;
    } else if (str_eq(text.text, STR("timeout"))) {
        retry->on_timeout = true;
    } else if (setting_status_range(text.text, &range) && is_temporary(&range)) {
        *vec_add(&r->job->pool, &retry->statuses) = range;
    } else if (!read_grpc_status(text, retry)) {
        diag_error(
            &r->job->diags, text.loc, "unknown-value",
            "'%.*s' is nothing to try again for: write connect_failure, reset, timeout, 425, "
            "429, a status from 500 to 599, or cancelled, deadline_exceeded, internal, "
            "resource_exhausted or unavailable of gRPC",
            STR_SHORT(text.text));
    }
}

static void read_method(struct policy_reader *r, struct said text, struct ir_retry *retry)
{
    static const char *const names[IR_METHOD_COUNT] = IR_METHODS;
    size_t at = 0;

    while (at < IR_METHOD_COUNT && !str_eq(text.text, str_of(names[at])))
        at++;
    if (at == IR_METHOD_COUNT || at == IR_METHOD_CONNECT) {
        diag_error(&r->job->diags, text.loc, "unknown-value", "'%.*s' is no method to try again",
                   STR_SHORT(text.text));
        return;
    }
    if (!(IR_METHODS_IDEMPOTENT >> at & 1))
        diag_warn(&r->job->diags, text.loc, "unsafe-retry",
                  "%.*s is sent twice where a try fails, though it may take effect twice: "
                  "'idempotency_key: true' is safer",
                  STR_SHORT(text.text));
    retry->methods |= UINT32_C(1) << at;
}

static void read_retry(struct policy_reader *r, const struct node *node, const void *from,
                       size_t count, void *out)
{
    const struct raw *raw = from;
    struct ir_retry *retry = out;
    struct node *cell;
    struct setting per_try = {0};

    (void)count;
    *retry = (struct ir_retry){.said = true,
                               .attempts = 3,
                               .base = 25,
                               .max = 250,
                               .jitter = true,
                               .budget = 20,
                               .budget_min = 10,
                               .loc = node->loc};
    if ((cell = policy_cell(r, raw->attempts)) != NULL)
        setting_number(r->job, cell, "attempts", 1, ATTEMPTS_MAX, &retry->attempts);
    if ((cell = policy_cell(r, raw->on)) != NULL)
        each(r, cell, "on", read_condition, retry);
    else
        retry->on_connect_failure = true;
    if ((cell = policy_cell(r, raw->methods)) != NULL)
        each(r, cell, "methods", read_method, retry);
    else
        retry->methods = IR_METHODS_IDEMPOTENT;
    retry->idempotency_key = raw->idempotency_key == YES;
    check_grpc_statuses(r, retry);
    if ((cell = policy_cell(r, raw->backoff)) != NULL)
        r->load(r, cell, &retry_backoff_type, retry);
    cell = policy_cell(r, raw->budget);
    if (setting_is_off(cell))
        retry->budget = retry->budget_min = 0;
    else if (cell != NULL)
        r->load(r, cell, &retry_budget_type, retry);
    setting_read_duration(r->job, policy_cell(r, raw->per_try_timeout), "per_try_timeout",
                          &per_try);
    retry->per_try_timeout = per_try.value;
    cell = policy_cell(r, raw->hedge);
    if (cell != NULL && !setting_is_off(cell) && r->load(r, cell, &retry_hedge_type, &retry->hedge))
        check_hedge(r, retry);
}

const struct policy_type retry_type = {"retry", &schema, read_retry};
