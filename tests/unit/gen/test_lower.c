/* Inheritance, security, and what the command line adds. The goldens show the rest. */
#include "documents.h"

/* What is said where, and what comes out: d, p, o are the levels, '-' nothing, '0' false, else the value. */
static void the_most_specific_level_wins(void **state)
{
    static const struct {
        const char *document, *path, *operation;
        unsigned status; /* of respond; 0: forwarded to the default upstream */
    } rows[] = {
        {"", "", "", 0},
        {"respond: {status: 201}", "", "", 201},
        {"respond: {status: 201}", "respond: {status: 202}", "", 202},
        {"respond: {status: 201}", "respond: {status: 202}", "respond: {status: 203}", 203},
        {"respond: {status: 201}", "respond: false", "", 0},
        {"respond: {status: 201}", "respond: false", "respond: {status: 203}", 203},
        {"respond: {status: 201}", "", "respond: false", 0},
        {"respond: {status: 201}", "redirect: {location: /x}", "", 308},
        {"respond: {status: 201}", "redirect: {location: /x}", "redirect: false", 201},
        {"mock: true", "redirect: false", "", 204},
    };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct job *job;
        job_set_up(state);
        job = *state;
        struct str text = pool_printf(&job->pool,
                                      HEAD "x-gateway: {%s}\n"
                                           "paths: {/a: {x-gateway: {%s}, get: {x-gateway: {%s}, "
                                           "responses: {}}}}\n",
                                      rows[i].document, rows[i].path, rows[i].operation);
        const struct gateway *gw = gateway_of(job, text.at);
        const struct ir_operation *op = &gw->operations.at[0];
        assert_int_equal(job->diags.errors, 0);
        assert_int_equal(op->action == IR_FORWARD ? 0 : op->answer.status, rows[i].status);
        job_tear_down(state);
    }
}

static void tuning_merges_field_by_field(void **state)
{
    const struct gateway *gw = gateway_of(
        *state, HEAD
        "x-gateway: {upstreams: {u: {targets: [{url: 'http://u'}], timeouts: {send: 2s, read: 2s}}},"
        " upstream: u, timeouts: {connect: 1s, send: 1s, idle: 1s}, limits: {body: 1k}}\n"
        "paths:\n  /a:\n    x-gateway: {timeouts: {read: 3s}, limits: {buffer: 2k}}\n"
        "    get: {x-gateway: {timeouts: {request: 4s}}, responses: {}}\n"
        "    put: {x-gateway: {timeouts: false, limits: false}, responses: {}}\n");
    const struct ir_timeouts *get = &gw->operations.at[0].timeouts,
                             *put = &gw->operations.at[1].timeouts;

    assert_int_equal(get->connect, 1000);
    assert_int_equal(get->send, 2000);
    assert_int_equal(get->read, 3000);
    assert_int_equal(get->idle, 1000);
    assert_int_equal(get->request, 4000);
    assert_int_equal(put->connect, 1000);
    assert_int_equal(put->send + put->read + put->idle + put->request, 0);
    assert_int_equal(gw->operations.at[0].limits.body, 1024);
    assert_int_equal(gw->operations.at[0].limits.buffer, 2048);
    assert_int_equal(gw->operations.at[1].limits.body, 0);
}

#define CONSUMERS "x-gateway: {version: 1, consumers: {c: {keys: [{env: K}]}}}\n"

