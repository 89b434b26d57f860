#include "policy/drain.h"

#include "policy/type.h"

struct raw {
    char *delay, *grace;
};

static const cyaml_schema_field_t fields[] = {
    POLICY_CELL(struct raw, delay, DURATION_OR_OFF),
    POLICY_CELL(struct raw, grace, DURATION_OR_OFF),
    CYAML_FIELD_END,
};
static const cyaml_schema_value_t schema = POLICY_MAPPING(struct raw, fields);

static void read_drain(struct policy_reader *r, const struct node *node, const void *from,
                       size_t count, void *out)
{
    const struct raw *raw = from;
    struct drain *d = out;

    (void)node;
    (void)count;
    setting_read_duration(r->job, policy_cell(r, raw->delay), "delay", &d->delay);
    setting_read_duration(r->job, policy_cell(r, raw->grace), "grace", &d->grace);
}

const struct policy_type drain_type = {"drain", &schema, read_drain};
