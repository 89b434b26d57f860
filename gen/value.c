#include "value.h"

#include <assert.h>

static struct value *make(struct pool *pool, enum value_kind kind)
{
    struct value *value = pool_new(pool, struct value);
    value->kind = kind;
    return value;
}

struct value *value_text(struct pool *pool, struct str text)
{
    struct value *value = make(pool, VALUE_TEXT);
    value->text = text;
    return value;
}

struct value *value_text_or_false(struct pool *pool, struct str text)
{
    return text.len ? value_text(pool, text) : make(pool, VALUE_FALSE);
}

static bool is_identifier(struct str name)
{
    for (size_t i = 0; i < name.len; i++) {
        char c = name.at[i];
        bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
        if (!letter && (i == 0 || c < '0' || c > '9'))
            return false;
    }
    return name.len > 0;
}

struct value *value_name(struct pool *pool, struct str name)
{
    assert(is_identifier(name)); /* the wall between documents and C: never switched off */
    struct value *value = make(pool, VALUE_RAW);
    value->text = name;
    return value;
}

struct value *value_number(struct pool *pool, int64_t number)
{
    struct value *value = make(pool, VALUE_RAW);
    value->text = pool_printf(pool, "%lld", (long long)number);
    return value;
}

struct value *value_flag(struct pool *pool, bool flag)
{
    return make(pool, flag ? VALUE_TRUE : VALUE_FALSE);
}

struct value *value_list(struct pool *pool)
{
    return make(pool, VALUE_LIST);
}

struct value *value_map(struct pool *pool)
{
    return make(pool, VALUE_MAP);
}

void value_add(struct pool *pool, struct value *list, struct value *item)
{
    assert(list->kind == VALUE_LIST);
    *vec_add(pool, &list->items) = item;
}

void value_set(struct pool *pool, struct value *map, const char *key, struct value *value)
{
    assert(map->kind == VALUE_MAP && value);
    assert(!value_get(map, str_of(key)));
    *vec_add(pool, &map->members) = (struct value_member){key, value};
}

struct value *value_get(const struct value *map, struct str key)
{
    for (size_t i = 0; i < map->members.count; i++) {
        if (str_eq(str_of(map->members.at[i].key), key))
            return map->members.at[i].value;
    }
    return NULL;
}

static void line_break(struct text *out, size_t depth)
{
    text_byte(out, '\n');
    for (size_t i = 0; i < depth; i++)
        text_add(out, STR("  "));
}

static void dump(const struct value *value, struct text *out, size_t depth);

static void dump_list(const struct value *value, struct text *out, size_t depth)
{
    text_byte(out, '[');
    for (size_t i = 0; i < value->items.count; i++) {
        if (i)
            text_byte(out, ',');
        line_break(out, depth + 1);
        dump(value->items.at[i], out, depth + 1);
    }
    if (value->items.count)
        line_break(out, depth);
    text_byte(out, ']');
}

static void dump_map(const struct value *value, struct text *out, size_t depth)
{
    text_byte(out, '{');
    for (size_t i = 0; i < value->members.count; i++) {
        if (i)
            text_byte(out, ',');
        line_break(out, depth + 1);
        text_json(out, str_of(value->members.at[i].key));
        text_add(out, STR(": "));
        dump(value->members.at[i].value, out, depth + 1);
    }
    if (value->members.count)
        line_break(out, depth);
    text_byte(out, '}');
}

static void dump(const struct value *value, struct text *out, size_t depth)
{
    switch (value->kind) {
    case VALUE_FALSE:
        text_add(out, STR("false"));
        return;
    case VALUE_TRUE:
        text_add(out, STR("true"));
        return;
    case VALUE_TEXT:
        text_json(out, value->text);
        return;
    case VALUE_RAW:
        text_add(out, value->text);
        return;
    case VALUE_LIST:
        dump_list(value, out, depth);
        return;
    case VALUE_MAP:
        dump_map(value, out, depth);
        return;
    }
}

void value_dump(const struct value *value, struct text *out)
{
    dump(value, out, 0);
    text_byte(out, '\n');
}
