/* The second half of mock: values made from schemas. */
#include <math.h>

#include "base/text.h"
#include "mock.h"
#include "ref.h"

enum { DEPTH_MAX = 8, STEPS_MAX = 4000, ITEMS_MAX = 10, TEXT_MAX = 256 };

/* The schemas that are being filled, so that recursion is seen; and what is left to spend. */
struct maker {
    struct job *job;
    struct text *out;
    const struct node *open[DEPTH_MAX];
    size_t depth;
    size_t steps;
};

static bool make(struct maker *m, struct node *schema);

static struct node *schema_at(struct maker *m, struct node *node)
{
    node = ref_follow(m->job, node);
    return node != NULL && node->kind == NODE_MAP ? node : NULL;
}

static struct node *first_item(struct node *list)
{
    return list != NULL && list->kind == NODE_LIST && list->item_count > 0 ? list->items[0] : NULL;
}

/* What the schema itself gives as a value, or NULL. */
static struct node *given(const struct node *schema)
{
    struct node *value = node_get(schema, "example");

    if (value == NULL)
        value = first_item(node_get(schema, "examples"));
    if (value == NULL)
        value = node_get(schema, "const");
    if (value == NULL)
        value = node_get(schema, "default");
    if (value == NULL)
        value = first_item(node_get(schema, "enum"));
    return value;
}

static bool is_type(const struct node *node, const char *name)
{
    return node != NULL && node->kind == NODE_TEXT && str_eq(node->text, str_of(name));
}

/* The schema's type: the first that is not null; guessed from its keywords when it names none. */
static struct str type_of(const struct node *schema)
{
    static const char *const keywords[][2] = {
        {"properties", "object"}, {"additionalProperties", "object"},
        {"items", "array"},       {"prefixItems", "array"},
        {"format", "string"},     {"pattern", "string"},
        {"minLength", "string"},  {"maxLength", "string"},
        {"minimum", "number"},    {"maximum", "number"},
    };
    const struct node *type = node_get(schema, "type");

    if (type != NULL && type->kind == NODE_TEXT)
        return type->text;
    for (size_t i = 0; type != NULL && type->kind == NODE_LIST && i < type->item_count; i++)
        if (type->items[i]->kind == NODE_TEXT && !is_type(type->items[i], "null"))
            return type->items[i]->text;
    if (first_item((struct node *)type) != NULL)
        return STR("null");
    for (size_t i = 0; i < sizeof keywords / sizeof *keywords; i++)
        if (node_get(schema, keywords[i][0]) != NULL)
            return str_of(keywords[i][1]);
    return STR("");
}

/* ---- strings ---- */

static struct str sample(const struct node *format)
{
    static const struct {
        struct str format, value;
    } samples[] = {
        {STR_INIT("date-time"), STR_INIT("2025-01-15T09:30:00Z")},
        {STR_INIT("date"), STR_INIT("2025-01-15")},
        {STR_INIT("time"), STR_INIT("09:30:00Z")},
        {STR_INIT("duration"), STR_INIT("PT1M")},
        {STR_INIT("uuid"), STR_INIT("3fa85f64-5717-4562-b3fc-2c963f66afa6")},
        {STR_INIT("email"), STR_INIT("user@example.com")},
        {STR_INIT("idn-email"), STR_INIT("user@example.com")},
        {STR_INIT("uri"), STR_INIT("https://example.com/")},
        {STR_INIT("url"), STR_INIT("https://example.com/")},
        {STR_INIT("iri"), STR_INIT("https://example.com/")},
        {STR_INIT("uri-reference"), STR_INIT("/example")},
        {STR_INIT("hostname"), STR_INIT("example.com")},
        {STR_INIT("ipv4"), STR_INIT("192.0.2.1")},
        {STR_INIT("ipv6"), STR_INIT("2001:db8::1")},
        {STR_INIT("byte"), STR_INIT("c3RyaW5n")},
        {STR_INIT("json-pointer"), STR_INIT("/example")},
        {STR_INIT("regex"), STR_INIT("^.*$")},
    };

    for (size_t i = 0;
         format != NULL && format->kind == NODE_TEXT && i < sizeof samples / sizeof *samples; i++)
        if (str_eq(samples[i].format, format->text))
            return samples[i].value;
    return (struct str){0};
}

static size_t bound(const struct node *schema, const char *key, size_t otherwise)
{
    const struct node *node = node_get(schema, key);

    return node != NULL && node->kind == NODE_INT && node->integer >= 0 ? (size_t)node->integer
                                                                        : otherwise;
}

