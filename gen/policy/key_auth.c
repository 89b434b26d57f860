#include "policy/key_auth.h"

#include "policy/type.h"

enum { NAMES_MAX = 16 };

struct raw {
    char *key_names;
    int key_in_header, key_in_query, key_in_cookie, key_in_body, hide_credentials;
};

static const cyaml_schema_field_t fields[] = {
    POLICY_CELL(struct raw, key_names, TEXT_OR_TEXTS),
    POLICY_TRUTH(struct raw, key_in_header),
    POLICY_TRUTH(struct raw, key_in_query),
    POLICY_TRUTH(struct raw, key_in_cookie),
    POLICY_TRUTH(struct raw, key_in_body),
    POLICY_TRUTH(struct raw, hide_credentials),
    CYAML_FIELD_END,
};
static const cyaml_schema_value_t schema = POLICY_MAPPING(struct raw, fields);

static void read_key_auth(struct policy_reader *r, const struct node *node, const void *from,
                          size_t count, void *out)
{
    const struct raw *raw = from;
    struct key_auth *k = out;
    const struct node *names = policy_cell(r, raw->key_names);

    (void)count;
    *k = (struct key_auth){.in_header = raw->key_in_header,
                           .in_query = raw->key_in_query,
                           .in_cookie = raw->key_in_cookie,
                           .hide_credentials = raw->hide_credentials == YES,
                           .loc = node->loc};
    setting_texts(r->job, names, "key_names", &k->names);
    for (size_t i = 0; i < k->names.count; i++)
        setting_header_name(r->job, (struct said){k->names.at[i], names->loc});
    if (k->names.count > NAMES_MAX)
        diag_error(&r->job->diags, names->loc, "bad-value", "'key_names' has %d names at most",
                   NAMES_MAX);
    if (raw->key_in_body == YES)
        diag_error(&r->job->diags, node->loc, "bad-value",
                   "'key_in_body': keys stand in headers, queries and cookies alone");
    if (raw->key_in_header == NO && raw->key_in_query != YES && raw->key_in_cookie != YES)
        diag_error(&r->job->diags, node->loc, "contradiction",
                   "'key_auth' takes keys from nowhere: say key_in_query or key_in_cookie");
}

const struct policy_type key_auth_type = {"key_auth", &schema, read_key_auth};
