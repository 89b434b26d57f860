#include "policy/hash_key.h"

#include "member.h"
#include "policy/type.h"

static const cyaml_schema_value_t schema = POLICY_ALONE(ANYTHING);

struct word {
    const char *said;
    int from; /* of struct ir_hash_key */
};

/* The one member of {header: NAME} and the like; NULL: it is none of them. */
static const struct word *find_word(const struct node *node)
{
    static const struct word words[] = {
        {"header", IR_KEY_HEADER}, {"cookie", IR_KEY_COOKIE}, {"path_param", IR_KEY_PATH_PARAM}};

    if (node->kind != NODE_MAP || node->member_count != 1)
        return NULL;
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (node_get(node, words[i].said) != NULL)
            return &words[i];
    return NULL;
}

/* ip, or {header: NAME}, {cookie: NAME}, {path_param: NAME}. */
static void read_key(struct policy_reader *r, const struct node *node, const void *raw,
                     size_t count, void *out)
{
    struct ir_hash_key *key = out;
    const struct word *word = find_word(node);
    struct said text;

    (void)raw;
    (void)count;
    key->loc = node->loc;
    if (node->kind == NODE_TEXT && str_eq(node->text, STR("ip")))
        return;
    if (word == NULL) {
        diag_error(&r->job->diags, node->loc, "unknown-value",
                   "'hash_key' must be ip, {header: NAME}, {cookie: NAME} or {path_param: NAME}");
        return;
    }
    if (!setting_text(r->job, node_get(node, word->said), word->said, &text) ||
        (word->from == IR_KEY_HEADER && !setting_header_name(r->job, text)) ||
        (word->from == IR_KEY_COOKIE && !setting_cookie_name(r->job, text)))
        return;
    key->from = word->from;
    key->name = text.text;
}

const struct policy_type hash_key_type = {"upstreams.*.hash_key", &schema, read_key};