static bool make_string(struct maker *m, const struct node *schema)
{
    struct str value = sample(node_get(schema, "format"));
    size_t min = bound(schema, "minLength", 0), max = bound(schema, "maxLength", SIZE_MAX);
    struct text text = {.pool = &m->job->pool};

    if (value.at == NULL) {
        text_add(&text, str_head(STR("string"), max));
        while (text.len < min && text.len < TEXT_MAX)
            text_byte(&text, "string"[text.len % 6]);
        value = text.len > 0 ? text_str(&text) : STR("");
    }
    text_json(m->out, value);
    return true;
}

/* ---- numbers ---- */

static bool number_of(const struct node *node, double *value)
{
    if (node == NULL || (node->kind != NODE_INT && node->kind != NODE_FLOAT))
        return false;
    *value = node->kind == NODE_INT ? (double)node->integer : node->number;
    return isfinite(*value) && fabs(*value) < 1e15;
}

/* A bound and by how much the value must stay away from it: exclusive is a flag in 3.0, a bound in 3.1. */
static bool edge(const struct node *schema, const char *key, const char *exclusive, double step,
                 double *value)
{
    const struct node *strict = node_get(schema, exclusive);

    if (number_of(strict, value)) {
        *value += step;
        return true;
    }
    if (!number_of(node_get(schema, key), value))
        return false;
    if (strict != NULL && strict->kind == NODE_BOOL && strict->truth)
        *value += step;
    return true;
}

static bool make_number(struct maker *m, const struct node *schema, bool whole)
{
    const double step = whole ? 1 : 0.5;
    double value = 1, low, high, multiple;
    bool has_low = edge(schema, "minimum", "exclusiveMinimum", step, &low);

    if (has_low && value < low)
        value = low;
    if (edge(schema, "maximum", "exclusiveMaximum", -step, &high) && value > high)
        value = has_low && low > high ? low : high;
    if (number_of(node_get(schema, "multipleOf"), &multiple) && multiple > 0) {
        value = multiple * ceil(value / multiple);
        if (edge(schema, "maximum", "exclusiveMaximum", -step, &high) && value > high)
            value -= multiple;
    }
    if (whole)
        value = ceil(value);
    text_printf(m->out, "%.15g", value);
    return true;
}

/* ---- arrays and objects ---- */

static bool make_or_undo(struct maker *m, struct node *schema)
{
    size_t mark = m->out->len;

    if (make(m, schema))
        return true;
    m->out->len = mark;
    return false;
}

static bool make_array(struct maker *m, struct node *schema)
{
    struct node *items = node_get(schema, "items"), *prefix = node_get(schema, "prefixItems");
    size_t count = bound(schema, "minItems", 1), made = 0;

    if (count == 0)
        count = 1;
    if (bound(schema, "maxItems", SIZE_MAX) == 0)
        count = 0;
    text_byte(m->out, '[');
    for (size_t i = 0; i < count && i < ITEMS_MAX; i++) {
        struct node *item = prefix && prefix->kind == NODE_LIST && i < prefix->item_count
                                ? prefix->items[i]
                                : items;
        size_t mark = m->out->len;
        if (made > 0)
            text_byte(m->out, ',');
        if (item == NULL || !make_or_undo(m, item)) {
            m->out->len = mark;
            break;
        }
        made++;
    }
    text_byte(m->out, ']');
    return true;
}

/* The parts that a schema is made of: itself and, recursively, its allOf. */
struct parts {
    VEC(struct node *) list;
};

static void add_parts(struct maker *m, struct node *schema, struct parts *parts)
{
    struct node *all = node_get(schema, "allOf");

    if (parts->list.count >= 64)
        return;
    *vec_add(&m->job->pool, &parts->list) = schema;
    for (size_t i = 0; all != NULL && all->kind == NODE_LIST && i < all->item_count; i++) {
        struct node *part = schema_at(m, all->items[i]);
        if (part != NULL)
            add_parts(m, part, parts);
    }
}

static bool is_listed(const struct parts *parts, size_t count, struct str name)
{
    for (size_t i = 0; i < count; i++)
        if (node_member(node_get(parts->list.at[i], "properties"), name) != NULL)
            return true;
    return false;
}

static bool is_required(const struct parts *parts, struct str name)
{
    for (size_t i = 0; i < parts->list.count; i++) {
        const struct node *required = node_get(parts->list.at[i], "required");
        if (required == NULL || required->kind != NODE_LIST)
            continue;
        for (size_t j = 0; j < required->item_count; j++)
            if (required->items[j]->kind == NODE_TEXT && str_eq(required->items[j]->text, name))
                return true;
    }
    return false;
}

