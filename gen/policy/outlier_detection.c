#include "policy/outlier_detection.h"

#include "policy/type.h"

enum { COUNT_MAX = 1000000, THOUSAND = 1000, FACTOR_MAX = 10 };

struct raw_rate {
    char *minimum_hosts, *request_volume, *stdev_factor;
};

static const cyaml_schema_field_t rate_fields[] = {
    POLICY_CELL(struct raw_rate, minimum_hosts, NUMBER),
    POLICY_CELL(struct raw_rate, request_volume, NUMBER),
    POLICY_CELL(struct raw_rate, stdev_factor, TEXT),
    CYAML_FIELD_END,
};
static const cyaml_schema_value_t rate_schema = POLICY_MAPPING(struct raw_rate, rate_fields);

struct raw {
    char *consecutive_5xx, *interval, *base_ejection_time, *max_ejection_time,
        *max_ejection_percent, *success_rate, *max_fails, *fail_timeout;
};

static const cyaml_schema_field_t fields[] = {
    POLICY_CELL(struct raw, consecutive_5xx, NUMBER),
    POLICY_CELL(struct raw, interval, DURATION),
    POLICY_CELL(struct raw, base_ejection_time, DURATION),
    POLICY_CELL(struct raw, max_ejection_time, DURATION),
    POLICY_CELL(struct raw, max_ejection_percent, NUMBER),
    POLICY_CELL(struct raw, success_rate, TYPED_OR_TRUTH),
    POLICY_CELL(struct raw, max_fails, NUMBER),
    POLICY_CELL(struct raw, fail_timeout, DURATION),
    CYAML_FIELD_END,
};
static const cyaml_schema_value_t schema = POLICY_MAPPING(struct raw, fields);

struct ir_outlier outlier_detection_on(struct loc loc)
{
    return (struct ir_outlier){.on = true,
                               .consecutive_5xx = 5,
                               .fail_timeout = 10000,
                               .interval = 10000,
                               .minimum_hosts = 5,
                               .request_volume = 100,
                               .base_ejection_time = 30000,
                               .max_ejection_time = 300000,
                               .max_ejection_percent = 50,
                               .loc = loc};
}

/* "1.9" as 1900. */
static bool thousandths(struct str text, uint64_t *out)
{
    size_t dot = str_find(text, '.');
    struct str after = str_from(text, dot + 1);
    uint64_t whole, part = 0;

    if (!str_to_u64(str_head(text, dot), &whole) || whole > FACTOR_MAX || after.len > 3 ||
        (dot < text.len && !str_to_u64(after, &part)))
        return false;
    for (size_t i = after.len; i < 3; i++)
        part *= 10;
    *out = whole * THOUSAND + part;
    return *out > 0;
}

static void read_rate(struct policy_reader *r, const struct node *node, const void *from,
                      size_t count, void *out)
{
    const struct raw_rate *raw = from;
    struct ir_outlier *outlier = out;
    struct node *cell;
    struct said text;

    (void)node;
    (void)count;
    if ((cell = policy_cell(r, raw->minimum_hosts)) != NULL)
        setting_number(r->job, cell, "minimum_hosts", 2, COUNT_MAX, &outlier->minimum_hosts);
    if ((cell = policy_cell(r, raw->request_volume)) != NULL)
        setting_number(r->job, cell, "request_volume", 1, COUNT_MAX, &outlier->request_volume);
    if ((cell = policy_cell(r, raw->stdev_factor)) == NULL ||
        !setting_text(r->job, cell, "stdev_factor", &text))
        return;
    if (!thousandths(text.text, &outlier->stdev_factor))
        diag_error(&r->job->diags, text.loc, "range",
                   "'stdev_factor' must be a number such as 1.9, more than 0 and at most 10");
}

const struct policy_type outlier_success_rate_type = {"upstreams.*.outlier_detection.success_rate",
                                                      &rate_schema, read_rate};

static void read_success_rate(struct policy_reader *r, struct node *cell,
                              struct ir_outlier *outlier)
{
    if (cell == NULL || setting_is_off(cell))
        return;
    outlier->stdev_factor = 1900;
    if (cell->kind != NODE_BOOL)
        r->load(r, cell, &outlier_success_rate_type, outlier);
}

static void read_duration(struct policy_reader *r, const char *from, const char *what,
                          uint64_t *out)
{
    const struct node *cell = policy_cell(r, from);

    if (cell == NULL || !setting_duration(r->job, cell, what, out) || *out > 0)
        return;
    diag_error(&r->job->diags, cell->loc, "range", "'%s' must be more than 0", what);
}

static void read_outlier(struct policy_reader *r, const struct node *node, const void *from,
                         size_t count, void *out)
{
    const struct raw *raw = from;
    struct ir_outlier *outlier = out;
    struct node *cell;

    (void)count;
    *outlier = outlier_detection_on(node->loc);
    if ((cell = policy_cell(r, raw->consecutive_5xx)) != NULL)
        setting_number(r->job, cell, "consecutive_5xx", 0, COUNT_MAX, &outlier->consecutive_5xx);
    if ((cell = policy_cell(r, raw->max_fails)) != NULL)
        setting_number(r->job, cell, "max_fails", 0, COUNT_MAX, &outlier->max_fails);
    if ((cell = policy_cell(r, raw->max_ejection_percent)) != NULL)
        setting_number(r->job, cell, "max_ejection_percent", 1, 100,
                       &outlier->max_ejection_percent);
    read_duration(r, raw->fail_timeout, "fail_timeout", &outlier->fail_timeout);
    read_duration(r, raw->interval, "interval", &outlier->interval);
    read_duration(r, raw->base_ejection_time, "base_ejection_time", &outlier->base_ejection_time);
    read_duration(r, raw->max_ejection_time, "max_ejection_time", &outlier->max_ejection_time);
    read_success_rate(r, policy_cell(r, raw->success_rate), outlier);
    if (outlier->base_ejection_time > outlier->max_ejection_time)
        diag_error(&r->job->diags, node->loc, "contradiction",
                   "'base_ejection_time' is more than 'max_ejection_time'");
    if ((cell = policy_cell(r, raw->fail_timeout)) != NULL && outlier->max_fails == 0)
        diag_error(&r->job->diags, cell->loc, "contradiction",
                   "'fail_timeout' is the time of 'max_fails', which is off");
    if (outlier->consecutive_5xx == 0 && outlier->max_fails == 0 && outlier->stdev_factor == 0)
        diag_error(&r->job->diags, node->loc, "contradiction",
                   "nothing makes a target an outlier: say consecutive_5xx, max_fails or "
                   "success_rate");
}

const struct policy_type outlier_detection_type = {"upstreams.*.outlier_detection", &schema,
                                                   read_outlier};
