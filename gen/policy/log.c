#include "policy/log.h"

#include "policy/type.h"

static const cyaml_strval_t levels[] = {
    {"debug", 1 + IR_LEVEL_DEBUG},
    {"info", 1 + IR_LEVEL_INFO},
    {"warn", 1 + IR_LEVEL_WARN},
    {"error", 1 + IR_LEVEL_ERROR},
};

struct raw_level {
    int normal;
};

static const cyaml_schema_field_t level_fields[] = {
    CYAML_FIELD_ENUM("default", CYAML_FLAG_STRICT, struct raw_level, normal, levels,
                     sizeof levels / sizeof *levels),
    CYAML_FIELD_END,
};
static const cyaml_schema_value_t level_schema = POLICY_MAPPING(struct raw_level, level_fields);

static void read_level(struct policy_reader *r, const struct node *node, const void *from,
                       size_t count, void *out)
{
    const struct raw_level *raw = from;
    struct log_rules *log = out;

    (void)r;
    (void)count;
    log->level = raw->normal - 1;
    log->turned = (struct overridable){
        .said = true, .normal = (uint64_t)log->level, .max = IR_LEVEL_ERROR, .loc = node->loc};
}

const struct policy_type log_level_type = {"log.level", &level_schema, read_level};

struct raw {
    char *level;
};

static const cyaml_schema_field_t fields[] = {
    POLICY_CELL(struct raw, level, LOG_LEVEL),
    CYAML_FIELD_END,
};
static const cyaml_schema_value_t schema = POLICY_MAPPING(struct raw, fields);

/* The word alone. */
static void read_word(struct policy_reader *r, const struct node *node, int *level)
{
    struct str words[sizeof levels / sizeof *levels];

    for (size_t i = 0; i < sizeof levels / sizeof *levels; i++) {
        words[i] = str_of(levels[i].str);
        if (node->kind == NODE_TEXT && str_eq(node->text, words[i])) {
            *level = (int)levels[i].val - 1;
            return;
        }
    }
    if (node->kind != NODE_TEXT && node->kind != NODE_BOOL)
        diag_error(&r->job->diags, node->loc, "wrong-type",
                   "'level' must be one of debug, info, warn, error, not %s", node_kind_name(node));
    else
        diag_error(
            &r->job->diags, node->loc, "unknown-value",
            "'level' must be one of debug, info, warn, error%.*s",
            STR_ARG(diag_suggest(&r->job->pool, node->text, words, sizeof words / sizeof *words)));
}

static void read_log(struct policy_reader *r, const struct node *node, const void *from,
                     size_t count, void *out)
{
    const struct raw *raw = from;
    struct log_rules *log = out;
    struct node *level = policy_cell(r, raw->level);

    (void)node;
    (void)count;
    if (level != NULL && level->kind == NODE_MAP)
        r->load(r, level, &log_level_type, log);
    else if (level != NULL)
        read_word(r, level, &log->level);
}

const struct policy_type log_type = {"log", &schema, read_log};
