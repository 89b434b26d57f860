#include "policy/circuit_breaker.h"

#include "policy/type.h"

enum { COUNT_MAX = 1000000 };

struct raw {
    char *max_connections, *max_pending_requests, *max_requests, *pending_timeout, *threshold,
        *window_size, *timeout, *half_open_requests;
};

static const cyaml_schema_field_t fields[] = {
    POLICY_CELL(struct raw, max_connections, NUMBER),
    POLICY_CELL(struct raw, max_pending_requests, NUMBER),
    POLICY_CELL(struct raw, max_requests, NUMBER),
    POLICY_CELL(struct raw, pending_timeout, DURATION),
    POLICY_CELL(struct raw, threshold, NUMBER),
    POLICY_CELL(struct raw, window_size, DURATION),
    POLICY_CELL(struct raw, timeout, DURATION),
    POLICY_CELL(struct raw, half_open_requests, NUMBER),
    CYAML_FIELD_END,
};
static const cyaml_schema_value_t schema = POLICY_MAPPING(struct raw, fields);

static void read_time(struct policy_reader *r, const char *from, const char *what, uint64_t *out)
{
    const struct node *cell = policy_cell(r, from);

    if (cell == NULL || !setting_duration(r->job, cell, what, out) || *out > 0)
        return;
    diag_error(&r->job->diags, cell->loc, "range", "'%s' must be more than 0", what);
}

/* A key that means something only beside another one. */
static void needs(struct policy_reader *r, const char *from, const char *what, bool there,
                  const char *others)
{
    const struct node *cell = policy_cell(r, from);

    if (cell != NULL && !there)
        diag_error(&r->job->diags, cell->loc, "contradiction", "'%s' needs %s", what, others);
}

static void read_breaker(struct policy_reader *r, const struct node *node, const void *from,
                         size_t count, void *out)
{
    const struct raw *raw = from;
    struct ir_breaker *breaker = out;
    bool limits = raw->max_connections || raw->max_requests, circuit = raw->threshold != NULL;

    (void)count;
    *breaker = (struct ir_breaker){.on = true,
                                   .pending_timeout = 5000,
                                   .window_size = 60000,
                                   .timeout = 30000,
                                   .half_open_requests = 1,
                                   .loc = node->loc};
    setting_said_number(r->job, policy_cell(r, raw->max_connections), "max_connections", 1,
                        COUNT_MAX, &breaker->max_connections);
    setting_said_number(r->job, policy_cell(r, raw->max_requests), "max_requests", 1, COUNT_MAX,
                        &breaker->max_requests);
    setting_said_number(r->job, policy_cell(r, raw->max_pending_requests), "max_pending_requests",
                        0, COUNT_MAX, &breaker->max_pending_requests);
    setting_said_number(r->job, policy_cell(r, raw->threshold), "threshold", 1, COUNT_MAX,
                        &breaker->threshold);
    setting_said_number(r->job, policy_cell(r, raw->half_open_requests), "half_open_requests", 1,
                        COUNT_MAX, &breaker->half_open_requests);
    read_time(r, raw->pending_timeout, "pending_timeout", &breaker->pending_timeout);
    read_time(r, raw->window_size, "window_size", &breaker->window_size);
    read_time(r, raw->timeout, "timeout", &breaker->timeout);
    needs(r, raw->max_pending_requests, "max_pending_requests", limits,
          "'max_connections' or 'max_requests'");
    needs(r, raw->pending_timeout, "pending_timeout", raw->max_pending_requests != NULL,
          "'max_pending_requests'");
    needs(r, raw->window_size, "window_size", circuit, "'threshold'");
    needs(r, raw->timeout, "timeout", circuit, "'threshold'");
    needs(r, raw->half_open_requests, "half_open_requests", circuit, "'threshold'");
    if (!limits && !circuit)
        diag_error(&r->job->diags, node->loc, "missing-key",
                   "'circuit_breaker' needs 'threshold', 'max_requests' or 'max_connections'");
}

const struct policy_type circuit_breaker_type = {"upstreams.*.circuit_breaker", &schema,
                                                 read_breaker};
