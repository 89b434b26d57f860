#include "policy/overridable.h"

#include "policy/type.h"

struct raw {
    char *normal, *min, *max;
};

static const cyaml_schema_field_t fields[] = {
    POLICY_STRING("default", 0, struct raw, normal, NUMBER),
    POLICY_CELL(struct raw, min, NUMBER),
    POLICY_CELL(struct raw, max, NUMBER),
    CYAML_FIELD_END,
};
static const cyaml_schema_value_t schema = POLICY_MAPPING(struct raw, fields);

static void read_number(struct policy_reader *r, const struct node *node, const void *from,
                        size_t count, void *out)
{
    const struct raw *raw = from;
    struct overridable *o = out;
    uint64_t min = o->min, max = o->max;

    (void)count;
    setting_said_number(r->job, policy_cell(r, raw->min), "min", o->min, o->max, &min);
    setting_said_number(r->job, policy_cell(r, raw->max), "max", o->min, o->max, &max);
    if (min > max)
        diag_error(&r->job->diags, node->loc, "range", "'min' is %llu and 'max' %llu: nothing fits",
                   (unsigned long long)min, (unsigned long long)max);
    else if (setting_number(r->job, policy_cell(r, raw->normal), "default", min, max, &o->normal))
        *o = (struct overridable){
            .said = true, .normal = o->normal, .min = min, .max = max, .loc = node->loc};
}

const struct policy_type overridable_number_type = {"upstream.*", &schema, read_number};

void overridable_read_switch(struct policy_reader *r, const struct node *normal,
                             const struct node *whole, struct overridable *out)
{
    bool value;

    if (normal != NULL && setting_truth(r->job, normal, "default", &value))
        *out = (struct overridable){.said = true, .normal = value, .max = 1, .loc = whole->loc};
}