/* Whatever `security` says, an operation is enforced, passed through on request, or an error. */
static void security_is_never_ignored(void **state)
{
    static const struct {
        const char *document, *operation, *scheme;
        const char *code;        /* without --passthrough-auth; NULL: none */
        bool passed, unverified; /* with it: no error; and the mark of the operation */
    } rows[] = {
        {"", "", "", "no-security", true, false},
        {"security: []", "", "", NULL, true, false},
        {"security: [{k: []}]", "", "", "security-not-enforced", true, true},
        {"security: [{k: []}]", "security: [], ", "", NULL, true, false},
        {"", "security: [{k: []}], ", "", "security-not-enforced", true, true},
        {"security: [{}, {k: []}]", "", "", "security-not-enforced", true, true},
        {"security: [{k: []}]", "", ", x-gateway: {passthrough: true}", NULL, true, true},
        {"security: [{k: []}]", "", ", x-gateway: {passthrough: false}", "security-not-enforced",
         true, true},
        {"security: [{k: []}]", "", ", x-gateway: {key_auth: {}}", "security-not-enforced", true,
         true},
        {CONSUMERS "security: [{k: []}]", "", "", NULL, true, false},
        {CONSUMERS "security: [{k: []}, {}]", "", "", NULL, true, false},
        {CONSUMERS "security: [{k: [admin]}]", "", "", "scopes-not-enforced", false, false},
        {CONSUMERS "security: [{k: []}]", "", ", x-gateway: {key_auth: false}",
         "security-not-enforced", true, true},
        {CONSUMERS "security: [{k: []}, {other: []}]", "", "", "unknown-scheme", true, true},
        {"security: [{other: []}]", "", "", "unknown-scheme", true, true},
        {"security: ~", "", "", "wrong-type", false, false},
        {"security: {k: []}", "", "", "wrong-type", false, false},
    };
    static const struct lower_pair upstream = {STR_INIT(""), STR_INIT("http://u")};

    for (size_t i = 0; i < 2 * sizeof rows / sizeof *rows; i++) {
        const struct lower_options options = {
            .upstreams = &upstream, .upstream_count = 1, .passthrough_auth = i % 2};
        struct job *job;
        job_set_up(state);
        job = *state;
        struct str text = pool_printf(
            &job->pool,
            "openapi: 3.1.0\ninfo: {title: T, version: '1'}\n%s\ncomponents: {securitySchemes: "
            "{k: {type: apiKey, in: header, name: K%s}}}\n"
            "paths: {/a: {get: {%sresponses: {}}}}\n",
            rows[i / 2].document, rows[i / 2].scheme, rows[i / 2].operation);
        const struct gateway *gw = gateway_with(job, text.at, &options);
        if (i % 2 == 0 && rows[i / 2].code != NULL && said(job, rows[i / 2].code) == 0)
            fail_msg("%s %s: no %s", rows[i / 2].document, rows[i / 2].operation, rows[i / 2].code);
        assert_int_equal(job->diags.errors > 0,
                         i % 2 ? !rows[i / 2].passed : rows[i / 2].code != NULL);
        if (job->diags.errors == 0)
            assert_int_equal(gw->operations.at[0].passthrough_auth, rows[i / 2].unverified);
        job_tear_down(state);
    }
}

#define START "openapi: 3.1.0\ninfo: {title: T, version: '1'}\n"

/* What is said of `security` that hardly was meant: so many times each, under --passthrough-auth too or not. */
static void lints_of_security(void **state)
{
    static const char schemes[] =
        "components: {securitySchemes: {k: {type: apiKey, in: header, name: K, x-gateway: "
        "{passthrough: true}}, o: {type: oauth2, x-gateway: {passthrough: true}, flows: "
        "{implicit: {scopes: {r: '', w: ''}}, password: {scopes: {r: ''}}}}}}\n";
    static const struct {
        const char *strict, *document, *operation;
        size_t schemes, scopes, undeclared, redundant;
    } rows[] = {
        {"", "[]", "[{k: []}, {o: [r, w]}]", 0, 0, 0, 0},
        {"", "[{k: []}]", "[{o: [r, w]}]", 1, 0, 0, 0}, /* nobody inherits it */
        {"", "[]", "[]", 2, 0, 0, 0},
        {"", "[]", "[{o: [r]}]", 1, 1, 0, 0},
        {"", "[]", "[{o: []}]", 1, 2, 0, 0},
        {"", "[{k: []}, {k: []}]", "[{o: [r, w]}]", 1, 0, 0, 1},
        {"", "[]", "[{k: []}, {o: [r, w, x]}]", 0, 0, 1, 0},
        {"", "[]", "[{k: []}, {k: [], o: [r, w]}]", 0, 0, 0, 1},
        {"", "[]", "[{k: [], o: [r, w]}, {k: []}, {}]", 0, 0, 0, 1},
        {"", "[]", "[{k: [], o: [r]}, {k: [], o: [w]}]", 0, 0, 0, 0},
        {"", "[]", "[{o: [r, w]}, {k: [], o: [w]}, {}]", 0, 0, 0, 0},
        {"", "[]", "[{o: [r]}, {o: [w, r]}, {k: []}, {k: []}]", 0, 0, 0, 2},
        {"", "[]", "[{}, {k: []}, {}, {o: [r, w]}]", 0, 0, 0, 1},
        {"unused_security: off, redundant_security: off", "[]", "[{o: [x]}, {o: []}]", 0, 0, 1, 0},
        {"unused_security: error", "[]", "[{o: [r]}, {o: [r]}]", 1, 1, 0, 1},
    };
    static const struct lower_pair upstream = {STR_INIT(""), STR_INIT("http://u")};

    for (size_t i = 0; i < 2 * sizeof rows / sizeof *rows; i++) {
        const struct lower_options options = {
            .upstreams = &upstream, .upstream_count = 1, .passthrough_auth = i % 2};
        struct job *job;
        job_set_up(state);
        job = *state;
        struct str text =
            pool_printf(&job->pool,
                        START "x-gateway: {strict: {%s}}\nsecurity: %s\n%s"
                              "paths: {/a: {get: {security: %s, responses: {}}}}\n",
                        rows[i / 2].strict, rows[i / 2].document, schemes, rows[i / 2].operation);
        gateway_with(job, text.at, &options);
        assert_int_equal(said(job, "unused-scheme"), i % 2 ? 0 : rows[i / 2].schemes);
        assert_int_equal(said(job, "unused-scope"), i % 2 ? 0 : rows[i / 2].scopes);
        assert_int_equal(said(job, "undeclared-scope"), rows[i / 2].undeclared);
        assert_int_equal(said(job, "redundant-security"), rows[i / 2].redundant);
        job_tear_down(state);
    }
}

