/* $ref: pointers, files, chains and what cannot be followed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "ref.h"
#include "yaml.h"

static void write_file(const char *name, const char *text)
{
    FILE *file = fopen(name, "w");

    assert_non_null(file);
    fputs(text, file);
    fclose(file);
}

static struct node *read_text(struct job *job, const char *text)
{
    return yaml_read(job, source_add(&job->sources, STR("x.yaml"), str_of(text)));
}

static void pointers_lead_through_maps_and_lists(void **state)
{
    static const struct {
        const char *pointer, *text; /* NULL: nowhere */
    } rows[] = {
        {"/a/b", "1"},
        {"/l/0", "x"},
        {"/l/1/k", "y"},
        {"/~1pets~1{id}", "path"},
        {"/m~0n", "t"},
        {"/", "empty"},
        {"/ ", "blank"},
        {"/~01", "tilde one"},
        {"/200", "ok"},
        {"/a/c", NULL},
        {"/l/2", NULL},
        {"/l/01", NULL},
        {"/l/-", NULL},
        {"/l/x", NULL},
        {"/a/b/c", NULL},
        {"a/b", NULL},
        {"/l/18446744073709551616", NULL},
        {"/a/", NULL},
    };
    struct job job;
    struct node *root;

    (void)state;
    job_begin(&job);
    root = read_text(&job, "{a: {b: '1'}, l: [x, {k: y}], '/pets/{id}': path, m~n: t, '': empty, "
                           "' ': blank, ~1: tilde one, 200: ok}");
    assert_non_null(root);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct node *node = ref_pointer(root, str_of(rows[i].pointer));
        if (!rows[i].text)
            assert_null(node);
        else
            assert_true(str_eq(node->text, str_of(rows[i].text)));
    }
    assert_ptr_equal(ref_pointer(root, STR("")), root);
    assert_null(ref_pointer(NULL, STR("")));
    pool_close(&job.pool);
}

