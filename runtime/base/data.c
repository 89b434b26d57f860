#include "base/data.h"

#include "base/json.h"

/* ---- building ---- */

void *data_fail(struct data_builder *builder, uint32_t line, const char *what)
{
    *builder->problem = (struct data_problem){line, what};
    return NULL;
}

struct data *data_add(struct data_builder *builder, enum data_kind kind, struct str text,
                      uint32_t line)
{
    struct data *data = pool_new(builder->pool, struct data);

    *data = (struct data){.kind = kind, .line = line, .text = text, .key = builder->key};
    builder->key = STR("");
    builder->has_key = false;
    if (builder->depth == 0) {
        builder->root = data;
    } else {
        struct data *container = builder->open[builder->depth - 1].container;
        struct data *last = builder->open[builder->depth - 1].last;
        *(last ? &last->next : &container->first) = data;
        builder->open[builder->depth - 1].last = data;
    }
    if (kind != DATA_LIST && kind != DATA_MAP)
        return data;
    if (builder->depth == DATA_DEPTH)
        return data_fail(builder, line, "it is nested too deeply");
    builder->open[builder->depth].container = data;
    builder->open[builder->depth].keys = (struct map){0};
    builder->open[builder->depth++].last = NULL;
    return data;
}

bool data_add_key(struct data_builder *builder, struct str key, uint32_t line)
{
    struct map *keys = &builder->open[builder->depth - 1].keys;

    if (map_get(keys, key))
        return data_fail(builder, line, "a key stands twice") != NULL;
    if (keys->count == DATA_MEMBERS)
        return data_fail(builder, line, "a map has too many keys") != NULL;
    map_set(keys, builder->pool, key, builder);
    builder->key = key;
    builder->has_key = true;
    return true;
}

void data_close(struct data_builder *builder)
{
    builder->depth--;
}

/* ---- JSON ---- */

static uint32_t newlines(struct str text)
{
    uint32_t count = 0;

    for (size_t i = 0; i < text.len; i++)
        count += text.at[i] == '\n';
    return count;
}

/* False when the value is complete, or there will be none. */
static bool json_step(struct data_builder *builder, struct json *json, uint32_t *line, size_t *seen)
{
    static const enum data_kind kinds[] = {
        [JSON_NULL] = DATA_NULL,    [JSON_TRUE] = DATA_PLAIN,  [JSON_FALSE] = DATA_PLAIN,
        [JSON_NUMBER] = DATA_PLAIN, [JSON_STRING] = DATA_TEXT, [JSON_OBJECT] = DATA_MAP,
        [JSON_ARRAY] = DATA_LIST,
    };
    enum json_kind kind = json_next(json);
    struct str text = STR("");

    if (kind == JSON_END)
        return false;
    *line += newlines(str_head(str_from(json->input, *seen), json->start - *seen));
    *seen = json->start;
    switch (kind) {
    case JSON_ERROR:
        return data_fail(builder, *line, json->error) != NULL;
    case JSON_KEY:
        return data_add_key(builder, json_text(json, builder->pool), *line);
    case JSON_OBJECT_END:
    case JSON_ARRAY_END:
        data_close(builder);
        return true;
    case JSON_STRING:
        text = json_text(json, builder->pool);
        break;
    default:
        text = str_head(str_from(json->input, json->start), json->at - json->start);
    }
    return data_add(builder, kinds[kind], text, *line) != NULL;
}

const struct data *data_read_json(struct pool *pool, struct str text, struct data_problem *problem)
{
    struct data_builder builder = {.pool = pool, .problem = problem};
    struct json json;
    uint32_t line = 1;
    size_t seen = 0;

    *problem = (struct data_problem){0};
    json_open(&json, text, DATA_DEPTH + 1);
    while (json_step(&builder, &json, &line, &seen))
        ;
    return problem->what ? NULL : builder.root;
}

/* ---- asking ---- */

const struct data *data_get(const struct data *map, const char *key)
{
    struct str name = str_of(key);

    return data_at(map, &name, 1);
}

const struct data *data_at(const struct data *map, const struct str *path, size_t count)
{
    for (size_t i = 0; i < count && map; i++) {
        const struct data *member = map->kind == DATA_MAP ? map->first : NULL;
        while (member && !str_eq(member->key, path[i]))
            member = member->next;
        map = member;
    }
    return map;
}

bool data_text(const struct data *data, struct str *text)
{
    if (!data || (data->kind != DATA_PLAIN && data->kind != DATA_TEXT))
        return false;
    *text = data->text;
    return true;
}

bool data_number(const struct data *data, uint64_t *number)
{
    return data && data->kind == DATA_PLAIN && str_to_u64(data->text, number);
}

bool data_truth(const struct data *data, bool *truth)
{
    if (!data || data->kind != DATA_PLAIN)
        return false;
    *truth = str_eq(data->text, STR("true"));
    return *truth || str_eq(data->text, STR("false"));
}
