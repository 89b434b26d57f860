/* Files, lines and columns. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "source.h"

struct fixture {
    struct pool pool;
    struct sources sources;
};

static int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);

    pool_open(&f->pool, NULL);
    f->sources.pool = &f->pool;
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;

    pool_close(&f->pool);
    free(f);
    return 0;
}

static void counts_lines_and_characters(void **state)
{
    struct fixture *f = *state;
    uint32_t file = source_add(&f->sources, STR("x"),
                               STR("ab\nc\xc3\xa9"
                                   "d\r\n\re\n"));
    static const struct {
        size_t offset;
        uint32_t line, col;
    } rows[] = {
        {0, 1, 1}, {1, 1, 2}, {2, 1, 3},  {3, 2, 1},  {4, 2, 2},  {6, 2, 3},
        {7, 2, 4}, {9, 3, 1}, {10, 4, 1}, {11, 4, 2}, {12, 5, 1},
    };
    struct source_walk walk = {.line = 1, .col = 1};

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct loc loc = source_loc(&f->sources, file, rows[i].offset);
        assert_int_equal(loc.line, rows[i].line);
        assert_int_equal(loc.col, rows[i].col);
        source_walk(&walk, source_get(&f->sources, file), rows[i].offset);
        assert_int_equal(walk.line, rows[i].line);
        assert_int_equal(walk.col, rows[i].col);
    }
    source_walk(&walk, source_get(&f->sources, file), 6); /* and back */
    assert_int_equal(walk.line, 2);
    assert_int_equal(walk.col, 3);
}

static void gives_lines(void **state)
{
    struct fixture *f = *state;
    uint32_t file = source_add(&f->sources, STR("x"), STR("ab\nc\r\n\rlast"));
    static const char *const lines[] = {"", "ab", "c", "", "last", ""};

    for (uint32_t line = 0; line < 6; line++) {
        struct str text = source_line(&f->sources, (struct loc){file, line, 1});
        assert_true(str_eq(text, str_of(lines[line])));
    }
    assert_int_equal(source_line(&f->sources, (struct loc){0, 1, 1}).len, 0);
    assert_int_equal(source_line(&f->sources, (struct loc){9, 1, 1}).len, 0);
    assert_null(source_get(&f->sources, 0));
    assert_null(source_get(&f->sources, 2));
}

static void converts_what_has_a_byte_order_mark(void **state)
{
    static const struct {
        struct str raw, bytes;
    } rows[] = {
        {STR_INIT("\xef\xbb\xbf"
                  "a"),
         STR_INIT("a")},
        {STR_INIT("\xff\xfe"
                  "a\0\xe9\0"),
         STR_INIT("a\xc3\xa9")},
        {STR_INIT("\xfe\xff"
                  "\0a\0\xe9"),
         STR_INIT("a\xc3\xa9")},
        {STR_INIT("\xff\xfe\x3d\xd8\x00\xde"), STR_INIT("\xf0\x9f\x98\x80")},
        {STR_INIT("\xff\xfe\x3d\xd8"
                  "a\0"),
         STR_INIT("\xed\xa0\xbd"
                  "a")}, /* half a pair */
        {STR_INIT("\xff\xfe\x00\xde"), STR_INIT("\xed\xb8\x80")},
        {STR_INIT("\xff\xfe"
                  "a\0b"),
         STR_INIT("a\xff")},                                                /* odd */
        {STR_INIT("\xff\xfe\0\0a\0\0\0"), STR_INIT("\xff\xfe\0\0a\0\0\0")}, /* UTF-32: no */
        {STR_INIT("a\xef\xbb\xbf"), STR_INIT("a\xef\xbb\xbf")},
        {STR_INIT(""), STR_INIT("")},
        {{NULL, 0}, STR_INIT("")},
    };
    struct fixture *f = *state;

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        uint32_t file = source_add(&f->sources, STR("x"), rows[i].raw);
        assert_true(str_eq(source_get(&f->sources, file)->bytes, rows[i].bytes));
        assert_int_equal(source_get(&f->sources, file)->line_count, 1);
    }
}

