#include "policy/mirror.h"

#include "policy/type.h"

enum { PERCENT = 100, REQUESTS = 100, REQUESTS_MAX = 10000, BUFFER = 64 * 1024, TIMEOUT = 60000 };

static const uint64_t BUFFER_MAX = UINT64_C(1) << 30;

struct raw {
    char *upstream, *percent, *max_requests, *buffer, *timeout;
};

static const cyaml_schema_field_t fields[] = {
    POLICY_NEEDED(struct raw, upstream, TEXT),     POLICY_CELL(struct raw, percent, NUMBER),
    POLICY_CELL(struct raw, max_requests, NUMBER), POLICY_CELL(struct raw, buffer, SIZE),
    POLICY_CELL(struct raw, timeout, DURATION),    CYAML_FIELD_END,
};
static const cyaml_schema_value_t schema = POLICY_MAPPING(struct raw, fields);

static void read_mirror(struct policy_reader *r, const struct node *node, const void *from,
                        size_t count, void *out)
{
    const struct raw *raw = from;
    struct mirror *mirror = out;
    struct node *buffer = policy_cell(r, raw->buffer), *timeout = policy_cell(r, raw->timeout);
    struct said name;

    (void)count;
    mirror->value = (struct ir_mirror){.percent = PERCENT,
                                       .max_requests = REQUESTS,
                                       .buffer = BUFFER,
                                       .timeout = TIMEOUT,
                                       .loc = node->loc};
    setting_said_number(r->job, policy_cell(r, raw->percent), "percent", 1, PERCENT,
                        &mirror->value.percent);
    setting_said_number(r->job, policy_cell(r, raw->max_requests), "max_requests", 1, REQUESTS_MAX,
                        &mirror->value.max_requests);
    if (buffer != NULL)
        setting_size(r->job, buffer, "buffer", &mirror->value.buffer);
    if (mirror->value.buffer > BUFFER_MAX)
        diag_error(&r->job->diags, buffer->loc, "bad-value", "'buffer' of 'mirror' is at most 1g");
    if (timeout != NULL)
        setting_duration(r->job, timeout, "timeout", &mirror->value.timeout);
    if (mirror->value.timeout == 0)
        diag_error(&r->job->diags, timeout->loc, "bad-value", "'timeout' of 'mirror' is not 0");
    mirror->value.on = setting_text(r->job, policy_cell(r, raw->upstream), "upstream", &name);
    if (mirror->value.on)
        mirror->upstream = upstream_choice_of(name, 1);
}

const struct policy_type mirror_type = {"upstreams.*.mirror", &schema, read_mirror};
