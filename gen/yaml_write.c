#include "yaml_write.h"

#include "base/utf8.h"

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c == '/';
}

/* Words that some reader of YAML 1.1 or 1.2 takes for something else than text. */
static bool is_word(struct str text)
{
    static const char *const words[] = {"null", "true", "false", "yes", "no",
                                        "on",   "off",  "y",     "n"};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        if (str_eq_nocase(text, str_of(words[i])))
            return true;
    }
    return false;
}

static bool is_plain(struct str text)
{
    if (text.len == 0 || text.len > 100 || !is_letter(text.at[0]) || text.at[text.len - 1] == ' ')
        return false;
    for (size_t i = 0; i < text.len; i++) {
        char c = text.at[i];
        if (!is_letter(c) && (c < '0' || c > '9') && !strchr(" .-+()$", c))
            return false;
        if (c == '\0')
            return false;
    }
    return !is_word(text);
}

/* Several lines that a literal block gives back exactly. */
static bool is_block(struct str text)
{
    size_t first = str_find(text, '\n');
    if (first == text.len || first == 0 || text.at[0] == ' ' || text.at[0] == '\t')
        return false;
    if (text.len >= 2 && text.at[text.len - 1] == '\n' && text.at[text.len - 2] == '\n')
        return false;
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.at[i];
        if ((c < ' ' && c != '\n' && c != '\t') || c >= 0x7F)
            return false;
    }
    return true;
}

static void indent(struct text *out, unsigned depth)
{
    for (unsigned i = 0; i < depth; i++)
        text_add(out, STR("  "));
}

static void write_block(struct text *out, struct str text, unsigned depth)
{
    bool ends = text.at[text.len - 1] == '\n';
    text_add(out, ends ? STR("|\n") : STR("|-\n"));
    while (text.len) {
        size_t end = str_find(text, '\n');
        if (end)
            indent(out, depth);
        text_add(out, str_head(text, end));
        text_byte(out, '\n');
        text = str_from(text, end + 1);
    }
}

/* What JSON may hold as it is, but YAML takes for a line break or for nothing printable. */
static bool is_special(int32_t c)
{
    return (c >= 0x7F && c <= 0x9F) || c == 0x2028 || c == 0x2029 || c == 0xFEFF || c == 0xFFFE ||
           c == 0xFFFF;
}

static void write_quoted(struct text *out, struct str text)
{
    struct text quoted = {.pool = out->pool};
    text_json(&quoted, text);
    struct str json = text_str(&quoted);
    for (size_t at = 0; at < json.len;) {
        size_t from = at;
        int32_t c = utf8_next(json, &at);
        if (is_special(c))
            text_printf(out, "\\u%04x", (unsigned)c);
        else
            text_add(out, (struct str){json.at + from, at - from});
    }
}

static void write_word(struct text *out, struct str text)
{
    if (is_plain(text))
        text_add(out, text);
    else
        write_quoted(out, text);
}

static void write_scalar(struct text *out, const struct node *node, unsigned depth)
{
    if (node->kind == NODE_TEXT && is_block(node->text)) {
        write_block(out, node->text, depth);
        return;
    }
    if (node->kind == NODE_TEXT)
        write_word(out, node->text);
    else
        text_add(out, node->kind == NODE_NULL ? STR("null") : node->text);
    text_byte(out, '\n');
}

static bool is_empty(const struct node *node)
{
    return (node->kind == NODE_MAP && node->member_count == 0) ||
           (node->kind == NODE_LIST && node->item_count == 0);
}

static void write_node(struct text *out, const struct node *node, unsigned depth);

/* What follows "key:" or "-" on the same line, or below it. */
static void write_value(struct text *out, const struct node *node, unsigned depth)
{
    if (is_empty(node)) {
        text_add(out, node->kind == NODE_MAP ? STR(" {}\n") : STR(" []\n"));
    } else if (node->kind == NODE_MAP || node->kind == NODE_LIST) {
        text_byte(out, '\n');
        write_node(out, node, depth);
    } else {
        text_byte(out, ' ');
        write_scalar(out, node, depth);
    }
}

/* Readers look for the colon within 1,024 characters, unless the key is marked. */
static void write_key(struct text *out, struct str key, unsigned depth)
{
    size_t start = out->len;
    write_word(out, key);
    if (out->len - start > 1000) {
        out->len = start;
        text_add(out, STR("? "));
        write_word(out, key);
        text_byte(out, '\n');
        indent(out, depth);
    }
    text_byte(out, ':');
}

static void write_node(struct text *out, const struct node *node, unsigned depth)
{
    if (node->kind == NODE_MAP) {
        for (size_t i = 0; i < node->member_count; i++) {
            indent(out, depth);
            write_key(out, node->members[i].key, depth);
            write_value(out, node->members[i].value, depth + 1);
        }
        return;
    }
    for (size_t i = 0; i < node->item_count; i++) {
        indent(out, depth);
        text_byte(out, '-');
        write_value(out, node->items[i], depth + 1);
    }
}

void yaml_write(const struct node *root, struct text *out)
{
    if (is_empty(root))
        text_add(out, root->kind == NODE_MAP ? STR("{}\n") : STR("[]\n"));
    else if (root->kind == NODE_MAP || root->kind == NODE_LIST)
        write_node(out, root, 0);
    else
        write_value(out, root,
                    1); /* a block at the edge could hold the mark of a second document */
}