/* What takes long to compare is not compared. */
static void many_alternatives_are_believed(void **state)
{
    static const size_t counts[] = {128, 129};

    for (size_t i = 0; i < 2; i++) {
        struct job *job;
        job_set_up(state);
        job = *state;
        struct str text =
            STR(START "components: {securitySchemes: {k: {type: apiKey, in: header, name: K}}}\n"
                      "paths: {/a: {get: {responses: {}}}}\nsecurity:\n");
        for (size_t j = 0; j < counts[i]; j++)
            text = pool_printf(&job->pool, "%.*s  - {k: []}\n", STR_ARG(text));
        gateway_with(job, text.at, &(struct lower_options){.passthrough_auth = true});
        assert_int_equal(said(job, "redundant-security"), i == 0 ? counts[i] - 1 : 0);
        job_tear_down(state);
    }
}

static void the_command_line_names_upstreams(void **state)
{
    static const struct lower_pair upstreams[] = {
        {STR_INIT("u"), STR_INIT("http://new:1")},
        {STR_INIT("v"), STR_INIT("unix:/run/v.sock")},
        {STR_INIT(""), STR_INIT("http://rest")},
    };
    const struct lower_options options = {.upstreams = upstreams, .upstream_count = 3};
    const struct gateway *gw = gateway_with(
        *state,
        HEAD
        "x-gateway: {upstreams: {u: {targets: [{url: 'http://old'}, {url: 'http://older'}]}}}\n"
        "paths:\n  /a: {get: {x-gateway: {upstream: u}, responses: {}}}\n"
        "  /b: {get: {x-gateway: {upstream: v}, responses: {}}}\n  /c: {get: {responses: {}}}\n",
        &options);

    assert_int_equal(((struct job *)*state)->diags.errors, 0);
    assert_int_equal(gw->upstreams.count, 3);
    assert_int_equal(gw->upstreams.at[0].targets.count, 1);
    assert_text(gw->upstreams.at[0].targets.at[0].host, "new");
    assert_true(gw->upstreams.at[1].targets.at[0].is_unix);
    assert_int_equal(gw->operations.at[2].forward.choices.at[0].upstream, 2);
}

static void thousands_without_an_upstream_are_one_error(void **state)
{
    static const struct lower_options options;
    struct job *job = *state;
    struct str text = STR(HEAD "paths:\n");

    for (int i = 0; i < 300; i++)
        text = pool_printf(&job->pool, "%.*s  /p%d: {get: {responses: {}}}\n", STR_ARG(text), i);
    gateway_with(job, text.at, &options);
    assert_int_equal(job->diags.errors, 1);
    assert_int_equal(said(job, "no-upstream"), 1);
}

static void derived_ids_give_way_to_written_ones(void **state)
{
    const struct gateway *gw = gateway_of(
        *state, HEAD "paths:\n  /a-b: {get: {responses: {}}}\n  /a/b: {get: {responses: {}}}\n"
                     "  /c: {get: {operationId: get_a_b, responses: {}}}\n");

    assert_text(gw->operations.at[0].id, "get_a_b_2");
    assert_text(gw->operations.at[1].id, "get_a_b_3");
    assert_text(gw->operations.at[2].id, "get_a_b");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_most_specific_level_wins),
        cmocka_unit_test_setup_teardown(tuning_merges_field_by_field, job_set_up, job_tear_down),
        cmocka_unit_test(security_is_never_ignored),
        cmocka_unit_test(lints_of_security),
        cmocka_unit_test(many_alternatives_are_believed),
        cmocka_unit_test_setup_teardown(the_command_line_names_upstreams, job_set_up,
                                        job_tear_down),
        cmocka_unit_test_setup_teardown(thousands_without_an_upstream_are_one_error, job_set_up,
                                        job_tear_down),
        cmocka_unit_test_setup_teardown(derived_ids_give_way_to_written_ones, job_set_up,
                                        job_tear_down),
    };

    return cmocka_run_group_tests_name("lower", tests, NULL, NULL);
}
