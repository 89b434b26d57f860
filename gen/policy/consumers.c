#include "policy/consumers.h"

#include "member.h"
#include "policy/type.h"

/* What a credential of any kind may have. */
struct raw_credential {
    char *key, *username, *access_key;
    char *secret, *public_key, *password_hash, *secret_key;
    char *algorithm;
};

static const cyaml_schema_field_t jwt_fields[] = {
    POLICY_NEEDED(struct raw_credential, key, TEXT),
    POLICY_NEEDED(struct raw_credential, algorithm, TEXT),
    POLICY_CELL(struct raw_credential, secret, REFERENCE),
    POLICY_CELL(struct raw_credential, public_key, REFERENCE),
    CYAML_FIELD_END,
};
static const cyaml_schema_value_t jwt_schema = POLICY_ENTRY(struct raw_credential, jwt_fields);

static const cyaml_schema_field_t basic_fields[] = {
    POLICY_NEEDED(struct raw_credential, username, TEXT),
    POLICY_NEEDED(struct raw_credential, password_hash, REFERENCE),
    CYAML_FIELD_END,
};
static const cyaml_schema_value_t basic_schema = POLICY_ENTRY(struct raw_credential, basic_fields);

static const cyaml_schema_field_t aws_fields[] = {
    POLICY_NEEDED(struct raw_credential, access_key, TEXT),
    POLICY_NEEDED(struct raw_credential, secret_key, REFERENCE),
    CYAML_FIELD_END,
};
static const cyaml_schema_value_t aws_schema = POLICY_ENTRY(struct raw_credential, aws_fields);

struct raw {
    char *key, *id, *groups, *keys;
    struct raw_credential *jwt, *basic, *aws;
    uint32_t jwt_count, basic_count, aws_count;
};

static const cyaml_schema_field_t fields[] = {
    POLICY_KEY(struct raw, key),
    POLICY_CELL(struct raw, id, TEXT),
    POLICY_CELL(struct raw, groups, TEXT_OR_TEXTS),
    POLICY_CELL(struct raw, keys, REFERENCES),
    POLICY_LATER("plan"),
    POLICY_LIST(struct raw, jwt, &jwt_schema),
    POLICY_LIST(struct raw, basic, &basic_schema),
    POLICY_LIST(struct raw, aws, &aws_schema),
    POLICY_LATER("oauth2"),
    CYAML_FIELD_END,
};
static const cyaml_schema_value_t entry_schema = POLICY_ENTRY(struct raw, fields);
static const cyaml_schema_value_t schema = POLICY_SEQUENCE(struct raw, &entry_schema);

/* A default would be a literal. */
static bool read_secret(struct policy_reader *r, const struct node *node, const char *what,
                        struct ir_text *secret)
{
    if (!setting_secret(r->job, node, what, secret))
        return false;
    if (secret->fallback.at == NULL)
        return true;
    diag_error(&r->job->diags, node->loc, "literal-secret",
               "'%s' is a secret: write {env: NAME} or {file: /path}, without a default", what);
    return false;
}

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
        if (read_secret(r, node->items[i], "keys", &key))
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

/* One credential: by which of its members it is known, and which is the secret. */
static void read_credential(struct policy_reader *r, struct ir_credential credential,
                            const struct node *id, const char *id_word, const struct node *secret,
                            const char *secret_word, struct ir_consumer *consumer)
{
    struct said said;

    if (!setting_text(r->job, id, id_word, &said) ||
        !read_secret(r, secret, secret_word, &credential.secret))
        return;
    credential.id = said.text;
    credential.loc = id->loc;
    if (said.text.len == 0)
        diag_error(&r->job->diags, id->loc, "bad-value", "'%s' must not be empty", id_word);
    else
        *vec_add(&r->job->pool, &consumer->credentials) = credential;
}

static void read_jwt(struct policy_reader *r, const struct raw_credential *raw,
                     struct ir_consumer *consumer)
{
    const struct node *secret = policy_cell(r, raw->secret),
                      *public_key = policy_cell(r, raw->public_key);
    const struct node *id = policy_cell(r, raw->key);
    struct ir_credential credential = {.kind = IR_CREDENTIAL_JWT};
    struct said algorithm;

    if (!setting_text(r->job, policy_cell(r, raw->algorithm), "algorithm", &algorithm))
        return;
    credential.algorithm = algorithm.text;
    if ((secret == NULL) == (public_key == NULL)) {
        diag_error(&r->job->diags, id->loc, "contradiction",
                   "a credential of 'jwt' has either 'secret' or 'public_key'");
        return;
    }
    if ((secret != NULL) != str_starts(algorithm.text, STR("HS")))
        diag_error(&r->job->diags, algorithm.loc, "contradiction",
                   "HS256, HS384 and HS512 need a 'secret', all others a 'public_key'");
    read_credential(r, credential, id, "key", secret ? secret : public_key,
                    secret ? "secret" : "public_key", consumer);
}

static void read_credentials(struct policy_reader *r, const struct raw *raw,
                             struct ir_consumer *consumer)
{
    for (uint32_t i = 0; i < raw->jwt_count; i++)
        read_jwt(r, &raw->jwt[i], consumer);
    for (uint32_t i = 0; i < raw->basic_count; i++)
        read_credential(r, (struct ir_credential){.kind = IR_CREDENTIAL_BASIC},
                        policy_cell(r, raw->basic[i].username), "username",
                        policy_cell(r, raw->basic[i].password_hash), "password_hash", consumer);
    for (uint32_t i = 0; i < raw->aws_count; i++)
        read_credential(r, (struct ir_credential){.kind = IR_CREDENTIAL_AWS},
                        policy_cell(r, raw->aws[i].access_key), "access_key",
                        policy_cell(r, raw->aws[i].secret_key), "secret_key", consumer);
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
        read_credentials(r, &raw[i], &consumer);
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