static void follows_within_a_document(void **state)
{
    static const struct {
        const char *ref, *text; /* of the target; starting with '!': the complaint */
    } rows[] = {
        {"#/defs/Pet", "pet"},
        {"#/defs/Chain", "pet"},
        {"#/defs/%50et", "pet"},
        {"#/defs/a~1b%20c", "odd"},
        {"#/defs/a~1b c", "odd"},
        {"#/defs/Pett", "!ref-unresolved there is no 'Pett' in '#/defs'; did you mean 'Pet'?"},
        {"#/defs/a~1b", "!ref-unresolved there is no 'a/b' in '#/defs'"},
        {"#/nowhere/Pet", "!ref-unresolved there is no 'nowhere' in '#'"},
        {"#/defs/Pet/x", "!ref-unresolved there is no 'x' in '#/defs/Pet', which is a string"},
        {"#Pet", "!ref-unresolved '#Pet' is no JSON pointer; it would begin with '#/'"},
        {"#/defs/%zz", "!ref-unresolved '#/defs/%zz' has a '%' without two hexadecimal digits"},
        {"#/defs/Loop", "!ref-loop this reference leads back to itself and never to a value"},
        {"#/defs/Ping", "!ref-loop this reference leads back to itself and never to a value"},
        {"#/defs/IntoLoop", "!ref-loop this reference leads back to itself and never to a value"},
        {"#/defs/Broken", "!ref-unresolved there is no 'gone' in '#/defs'"},
        {"https://example.com/a.yaml#/x", "!ref-remote 'https://example.com/a.yaml#/x' is not a "
                                          "local file; only those are read"},
        {"HTTP://example.com", "!ref-remote 'HTTP://example.com' is not a local file; only those "
                               "are read"},
        {"//example.com/a", "!ref-remote '//example.com/a' is not a local file; only those are "
                            "read"},
        {"urn:x:y", "!ref-remote 'urn:x:y' is not a local file; only those are read"},
        {"nowhere.yaml", "!ref-unresolved cannot read nowhere.yaml: there is no such file"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct job job;
        job_begin(&job);
        struct str text =
            pool_printf(&job.pool,
                        "use: {$ref: \"%s\"}\n"
                        "defs:\n  Pet: pet\n  Chain: {$ref: '#/defs/Link'}\n"
                        "  Link: {$ref: '#/defs/Pet', description: ignored}\n  a/b c: odd\n"
                        "  Loop: {$ref: '#/defs/Loop'}\n  Ping: {$ref: '#/defs/Pong'}\n"
                        "  Pong: {$ref: '#/defs/Ping'}\n  IntoLoop: {$ref: '#/defs/Ping'}\n"
                        "  Broken: {$ref: '#/defs/gone'}\n",
                        rows[i].ref);
        struct node *node = ref_follow(&job, node_get(read_text(&job, text.at), "use"));
        if (rows[i].text[0] == '!') {
            assert_null(node);
            assert_int_equal(job.diags.list.count, 1);
            struct diag_message m = job.diags.list.at[0];
            struct str said = pool_printf(&job.pool, "!%s %.*s", m.code, STR_ARG(m.text));
            assert_string_equal(said.at, rows[i].text);
            if (i != 14) /* the broken link of a chain is complained about where it stands */
                assert_int_equal(m.loc.line, 1);
        } else {
            assert_non_null(node);
            assert_true(str_eq(node->text, str_of(rows[i].text)));
        }
        pool_close(&job.pool);
    }
}

static void leaves_the_rest_alone(void **state)
{
    struct job job;
    struct node *root;

    (void)state;
    job_begin(&job);
    root = read_text(&job, "{a: 1, b: [x], c: {ref: y}, d: {$ref: 5}, e: {$ref: [x]}}");
    assert_null(ref_follow(&job, NULL));
    assert_ptr_equal(ref_follow(&job, root), root);
    assert_ptr_equal(ref_follow(&job, node_get(root, "a")), node_get(root, "a"));
    assert_ptr_equal(ref_follow(&job, node_get(root, "c")), node_get(root, "c"));
    assert_false(job_failed(&job));
    assert_null(ref_follow(&job, node_get(root, "d")));
    assert_null(ref_follow(&job, node_get(root, "e")));
    assert_int_equal(job.diags.errors, 2);
    pool_close(&job.pool);
}

static void every_place_of_a_broken_reference_is_reported(void **state)
{
    struct job job;
    struct node *root;

    (void)state;
    job_begin(&job);
    root = read_text(&job, "a: {$ref: '#/x'}\nb: {$ref: '#/x'}\n");
    ref_follow(&job, node_get(root, "a"));
    ref_follow(&job, node_get(root, "b"));
    assert_int_equal(job.diags.errors, 2);
    assert_int_equal(job.diags.list.at[0].loc.line, 1);
    assert_int_equal(job.diags.list.at[1].loc.line, 2);
    pool_close(&job.pool);
}

static void follows_through_files(void **state)
{
    char folder[] = "/tmp/refXXXXXX", here[4096];
    struct str error;
    struct job job;
    struct node *root;

    (void)state;
    assert_non_null(getcwd(here, sizeof here));
    assert_non_null(mkdtemp(folder));
    assert_int_equal(chdir(folder), 0);
    assert_int_equal(mkdir("parts", 0755), 0);
    write_file("main.yaml", "whole: {$ref: './parts/pet.yaml'}\n"
                            "part: {$ref: 'parts/pet.yaml#/properties/id'}\n"
                            "back: {$ref: 'parts/back.json'}\n"
                            "blank: {$ref: 'parts/a%20b.yaml'}\n"
                            "broken: {$ref: 'parts/broken.yaml'}\n"
                            "again: {$ref: 'parts/broken.yaml#/x'}\n"
                            "folder: {$ref: 'parts'}\n"
                            "target: home\n");
    write_file("parts/pet.yaml", "properties: {id: {$ref: 'id.yaml'}}\n");
    write_file("parts/id.yaml", "integer\n");
    write_file("parts/back.json", "{\"$ref\": \"../main.yaml#/target\"}");
    write_file("parts/a b.yaml", "spaced\n");
    write_file("parts/broken.yaml", "a: [\n");
    job_begin(&job);
    root = yaml_read(&job, source_read(&job.sources, STR("main.yaml"), &error));
    assert_int_equal(ref_follow(&job, node_get(root, "whole"))->kind, NODE_MAP);
    assert_true(str_eq(ref_follow(&job, node_get(root, "part"))->text, STR("integer")));
    assert_ptr_equal(ref_follow(&job, node_get(root, "back")), node_get(root, "target"));
    assert_true(str_eq(ref_follow(&job, node_get(root, "blank"))->text, STR("spaced")));
    assert_false(job_failed(&job));
    assert_null(ref_follow(&job, node_get(root, "broken")));
    assert_null(ref_follow(&job, node_get(root, "again")));
    assert_int_equal(job.diags.errors, 1); /* the broken file's own */
    assert_null(ref_follow(&job, node_get(root, "folder")));
    assert_int_equal(job.diags.errors, 2);
    pool_close(&job.pool);
    unlink("parts/broken.yaml");
    unlink("parts/a b.yaml");
    unlink("parts/back.json");
    unlink("parts/id.yaml");
    unlink("parts/pet.yaml");
    unlink("main.yaml");
    rmdir("parts");
    assert_int_equal(chdir(here), 0);
    rmdir(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pointers_lead_through_maps_and_lists),
        cmocka_unit_test(follows_within_a_document),
        cmocka_unit_test(leaves_the_rest_alone),
        cmocka_unit_test(every_place_of_a_broken_reference_is_reported),
        cmocka_unit_test(follows_through_files),
    };

    return cmocka_run_group_tests_name("ref", tests, NULL, NULL);
}
