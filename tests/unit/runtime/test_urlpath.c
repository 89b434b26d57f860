/* clang-format off */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
/* clang-format on */
#include <stdlib.h>

#include "base/urlpath.h"

enum rule { PLAIN, AS_IS, MERGE, DECODE, REJECT };

static const struct urlpath_rules rules[] = {
    [PLAIN] = {.normalize = true, .case_sensitive = true},
    [AS_IS] = {.case_sensitive = true},
    [MERGE] = {.normalize = true, .merge_slashes = true},
    [DECODE] = {.normalize = true, .encoded_slash = URLPATH_SLASH_DECODE},
    [REJECT] = {.normalize = true, .encoded_slash = URLPATH_SLASH_REJECT},
};

/* want NULL: refused */
static const struct {
    enum rule rule;
    const char *path, *want;
} cases[] = {
    {PLAIN, "/", "/"},
    {PLAIN, "/pets/42", "/pets/42"},
    {PLAIN, "/pets/", "/pets/"},
    {PLAIN, "//a//b//", "//a//b//"},
    {PLAIN, "/a:b@c!$&'()*+,;=~_-.", "/a:b@c!$&'()*+,;=~_-."},
    {PLAIN, "/%7Euser", "/~user"},
    {PLAIN, "/%41%2d%2E%5f", "/A-._"},
    {PLAIN, "/a%2fb", "/a%2Fb"},
    {PLAIN, "/caf%c3%a9", "/caf%C3%A9"},
    {PLAIN, "/%20%22%3c", "/%20%22%3C"},
    {PLAIN, "/a%3Ab", "/a%3Ab"},
    {PLAIN, "/%25", "/%25"},
    {PLAIN, "/{a}|b^c`d\"e<f>", "/%7Ba%7D%7Cb%5Ec%60d%22e%3Cf%3E"},
    {PLAIN, "/[1]", "/%5B1%5D"},
    {PLAIN, "/a/./b", "/a/b"},
    {PLAIN, "/a/../b", "/b"},
    {PLAIN, "/a/b/..", "/a/"},
    {PLAIN, "/a/b/.", "/a/b/"},
    {PLAIN, "/.", "/"},
    {PLAIN, "/a/..", "/"},
    {PLAIN, "/a/%2e%2E/b", "/b"},
    {PLAIN, "/a/.%2e/b", "/b"},
    {PLAIN, "/a//../b", "/a/b"},
    {PLAIN, "/a/b/c/../../d", "/a/d"},
    {PLAIN, "/.well-known/x", "/.well-known/x"},
    {PLAIN, "/...", "/..."},
    {PLAIN, "/..a/b..", "/..a/b.."},
    {PLAIN, "/a/..b/.c", "/a/..b/.c"},
    {PLAIN, "/..", NULL},
    {PLAIN, "/../a", NULL},
    {PLAIN, "/a/../../b", NULL},
    {PLAIN, "/%2e%2e/a", NULL},
    {PLAIN, "/a/..%2fb", NULL},
    {PLAIN, "/a/x%2F..%2Fb", NULL},
    {PLAIN, "/a/x%5c..", NULL},
    {PLAIN, "/a/..%5cb", NULL},
    {PLAIN, "/a/..;/b", NULL},
    {PLAIN, "/a/.;x/b", NULL},
    {PLAIN, "/a/%2e.;x=1", NULL},
    {PLAIN, "/a/...;x", "/a/...;x"},
    {PLAIN, "/a/x;..", "/a/x;.."},
    {PLAIN, "/a%2Fb.c", "/a%2Fb.c"},
    {PLAIN, "", NULL},
    {PLAIN, "a", NULL},
    {PLAIN, "*", NULL},
    {PLAIN, "/%", NULL},
    {PLAIN, "/%4", NULL},
    {PLAIN, "/%4x", NULL},
    {PLAIN, "/%x4", NULL},
    {PLAIN, "/a%00b", NULL},
    {PLAIN, "/a\tb", NULL},
    {PLAIN, "/a b", NULL},
    {PLAIN, "/a\x7F", NULL},
    {PLAIN, "/caf\xC3\xA9", NULL},
    {PLAIN, "/a\\b", NULL},
    {PLAIN, "/a?b", NULL},
    {PLAIN, "/a#b", NULL},
    {AS_IS, "/%7euser/%2f", "/%7euser/%2f"},
    {AS_IS, "/{a}", "/{a}"},
    {AS_IS, "/a//b", "/a//b"},
    {AS_IS, "/a/./b", NULL},
    {AS_IS, "/a/%2e%2e/b", NULL},
    {AS_IS, "/a/..", NULL},
    {AS_IS, "/a%00", NULL},
    {AS_IS, "/%zz", NULL},
    {MERGE, "//a///b//", "/a/b/"},
    {MERGE, "///", "/"},
    {MERGE, "/a//../b", "/b"},
    {MERGE, "/a/.//b", "/a/b"},
    {MERGE, "//..", NULL},
    {DECODE, "/a%2Fb%2fc", "/a/b/c"},
    {DECODE, "/a%2F..%2Fb", "/b"},
    {DECODE, "/a%2F..%2F..%2Fb", NULL},
    {DECODE, "/a%5Cb", "/a%5Cb"},
    {DECODE, "/%2F", "//"},
    {REJECT, "/a%2Fb", NULL},
    {REJECT, "/a%5cb", NULL},
    {REJECT, "/a%2eb", "/a.b"},
};

