#include "policy/disabled.h"

#include "policy/type.h"

struct raw {
    char *normal;
};

static const cyaml_schema_field_t fields[] = {
    POLICY_STRING("default", 0, struct raw, normal, TRUTH),
    CYAML_FIELD_END,
};
static const cyaml_schema_value_t schema = POLICY_MAPPING(struct raw, fields);

static void read_disabled(struct policy_reader *r, const struct node *node, const void *from,
                          size_t count, void *out)
{
    const struct raw *raw = from;

    (void)count;
    overridable_read_switch(r, policy_cell(r, raw->normal), node, out);
}

const struct policy_type disabled_type = {"disabled", &schema, read_disabled};
