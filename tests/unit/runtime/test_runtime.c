/* The runtime file: what its text says of each value, what is bad, and what becomes of a file that changes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/log.h"
#include "base/watched.h"
#include "gw.h"

enum { MAINTENANCE, LEVEL, STABLE, CANARY, BESIDE, TEMPLATE, COUNT };

static const struct gw_runtime_value values[COUNT] = {
    [MAINTENANCE] = {STR_INIT("maintenance"), GW_RUNTIME_SWITCH, 0, 0, 1, 0},
    [LEVEL] = {STR_INIT("log.level"), GW_RUNTIME_LEVEL, LOG_INFO, 0, 3, 0},
    [STABLE] = {STR_INIT("upstream.stable"), GW_RUNTIME_NUMBER, 95, 0, 100, 1},
    [CANARY] = {STR_INIT("upstream.canary"), GW_RUNTIME_NUMBER, 5, 0, 50, 1},
    [BESIDE] = {STR_INIT("a.upstream.pets:v2"), GW_RUNTIME_NUMBER, 3, 2, 7, 0},
    [TEMPLATE] = {STR_INIT("/pets/{id}.disabled"), GW_RUNTIME_SWITCH, 1, 0, 1, 0},
};

static uint32_t words[COUNT];
static char path[] = "/tmp/test_runtime_XXXXXX";
static struct gw_runtime runtime = {
    .module = &overrides_module,
    .file.kind = GW_TEXT_FILE,
    .values = values,
    .words = words,
    .count = COUNT,
    .log_level = &words[LEVEL],
};

/* ---- the text ---- */

struct row {
    const char *text;
    const char
        *told; /* "maintenance=true@1 …": what is said, and in which line; NULL: it is bad … */
    const char *what; /* … with this sentence … */
    uint32_t line;    /* … there */
};

static void check(const struct row *row)
{
    struct override overrides[COUNT];
    struct overrides_problem problem = {0};
    struct pool pool;
    struct text told;

    pool_open(&pool, NULL);
    told = (struct text){.pool = &pool};
    if (overrides_parse(&runtime, &pool, str_of(row->text), overrides, &problem)) {
        for (size_t i = 0; i < COUNT; i++) {
            struct str word = overrides_word(&values[i], overrides[i].word, &pool);
            if (overrides[i].line > 0)
                text_printf(&told, "%.*s=%.*s@%u ", STR_ARG(values[i].name), STR_ARG(word),
                            overrides[i].line);
            else
                assert_int_equal(overrides[i].word, values[i].normal);
        }
        text_byte(&told, '\0');
        if (!row->told)
            fail_msg("%s is taken: %s", row->text, told.at);
        assert_string_equal(told.at, row->told);
    } else {
        if (row->told)
            fail_msg("%s is refused: %.*s", row->text, STR_ARG(problem.what));
        assert_string_equal(pool_copy(&pool, problem.what).at, row->what);
        if (problem.line != row->line)
            fail_msg("%s: line %u", row->text, problem.line);
    }
    pool_close(&pool);
}

