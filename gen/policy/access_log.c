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
    POLICY_CELL(struct raw, output),
    POLICY_CELL(struct raw, fields),
    POLICY_LATER("http"),
    CYAML_FIELD_END,
};
static const cyaml_schema_value_t schema = POLICY_MAPPING(struct raw, fields);

/* The names that runtime/log_line.c knows; those without a unit are other words for those with one. */
static const struct str names[] = {
    STR_INIT("timestamp"),
    STR_INIT("request_id"),
    STR_INIT("remote_addr"),
    STR_INIT("method"),
    STR_INIT("host"),
    STR_INIT("path"),
    STR_INIT("query"),
    STR_INIT("protocol"),
    STR_INIT("route"),
    STR_INIT("status"),
    STR_INIT("reason"),
    STR_INIT("latency_ms"),
    STR_INIT("latency"),
    STR_INIT("upstream_addr"),
    STR_INIT("upstream_latency_ms"),
    STR_INIT("upstream_status"),
    STR_INIT("tries"),
    STR_INIT("upstream_latency"),
    STR_INIT("bytes_received"),
    STR_INIT("request_size"),
    STR_INIT("bytes_sent"),
    STR_INIT("user_agent"),
    STR_INIT("trace_id"),
    STR_INIT("consumer"),
    STR_INIT("tag"),
    STR_INIT("upstream"),
    STR_INIT("referer"),
};
enum { NAME_COUNT = sizeof names / sizeof *names };

static bool is_field(struct str name)
{
    for (size_t i = 0; i < NAME_COUNT; i++)
        if (str_eq(names[i], name))
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
        if (is_field(field.text)) {
            *vec_add(&r->job->pool, &log->fields) = field.text;
            continue;
        }
        struct str near = diag_suggest(&r->job->pool, field.text, names, NAME_COUNT);
        diag_error(&r->job->diags, field.loc, "unknown-value",
                   "the access log has no field '%.*s'%.*s", STR_SHORT(field.text), STR_ARG(near));
    }
}

static void read_access_log(struct policy_reader *r, const struct node *node, const void *from,
                            size_t count, void *out)
{
    const struct raw *raw = from;
    struct ir_access_log *log = out;
    struct node *output = policy_cell(r, raw->output);

    (void)node;
    (void)count;
    log->on = true;
    if (raw->format != 0)
        log->format = (enum ir_log_format)(raw->format - 1);
    log->block_when_full = raw->on_full == BLOCK;
    if (output != NULL && setting_runtime(r->job, output, "output", &log->output) &&
        log->output.kind == IR_TEXT_LITERAL && !str_eq(log->output.text, STR("stdout")) &&
        !str_eq(log->output.text, STR("stderr")) && log->output.text.at[0] != '/')
        diag_error(&r->job->diags, output->loc, "bad-value",
                   "'output' must be stdout, stderr or {file: /path}");
    read_fields(r, policy_cell(r, raw->fields), log);
}

const struct policy_type access_log_type = {"access_log", &schema, read_access_log};