static void test_normal_form(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct str path = str_of(cases[i].path), out;
        char *exact = malloc(path.len + 1), *buf = malloc(urlpath_room(path.len) + 1);
        const char *wrong;

        path.at = memcpy(exact, path.at, path.len); /* no byte behind it may be read */
        wrong = urlpath_normalise(path, &rules[cases[i].rule], buf, &out);
        if (cases[i].want ? wrong || !str_eq(out, str_of(cases[i].want)) : !wrong)
            fail_msg("rule %d, %s: %s, %.*s", cases[i].rule, cases[i].path, wrong ? wrong : "taken",
                     STR_ARG(out));
        if (!wrong && str_eq(out, path))
            assert_ptr_equal(out.at, path.at);
        free(exact);
        free(buf);
    }
}

/* The quick scan agrees with the careful way, wherever the odd byte stands; the form is stable. */
static void test_every_byte_everywhere(void **state)
{
    char path[70], buf[3 * 70], again[9 * 70];
    struct str out, twice;

    (void)state;
    for (size_t len = 2; len <= sizeof path; len++)
        for (size_t at = 1; at < len; at++)
            for (int byte = 0; byte < 256; byte++) {
                memset(path, 'a', len);
                path[0] = '/';
                path[len / 2] = '/';
                path[at] = (char)byte;
                for (int rule = PLAIN; rule <= REJECT; rule++) {
                    struct str in = {path, len};
                    const char *wrong = urlpath_normalise(in, &rules[rule], buf, &out);

                    if (urlpath_is_normal(in, &rules[rule]) && (wrong || !str_eq(in, out)))
                        fail_msg("byte %d at %zu of %zu", byte, at, len);
                    if (wrong)
                        continue;
                    assert_null(urlpath_normalise(out, &rules[rule], again, &twice));
                    assert_true(str_eq(out, twice));
                }
            }
}

static void test_literals(void **state)
{
    static const struct {
        enum rule rule;
        const char *text, *want;
    } literals[] = {
        {PLAIN, "pets", "pets"},   {PLAIN, "a b", "a%20b"}, {PLAIN, "caf\xC3\xA9", "caf%C3%A9"},
        {PLAIN, "%7e%2f", "~%2F"}, {AS_IS, "%7e", "%7e"},   {PLAIN, "a\"b?", "a%22b%3F"},
        {PLAIN, "x\ny", NULL},     {PLAIN, "%zz", NULL},    {PLAIN, "%00", NULL},
        {REJECT, "a%2Fb", NULL},   {DECODE, "a%2Fb", NULL}, {PLAIN, "a\\b", NULL},
        {PLAIN, "..", ".."},       {PLAIN, "", ""},
    };
    char buf[64];
    struct str out;

    (void)state;
    for (size_t i = 0; i < sizeof literals / sizeof *literals; i++) {
        const char *wrong =
            urlpath_literal(str_of(literals[i].text), &rules[literals[i].rule], buf, &out);

        if (literals[i].want ? wrong || !str_eq(out, str_of(literals[i].want)) : !wrong)
            fail_msg("%s: %s", literals[i].text, wrong ? wrong : "taken");
    }
}

static void test_encoded_slashes(void **state)
{
    (void)state;
    assert_true(urlpath_has_encoded_slash(STR("/a%2Fb")));
    assert_true(urlpath_has_encoded_slash(STR("/a%5c")));
    assert_false(urlpath_has_encoded_slash(STR("/a%252Fb")));
    assert_false(urlpath_has_encoded_slash(STR("/a/b%2")));
}

static void test_fold(void **state)
{
    char buf[16];

    (void)state;
    assert_true(str_eq(urlpath_fold(STR("/AbZ@[`{%2F"), buf), STR("/abz@[`{%2f")));
}

static void test_query(void **state)
{
    static const struct {
        const char *query, *name, *value; /* value NULL: is it there */
        bool want;
    } table[] = {
        {"a=b", "a", "b", true},     {"a=b", "a", "c", false},    {"a=b", "a", NULL, true},
        {"a", "a", NULL, true},      {"a", "a", "", true},        {"b&a=1", "a", "1", true},
        {"aa=1", "a", NULL, false},  {"a=x+y", "a", "x y", true}, {"%61=%62", "a", "b", true},
        {"a=1&a=2", "a", "2", true}, {"a=%zz", "a", "%zz", true}, {"a=b=c", "a", "b=c", true},
        {"", "a", NULL, false},      {"&&", "a", NULL, false},    {"a=%2", "a", "%2", true},
    };

    (void)state;
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        struct str value = table[i].value ? str_of(table[i].value) : STR("");

        if (urlpath_query_is(str_of(table[i].query), str_of(table[i].name), &value,
                             table[i].value != NULL) != table[i].want)
            fail_msg("%s: %s=%s", table[i].query, table[i].name, table[i].value);
    }
}

static void test_hosts_and_prefixes(void **state)
{
    (void)state;
    assert_true(urlpath_host_is(STR("a.x"), STR("a.x")));
    assert_true(urlpath_host_is(STR("a.b.x"), STR("*.x")));
    assert_false(urlpath_host_is(STR("x"), STR("*.x")));
    assert_false(urlpath_host_is(STR(".x"), STR("*.x")));
    assert_false(urlpath_host_is(STR("ax"), STR("*.x")));
    assert_true(urlpath_below(STR("/v1/a"), STR("/v1")));
    assert_true(urlpath_below(STR("/v1"), STR("/v1")));
    assert_true(urlpath_below(STR("/v1/a"), STR("/v1/")));
    assert_false(urlpath_below(STR("/v10"), STR("/v1")));
    assert_false(urlpath_below(STR("/v"), STR("/v1")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_normal_form),
        cmocka_unit_test(test_literals),
        cmocka_unit_test(test_encoded_slashes),
        cmocka_unit_test(test_fold),
        cmocka_unit_test(test_query),
        cmocka_unit_test(test_hosts_and_prefixes),
        cmocka_unit_test(test_every_byte_everywhere),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
