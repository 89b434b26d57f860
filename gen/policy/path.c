#include "policy/path.h"

#include "policy/type.h"

struct raw {
    int normalize, merge_slashes, case_sensitive, encoded_slash;
};

static const cyaml_strval_t slashes[] = {
    {"keep", 1 + IR_SLASH_KEEP},
    {"reject", 1 + IR_SLASH_REJECT},
    {"decode", 1 + IR_SLASH_DECODE},
};
/* Decoding changes what is matched, so it cannot depend on the route. */
static const cyaml_strval_t slashes_below[] = {
    {"keep", 1 + IR_SLASH_KEEP},
    {"reject", 1 + IR_SLASH_REJECT},
};

static const cyaml_schema_field_t document_fields[] = {
    POLICY_TRUTH(struct raw, normalize),
    POLICY_TRUTH(struct raw, merge_slashes),
    POLICY_TRUTH(struct raw, case_sensitive),
    POLICY_CHOICE(struct raw, encoded_slash, slashes),
    CYAML_FIELD_END,
};
static const cyaml_schema_field_t fields[] = {
    POLICY_CHOICE(struct raw, encoded_slash, slashes_below),
    CYAML_FIELD_END,
};
static const cyaml_schema_value_t document_schema = POLICY_MAPPING(struct raw, document_fields);
static const cyaml_schema_value_t schema = POLICY_MAPPING(struct raw, fields);

static void read_path(struct policy_reader *r, const struct node *node, const void *from,
                      size_t count, void *out)
{
    const struct raw *raw = from;
    struct path_rules *p = out;

    (void)r;
    (void)node;
    (void)count;
    p->value.normalize = raw->normalize != NO;
    p->value.merge_slashes = raw->merge_slashes == YES;
    p->value.case_sensitive = raw->case_sensitive != NO;
    if (raw->encoded_slash != 0) {
        p->slash_said = true;
        p->value.encoded_slash = (enum ir_slash)(raw->encoded_slash - 1);
    }
}

const struct policy_type path_document_type = {"path", &document_schema, read_path};
const struct policy_type path_type = {"path", &schema, read_path};
