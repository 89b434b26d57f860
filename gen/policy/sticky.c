#include "policy/sticky.h"

#include "policy/type.h"

struct raw {
    char *cookie, *max_age, *path;
    int secure;
};

static const cyaml_schema_field_t fields[] = {
    POLICY_NEEDED(struct raw, cookie, TEXT),
    POLICY_CELL(struct raw, max_age, DURATION),
    POLICY_CELL(struct raw, path, TEXT),
    POLICY_TRUTH(struct raw, secure),
    CYAML_FIELD_END,
};
static const cyaml_schema_value_t schema = POLICY_MAPPING(struct raw, fields);

/* RFC 6265 section 4.1.1: no control bytes and no semicolon; and what does not begin with a slash is no path. */
static bool is_path(struct str path)
{
    for (size_t i = 0; i < path.len; i++)
        if (path.at[i] <= ' ' || path.at[i] >= 0x7f || path.at[i] == ';')
            return false;
    return path.len > 0 && path.at[0] == '/';
}

static void read_path(struct policy_reader *r, struct node *node, struct ir_sticky *sticky)
{
    struct said path;

    sticky->path = STR("/");
    if (node == NULL || !setting_text(r->job, node, "path", &path))
        return;
    if (is_path(path.text))
        sticky->path = path.text;
    else
        diag_error(&r->job->diags, path.loc, "bad-value",
                   "the 'path' of a cookie begins with '/' and has no spaces or ';'");
}

static void read_sticky(struct policy_reader *r, const struct node *node, const void *from,
                        size_t count, void *out)
{
    const struct raw *raw = from;
    struct ir_sticky *sticky = out;
    struct node *max_age = policy_cell(r, raw->max_age);
    struct said cookie;

    (void)count;
    sticky->loc = node->loc;
    read_path(r, policy_cell(r, raw->path), sticky);
    if (raw->secure != UNSAID)
        sticky->secure = raw->secure == YES ? IR_SECURE : IR_NOT_SECURE;
    if (max_age != NULL && setting_duration(r->job, max_age, "max_age", &sticky->max_age) &&
        sticky->max_age < 1000)
        diag_error(&r->job->diags, max_age->loc, "bad-value",
                   "'max_age' of a cookie is at least 1s");
    if (setting_text(r->job, policy_cell(r, raw->cookie), "cookie", &cookie) &&
        setting_cookie_name(r->job, cookie))
        sticky->cookie = cookie.text;
    sticky->on = sticky->cookie.len > 0;
}

const struct policy_type sticky_type = {"sticky", &schema, read_sticky};
