#include "policy/consumers.h"

#include "member.h"
#include "policy/type.h"

struct raw {
    char *key, *id, *groups, *keys;
};

static const cyaml_schema_field_t fields[] = {
    POLICY_KEY(struct raw, key),
    POLICY_CELL(struct raw, id, TEXT),
    POLICY_CELL(struct raw, groups, TEXT_OR_TEXTS),
    POLICY_CELL(struct raw, keys, REFERENCES),
    POLICY_LATER("plan"),
    POLICY_LATER("jwt"),
    POLICY_LATER("basic"),
    POLICY_LATER("aws"),
    POLICY_LATER("oauth2"),
    CYAML_FIELD_END,
};
static const cyaml_schema_value_t entry_schema = POLICY_ENTRY(struct raw, fields);
static const cyaml_schema_value_t schema = POLICY_SEQUENCE(struct raw, &entry_schema);

static void read_keys(struct policy_reader *r, const struct node *node,
                      struct ir_consumer *consumer)
{
    if (node == NULL)
        return;
    if (node->kind != NODE_LIST || node->item_count == 0) {
        diag_error(&r->job->diags, node->loc, "wrong-type",
                   "'keys' must be a list of {env: NAME} or {file: /path}");
        return;
    }
    for (size_t i = 0; i < node->item_count; i++) {
        struct ir_text key = {0};
        if (!setting_runtime(r->job, node->items[i], "keys", &key))
            continue;
        if (key.kind == IR_TEXT_LITERAL || key.fallback.at != NULL)
            diag_error(&r->job->diags, node->items[i]->loc, "literal-secret",
                       "a key is a secret: write {env: NAME} or {file: /path}, without a default");
        else
            *vec_add(&r->job->pool, &consumer->keys) = key;
    }
}

/* What goes to upstreams in fields. */
static void check_text(struct policy_reader *r, struct said text, bool is_group)
{
    if (text.text.len == 0 || (is_group && memchr(text.text.at, ',', text.text.len) != NULL))
        diag_error(&r->job->diags, text.loc, "bad-name",
                   is_group ? "'%.*s' cannot name a group: it must not be empty or hold ','"
                            : "'%.*s' cannot name a consumer: it must not be empty",
                   STR_SHORT(text.text));
    else
        setting_header_value(r->job, text);
}

static void read_consumers(struct policy_reader *r, const struct node *node, const void *from,
                           size_t count, void *out)
{
    const struct raw *raw = from;
    ir_consumers *consumers = out;

    (void)node;
    for (size_t i = 0; i < count; i++) {
        const struct node *key = policy_cell(r, raw[i].key), *id = policy_cell(r, raw[i].id);
        const struct node *groups = policy_cell(r, raw[i].groups);
        struct ir_consumer consumer = {.name = key->text, .id = key->text, .loc = key->loc};
        struct said said;

        check_text(r, (struct said){key->text, key->loc}, false);
        if (id != NULL && setting_text(r->job, id, "id", &said)) {
            check_text(r, said, false);
            consumer.id = said.text;
        }
        setting_texts(r->job, groups, "groups", &consumer.groups);
        for (size_t g = 0; g < consumer.groups.count; g++)
            check_text(r, (struct said){consumer.groups.at[g], groups->loc}, true);
        read_keys(r, policy_cell(r, raw[i].keys), &consumer);
        *vec_add(&r->job->pool, consumers) = consumer;
    }
}

const struct policy_type consumers_type = {"consumers.*", &schema, read_consumers};

static void read_file(struct policy_reader *r, const struct node *node, const void *raw,
                      size_t count, void *out)
{
    struct ir_text file = {0};
    struct said *said = out;

    (void)raw;
    (void)count;
    if (!setting_runtime(r->job, node, "consumers_file", &file))
        return;
    if (file.kind != IR_TEXT_FILE || file.text.len == 0 || file.text.at[0] != '/')
        diag_error(&r->job->diags, node->loc, "wrong-type",
                   "'consumers_file' is {file: /path}, with the whole path");
    else
        *said = (struct said){file.text, node->loc};
}

static const cyaml_schema_value_t file_schema = POLICY_ALONE(REFERENCE);
const struct policy_type consumers_file_type = {"consumers_file", &file_schema, read_file};
