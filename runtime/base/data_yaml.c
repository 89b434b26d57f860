#include <yaml.h>

#include "base/data.h"
#include "base/json.h"

static struct str copy_of(struct data_builder *builder, const yaml_char_t *text, size_t len)
{
    return pool_copy(builder->pool, (struct str){(const char *)text, len});
}

static bool is_null(struct str text)
{
    return text.len == 0 || str_eq(text, STR("~")) || str_eq(text, STR("null"));
}

/* A key waits for its value, or there is none in a map: what comes is a key. */
static bool wants_key(const struct data_builder *builder)
{
    return data_is_in_map(builder) && !builder->has_key;
}

static bool add_scalar(struct data_builder *builder, const yaml_event_t *event, uint32_t line)
{
    bool plain = event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
    struct str text = copy_of(builder, event->data.scalar.value, event->data.scalar.length);

    if (event->data.scalar.anchor || event->data.scalar.tag)
        return data_fail(builder, line, "anchors and tags have no meaning here") != NULL;
    if (wants_key(builder))
        return data_add_key(builder, text, line);
    if (!plain)
        return data_add(builder, DATA_TEXT, text, line) != NULL;
    return data_add(builder, is_null(text) ? DATA_NULL : DATA_PLAIN, text, line) != NULL;
}

static bool open_container(struct data_builder *builder, enum data_kind kind, bool is_decorated,
                           uint32_t line)
{
    if (is_decorated)
        return data_fail(builder, line, "anchors and tags have no meaning here") != NULL;
    if (wants_key(builder))
        return data_fail(builder, line, "a key is a text") != NULL;
    return data_add(builder, kind, STR(""), line) != NULL;
}

/* False when the value is complete, or there will be none. */
static bool take(struct data_builder *builder, const yaml_event_t *event)
{
    uint32_t line = (uint32_t)event->start_mark.line + 1;

    switch (event->type) {
    case YAML_STREAM_END_EVENT:
        return false;
    case YAML_DOCUMENT_START_EVENT:
        return !builder->root || data_fail(builder, line, "it is more than one document");
    case YAML_ALIAS_EVENT:
        return data_fail(builder, line, "anchors and aliases have no meaning here") != NULL;
    case YAML_SCALAR_EVENT:
        return add_scalar(builder, event, line);
    case YAML_SEQUENCE_START_EVENT:
        return open_container(builder, DATA_LIST,
                              event->data.sequence_start.anchor || event->data.sequence_start.tag,
                              line);
    case YAML_MAPPING_START_EVENT:
        return open_container(builder, DATA_MAP,
                              event->data.mapping_start.anchor || event->data.mapping_start.tag,
                              line);
    case YAML_SEQUENCE_END_EVENT:
    case YAML_MAPPING_END_EVENT:
        data_close(builder);
        return true;
    default:
        return true;
    }
}

/* The text may hold secrets, which libyaml would leave in memory that it frees. */
static void wipe_event(yaml_event_t *event)
{
    if (event->type == YAML_SCALAR_EVENT)
        explicit_bzero(event->data.scalar.value, event->data.scalar.length);
    yaml_event_delete(event);
}

static void wipe_parser(yaml_parser_t *parser)
{
    for (yaml_token_t *token = parser->tokens.head; token != parser->tokens.tail; token++)
        if (token->type == YAML_SCALAR_TOKEN)
            explicit_bzero(token->data.scalar.value, token->data.scalar.length);
    explicit_bzero(parser->raw_buffer.start,
                   (size_t)(parser->raw_buffer.end - parser->raw_buffer.start));
    explicit_bzero(parser->buffer.start, (size_t)(parser->buffer.end - parser->buffer.start));
    yaml_parser_delete(parser);
}

/* libyaml's words are its own constants. */
static bool yaml_step(struct data_builder *builder, yaml_parser_t *parser)
{
    yaml_event_t event;
    bool goes_on;

    if (!yaml_parser_parse(parser, &event))
        return data_fail(builder, (uint32_t)parser->problem_mark.line + 1,
                         parser->problem ? parser->problem : "out of memory") != NULL;
    goes_on = take(builder, &event);
    wipe_event(&event);
    return goes_on;
}

static bool is_json(struct str text)
{
    struct json json;
    enum json_kind kind;

    json_open(&json, text, DATA_DEPTH + 1);
    do
        kind = json_next(&json);
    while (kind != JSON_END && kind != JSON_ERROR);
    return kind == JSON_END;
}

const struct data *data_read_yaml(struct pool *pool, struct str text, struct data_problem *problem)
{
    struct data_builder builder = {.pool = pool, .problem = problem};
    yaml_parser_t parser;

    if (is_json(text))
        return data_read_json(pool, text, problem);
    *problem = (struct data_problem){0};
    if (!yaml_parser_initialize(&parser))
        return data_fail(&builder, 1, "out of memory");
    yaml_parser_set_input_string(&parser, (const unsigned char *)text.at, text.len);
    yaml_parser_set_encoding(&parser, YAML_UTF8_ENCODING);
    while (yaml_step(&builder, &parser))
        ;
    wipe_parser(&parser);
    if (problem->what)
        return NULL;
    return builder.root ? builder.root : data_add(&builder, DATA_NULL, STR(""), 1);
}
