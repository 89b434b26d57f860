#include "policy/access_log.h"

#include "member.h"
#include "policy/type.h"

struct raw {
    int format, on_full;
    char *output, *fields;
};

static const cyaml_strval_t formats[] = {{"json", 1 + IR_LOG_JSON},
                                         {"combined", 1 + IR_LOG_COMBINED}};
enum { DROP = 1, BLOCK };
static const cyaml_strval_t full[] = {{"drop", DROP}, {"block", BLOCK}};

static const cyaml_schema_field_t fields[] = {
    POLICY_CHOICE(struct raw, format, formats),
    POLICY_CHOICE(struct raw, on_full, full),
    POLICY_CELL(struct raw, output, RUNTIME),
    POLICY_CELL(struct raw, fields, LOG_FIELDS),
    POLICY_LATER("http"),
    CYAML_FIELD_END,
};
static const cyaml_schema_value_t schema = POLICY_MAPPING(struct raw, fields);

static const struct {
    struct str name, key;
} known[] = {
#define LOG_FIELD(name, key, shown) {STR_INIT(#name), STR_INIT(#key)},
#include "base/log_fields.def"
#undef LOG_FIELD
};
enum { KNOWN = sizeof known / sizeof *known };

/* The name that the line bears; at NULL when there is no such field. */
static struct str key_of(struct str name)
{
    for (size_t i = 0; i < KNOWN; i++)
        if (str_eq(known[i].name, name))
            return known[i].key;
    return (struct str){0};
}

static void unknown_field(struct policy_reader *r, struct said field)
{
    struct str names[KNOWN];

    for (size_t i = 0; i < KNOWN; i++)
        names[i] = known[i].name;
    struct str near = diag_suggest(&r->job->pool, field.text, names, KNOWN);
    diag_error(&r->job->diags, field.loc, "unknown-value", "the access log has no field '%.*s'%.*s",
               STR_SHORT(field.text), STR_ARG(near));
}

static bool is_listed(const struct ir_access_log *log, struct str key)
{
    for (size_t i = 0; i < log->fields.count; i++)
        if (str_eq(key_of(log->fields.at[i]), key))
            return true;
    return false;
}

static void read_fields(struct policy_reader *r, const struct node *list, struct ir_access_log *log)
{
    if (!member_is(r->job, list, NODE_LIST, "fields"))
        return;
    for (size_t i = 0; i < list->item_count; i++) {
        struct said field;
        if (!setting_text(r->job, list->items[i], "field", &field))
            continue;
        struct str key = key_of(field.text);
        if (key.at == NULL)
            unknown_field(r, field);
        else if (is_listed(log, key))
            diag_error(&r->job->diags, field.loc, "bad-value",
                       "the line would have two members '%.*s'", STR_ARG(key));
        else
            *vec_add(&r->job->pool, &log->fields) = field.text;
    }
}

static void read_form(struct policy_reader *r, const struct raw *raw, struct access_log *log)
{
    log->value.on = true;
    log->format_said = raw->format != 0;
    if (log->format_said)
        log->value.format = (enum ir_log_format)(raw->format - 1);
    log->full_said = raw->on_full != 0;
    log->value.block_when_full = raw->on_full == BLOCK;
    read_fields(r, policy_cell(r, raw->fields), &log->value);
}

static void read_access_log(struct policy_reader *r, const struct node *node, const void *from,
                            size_t count, void *out)
{
    const struct raw *raw = from;
    struct access_log *log = out;
    struct ir_text *to = &log->value.output;
    struct node *output = policy_cell(r, raw->output);

    (void)node;
    (void)count;
    read_form(r, raw, log);
    if (output != NULL && setting_runtime(r->job, output, "output", to) &&
        to->kind == IR_TEXT_LITERAL && !str_eq(to->text, STR("stdout")) &&
        !str_eq(to->text, STR("stderr")) && to->text.at[0] != '/')
        diag_error(&r->job->diags, output->loc, "bad-value",
                   "'output' must be stdout, stderr or {file: /path}");
}

static void read_below(struct policy_reader *r, const struct node *node, const void *from,
                       size_t count, void *out)
{
    const struct raw *raw = from;
    struct node *output = policy_cell(r, raw->output);

    (void)node;
    (void)count;
    read_form(r, raw, out);
    if (output != NULL)
        diag_error(&r->job->diags, output->loc, "wrong-level",
                   "there is one access log: its 'output' stands at the document");
}

const struct policy_type access_log_type = {"access_log", &schema, read_access_log};
const struct policy_type access_log_below_type = {"access_log", &schema, read_below};

void access_log_merge(struct ir_access_log *under, const struct access_log *over)
{
    if (over->format_said)
        under->format = over->value.format;
    if (over->full_said)
        under->block_when_full = over->value.block_when_full;
    if (over->value.output.kind != IR_TEXT_NONE)
        under->output = over->value.output;
    if (over->value.fields.count > 0) {
        under->fields.at = over->value.fields.at;
        under->fields.count = under->fields.cap = over->value.fields.count;
    }
}
