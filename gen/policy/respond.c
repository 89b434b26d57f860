#include "policy/respond.h"

#include "base/text.h"
#include "member.h"
#include "policy/type.h"

struct raw_entry {
    char *key, *value;
};

static const cyaml_schema_field_t entry_fields[] = {
    POLICY_KEY(struct raw_entry, key),
    POLICY_VALUE(struct raw_entry, value, TEXT),
    CYAML_FIELD_END,
};
static const cyaml_schema_value_t entry_schema = POLICY_ENTRY(struct raw_entry, entry_fields);

struct raw {
    char *status, *body;
    struct raw_entry *headers;
    uint32_t headers_count;
};

static const cyaml_schema_field_t fields[] = {
    POLICY_CELL(struct raw, status, NUMBER),
    POLICY_LIST(struct raw, headers, &entry_schema),
    POLICY_CELL(struct raw, body, ANYTHING),
    CYAML_FIELD_END,
};
static const cyaml_schema_value_t schema = POLICY_MAPPING(struct raw, fields);

/* Written by the gateway itself: a second one would break the framing of the message. */
static bool is_framing(struct str name)
{
    return str_eq_nocase(name, STR("Content-Length")) ||
           str_eq_nocase(name, STR("Transfer-Encoding")) ||
           str_eq_nocase(name, STR("Connection")) || str_eq_nocase(name, STR("Date")) ||
           str_eq_nocase(name, STR("Keep-Alive")) || str_eq_nocase(name, STR("Trailer")) ||
           str_eq_nocase(name, STR("Upgrade"));
}

static bool has_type(const struct ir_answer *answer)
{
    for (size_t i = 0; i < answer->headers.count; i++)
        if (str_eq_nocase(answer->headers.at[i].name, STR("Content-Type")))
            return true;
    return false;
}

static void read_header(struct policy_reader *r, const struct raw_entry *raw,
                        struct ir_answer *answer)
{
    const struct node *key = policy_cell(r, raw->key);
    struct said name = {.text = key->text, .loc = key->loc};
    struct said value;

    if (!setting_header_name(r->job, name) ||
        !setting_text(r->job, policy_cell(r, raw->value), "header", &value) ||
        !setting_header_value(r->job, value))
        return;
    if (is_framing(name.text))
        diag_error(&r->job->diags, name.loc, "bad-header",
                   "'%.*s' is written by the gateway itself", STR_SHORT(name.text));
    else
        *vec_add(&r->job->pool, &answer->headers) =
            (struct ir_header){.name = name.text, .value = value.text};
}

/* Text goes out as it is; a map or a list goes out as JSON. */
static void read_body(struct policy_reader *r, const struct node *node, struct ir_answer *answer)
{
    const bool structured = node->kind == NODE_MAP || node->kind == NODE_LIST;
    struct text json = {.pool = &r->job->pool};

    if (structured) {
        node_json(node, &json, 0);
        answer->body = text_str(&json);
    } else if (node->kind == NODE_TEXT) {
        answer->body = node->text;
    } else {
        diag_error(&r->job->diags, node->loc, "wrong-type",
                   "'body' must be a string, or a map or list that goes out as JSON");
        return;
    }
    if (!has_type(answer) && answer->body.len > 0)
        *vec_add(&r->job->pool, &answer->headers) = (struct ir_header){
            .name = STR("Content-Type"),
            .value = structured ? STR("application/json") : STR("text/plain; charset=utf-8")};
}

static void read_respond(struct policy_reader *r, const struct node *node, const void *from,
                         size_t count, void *out)
{
    const struct raw *raw = from;
    struct respond *respond = out;
    struct node *status = policy_cell(r, raw->status);
    struct node *body = policy_cell(r, raw->body);
    uint64_t number = 200;

    (void)count;
    respond->loc = node->loc;
    if (status != NULL)
        setting_number(r->job, status, "status", 200, 599, &number);
    respond->answer.status = (uint32_t)number;
    for (uint32_t i = 0; i < raw->headers_count; i++)
        read_header(r, &raw->headers[i], &respond->answer);
    if (body != NULL)
        read_body(r, body, &respond->answer);
    if (body != NULL && respond->answer.body.len > 0 &&
        (number == 204 || number == 205 || number == 304))
        diag_error(&r->job->diags, body->loc, "contradiction",
                   "an answer with status %u has no body", (unsigned)number);
}

const struct policy_type respond_type = {"respond", &schema, read_respond};
