/* HTTP/1.1 heads. The first byte chooses request or answer and small or large limits, the second
 * the size of the pieces. Whatever the input: the verdict is that of the whole input at once,
 * falls at the same byte, and everything in a head points into the buffer. */
#include <stdlib.h>

#include "http/h1_parse.h"

struct outcome {
    enum h1_result result;
    unsigned status;
    const char *reason;
    size_t verdict;
    struct head head;
};

static void check(bool fine)
{
    if (!fine)
        abort();
}

/* Shows `step` bytes more each time; what has not arrived yet is not yet written. */
static struct outcome parse(struct pool *pool, enum h1_kind kind, const struct h1_limits *limits,
                            const char *input, char *buffer, size_t len, size_t step)
{
    struct outcome out = {.result = H1_MORE};
    struct h1_parser parser;
    size_t shown = 0;

    h1_parse_begin(&parser, kind, limits, pool, &out.head);
    while (out.result == H1_MORE && shown < len) {
        size_t more = step < len - shown ? step : len - shown;

        memcpy(buffer + shown, input + shown, more);
        shown += more;
        out.result = h1_parse(&parser, buffer, shown);
    }
    out.verdict = shown;
    out.status = parser.status;
    out.reason = parser.reason;
    return out;
}

static void check_inside(struct str part, const char *buffer, size_t len)
{
    check(part.at == NULL || part.len == 0 ||
          (part.at >= buffer && part.at + part.len <= buffer + len));
}

static void check_head(const struct head *head, const struct h1_limits *limits, const char *buffer)
{
    const char *line_end = NULL;
    bool whole = true;
    char *copy = malloc(head->head_len + 1);
    size_t written = fields_write(&head->fields, copy, head->head_len);

    check(written <= limits->fields);
    check(head->fields.count <= limits->count && head->target.len <= limits->line);
    check_inside(head->method_text, buffer, head->head_len);
    check_inside(head->target, buffer, head->head_len);
    check_inside(head->authority, buffer, head->head_len);
    check_inside(head->query, buffer, head->head_len);
    check_inside(head->reason, buffer, head->head_len);
    for (unsigned i = 0; i < head->fields.count; i++) {
        const struct field *field = &head->fields.at[i];

        check_inside(field_name(field), buffer, head->head_len);
        check_inside(field_value(field), buffer, head->head_len);
        check(field->name_len > 0 && field->name[field->name_len] == ':');
        check(token_is_legal(field_name(field)));
        check(field->value > field->name + field->name_len);
        check(field->id == field_id_of(field_name(field)));
        check(line_end == NULL || field->name == line_end);
        whole &= !field->dropped;
        line_end = strchr(field->value + field->value_len, '\n') + 1;
    }
    check(line_end == NULL || line_end + 2 == buffer + head->head_len);
    if (whole && line_end)
        check(written == (size_t)(line_end - head->fields.at[0].name) &&
              memcmp(copy, head->fields.at[0].name, written) == 0);
    check(head->framing != FRAMING_LENGTH || head->length <= INT64_MAX);
    free(copy);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct h1_limits all_limits[] = {{.line = 8192, .fields = 32768, .count = 100},
                                                  {.line = 16, .fields = 64, .count = 3}};
    const char *input = (const char *)data + 2;
    const struct h1_limits *limits;
    struct outcome bytewise, pieces;
    enum h1_kind kind;
    struct pool pool;
    size_t len, step;
    char *buffer;

    if (size < 2)
        return 0;
    kind = data[0] & 1 ? H1_RESPONSE : H1_REQUEST;
    limits = &all_limits[data[0] >> 1 & 1];
    step = data[1] + 2u;
    len = size - 2;
    buffer = malloc(len + 1);
    buffer[len] = '\0'; /* for strchr above */
    pool_open(&pool, NULL);
    bytewise = parse(&pool, kind, limits, input, buffer, len, 1);
    pieces = parse(&pool, kind, limits, input, buffer, len, step);
    check(bytewise.result == pieces.result && bytewise.status == pieces.status);
    check(bytewise.reason == pieces.reason && bytewise.head.head_len == pieces.head.head_len);
    check(bytewise.head.fields.count == pieces.head.fields.count);
    check(pieces.verdict >= bytewise.verdict && pieces.verdict < bytewise.verdict + step);
    check(bytewise.result != H1_MORE || len <= h1_head_room(limits));
    if (pieces.result == H1_DONE) {
        check(bytewise.verdict == pieces.head.head_len);
        check_head(&pieces.head, limits, buffer);
    }
    pool_close(&pool);
    free(buffer);
    return 0;
}
