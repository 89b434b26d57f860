#include "policy/correlation_id.h"

#include "policy/type.h"

struct raw {
    char *header_name;
    int generator, echo_downstream, trust_incoming;
};

static const cyaml_strval_t generators[] = {
    {"uuid", IR_ID_UUID},
    {"counter", IR_ID_COUNTER},
    {"tracker", IR_ID_TRACKER},
};

static const cyaml_schema_field_t fields[] = {
    POLICY_CELL(struct raw, header_name, TEXT),
    POLICY_CHOICE(struct raw, generator, generators),
    POLICY_TRUTH(struct raw, echo_downstream),
    POLICY_TRUTH(struct raw, trust_incoming),
    CYAML_FIELD_END,
};
static const cyaml_schema_value_t schema = POLICY_MAPPING(struct raw, fields);

static void read_correlation_id(struct policy_reader *r, const struct node *node, const void *from,
                                size_t count, void *out)
{
    const struct raw *raw = from;
    struct ir_correlation *c = out;
    struct node *name = policy_cell(r, raw->header_name);
    struct said text;

    (void)node;
    (void)count;
    if (raw->generator != 0)
        c->generator = (enum ir_id_generator)raw->generator;
    if (raw->echo_downstream != UNSAID)
        c->echo = raw->echo_downstream == YES;
    if (raw->trust_incoming != UNSAID)
        c->trust = raw->trust_incoming == YES;
    if (name != NULL && setting_text(r->job, name, "header_name", &text) &&
        setting_header_name(r->job, text))
        c->header_name = text.text;
}

const struct policy_type correlation_id_type = {"correlation_id", &schema, read_correlation_id};
