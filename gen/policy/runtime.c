#include "policy/runtime.h"

#include "policy/type.h"

/* A name that depends on where the gateway is started would be another file after a restart. */
static bool is_absolute(struct str path)
{
    return path.len > 1 && path.at[0] == '/';
}

static void read_runtime(struct policy_reader *r, const struct node *node, const void *raw,
                         size_t count, void *out)
{
    struct ir_text *file = out, said = {0};
    struct str path;

    (void)raw;
    (void)count;
    if (!setting_runtime(r->job, node, "runtime", &said))
        return;
    path = said.kind == IR_TEXT_ENV ? said.fallback : said.text;
    if (path.at != NULL && !is_absolute(path)) {
        diag_error(&r->job->diags, said.loc, "bad-path",
                   "'runtime' must be the whole path of a file, such as /etc/gw/runtime.yaml");
        return;
    }
    if (said.kind == IR_TEXT_LITERAL)
        said.kind = IR_TEXT_FILE;
    *file = said;
}

static const cyaml_schema_value_t schema = POLICY_ALONE(RUNTIME);

const struct policy_type runtime_type = {"runtime", &schema, read_runtime};
