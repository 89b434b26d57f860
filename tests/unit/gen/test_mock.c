/* Answers made from examples and schemas. */
#include "base/text.h"
#include "documents.h"
#include "mock.h"

static void values(void **state)
{
    static const struct {
        const char *schema, *value;
    } rows[] = {
        {"{type: string}", "\"string\""},
        {"{type: string, minLength: 8}", "\"stringst\""},
        {"{type: string, maxLength: 3}", "\"str\""},
        {"{type: string, maxLength: 0}", "\"\""},
        {"{type: string, format: date}", "\"2025-01-15\""},
        {"{type: integer}", "1"},
        {"{type: integer, minimum: 5}", "5"},
        {"{type: integer, minimum: 5, exclusiveMinimum: true}", "6"},
        {"{type: integer, exclusiveMinimum: 5}", "6"},
        {"{type: integer, maximum: -2}", "-2"},
        {"{type: integer, multipleOf: 7, minimum: 8}", "14"},
        {"{type: number, exclusiveMaximum: 0}", "-0.5"},
        {"{type: boolean}", "true"},
        {"{type: 'null'}", "null"},
        {"{type: ['null', string]}", "\"string\""},
        {"{type: [string, 'null'], example: ~}", "null"},
        {"{const: {a: [1]}}", "{\"a\":[1]}"},
        {"{enum: [b, a]}", "\"b\""},
        {"{default: 1.50}", "1.50"},
        {"{examples: [x, y]}", "\"x\""},
        {"{type: array, items: {type: integer}}", "[1]"},
        {"{type: array, items: {type: integer}, minItems: 3}", "[1,1,1]"},
        {"{type: array, items: {type: integer}, minItems: 1000000}", "[1,1,1,1,1,1,1,1,1,1]"},
        {"{type: array}", "[]"},
        {"{properties: {a: {type: integer}, b: {}}}", "{\"a\":1,\"b\":{}}"},
        {"{allOf: [{properties: {a: {type: integer}}}, {properties: {b: {type: string}}}]}",
         "{\"a\":1,\"b\":\"string\"}"},
        {"{allOf: [{type: string}, {minLength: 1}]}", "\"string\""},
        {"{oneOf: [{type: 'null'}, {type: integer}]}", "1"},
        {"{type: object, anyOf: [{properties: {a: {type: integer}}}]}", "{\"a\":1}"},
        {"{additionalProperties: {type: integer}}", "{\"key\":1}"},
        {"{properties: {a: {writeOnly: true}, b: {type: integer}}}", "{\"b\":1}"},
        {"true", "{}"},
        {"7", "{}"},
        {"{type: 7, properties: 8, enum: 9, allOf: x, required: y}", "{}"},
    };
    struct job *job = *state;

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct text out = {.pool = &job->pool};
        assert_true(mock_value(job, tree_of(job, rows[i].schema), &out));
        if (!str_eq(text_str(&out), str_of(rows[i].value)))
            fail_msg("%s: %.*s", rows[i].schema, STR_ARG(text_str(&out)));
    }
}

static void what_recurs_must_end(void **state)
{
    struct job *job = *state;
    struct text out = {.pool = &job->pool};
    struct node *endless =
        tree_of(job, "{type: object, required: [a], properties: {a: {$ref: '#'}}}");
    struct node *optional =
        tree_of(job, "{type: object, properties: {a: {$ref: '#'}, b: {type: integer}}}");

    assert_false(mock_value(job, endless, &out));
    assert_int_equal(out.len, 0);
    assert_true(mock_value(job, optional, &out));
    assert_text(text_str(&out), "{\"b\":1}");
}

