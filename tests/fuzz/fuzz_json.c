/* The JSON reader. Whatever the input: reading ends, what was read can be written and read again with the
 * same tokens, and a refusal has a place within the input and a sentence. */
#include <stdlib.h>

#include "base/json.h"
#include "base/text.h"
#include "base/utf8.h"

static void check(bool fine)
{
    if (!fine)
        abort();
}

/* The tokens as JSON text again; false when the input is refused. */
static bool rewritten(struct pool *pool, struct str input, struct text *out)
{
    struct json json;
    enum json_kind kind;
    bool comma = false;

    json_open(&json, input, 64);
    while ((kind = json_next(&json)) != JSON_END && kind != JSON_ERROR) {
        static const char *const words[] = {
            [JSON_NULL] = "null",   [JSON_TRUE] = "true",    [JSON_FALSE] = "false",
            [JSON_OBJECT] = "{",    [JSON_OBJECT_END] = "}", [JSON_ARRAY] = "[",
            [JSON_ARRAY_END] = "]",
        };
        bool closes = kind == JSON_OBJECT_END || kind == JSON_ARRAY_END;
        check(json.at <= input.len && json.start < json.at);
        if (comma && !closes)
            text_byte(out, ',');
        comma = kind != JSON_KEY && kind != JSON_OBJECT && kind != JSON_ARRAY;
        if (kind == JSON_STRING || kind == JSON_KEY) {
            struct str decoded = json_text(&json, pool);
            check(utf8_valid(decoded) && decoded.len <= json.token.len);
            text_json(out, decoded);
        } else {
            text_add(out, kind == JSON_NUMBER ? json.token : str_of(words[kind]));
        }
        if (kind == JSON_KEY)
            text_byte(out, ':');
    }
    if (kind == JSON_ERROR)
        check(json.error && json.start <= input.len);
    check(json_next(&json) == kind);
    return kind == JSON_END;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str input = {(const char *)data, size};
    struct pool pool;
    struct text once = {.pool = &pool}, twice = {.pool = &pool};

    pool_open(&pool, NULL);
    if (rewritten(&pool, input, &once)) {
        check(utf8_valid(input));
        check(rewritten(&pool, text_str(&once), &twice));
        check(str_eq(text_str(&once), text_str(&twice)));
    }
    pool_close(&pool);
    return 0;
}