static void reads_a_file_once(void **state)
{
    struct fixture *f = *state;
    char folder[] = "/tmp/sourceXXXXXX";
    struct str name, again, link, error = {0};
    FILE *file;

    assert_non_null(mkdtemp(folder));
    name = pool_printf(&f->pool, "%s/a.yaml", folder);
    again = pool_printf(&f->pool, "%s/../%s/./a.yaml", folder, folder + 5);
    link = pool_printf(&f->pool, "%s/link.yaml", folder);
    file = fopen(name.at, "w");
    assert_non_null(file);
    for (int i = 0; i < 100000; i++)
        fputs("line\n", file);
    fclose(file);
    assert_int_equal(symlink("a.yaml", link.at), 0);
    assert_int_equal(source_read(&f->sources, name, &error), 1);
    assert_int_equal(source_read(&f->sources, again, &error), 1);
    assert_int_equal(source_read(&f->sources, link, &error), 1);
    assert_int_equal(source_get(&f->sources, 1)->bytes.len, 500000);
    assert_int_equal(source_get(&f->sources, 1)->line_count, 100001);
    assert_int_equal(f->sources.files.count, 1);
    unlink(name.at);
    unlink(link.at);
    rmdir(folder);
}

static void says_why_a_file_cannot_be_read(void **state)
{
    struct fixture *f = *state;
    struct str error = {0};

    assert_int_equal(source_read(&f->sources, STR("/nonexistent/x.yaml"), &error), 0);
    assert_string_equal(error.at, "cannot read /nonexistent/x.yaml: there is no such file");
    assert_int_equal(source_read(&f->sources, STR("/"), &error), 0);
    assert_string_equal(error.at, "cannot read /: it is a folder");
    assert_int_equal(source_read(&f->sources, STR(""), &error), 0);
    assert_int_equal(source_read(&f->sources, STR("/dev/null\0x"), &error), 0);
    assert_string_equal(error.at, "cannot read /dev/null: its name holds a NUL byte");
    assert_int_equal(source_read(&f->sources, STR("/dev/null"), &error), 1);
    assert_int_equal(source_get(&f->sources, 1)->bytes.len, 0);
}

/* What a document names is a file: nobody waits for a pipe, or reads standard input again. */
static void reads_only_files_for_documents(void **state)
{
    struct fixture *f = *state;
    char folder[] = "/tmp/sourceXXXXXX";
    struct str pipe, good, error = {0};

    assert_non_null(mkdtemp(folder));
    pipe = pool_printf(&f->pool, "%s/pipe", folder);
    good = pool_printf(&f->pool, "%s/good", folder);
    assert_int_equal(mkfifo(pipe.at, 0600), 0);
    fclose(fopen(good.at, "w"));
    uint32_t from = source_read(&f->sources, good, &error);
    assert_int_equal(source_read_beside(&f->sources, from, STR("pipe"), &error), 0);
    assert_true(str_find_str(error, STR("it is a pipe or a device")) < error.len);
    assert_int_equal(source_read_beside(&f->sources, from, STR("/dev/null"), &error), 0);
    assert_int_equal(source_read_beside(&f->sources, from, STR("good\0.yaml"), &error), 0);
    assert_true(str_find_str(error, STR("NUL")) < error.len);
    assert_int_equal(source_read_beside(&f->sources, from, STR("."), &error), 0);
    assert_true(str_find_str(error, STR("it is a folder")) < error.len);
    assert_int_equal(source_read_beside(&f->sources, from, STR("./good"), &error), from);
    uint32_t flat = source_add(&f->sources, STR("openapi.yaml"), STR(""));
    assert_int_equal(source_read_beside(&f->sources, flat, STR("-"), &error), 0);
    assert_string_equal(error.at, "cannot read ./-: there is no such file");
    unlink(pipe.at);
    unlink(good.at);
    rmdir(folder);
}

static void finds_what_lies_beside(void **state)
{
    struct fixture *f = *state;
    uint32_t deep = source_add(&f->sources, STR("spec/api/openapi.yaml"), STR(""));
    uint32_t flat = source_add(&f->sources, STR("openapi.yaml"), STR(""));

    assert_string_equal(source_beside(&f->sources, deep, STR("x.yaml")).at, "spec/api/x.yaml");
    assert_string_equal(source_beside(&f->sources, deep, STR("./x.yaml")).at, "spec/api/x.yaml");
    assert_string_equal(source_beside(&f->sources, deep, STR("../x.yaml")).at,
                        "spec/api/../x.yaml");
    assert_string_equal(source_beside(&f->sources, deep, STR("/x.yaml")).at, "/x.yaml");
    assert_string_equal(source_beside(&f->sources, flat, STR("x.yaml")).at, "x.yaml");
    assert_string_equal(source_beside(&f->sources, 0, STR("x.yaml")).at, "x.yaml");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(counts_lines_and_characters),
        TEST(gives_lines),
        TEST(converts_what_has_a_byte_order_mark),
        TEST(reads_a_file_once),
        TEST(says_why_a_file_cannot_be_read),
        TEST(reads_only_files_for_documents),
        TEST(finds_what_lies_beside),
    };

    return cmocka_run_group_tests_name("source", tests, NULL, NULL);
}