/* Twenty properties in each of eight levels would be 20^8 values. */
static void what_fans_out_is_bounded(void **state)
{
    struct job *job = *state;
    struct str text = STR("definitions:\n");
    struct text out = {.pool = &job->pool};

    for (int level = 0; level < 8; level++) {
        text = pool_printf(&job->pool, "%.*s  l%d:\n    properties:\n", STR_ARG(text), level);
        for (int i = 0; i < 20; i++)
            text =
                level == 7
                    ? pool_printf(&job->pool, "%.*s      p%d: {type: string}\n", STR_ARG(text), i)
                    : pool_printf(&job->pool, "%.*s      p%d: {$ref: '#/definitions/l%d'}\n",
                                  STR_ARG(text), i, level + 1);
    }
    mock_value(job, node_get(node_get(tree_of(job, text.at), "definitions"), "l0"), &out);
    assert_true(out.len <= MOCK_BODY_MAX + 1024);
}

static struct ir_answer answer_of(struct job *job, const char *responses)
{
    struct str text =
        pool_printf(&job->pool, HEAD "paths: {/a: {get: {responses: %s}}}\n", responses);
    struct api *api = api_of(job, text.at);
    struct ir_answer answer;

    assert_true(mock_answer(job, &api->paths.at[0].operations.at[0], (struct said){0}, &answer));
    return answer;
}

static void answers(void **state)
{
    static const struct {
        const char *responses;
        unsigned status;
        const char *type, *body; /* type NULL: none */
    } rows[] = {
        {"{}", 204, NULL, ""},
        {"{'204': {description: x, content: {application/json: {example: 1}}}}", 204, NULL, ""},
        {"{'404': {description: x}, '202': {description: x}, '201': {description: x}}", 201, NULL,
         ""},
        {"{'404': {description: x}, default: {description: x}}", 200, NULL, ""},
        {"{'302': {description: x}}", 302, NULL, ""},
        {"{'101': {description: x}}", 204, NULL, ""},
        {"{2XX: {description: x, content: {text/html: {example: <p>}}}}", 200, "text/html", "<p>"},
        {"{'200': {description: x, content: {text/html: {example: <p>}, a/b+json: {example: 1}}}}",
         200, "a/b+json", "1"},
        {"{'200': {description: x, content: {a/b+json: {}, application/json: {schema: {type: integer}}}}}",
         200, "application/json", "1"},
        {"{'200': {description: x, content: {'*/*': {example: [1]}}}}", 200, "application/json",
         "[1]"},
        {"{'200': {description: x, content: {application/json: {example: '{\"a\": 1}'}}}}", 200,
         "application/json", "{\"a\": 1}"},
        {"{'200': {description: x, content: {application/json: {schema: {type: string}, example: '{x'}}}}",
         200, "application/json", "\"{x\""},
        {"{'200': {description: x, content: {image/png: {}}}}", 200, "image/png", ""},
        {"{'200': {description: x, content: {\"a\\r\\nb\": {example: x}}}}", 200,
         "application/octet-stream", "x"},
    };
    struct job *job = *state;

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct ir_answer answer = answer_of(job, rows[i].responses);
        assert_int_equal(answer.status, rows[i].status);
        assert_text(answer.body, rows[i].body);
        assert_int_equal(answer.headers.count, rows[i].type != NULL);
        if (rows[i].type != NULL)
            assert_text(answer.headers.at[0].value, rows[i].type);
    }
}

static void headers_that_would_break_the_message_stay_out(void **state)
{
    struct ir_answer answer = answer_of(
        *state,
        "{'200': {description: x, headers: {X-A: {example: 1}, Content-Length: {example: 9},"
        " 'X B': {example: x}, X-C: {example: \"a\\r\\nb\"}, X-D: {schema: {example: d}}}}}");

    assert_int_equal(answer.headers.count, 2);
    assert_text(answer.headers.at[0].name, "X-A");
    assert_text(answer.headers.at[1].value, "d");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(values, job_set_up, job_tear_down),
        cmocka_unit_test_setup_teardown(what_recurs_must_end, job_set_up, job_tear_down),
        cmocka_unit_test_setup_teardown(what_fans_out_is_bounded, job_set_up, job_tear_down),
        cmocka_unit_test_setup_teardown(answers, job_set_up, job_tear_down),
        cmocka_unit_test_setup_teardown(headers_that_would_break_the_message_stay_out, job_set_up,
                                        job_tear_down),
    };

    return cmocka_run_group_tests_name("mock", tests, NULL, NULL);
}
