#include "policy/forwarded.h"

#include "policy/type.h"

struct raw {
    char *trusted_proxies;
    int header;
    int via;
};

static const cyaml_strval_t headers[] = {
    {"x-forwarded-for", 1}, {"forwarded", 2}, {"x-real-ip", 3}};

static const cyaml_schema_field_t fields[] = {
    POLICY_CELL(struct raw, trusted_proxies, TEXTS_OR_RUNTIME),
    POLICY_CHOICE(struct raw, header, headers),
    POLICY_TRUTH(struct raw, via),
    CYAML_FIELD_END,
};
static const cyaml_schema_value_t schema = POLICY_MAPPING(struct raw, fields);

static void read_trusted(struct policy_reader *r, const struct node *node, struct ir_forwarded *f)
{
    struct said text;

    if (node->kind != NODE_LIST) {
        struct ir_text file = {0};
        if (!setting_runtime(r->job, node, "trusted_proxies", &file))
            return;
        if (file.kind != IR_TEXT_FILE)
            diag_error(&r->job->diags, node->loc, "wrong-type",
                       "'trusted_proxies' must be a list of networks or {file: /path}");
        else
            f->trusted_file = file;
        return;
    }
    f->trusted = pool_alloc(&r->job->pool, (node->item_count + 1) * sizeof *f->trusted);
    for (size_t i = 0; i < node->item_count; i++)
        if (setting_text(r->job, node->items[i], "trusted_proxies", &text) &&
            setting_network(r->job, text))
            f->trusted[f->trusted_count++] = text.text;
}

static void read_forwarded(struct policy_reader *r, const struct node *node, const void *from,
                           size_t count, void *out)
{
    const struct raw *raw = from;
    struct ir_forwarded *f = out;
    struct node *trusted = policy_cell(r, raw->trusted_proxies);

    (void)node;
    (void)count;
    f->via = raw->via == YES;
    f->header = str_of(headers[raw->header ? raw->header - 1 : 0].str);
    if (trusted != NULL)
        read_trusted(r, trusted, f);
}

const struct policy_type forwarded_type = {"forwarded", &schema, read_forwarded};
