#include "policy/headers.h"

#include "policy/type.h"

struct raw {
    int underscores;
};

static const cyaml_strval_t words[] = {
    {"drop", 1 + IR_UNDERSCORES_DROP},
    {"reject", 1 + IR_UNDERSCORES_REJECT},
    {"pass", 1 + IR_UNDERSCORES_PASS},
};

static const cyaml_schema_field_t fields[] = {
    POLICY_CHOICE(struct raw, underscores, words),
    CYAML_FIELD_END,
};
static const cyaml_schema_value_t schema = POLICY_MAPPING(struct raw, fields);

static void read_headers(struct policy_reader *r, const struct node *node, const void *from,
                         size_t count, void *out)
{
    const struct raw *raw = from;

    (void)r;
    (void)node;
    (void)count;
    if (raw->underscores != 0)
        *(int *)out = raw->underscores - 1;
}

const struct policy_type headers_type = {"headers", &schema, read_headers};
