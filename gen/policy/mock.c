#include "policy/mock.h"

#include "policy/type.h"

struct raw {
    char *status;
};

static const cyaml_schema_field_t fields[] = {
    POLICY_CELL(struct raw, status, TEXT),
    CYAML_FIELD_END,
};
static const cyaml_schema_value_t schema = POLICY_MAPPING(struct raw, fields);

static void read_mock(struct policy_reader *r, const struct node *node, const void *from,
                      size_t count, void *out)
{
    const struct raw *raw = from;
    struct mock *mock = out;
    struct node *status = policy_cell(r, raw->status);
    struct said text;

    (void)count;
    mock->loc = node->loc;
    if (status != NULL && setting_text(r->job, status, "status", &text))
        mock->status = text.text;
}

const struct policy_type mock_type = {"mock", &schema, read_mock};
