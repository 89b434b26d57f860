#include "policy/maintenance.h"

#include "policy/type.h"

struct raw {
    char *retry_after, *normal;
};

static const cyaml_schema_field_t fields[] = {
    POLICY_CELL(struct raw, retry_after, DURATION),
    POLICY_STRING("default", CYAML_FLAG_OPTIONAL, struct raw, normal, TRUTH),
    CYAML_FIELD_END,
};
static const cyaml_schema_value_t schema = POLICY_MAPPING(struct raw, fields);

static void read_maintenance(struct policy_reader *r, const struct node *node, const void *from,
                             size_t count, void *out)
{
    const struct raw *raw = from;
    struct maintenance *m = out;
    struct node *after = policy_cell(r, raw->retry_after);

    (void)count;
    if (after != NULL)
        setting_duration(r->job, after, "retry_after", &m->retry_after);
    overridable_read_switch(r, policy_cell(r, raw->normal), node, &m->turned);
}

const struct policy_type maintenance_type = {"maintenance", &schema, read_maintenance};
