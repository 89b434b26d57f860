/* Blocks become typed, and what is wrong with them is found at its place. */
#include "documents.h"
#include "xgateway.h"

static struct xgateway_block *read_block(struct job *job, const char *text, enum policy_level level)
{
    return xgateway_read(job, tree_of(job, text), level);
}

static void an_absent_block_says_nothing(void **state)
{
    const struct xgateway_block *block = xgateway_read(*state, NULL, LEVEL_DOCUMENT);

    for (size_t i = 0; i < POLICY_COUNT; i++)
        assert_int_equal(block->keys[i].state, XGATEWAY_ABSENT);
    assert_true(block->path.value.normalize);
    assert_int_equal(block->correlation_id.generator, IR_ID_UUID);
}

static void values_are_typed(void **state)
{
    const struct xgateway_block *block =
        read_block(*state,
                   "timeouts: {read: 1h, send: false}\n"
                   "limits: {body: 10k, header_count: 7}\n"
                   "upstreams: {a: {targets: [{url: 'http://A.example.com:81/x/', weight: 3}]}}\n"
                   "internal: true\nmock: false\n",
                   LEVEL_DOCUMENT);
    const struct ir_target *target = &block->upstreams.list.at[0].value.targets.at[0];

    assert_int_equal(block->timeouts.read.value, 3600000);
    assert_true(block->timeouts.send.said);
    assert_int_equal(block->timeouts.send.value, 0);
    assert_false(block->timeouts.connect.said);
    assert_int_equal(block->limits.body.value, 10240);
    assert_int_equal(block->limits.header_count.value, 7);
    assert_text(target->host, "a.example.com");
    assert_text(target->path, "/x");
    assert_int_equal(target->port, 81);
    assert_int_equal(target->weight, 3);
    assert_true(block->internal);
    assert_int_equal(block->keys[POLICY_mock].state, XGATEWAY_OFF);
    assert_int_equal(((struct job *)*state)->diags.errors, 0);
}

static void every_key_has_a_level(void **state)
{
    static const enum policy_level levels[] = {LEVEL_DOCUMENT, LEVEL_PATH, LEVEL_OPERATION,
                                               LEVEL_SCHEME};

    for (size_t i = 0; i < POLICY_COUNT; i++) {
        for (size_t j = 0; j < 4; j++) {
            struct job job;
            struct str text;
            job_begin(&job);
            text = pool_printf(&job.pool, "%.*s: {}\n", STR_ARG(policy_rows[i].key));
            read_block(&job, text.at, levels[j]);
            if (!(policy_rows[i].levels & levels[j]))
                assert_int_equal(said(&job, "wrong-level"), 1);
            else if (!policy_rows[i].built)
                assert_int_equal(said(&job, "not-implemented"), 1);
            assert_int_equal(said(&job, "unknown-key"), 0);
            pool_close(&job.pool);
        }
    }
    (void)state;
}

/* libcyaml never gets to see what the walk has not approved: whatever kind of value stands anywhere, the
 * complaint is ours, with a place. */
static void any_kind_of_value_is_survived(void **state)
{
    static const char *const values[] = {
        "~",
        "true",
        "false",
        "7",
        "-1",
        "1.5",
        "''",
        "word",
        "'a: b # \\'",
        "[]",
        "[[]]",
        "{}",
        "[{}]",
        "{a: {}}",
        "{a: 1}",
        "{a: [1]}",
        "[a]",
        "{'(key)': x}",
        "{address: {}}",
        "[{url: []}]",
        "[{match: 1, upstream: {}}]",
        "{$ref: '#/x'}",
        "{$ref: 1}",
        "{a: {targets: [~]}}",
        "\"a\\0b\"",
    };

    for (size_t i = 0; i < POLICY_COUNT; i++) {
        for (size_t j = 0; j < sizeof values / sizeof *values; j++) {
            struct job job;
            struct str text;
            job_begin(&job);
            text = pool_printf(&job.pool, "%.*s: %s\n", STR_ARG(policy_rows[i].key), values[j]);
            for (unsigned level = LEVEL_DOCUMENT; level <= LEVEL_SCHEME; level <<= 1)
                read_block(&job, text.at, (enum policy_level)level);
            for (size_t k = 0; k < job.diags.list.count; k++)
                assert_int_not_equal(job.diags.list.at[k].loc.line, 0);
            pool_close(&job.pool);
        }
    }
    (void)state;
}

static void a_bad_value_does_not_hide_another(void **state)
{
    struct job *job = *state;
    const struct xgateway_block *block =
        read_block(job, "timeouts:\n  raed: 1s\n  connect: 2\n  send: 3s\nlimits:\n  body: x\n",
                   LEVEL_OPERATION);

    assert_int_equal(line_of(job, "unknown-key"), 2);
    assert_int_equal(line_of(job, "bad-duration"), 3);
    assert_int_equal(line_of(job, "bad-size"), 6);
    assert_int_equal(block->timeouts.send.value, 3000);
}

static void names_of_a_megabyte_are_borne(void **state)
{
    struct job *job = *state;
    char *long_name = pool_alloc(&job->pool, 1 << 20);
    struct str text;

    memset(long_name, 'n', (1 << 20) - 1);
    text = pool_printf(
        &job->pool,
        "{\"upstreams\": {\"%s\": {\"targets\": [{\"url\": \"http://x\"}]}}, \"%s\": 1}", long_name,
        long_name);
    const struct xgateway_block *block = read_block(job, text.at, LEVEL_DOCUMENT);
    assert_int_equal(block->upstreams.list.at[0].value.name.len, (1 << 20) - 1);
    assert_int_equal(said(job, "unknown-key"), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(an_absent_block_says_nothing, job_set_up, job_tear_down),
        cmocka_unit_test_setup_teardown(values_are_typed, job_set_up, job_tear_down),
        cmocka_unit_test(every_key_has_a_level),
        cmocka_unit_test(any_kind_of_value_is_survived),
        cmocka_unit_test_setup_teardown(a_bad_value_does_not_hide_another, job_set_up,
                                        job_tear_down),
        cmocka_unit_test_setup_teardown(names_of_a_megabyte_are_borne, job_set_up, job_tear_down),
    };

    return cmocka_run_group_tests_name("xgateway", tests, NULL, NULL);
}
