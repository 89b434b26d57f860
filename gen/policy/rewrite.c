#include "policy/rewrite.h"

#include "member.h"
#include "policy/type.h"

struct raw {
    int strip, strip_path, redirects;
    char *prefix, *path, *host;
};

static const cyaml_strval_t strips[] = {
    {"none", 1 + REWRITE_STRIP_NONE},
    {"base", 1 + REWRITE_STRIP_BASE},
    {"match", 1 + REWRITE_STRIP_MATCH},
};

static const cyaml_schema_field_t fields[] = {
    POLICY_CHOICE(struct raw, strip, strips),
    POLICY_TRUTH(struct raw, strip_path),
    POLICY_TRUTH(struct raw, redirects),
    POLICY_CELL(struct raw, prefix, TEXT),
    POLICY_CELL(struct raw, path, TEXT),
    POLICY_CELL(struct raw, host, TEXT),
    CYAML_FIELD_END,
};
static const cyaml_schema_value_t schema = POLICY_MAPPING(struct raw, fields);

static bool is_path_text(struct str s)
{
    for (size_t i = 0; i < s.len; i++) {
        unsigned char c = (unsigned char)s.at[i];
        if (c <= 0x20 || c >= 0x7f || c == '?' || c == '#' || c == '\\' || c == '"' || c == '<' ||
            c == '>')
            return false;
    }
    return true;
}

static void read_path(struct policy_reader *r, const char *cell, const char *what, struct said *out)
{
    struct node *node = policy_cell(r, cell);
    struct said text;

    if (node == NULL || !setting_text(r->job, node, what, &text))
        return;
    if (text.text.len == 0 || text.text.at[0] != '/' || !is_path_text(text.text)) {
        diag_error(&r->job->diags, text.loc, "bad-path",
                   "'%s' must be a path that begins with '/', already escaped, without query",
                   what);
        return;
    }
    *out = text;
}

static void contradiction(struct policy_reader *r, const struct node *node, const char *a,
                          const char *b)
{
    diag_error(&r->job->diags, node->loc, "contradiction", "'%s' and '%s' contradict each other", a,
               b);
}

static void read_rewrite(struct policy_reader *r, const struct node *node, const void *from,
                         size_t count, void *out)
{
    const struct raw *raw = from;
    struct rewrite *w = out;
    struct node *host = policy_cell(r, raw->host);

    (void)count;
    w->loc = node->loc;
    if (raw->strip != 0)
        w->strip = (enum rewrite_strip)(raw->strip - 1);
    else if (raw->strip_path == YES)
        w->strip = REWRITE_STRIP_MATCH;
    w->redirects = raw->redirects != NO;
    read_path(r, raw->prefix, "prefix", &w->prefix);
    read_path(r, raw->path, "path", &w->path);
    if (w->prefix.text.at != NULL && memchr(w->prefix.text.at, '{', w->prefix.text.len) != NULL)
        diag_error(&r->job->diags, w->prefix.loc, "bad-path",
                   "'prefix' takes no parameters: use 'path'");
    if (host != NULL && setting_text(r->job, host, "host", &w->host))
        setting_header_value(r->job, w->host);
    if (raw->strip != 0 && raw->strip_path != UNSAID)
        contradiction(r, node, "strip", "strip_path");
    if (w->path.text.at != NULL && (raw->strip > 1 || raw->strip_path == YES))
        contradiction(r, node, "path", raw->strip ? "strip" : "strip_path");
    if (w->path.text.at != NULL && w->prefix.text.at != NULL)
        contradiction(r, node, "path", "prefix");
}

const struct policy_type rewrite_type = {"rewrite", &schema, read_rewrite};
