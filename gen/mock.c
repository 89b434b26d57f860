#include "mock.h"

#include "base/text.h"
#include "member.h"
#include "ref.h"
#include "setting.h"

/* "200" and "default" and "2XX" as a status to send. */
static uint32_t status_of(struct str text)
{
    uint64_t status;

    if (str_to_u64(text, &status))
        return (uint32_t)status;
    if (text.len == 3 && text.at[0] >= '1' && text.at[0] <= '5')
        return (uint32_t)(text.at[0] - '0') * 100;
    return 200;
}

static const struct api_response *find_response(const struct api_operation *op, struct str status)
{
    for (size_t i = 0; i < op->responses.count; i++)
        if (str_eq(op->responses.at[i].status.text, status))
            return &op->responses.at[i];
    return NULL;
}

/* The lowest 2xx, a code before its class; else "default"; else the first that can be a final answer. */
static const struct api_response *best_response(const struct api_operation *op)
{
    const struct api_response *best = NULL, *other = NULL;

    for (size_t i = 0; i < op->responses.count; i++) {
        const struct api_response *r = &op->responses.at[i];
        uint32_t status = status_of(r->status.text);
        const bool fallback = str_eq(r->status.text, STR("default"));

        if (!fallback && status / 100 == 2 &&
            (best == NULL || status < status_of(best->status.text)))
            best = r;
        if (other == NULL && (fallback || status >= 200))
            other = r;
    }
    if (best == NULL)
        best = find_response(op, STR("default"));
    return best != NULL ? best : other;
}

static bool is_json(struct str type)
{
    type = str_trim(str_head(type, str_find(type, ';')), " ");
    return str_eq_nocase(type, STR("application/json")) || str_eq(type, STR("*/*")) ||
           str_eq(type, STR("application/*")) ||
           (type.len > 5 && str_eq_nocase(str_from(type, type.len - 5), STR("+json")));
}

/* 3: application/json, 2: other JSON, 1: anything with an example, 0: the rest. */
static int rank(const struct api_media_type *type)
{
    if (str_eq_nocase(type->name.text, STR("application/json")))
        return 3;
    if (is_json(type->name.text))
        return 2;
    return type->example != NULL ? 1 : 0;
}

static const struct api_media_type *best_type(const struct api_response *response)
{
    const struct api_media_type *best = NULL;

    for (size_t i = 0; i < response->content.count; i++)
        if (best == NULL || rank(&response->content.at[i]) > rank(best))
            best = &response->content.at[i];
    return best;
}

/* Some documents write a JSON body as a string that holds JSON. */
static bool holds_json(struct job *job, const struct api_media_type *type,
                       const struct node *example)
{
    const struct node *schema = ref_follow(job, type->schema);
    const struct node *kind = node_get(schema, "type");
    struct str text = str_trim(example->text, " \t\r\n");

    if (kind != NULL && kind->kind == NODE_TEXT && str_eq(kind->text, STR("string")))
        return false;
    return text.len > 1 && (text.at[0] == '{' || text.at[0] == '[');
}

static struct str body_of(struct job *job, const struct api_media_type *type)
{
    const struct node *example = type->example;
    struct text text = {.pool = &job->pool};
    const bool json = is_json(type->name.text);

    if (example != NULL && example->kind == NODE_TEXT && (!json || holds_json(job, type, example)))
        text_add(&text, example->text);
    else if (example != NULL)
        node_json(example, &text, 0);
    if (text.len > MOCK_BODY_MAX)
        text.len = 0;
    if (text.len == 0 && json && type->schema != NULL && !mock_value(job, type->schema, &text))
        text_add(&text, STR("{}"));
    if (text.len == 0 && str_starts(type->name.text, STR("text/")))
        text_add(&text, STR("string"));
    return text.len > 0 ? text_str(&text) : STR("");
}

/* A range such as text/plain is sent as a type. */
static struct str type_to_send(const struct api_media_type *type)
{
    static const struct said nowhere;
    struct said name = nowhere;

    name.text = type->name.text;
    if (str_eq(name.text, STR("*/*")) || str_eq(name.text, STR("application/*")))
        return STR("application/json");
    if (memchr(name.text.at, '*', name.text.len) != NULL)
        return str_starts(name.text, STR("text/")) ? STR("text/plain")
                                                   : STR("application/octet-stream");
    for (size_t i = 0; i < name.text.len; i++)
        if ((unsigned char)name.text.at[i] < 0x20 || (unsigned char)name.text.at[i] >= 0x7f)
            return STR("application/octet-stream");
    return name.text;
}

static bool is_written_by_gateway(struct str name)
{
    static const struct str names[] = {
        STR_INIT("Content-Type"),      STR_INIT("Content-Length"), STR_INIT("Connection"),
        STR_INIT("Transfer-Encoding"), STR_INIT("Date"),           STR_INIT("Content-Encoding"),
        STR_INIT("Trailer"),           STR_INIT("Upgrade"),        STR_INIT("Keep-Alive"),
    };

    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (str_eq_nocase(names[i], name))
            return true;
    return false;
}

static bool is_sendable(struct str name, struct str value)
{
    if (name.len == 0 || value.at == NULL || str_trim(value, " \t").len != value.len)
        return false;
    for (size_t i = 0; i < name.len; i++)
        if (!((name.at[i] | 32) >= 'a' && (name.at[i] | 32) <= 'z') &&
            !(name.at[i] >= '0' && name.at[i] <= '9') && name.at[i] != '-')
            return false;
    for (size_t i = 0; i < value.len; i++)
        if ((unsigned char)value.at[i] < 0x20 || (unsigned char)value.at[i] == 0x7f)
            return false;
    return true;
}

/* Header fields that the document gives an example of. */
static void add_headers(struct job *job, const struct api_response *response,
                        struct ir_answer *answer)
{
    for (size_t i = 0; response->headers != NULL && i < response->headers->member_count; i++) {
        const struct member *m = &response->headers->members[i];
        const struct node *header = ref_follow(job, m->value);
        const struct node *example = node_get(header, "example");

        if (example == NULL)
            example = node_get(ref_follow(job, node_get(header, "schema")), "example");
        if (example == NULL || example->kind == NODE_MAP || example->kind == NODE_LIST ||
            example->kind == NODE_NULL || is_written_by_gateway(m->key) ||
            !is_sendable(m->key, example->text))
            continue;
        *vec_add(&job->pool, &answer->headers) =
            (struct ir_header){.name = m->key, .value = example->text};
    }
}

bool mock_answer(struct job *job, const struct api_operation *op, struct said status,
                 struct ir_answer *answer)
{
    const struct api_response *response =
        status.text.at ? find_response(op, status.text) : best_response(op);
    const struct api_media_type *type;

    *answer = (struct ir_answer){.status = 204, .body = STR("")};
    if (response == NULL) {
        if (status.text.at == NULL)
            return true;
        diag_error(&job->diags, status.loc, "unknown-status", "%.*s has no response '%.*s' to show",
                   STR_SHORT(op->method), STR_SHORT(status.text));
        return false;
    }
    answer->status = status_of(response->status.text);
    if (answer->status < 200)
        answer->status = 204;
    add_headers(job, response, answer);
    if (answer->status == 204 || answer->status == 205 || answer->status == 304)
        return true;
    type = best_type(response);
    if (type == NULL)
        return true;
    *vec_add(&job->pool, &answer->headers) =
        (struct ir_header){.name = STR("Content-Type"), .value = type_to_send(type)};
    answer->body = body_of(job, type);
    return true;
}
