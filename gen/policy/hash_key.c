#include "policy/hash_key.h"

#include "member.h"
#include "policy/type.h"

static const cyaml_schema_value_t schema = POLICY_ALONE(ANYTHING);

static bool is_key(struct job *job, const struct node *node, const char *word, struct said *text)
{
    const struct node *value = node_get(node, word);

    return value != NULL && setting_text(job, value, word, text);
}

/* ip, or {header: NAME}, {cookie: NAME}, {path_param: NAME}. */
static void read_key(struct policy_reader *r, const struct node *node, const void *raw,
                     size_t count, void *out)
{
    static const struct str keys[] = {STR_INIT("header"), STR_INIT("cookie"),
                                      STR_INIT("path_param")};
    struct ir_hash_key *key = out;
    struct said text = {0};

    (void)raw;
    (void)count;
    key->loc = node->loc;
    if (node->kind == NODE_TEXT && str_eq(node->text, STR("ip")))
        return;
    if (node->kind != NODE_MAP || node->member_count != 1) {
        diag_error(&r->job->diags, node->loc, "unknown-value",
                   "'hash_key' must be ip, {header: NAME}, {cookie: NAME} or {path_param: NAME}");
        return;
    }
    member_known(r->job, node, keys, sizeof keys / sizeof *keys, "'hash_key'");
    if (is_key(r->job, node, "header", &text) && setting_header_name(r->job, text))
        key->from = IR_KEY_HEADER;
    else if (is_key(r->job, node, "cookie", &text) && setting_header_name(r->job, text))
        key->from = IR_KEY_COOKIE;
    else if (is_key(r->job, node, "path_param", &text))
        key->from = IR_KEY_PATH_PARAM;
    key->name = text.text;
}

const struct policy_type hash_key_type = {"upstreams.*.hash_key", &schema, read_key};
