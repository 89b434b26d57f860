#include "policy/admin.h"

#include "policy/type.h"

struct raw {
    char *address, *token;
};

static const cyaml_schema_field_t fields[] = {
    POLICY_NEEDED(struct raw, address, TEXT),
    POLICY_CELL(struct raw, token, REFERENCE),
    POLICY_LATER("metrics"),
    POLICY_LATER("cache_invalidate"),
    CYAML_FIELD_END,
};
static const cyaml_schema_value_t schema = POLICY_MAPPING(struct raw, fields);

static const cyaml_schema_field_t status_fields[] = {
    POLICY_NEEDED(struct raw, address, TEXT),
    CYAML_FIELD_END,
};
static const cyaml_schema_value_t status_schema = POLICY_MAPPING(struct raw, status_fields);

static void read_listener(struct policy_reader *r, const struct node *node, const void *from,
                          size_t count, void *out)
{
    const struct raw *raw = from;
    struct ir_plain_listener *l = out;
    struct node *token = policy_cell(r, raw->token);
    struct said address;

    (void)count;
    l->on = true;
    l->loc = node->loc;
    if (setting_text(r->job, policy_cell(r, raw->address), "address", &address) &&
        setting_address(r->job, address))
        l->address = address.text;
    if (token != NULL)
        setting_secret(r->job, token, "token", &l->token);
}

const struct policy_type admin_type = {"admin", &schema, read_listener};
const struct policy_type admin_status_type = {"status", &status_schema, read_listener};
