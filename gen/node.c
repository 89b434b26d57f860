#include "node.h"

#include <math.h>

#include "base/json.h"
#include "base/text.h"

/* Documents are a few hundred keys wide at most but for "paths" and "schemas": whoever looks up many keys
 * in those walks the members or keeps a map. */
const struct member *node_member(const struct node *node, struct str key)
{
    if (!node || node->kind != NODE_MAP)
        return NULL;
    for (size_t i = 0; i < node->member_count; i++)
        if (str_eq(node->members[i].key, key))
            return &node->members[i];
    return NULL;
}

struct node *node_get(const struct node *node, const char *key)
{
    const struct member *member = node_member(node, str_of(key));

    return member ? member->value : NULL;
}

const char *node_kind_name(const struct node *node)
{
    static const char *const names[] = {
        [NODE_NULL] = "null",      [NODE_BOOL] = "a boolean", [NODE_INT] = "an integer",
        [NODE_FLOAT] = "a number", [NODE_TEXT] = "a string",  [NODE_LIST] = "a list",
        [NODE_MAP] = "a map",
    };

    return node ? names[node->kind] : "nothing";
}

static void new_line(struct text *out, int indent, int depth)
{
    if (indent == 0)
        return;
    text_byte(out, '\n');
    for (int i = 0; i < indent * depth; i++)
        text_byte(out, ' ');
}

/* A number that JSON can say as it was written in YAML stays as written. */
static bool is_json_number(struct str s)
{
    struct json json;

    json_open(&json, s, 1);
    return json_next(&json) == JSON_NUMBER && json.token.len == s.len;
}

/* A finite number in digits that read as the same number; never those of an integer: -0 would lose its sign. */
static void float_json(double number, struct text *out)
{
    size_t from = text_str(out).len;
    struct str digits;

    text_printf(out, "%.17g", number);
    digits = text_str(out);
    for (size_t i = from; i < digits.len; i++)
        if (digits.at[i] == '.' || digits.at[i] == 'e')
            return;
    text_add(out, STR(".0"));
}

static void scalar_json(const struct node *node, struct text *out)
{
    switch (node->kind) {
    case NODE_BOOL:
        text_add(out, node->truth ? STR("true") : STR("false"));
        break;
    case NODE_INT:
        text_printf(out, "%lld", (long long)node->integer);
        break;
    case NODE_FLOAT:
        if (is_json_number(node->text))
            text_add(out, node->text);
        else if (isfinite(node->number))
            float_json(node->number, out);
        else
            text_json(out, node->text); /* .inf and .nan have no number in JSON */
        break;
    case NODE_TEXT:
        text_json(out, node->text);
        break;
    default:
        text_add(out, STR("null"));
    }
}

static void write_node(const struct node *node, struct text *out, int indent, int depth);

static void write_list(const struct node *node, struct text *out, int indent, int depth)
{
    text_byte(out, '[');
    for (size_t i = 0; i < node->item_count; i++) {
        if (i > 0)
            text_byte(out, ',');
        new_line(out, indent, depth + 1);
        write_node(node->items[i], out, indent, depth + 1);
    }
    if (node->item_count > 0)
        new_line(out, indent, depth);
    text_byte(out, ']');
}

static void write_map(const struct node *node, struct text *out, int indent, int depth)
{
    text_byte(out, '{');
    for (size_t i = 0; i < node->member_count; i++) {
        if (i > 0)
            text_byte(out, ',');
        new_line(out, indent, depth + 1);
        text_json(out, node->members[i].key);
        text_add(out, indent > 0 ? STR(": ") : STR(":"));
        write_node(node->members[i].value, out, indent, depth + 1);
    }
    if (node->member_count > 0)
        new_line(out, indent, depth);
    text_byte(out, '}');
}

static void write_node(const struct node *node, struct text *out, int indent, int depth)
{
    if (node->kind == NODE_LIST)
        write_list(node, out, indent, depth);
    else if (node->kind == NODE_MAP)
        write_map(node, out, indent, depth);
    else
        scalar_json(node, out);
}

void node_json(const struct node *node, struct text *out, int indent)
{
    write_node(node, out, indent, 0);
}
