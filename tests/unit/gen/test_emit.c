/* Files in a folder: only what changed, nothing of somebody else. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include <sys/stat.h>
#include <unistd.h>

#include "emit.h"
#include "fold.h"

static const char makefile_one[] =
    "# Made by apigw-gen. x\nSOURCES := \\\n\tflow_one.c \\\n\tgateway.c \\\n";
static const char makefile_two[] =
    "# Made by apigw-gen. x\nSOURCES := \\\n\tflow_two.c \\\n\tgateway.c \\\n";

static void add(struct job *job, struct emitted *files, const char *name, const char *text)
{
    *vec_add(&job->pool, &files->files) = (struct emit_file){str_of(name), str_of(text)};
}

static const char *path(struct job *job, struct str folder, const char *name)
{
    return pool_printf(&job->pool, "%.*s/%s", STR_ARG(folder), name).at;
}

static void write_file(const char *name, const char *text)
{
    FILE *file = fopen(name, "w");
    assert_non_null(file);
    fputs(text, file);
    fclose(file);
}

static struct str folder_of(struct job *job)
{
    char *name = (char *)pool_printf(&job->pool, "/tmp/test_emit-XXXXXX").at;
    assert_non_null(mkdtemp(name));
    return pool_printf(&job->pool, "%s/deep/er", name);
}

static void sweep(struct job *job, struct str folder)
{
    static const char *const names[] = {"Makefile",   "gateway.c",   "flow_one.c",
                                        "flow_two.c", "flow_mine.c", "notes.txt"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        unlink(path(job, folder, names[i]));
    for (int up = 0; up < 3; up++) {
        rmdir(folder.at);
        folder =
            pool_copy(&job->pool, str_head(folder, (size_t)(strrchr(folder.at, '/') - folder.at)));
    }
    pool_close(&job->pool);
}

static void test_only_what_changed(void **state)
{
    (void)state;
    struct job job;
    struct stat before, after, other;
    job_begin(&job);
    struct str folder = folder_of(&job);
    struct emitted one = {0}, two = {0};
    add(&job, &one, "Makefile", makefile_one);
    add(&job, &one, "gateway.c", "same\n");
    add(&job, &one, "flow_one.c", "1\n");
    emit_write(&job, &one, folder);
    assert_false(job_failed(&job));
    assert_int_equal(stat(path(&job, folder, "gateway.c"), &before), 0);
    write_file(path(&job, folder, "flow_mine.c"), "not listed\n");
    write_file(path(&job, folder, "notes.txt"), "mine\n");

    add(&job, &two, "Makefile", makefile_two);
    add(&job, &two, "gateway.c", "same\n");
    add(&job, &two, "flow_two.c", "2\n");
    emit_write(&job, &two, folder);
    assert_false(job_failed(&job));
    assert_int_equal(stat(path(&job, folder, "gateway.c"), &after), 0);
    assert_int_equal(before.st_ino, after.st_ino);
    assert_int_equal(stat(path(&job, folder, "flow_two.c"), &other), 0);
    assert_int_not_equal(stat(path(&job, folder, "flow_one.c"), &other), 0);
    assert_int_equal(stat(path(&job, folder, "flow_mine.c"), &other), 0);
    assert_int_equal(stat(path(&job, folder, "notes.txt"), &other), 0);
    sweep(&job, folder);
}

static void test_somebody_elses_folder(void **state)
{
    (void)state;
    struct job job;
    struct stat about;
    job_begin(&job);
    struct str folder = folder_of(&job);
    struct emitted files = {0};
    assert_true(emit_folder(&job, folder));
    write_file(path(&job, folder, "Makefile"), "all:\n\techo mine\n");
    add(&job, &files, "Makefile", makefile_one);
    add(&job, &files, "gateway.c", "text\n");
    emit_write(&job, &files, folder);
    assert_true(job.environment_failed);
    assert_int_not_equal(stat(path(&job, folder, "gateway.c"), &about), 0);
    sweep(&job, folder);
}

static void test_folder_that_cannot_be(void **state)
{
    (void)state;
    struct job job;
    struct emitted files = {0};
    job_begin(&job);
    add(&job, &files, "Makefile", makefile_one);
    emit_write(&job, &files, STR("/dev/null/out"));
    assert_true(job.environment_failed);
    pool_close(&job.pool);
}

static void test_fold(void **state)
{
    (void)state;
    struct pool pool;
    pool_open(&pool, NULL);
    char wide[128] = {0}, in[1024], wanted[1024];
    memset(wide, 'x', 90);
    struct text out = {.pool = &pool};
    snprintf(in, sizeof in, "    .path = STR_INIT(\"%s\"),\nint %s%s;\n    .a = \"%s\"),\n", wide,
             wide, wide, wide);
    snprintf(wanted, sizeof wanted,
             "    .path = STR_INIT(\n        \"%s\"),\nint %s%s;\n    .a = \"%s\"),\n", wide, wide,
             wide, wide);
    fold(&out, str_of(in));
    assert_string_equal(out.at, wanted);
    pool_close(&pool);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fold), cmocka_unit_test(test_only_what_changed),
        cmocka_unit_test(test_somebody_elses_folder), cmocka_unit_test(test_folder_that_cannot_be)};
    return cmocka_run_group_tests_name("emit", tests, NULL, NULL);
}
