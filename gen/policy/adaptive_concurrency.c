#include "policy/adaptive_concurrency.h"

#include "policy/type.h"

enum { COUNT_MAX = 1000000, TOLERANCE_MAX = 1000 };

struct raw {
    char *min_concurrency, *max_concurrency, *interval, *min_rtt_interval, *percentile, *tolerance;
};

static const cyaml_schema_field_t fields[] = {
    POLICY_CELL(struct raw, min_concurrency, NUMBER),
    POLICY_CELL(struct raw, max_concurrency, NUMBER),
    POLICY_CELL(struct raw, interval, DURATION),
    POLICY_CELL(struct raw, min_rtt_interval, DURATION),
    POLICY_CELL(struct raw, percentile, NUMBER),
    POLICY_CELL(struct raw, tolerance, NUMBER),
    CYAML_FIELD_END,
};
static const cyaml_schema_value_t schema = POLICY_MAPPING(struct raw, fields);

struct ir_adaptive adaptive_concurrency_on(struct loc loc)
{
    return (struct ir_adaptive){.on = true,
                                .min_concurrency = 3,
                                .max_concurrency = 1000,
                                .interval = 100,
                                .min_rtt_interval = 30000,
                                .percentile = 50,
                                .tolerance = 25,
                                .loc = loc};
}

static void read_time(struct policy_reader *r, const char *from, const char *what, uint64_t least,
                      uint64_t *out)
{
    const struct node *cell = policy_cell(r, from);

    if (cell != NULL && setting_duration(r->job, cell, what, out) && *out < least)
        diag_error(&r->job->diags, cell->loc, "range", "'%s' must be at least %llums", what,
                   (unsigned long long)least);
}

static void read_adaptive(struct policy_reader *r, const struct node *node, const void *from,
                          size_t count, void *out)
{
    const struct raw *raw = from;
    struct ir_adaptive *a = out;

    (void)count;
    *a = adaptive_concurrency_on(node->loc);
    setting_said_number(r->job, policy_cell(r, raw->min_concurrency), "min_concurrency", 1,
                        COUNT_MAX, &a->min_concurrency);
    setting_said_number(r->job, policy_cell(r, raw->max_concurrency), "max_concurrency", 1,
                        COUNT_MAX, &a->max_concurrency);
    setting_said_number(r->job, policy_cell(r, raw->percentile), "percentile", 1, 100,
                        &a->percentile);
    setting_said_number(r->job, policy_cell(r, raw->tolerance), "tolerance", 0, TOLERANCE_MAX,
                        &a->tolerance);
    read_time(r, raw->interval, "interval", 10, &a->interval);
    read_time(r, raw->min_rtt_interval, "min_rtt_interval", 1000, &a->min_rtt_interval);
    if (a->min_concurrency > a->max_concurrency)
        diag_error(&r->job->diags, node->loc, "contradiction",
                   "'min_concurrency' is more than 'max_concurrency'");
}

const struct policy_type adaptive_concurrency_type = {"upstreams.*.adaptive_concurrency", &schema,
                                                      read_adaptive};
