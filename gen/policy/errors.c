#include "policy/errors.h"

#include "member.h"
#include "policy/type.h"

struct raw_override {
    char *status, *content_type, *body;
};

struct raw_entry {
    char *key;
    char *value;
};

struct raw {
    int format;
    int request_id;
    char *type_base;
    struct raw_entry *overrides;
    uint32_t overrides_count;
};

static const cyaml_strval_t formats[] = {
    {"problem+json", 1 + IR_ERRORS_PROBLEM},
    {"json", 1 + IR_ERRORS_JSON},
    {"text", 1 + IR_ERRORS_TEXT},
};

static const cyaml_schema_field_t override_fields[] = {
    POLICY_CELL(struct raw_override, status, NUMBER),
    POLICY_CELL(struct raw_override, content_type, TEXT),
    POLICY_CELL(struct raw_override, body, TEXT),
    CYAML_FIELD_END,
};
static const cyaml_schema_value_t override_schema =
    POLICY_MAPPING(struct raw_override, override_fields);

static const cyaml_schema_field_t entry_fields[] = {
    POLICY_KEY(struct raw_entry, key),
    POLICY_VALUE(struct raw_entry, value, TYPED),
    CYAML_FIELD_END,
};
static const cyaml_schema_value_t entry_schema = POLICY_ENTRY(struct raw_entry, entry_fields);

static const cyaml_schema_field_t fields[] = {
    POLICY_CHOICE(struct raw, format, formats),
    POLICY_CELL(struct raw, type_base, TEXT),
    POLICY_TRUTH(struct raw, request_id),
    POLICY_LIST(struct raw, overrides, &entry_schema),
    CYAML_FIELD_END,
};
static const cyaml_schema_value_t schema = POLICY_MAPPING(struct raw, fields);

static void read_override(struct policy_reader *r, const struct node *node, const void *from,
                          size_t count, void *out)
{
    const struct raw_override *raw = from;
    struct ir_error_override *o = out;
    struct node *cell;
    uint64_t status;
    struct said text;

    (void)node;
    (void)count;
    if ((cell = policy_cell(r, raw->status)) != NULL &&
        setting_number(r->job, cell, "status", 400, 599, &status))
        o->status = (uint32_t)status;
    if ((cell = policy_cell(r, raw->content_type)) != NULL &&
        setting_text(r->job, cell, "content_type", &text) && setting_header_value(r->job, text))
        o->content_type = text.text;
    if ((cell = policy_cell(r, raw->body)) != NULL && setting_text(r->job, cell, "body", &text))
        o->body = text.text;
}

const struct policy_type errors_override_type = {"errors.overrides.*", &override_schema,
                                                 read_override};

/* "404" or "5xx". */
static bool read_statuses(struct policy_reader *r, const struct node *key,
                          struct ir_error_override *o)
{
    uint64_t number;

    if (key->text.len == 3 && (key->text.at[0] == '4' || key->text.at[0] == '5') &&
        str_eq_nocase(str_from(key->text, 1), STR("xx"))) {
        o->first = (uint32_t)(key->text.at[0] - '0') * 100;
        o->last = o->first + 99;
        return true;
    }
    if (str_to_u64(key->text, &number) && number >= 400 && number <= 599) {
        o->first = o->last = (uint32_t)number;
        return true;
    }
    diag_error(&r->job->diags, key->loc, "bad-status",
               "'%.*s' is no error status: write a code such as 404 or a class such as 5xx",
               STR_SHORT(key->text));
    return false;
}

static void read_errors(struct policy_reader *r, const struct node *node, const void *from,
                        size_t count, void *out)
{
    const struct raw *raw = from;
    struct errors *e = out;
    struct node *base = policy_cell(r, raw->type_base);
    struct said text;

    (void)node;
    (void)count;
    if (raw->format != 0) {
        e->format_said = true;
        e->value.format = (enum ir_error_format)(raw->format - 1);
    }
    if (base != NULL && setting_text(r->job, base, "type_base", &text) &&
        setting_header_value(r->job, text)) {
        e->type_base_said = true;
        e->value.type_base = text.text;
    }
    if (raw->request_id != UNSAID) {
        e->request_id_said = true;
        e->value.request_id = raw->request_id == YES;
    }
    e->overrides_said = raw->overrides_count > 0;
    for (uint32_t i = 0; i < raw->overrides_count; i++) {
        struct ir_error_override override = {0};
        if (read_statuses(r, policy_cell(r, raw->overrides[i].key), &override) &&
            r->load(r, policy_cell(r, raw->overrides[i].value), &errors_override_type, &override))
            *vec_add(&r->job->pool, &e->value.overrides) = override;
    }
}

const struct policy_type errors_type = {"errors", &schema, read_errors};

void errors_merge(struct ir_errors *under, const struct errors *over)
{
    if (over->format_said)
        under->format = over->value.format;
    if (over->type_base_said)
        under->type_base = over->value.type_base;
    if (over->request_id_said)
        under->request_id = over->value.request_id;
    if (over->overrides_said)
        under->overrides.at = over->value.overrides.at,
        under->overrides.count = over->value.overrides.count,
        under->overrides.cap = over->value.overrides.count;
}
