#include "policy/log.h"

#include "policy/type.h"

struct raw {
    int level;
};

static const cyaml_strval_t levels[] = {
    {"debug", 1 + IR_LEVEL_DEBUG},
    {"info", 1 + IR_LEVEL_INFO},
    {"warn", 1 + IR_LEVEL_WARN},
    {"error", 1 + IR_LEVEL_ERROR},
};

static const cyaml_schema_field_t fields[] = {
    POLICY_CHOICE(struct raw, level, levels),
    CYAML_FIELD_END,
};
static const cyaml_schema_value_t schema = POLICY_MAPPING(struct raw, fields);

static void read_log(struct policy_reader *r, const struct node *node, const void *from,
                     size_t count, void *out)
{
    const struct raw *raw = from;

    (void)r;
    (void)node;
    (void)count;
    if (raw->level != 0)
        *(int *)out = raw->level - 1;
}

const struct policy_type log_type = {"log", &schema, read_log};