static bool is_write_only(struct maker *m, struct node *property)
{
    const struct node *flag = node_get(schema_at(m, property), "writeOnly");

    return flag != NULL && flag->kind == NODE_BOOL && flag->truth;
}

/* False when a required property recurs: then the object as a whole cannot be made. */
static bool make_property(struct maker *m, const struct parts *parts, const struct member *property,
                          size_t *made)
{
    size_t mark = m->out->len;

    if (is_write_only(m, property->value))
        return true;
    if (*made > 0)
        text_byte(m->out, ',');
    text_json(m->out, property->key);
    text_byte(m->out, ':');
    if (make_or_undo(m, property->value)) {
        ++*made;
        return true;
    }
    m->out->len = mark;
    return !is_required(parts, property->key);
}

static bool make_object(struct maker *m, const struct parts *parts)
{
    size_t made = 0;

    text_byte(m->out, '{');
    for (size_t i = 0; i < parts->list.count; i++) {
        const struct node *properties = node_get(parts->list.at[i], "properties");
        if (properties == NULL || properties->kind != NODE_MAP)
            continue;
        for (size_t j = 0; j < properties->member_count; j++)
            if (!is_listed(parts, i, properties->members[j].key) &&
                !make_property(m, parts, &properties->members[j], &made))
                return false;
    }
    struct node *more = schema_at(m, node_get(parts->list.at[0], "additionalProperties"));
    if (made == 0 && more != NULL) {
        const struct member extra = {.key = STR("key"), .value = more};
        make_property(m, parts, &extra, &made);
    }
    text_byte(m->out, '}');
    return true;
}

/* ---- any schema ---- */

/* The first alternative that is not just null. */
static struct node *alternative(struct maker *m, const struct node *schema)
{
    struct node *list = node_get(schema, "oneOf");

    if (first_item(list) == NULL)
        list = node_get(schema, "anyOf");
    if (first_item(list) == NULL)
        return NULL;
    for (size_t i = 0; i < list->item_count; i++) {
        struct node *choice = schema_at(m, list->items[i]);
        if (choice != NULL && !str_eq(type_of(choice), STR("null")))
            return choice;
    }
    return schema_at(m, list->items[0]);
}

static struct node *given_by_parts(const struct parts *parts)
{
    for (size_t i = 0; i < parts->list.count; i++) {
        struct node *value = given(parts->list.at[i]);
        if (value != NULL)
            return value;
    }
    return NULL;
}

static bool make_typed(struct maker *m, struct node *schema, const struct parts *parts)
{
    struct node *typed = schema, *choice = NULL;
    struct str type = STR("");

    for (size_t i = 0; i < parts->list.count && (type.len == 0 || str_eq(type, STR("object")));
         i++) {
        struct str other = type_of(parts->list.at[i]);
        if (type.len == 0 && other.len > 0) {
            type = other;
            typed = parts->list.at[i];
        }
        if (choice == NULL)
            choice = alternative(m, parts->list.at[i]);
    }
    /* {type: object, oneOf: […]} says more in its alternative than in itself. */
    if (choice != NULL && (type.len == 0 || node_get(typed, "properties") == NULL))
        return make(m, choice);
    if (str_eq(type, STR("string")))
        return make_string(m, typed);
    if (str_eq(type, STR("integer")) || str_eq(type, STR("number")))
        return make_number(m, typed, str_eq(type, STR("integer")));
    if (str_eq(type, STR("array")))
        return make_array(m, typed);
    if (str_eq(type, STR("boolean")) || str_eq(type, STR("null"))) {
        text_add(m->out, str_eq(type, STR("boolean")) ? STR("true") : STR("null"));
        return true;
    }
    return make_object(m, parts);
}

static bool make(struct maker *m, struct node *node)
{
    struct parts parts = {0};
    struct node *schema = schema_at(m, node), *value;
    bool made;

    if (schema == NULL) {
        text_add(m->out, STR("{}"));
        return true;
    }
    for (size_t i = 0; i < m->depth; i++)
        if (m->open[i] == schema)
            return false;
    if (m->depth == DEPTH_MAX || ++m->steps > STEPS_MAX || m->out->len > MOCK_BODY_MAX)
        return false;
    m->open[m->depth++] = schema;
    add_parts(m, schema, &parts);
    value = given_by_parts(&parts);
    if (value != NULL)
        node_json(value, m->out, 0);
    made = value != NULL ? m->out->len <= MOCK_BODY_MAX : make_typed(m, schema, &parts);
    m->depth--;
    return made;
}

bool mock_value(struct job *job, struct node *schema, struct text *out)
{
    struct maker m = {.job = job, .out = out};
    size_t mark = out->len;

    if (make(&m, schema))
        return true;
    out->len = mark;
    return false;
}
