#include "policy/strict.h"

#include "policy/type.h"

struct raw {
    int explicit_security, public_reason, documented_responses, unused_security, redundant_security;
};

static const cyaml_strval_t levels[] = {
    {"off", 1 + STRICT_OFF},
    {"warn", 1 + STRICT_WARN},
    {"error", 1 + STRICT_ERROR},
};

static const cyaml_schema_field_t fields[] = {
    POLICY_CHOICE(struct raw, explicit_security, levels),
    POLICY_CHOICE(struct raw, public_reason, levels),
    POLICY_CHOICE(struct raw, documented_responses, levels),
    POLICY_CHOICE(struct raw, unused_security, levels),
    POLICY_CHOICE(struct raw, redundant_security, levels),
    CYAML_FIELD_END,
};
static const cyaml_schema_value_t schema = POLICY_MAPPING(struct raw, fields);

static void set(enum strict_level *level, int raw)
{
    if (raw != 0)
        *level = (enum strict_level)(raw - 1);
}

static void read_strict(struct policy_reader *r, const struct node *node, const void *from,
                        size_t count, void *out)
{
    const struct raw *raw = from;
    struct strict *strict = out;

    (void)r;
    (void)node;
    (void)count;
    set(&strict->explicit_security, raw->explicit_security);
    set(&strict->public_reason, raw->public_reason);
    set(&strict->documented_responses, raw->documented_responses);
    set(&strict->unused_security, raw->unused_security);
    set(&strict->redundant_security, raw->redundant_security);
}

const struct policy_type strict_type = {"strict", &schema, read_strict};
