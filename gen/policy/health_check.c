#include "policy/health_check.h"

#include "member.h"
#include "policy/type.h"

enum { THRESHOLD_MAX = 1000, PORT_MAX = 65535 };

struct raw {
    int type;
    char *path, *host, *service, *port, *interval, *timeout, *unhealthy_threshold,
        *healthy_threshold, *expected_statuses;
};

static const cyaml_strval_t types[] = {
    {"http", 1 + IR_CHECK_HTTP}, {"tcp", 1 + IR_CHECK_TCP}, {"grpc", 1 + IR_CHECK_GRPC}};

static const cyaml_schema_field_t fields[] = {
    POLICY_CHOICE(struct raw, type, types),
    POLICY_CELL(struct raw, path, TEXT),
    POLICY_CELL(struct raw, host, TEXT),
    POLICY_CELL(struct raw, service, TEXT),
    POLICY_CELL(struct raw, port, NUMBER),
    POLICY_CELL(struct raw, interval, DURATION),
    POLICY_CELL(struct raw, timeout, DURATION),
    POLICY_CELL(struct raw, unhealthy_threshold, NUMBER),
    POLICY_CELL(struct raw, healthy_threshold, NUMBER),
    POLICY_CELL(struct raw, expected_statuses, TEXT_OR_TEXTS),
    CYAML_FIELD_END,
};
static const cyaml_schema_value_t schema = POLICY_MAPPING(struct raw, fields);

/* A key that only one type has. */
static void only_for(struct policy_reader *r, const struct ir_health_check *check, const char *cell,
                     const char *what, int kind)
{
    const struct node *node = policy_cell(r, cell);

    if (node != NULL && check->kind != (unsigned)kind)
        diag_error(&r->job->diags, node->loc, "contradiction", "'%s' is for checks of type %s",
                   what, types[kind].str);
}

/* What stands in a request line: it must not end it. */
static bool is_path(struct str path)
{
    for (size_t i = 0; i < path.len; i++)
        if (path.at[i] <= ' ' || path.at[i] >= 0x7f || path.at[i] == '#')
            return false;
    return path.len > 0 && path.at[0] == '/';
}

static void read_request(struct policy_reader *r, const struct raw *raw,
                         struct ir_health_check *check)
{
    struct node *cell;
    struct said text;

    if ((cell = policy_cell(r, raw->path)) != NULL && setting_text(r->job, cell, "path", &text)) {
        if (is_path(text.text))
            check->path = text.text;
        else
            diag_error(&r->job->diags, text.loc, "bad-value",
                       "'%.*s' is no path: it begins with '/' and has neither spaces nor '#'",
                       STR_SHORT(text.text));
    }
    if ((cell = policy_cell(r, raw->host)) != NULL && setting_text(r->job, cell, "host", &text) &&
        setting_header_value(r->job, text))
        check->host = text.text;
    if ((cell = policy_cell(r, raw->service)) != NULL &&
        setting_text(r->job, cell, "service", &text))
        check->service = text.text;
    if ((cell = policy_cell(r, raw->port)) != NULL)
        setting_number(r->job, cell, "port", 1, PORT_MAX, &check->port);
}

static void read_check(struct policy_reader *r, const struct node *node, const void *from,
                       size_t count, void *out)
{
    const struct raw *raw = from;
    struct ir_health_check *check = out;
    struct node *cell;

    (void)count;
    *check = (struct ir_health_check){.on = true,
                                      .path = STR("/"),
                                      .interval = 10000,
                                      .timeout = 1000,
                                      .unhealthy_threshold = 3,
                                      .healthy_threshold = 2,
                                      .loc = node->loc};
    if (raw->type != 0)
        check->kind = (unsigned)raw->type - 1;
    only_for(r, check, raw->path, "path", IR_CHECK_HTTP);
    only_for(r, check, raw->host, "host", IR_CHECK_HTTP);
    only_for(r, check, raw->expected_statuses, "expected_statuses", IR_CHECK_HTTP);
    only_for(r, check, raw->service, "service", IR_CHECK_GRPC);
    read_request(r, raw, check);
    if ((cell = policy_cell(r, raw->interval)) != NULL)
        setting_duration(r->job, cell, "interval", &check->interval);
    if ((cell = policy_cell(r, raw->timeout)) != NULL)
        setting_duration(r->job, cell, "timeout", &check->timeout);
    if (check->interval == 0 || check->timeout == 0 || check->timeout > check->interval)
        diag_error(&r->job->diags, node->loc, "contradiction",
                   "'timeout' of a health check must be at most its 'interval', and neither 0");
    if ((cell = policy_cell(r, raw->unhealthy_threshold)) != NULL)
        setting_number(r->job, cell, "unhealthy_threshold", 1, THRESHOLD_MAX,
                       &check->unhealthy_threshold);
    if ((cell = policy_cell(r, raw->healthy_threshold)) != NULL)
        setting_number(r->job, cell, "healthy_threshold", 1, THRESHOLD_MAX,
                       &check->healthy_threshold);
    if ((cell = policy_cell(r, raw->expected_statuses)) != NULL)
        setting_statuses(r->job, cell, "expected_statuses", &check->statuses);
    else if (check->kind == IR_CHECK_HTTP)
        *vec_add(&r->job->pool, &check->statuses) = (struct ir_status_range){200, 399};
}

const struct policy_type health_check_type = {"upstreams.*.health_check", &schema, read_check};