static void good_files(void **state)
{
    static const struct row rows[] = {
        {"", "", NULL, 0},
        {"# nothing\n", "", NULL, 0},
        {"~\n", "", NULL, 0},
        {"{}", "", NULL, 0},
        {"maintenance: true\n", "maintenance=true@1 ", NULL, 0},
        {"maintenance: false\n", "maintenance=false@1 ", NULL, 0},
        {"# why\nupstream.canary: 0\n\nmaintenance: true # now\n",
         "maintenance=true@4 upstream.canary=0@2 ", NULL, 0},
        {"/pets/{id}.disabled: false\n", "/pets/{id}.disabled=false@1 ", NULL, 0},
        {"'a.upstream.pets:v2': 7\n", "a.upstream.pets:v2=7@1 ", NULL, 0},
        {"a.upstream.pets:v2: 2\n", "a.upstream.pets:v2=2@1 ", NULL, 0},
        {"log.level: debug\n", "log.level=debug@1 ", NULL, 0},
        {"log.level: \"error\"\n", "log.level=error@1 ", NULL, 0},
        {"upstream.stable: 0\nupstream.canary: 50\n", "upstream.stable=0@1 upstream.canary=50@2 ",
         NULL, 0},
        {"upstream.stable: 0\n", "upstream.stable=0@1 ", NULL, 0},
        {"{\"maintenance\": true,\n \"upstream.stable\": 100,\n \"log.level\": \"warn\"}",
         "maintenance=true@1 log.level=warn@3 upstream.stable=100@2 ", NULL, 0},
        {"---\nmaintenance: true\n", "maintenance=true@2 ", NULL, 0},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        check(&rows[i]);
}

static void bad_files(void **state)
{
    static const char number[] = "'upstream.canary' must be a number from 0 to 50",
                      truth[] = "'maintenance' must be true or false",
                      level[] = "'log.level' must be debug, info, warn or error";
    static const struct row rows[] = {
        {"maintenance", NULL, "it must be a map of names and values", 1},
        {"- maintenance: true\n", NULL, "it must be a map of names and values", 1},
        {"[]", NULL, "it must be a map of names and values", 1},
        {"\"maintenance\"", NULL, "it must be a map of names and values", 1},
        {"\nmaintenanc: true\n", NULL, "no value is called 'maintenanc'", 2},
        {"Maintenance: true\n", NULL, "no value is called 'Maintenance'", 1},
        {"upstream: {canary: 5}\n", NULL, "no value is called 'upstream'", 1},
        {"? ''\n: 1\n", NULL, "no value is called ''", 2},
        {"maintenance: 1\n", NULL, truth, 1},
        {"maintenance: yes\n", NULL, truth, 1},
        {"maintenance: True\n", NULL, truth, 1},
        {"maintenance: 'true'\n", NULL, truth, 1},
        {"maintenance:\n", NULL, truth, 1},
        {"maintenance: {default: true}\n", NULL, truth, 1},
        {"{\"maintenance\": null}", NULL, truth, 1},
        {"maintenance: true\nupstream.canary: 51\n", NULL, number, 2},
        {"upstream.canary: -1\n", NULL, number, 1},
        {"upstream.canary: 1.5\n", NULL, number, 1},
        {"upstream.canary: '5'\n", NULL, number, 1},
        {"upstream.canary: five\n", NULL, number, 1},
        {"upstream.canary: 99999999999999999999\n", NULL, number, 1},
        {"upstream.canary: 4294967296\n", NULL, number, 1},
        {"upstream.canary: 0x5\n", NULL, number, 1},
        {"upstream.canary: [5]\n", NULL, number, 1},
        {"a.upstream.pets:v2: 1\n", NULL, "'a.upstream.pets:v2' must be a number from 2 to 7", 1},
        {"log.level: loud\n", NULL, level, 1},
        {"log.level: 1\n", NULL, level, 1},
        {"log.level: {default: info}\n", NULL, level, 1},
        {"upstream.canary: 0\nmaintenance: true\nupstream.stable: 0\n", NULL,
         "with 'upstream.stable' all weights of the choice are 0", 3},
        {"upstream.stable: 0\nmaintenance: true\nupstream.canary: 0\n", NULL,
         "with 'upstream.canary' all weights of the choice are 0", 3},
        {"maintenance: true\nmaintenance: true\n", NULL, "a key stands twice", 2},
        {"maintenance: &x true\n", NULL, "anchors and tags have no meaning here", 1},
        {"{\"maintenance\": true", NULL, "did not find expected ',' or '}'", 2},
        {"maintenance: true\n---\nmaintenance: true\n", NULL, "it is more than one document", 2},
        {"maintenance: true\n\tx: 1\n", NULL, "found a tab character that violates indentation", 2},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        check(&rows[i]);
}

static void a_long_name_is_shown_in_part(void **state)
{
    struct override overrides[COUNT];
    struct overrides_problem problem;
    struct pool pool;
    char text[5000];

    (void)state;
    memset(text, 'x', sizeof text);
    memcpy(text + sizeof text - 5, ": 1\n", 5);
    pool_open(&pool, NULL);
    assert_false(overrides_parse(&runtime, &pool, str_of(text), overrides, &problem));
    assert_true(problem.what.len < 300);
    pool_close(&pool);
}

/* ---- the file ---- */

static int open_file(void **state)
{
    int fd;

    (void)state;
    memcpy(path, "/tmp/test_runtime_XXXXXX", sizeof path);
    fd = mkstemp(path);
    assert_true(fd >= 0);
    close(fd);
    runtime.file = (struct gw_text){.kind = GW_TEXT_FILE, .text = str_of(path)};
    for (size_t i = 0; i < COUNT; i++)
        words[i] = values[i].normal;
    return 0;
}

static int close_file(void **state)
{
    (void)state;
    overrides_module.close();
    log_set_level(LOG_INFO);
    unlink(path);
    return 0;
}

static void put(const char *text)
{
    FILE *file = fopen(path, "w");

    assert_non_null(file);
    fputs(text, file);
    fclose(file);
}

static void open_well(void)
{
    char error[512];

    if (!overrides_module.open(&runtime, error, sizeof error))
        fail_msg("%s", error);
}

static void assert_metric(const char *line)
{
    struct pool pool;
    struct text text;

    pool_open(&pool, NULL);
    text = (struct text){.pool = &pool};
    overrides_module.metrics(&runtime, &text);
    text_byte(&text, '\0');
    if (!strstr(text.at, line))
        fail_msg("no %s in %s", line, text.at);
    pool_close(&pool);
}

static void read_at_start(void **state)
{
    (void)state;
    put("maintenance: true\nupstream.canary: 7\n");
    open_well();
    assert_int_equal(words[MAINTENANCE], 1);
    assert_int_equal(words[CANARY], 7);
    assert_int_equal(words[STABLE], 95);
    assert_metric("apigw_runtime_value{name=\"maintenance\"} 1\n");
    assert_metric("apigw_runtime_value{name=\"upstream.canary\"} 7\n");
    assert_metric("apigw_runtime_updates_total 1\n");
    assert_metric("apigw_runtime_errors_total 0\n");
}

static void a_bad_one_at_start_is_told(void **state)
{
    char error[512], wanted[512];

    (void)state;
    put("\nmaintenance: perhaps\n");
    assert_false(overrides_module.open(&runtime, error, sizeof error));
    snprintf(wanted, sizeof wanted, "runtime: %s:2: 'maintenance' must be true or false", path);
    assert_string_equal(error, wanted);
    assert_int_equal(words[MAINTENANCE], 0);
}

static void a_folder_is_no_file(void **state)
{
    char error[512];

    (void)state;
    runtime.file.text = STR("/tmp");
    assert_false(overrides_module.open(&runtime, error, sizeof error));
    assert_string_equal(error, "runtime: cannot read /tmp: Is a directory");
}

static void a_missing_one_overrides_nothing(void **state)
{
    (void)state;
    put("maintenance: true\n");
    open_well();
    unlink(path);
    overrides_module.reload(&runtime);
    assert_int_equal(words[MAINTENANCE], 0);
    assert_metric("apigw_runtime_updates_total 2\n");
    assert_metric("apigw_runtime_errors_total 0\n");
    put("maintenance: true\n");
    overrides_module.reload(&runtime);
    assert_int_equal(words[MAINTENANCE], 1);
}

static void a_bad_one_changes_nothing(void **state)
{
    (void)state;
    put("maintenance: true\nlog.level: error\n");
    open_well();
    put("upstream.canary: 9\nmaintenance: maybe\n");
    overrides_module.reload(&runtime);
    assert_int_equal(words[MAINTENANCE], 1);
    assert_int_equal(words[CANARY], 5);
    assert_int_equal(words[LEVEL], LOG_ERROR);
    assert_metric("apigw_runtime_errors_total 1\n");
    assert_metric("apigw_runtime_updates_total 1\n");
    put("upstream.canary: 9\n");
    overrides_module.reload(&runtime);
    assert_int_equal(words[MAINTENANCE], 0);
    assert_int_equal(words[CANARY], 9);
    assert_int_equal(words[LEVEL], LOG_INFO);
}

static void the_same_again_is_no_update(void **state)
{
    (void)state;
    put("maintenance: true\n");
    open_well();
    put("# another text\nmaintenance: true\n");
    overrides_module.reload(&runtime);
    assert_metric("apigw_runtime_updates_total 1\n");
}

static void it_is_read_when_it_has_changed_and_rested(void **state)
{
    (void)state;
    put("upstream.canary: 6\n");
    open_well();
    overrides_module.look(&runtime);
    overrides_module.look(&runtime);
    put("upstream.canary: 10\n");
    overrides_module.look(&runtime);
    assert_int_equal(words[CANARY], 6);
    put("upstream.canary: 10 # still being written\n");
    overrides_module.look(&runtime);
    assert_int_equal(words[CANARY], 6);
    overrides_module.look(&runtime);
    assert_int_equal(words[CANARY], 10);
}

static void the_variable_names_it(void **state)
{
    char error[512];

    (void)state;
    put("maintenance: true\n");
    runtime.file = (struct gw_text){.kind = GW_TEXT_ENV, .text = STR_INIT("TEST_RUNTIME")};
    unsetenv("TEST_RUNTIME");
    assert_false(overrides_module.open(&runtime, error, sizeof error));
    assert_string_equal(error, "runtime: environment variable TEST_RUNTIME is not set");
    overrides_module.close();
    setenv("TEST_RUNTIME", "runtime.yaml", 1);
    assert_false(overrides_module.open(&runtime, error, sizeof error));
    assert_string_equal(error, "runtime: 'runtime.yaml' is not the whole path of a file");
    overrides_module.close();
    setenv("TEST_RUNTIME", path, 1);
    open_well();
    assert_int_equal(words[MAINTENANCE], 1);
    unsetenv("TEST_RUNTIME");
}

static void the_page_tells_all(void **state)
{
    struct pool pool;
    struct text text;

    (void)state;
    put("/pets/{id}.disabled: true\nlog.level: debug\n");
    open_well();
    pool_open(&pool, NULL);
    text = (struct text){.pool = &pool};
    overrides_module.json(&runtime, &text);
    text_byte(&text, '\0');
    assert_non_null(strstr(text.at,
                           "{\"name\": \"maintenance\", \"default\": false, \"value\": false, "
                           "\"overridden\": false}"));
    assert_non_null(strstr(text.at, "{\"name\": \"log.level\", \"default\": \"info\", \"value\": "
                                    "\"debug\", \"overridden\": true}"));
    assert_non_null(strstr(text.at, "{\"name\": \"upstream.canary\", \"default\": 5, \"min\": 0, "
                                    "\"max\": 50, \"value\": 5, \"overridden\": false}"));
    assert_non_null(strstr(text.at, "{\"name\": \"/pets/{id}.disabled\", \"default\": true, "
                                    "\"value\": true, \"overridden\": true}"));
    pool_close(&pool);
}

/* ---- files that are watched ---- */

static uint64_t digest_of(const char *file)
{
    uint64_t digest = WATCHED_BEGIN;

    watched_add(&digest, str_of(file));
    return digest;
}

static void links_are_followed(void **state)
{
    char link[sizeof path + 5];
    uint64_t before, missing = digest_of("/nonexistent/file");

    (void)state;
    snprintf(link, sizeof link, "%s.link", path);
    assert_int_equal(symlink("/dev/null", link), 0);
    before = digest_of(link);
    assert_true(before == digest_of(link));
    assert_true(before != missing);
    unlink(link);
    assert_true(digest_of(link) == missing);
    assert_int_equal(symlink(path, link), 0);
    assert_true(digest_of(link) != before);
    unlink(link);
}

static void what_changed_is_due_once(void **state)
{
    struct watched file;

    (void)state;
    watched_is_read(&file, 1);
    assert_false(watched_has_rested(&file, 1));
    assert_false(watched_has_rested(&file, 2));
    assert_false(watched_has_rested(&file, 3));
    assert_true(watched_has_rested(&file, 3));
    watched_is_read(&file, 3);
    assert_false(watched_has_rested(&file, 3));
    assert_false(watched_has_rested(&file, 4));
    assert_false(watched_has_rested(&file, 3));
}

#define ON_FILE(test) cmocka_unit_test_setup_teardown(test, open_file, close_file)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(good_files),
        cmocka_unit_test(bad_files),
        cmocka_unit_test(a_long_name_is_shown_in_part),
        ON_FILE(read_at_start),
        ON_FILE(a_bad_one_at_start_is_told),
        ON_FILE(a_folder_is_no_file),
        ON_FILE(a_missing_one_overrides_nothing),
        ON_FILE(a_bad_one_changes_nothing),
        ON_FILE(the_same_again_is_no_update),
        ON_FILE(it_is_read_when_it_has_changed_and_rested),
        ON_FILE(the_variable_names_it),
        ON_FILE(the_page_tells_all),
        ON_FILE(links_are_followed),
        cmocka_unit_test(what_changed_is_due_once),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
