/* From a command line to options. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include <fcntl.h>
#include <unistd.h>

#include "options.h"

struct row {
    const char *line; /* words parted by single spaces */
    int status;       /* -1: a command is run */
};

/* Usage and complaints are not what is tested here. */
static int silent(void)
{
    int nothing = open("/dev/null", O_WRONLY);
    fflush(NULL);
    dup2(nothing, STDOUT_FILENO);
    return dup2(nothing, STDERR_FILENO);
}

static int read_line(struct options *options, struct pool *pool, const char *line)
{
    char *argv[32] = {(char *)"apigw-gen"}, *rest = (char *)pool_copy(pool, str_of(line)).at;
    int argc = 1;
    for (char *word = strtok(rest, " "); word; word = strtok(NULL, " "))
        argv[argc++] = word;
    return options_read(options, pool, argc, argv);
}

static void test_status(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"build a.yaml -o gw", -1},
        {"build -ogw a.yaml", -1},
        {"build --output=gw a.yaml", -1},
        {"check - --format=sarif", -1},
        {"check a --dump ir", -1},
        {"routes a --format=markdown --effective", -1},
        {"explain a GET / -H A:b -HC:d --jwks a=b --jwks c", -1},
        {"routes a --jwks b", 2},
        {"run a --upstream http://h --watch -- --listen x", -1},
        {"version --json", -1},
        {"token mint --key k --claim a=b --claim c=d --expires -30s", -1},
        {"token inspect --format=json -", -1},
        {"token", -1},
        {"token --help", 0},
        {"token mint --help", 0},
        {"help token inspect", 0},
        {"help token frob", 2},
        {"token inspect --key", 2},
        {"token mint --format=json", 2},
        {"--version", -1},
        {"--help", 0},
        {"-h", 0},
        {"help", 0},
        {"help build", 0},
        {"help --man", 0},
        {"help --bash", 0},
        {"help --zsh", 0},
        {"help nothing", 2},
        {"help a b", 2},
        {"build --help", 0},
        {"build -h", 0},
        {"", 2},
        {"biuld a", 2},
        {"--nothing", 2},
        {"build --nothing", 2},
        {"build -z", 2},
        {"build -o", 2},
        {"build -j 0", 2},
        {"build -j many", 2},
        {"build --release=yes", 2},
        {"check a --format=xml", 2},
        {"check a --dump=everything", 2},
        {"routes a --format=sarif", 2},
        {"check a --release", 2},
        {"openapi a --mock", 2},
        {"check a --var NOVALUE", 2},
        {"diff a b", 2},
        {"import kong a", 2},
        {"tokens", 2},
        {"emit k8s a", 2},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct pool pool;
        struct options options;
        pool_open(&pool, NULL);
        int status = read_line(&options, &pool, rows[i].line);
        if (status != rows[i].status)
            fail_msg("'%s' gave %d, not %d", rows[i].line, status, rows[i].status);
        pool_close(&pool);
    }
}

static void test_values(void **state)
{
    (void)state;
    struct pool pool;
    struct options o;
    pool_open(&pool, NULL);
    assert_int_equal(
        read_line(&o, &pool,
                  "build a.yaml --upstream http://h/?a=b --upstream pets=http://p:1 b.yaml -o out "
                  "--var stage=prod --overlay x --overlay y -j4 -q --passthrough-auth -- -c"),
        -1);
    assert_int_equal(o.command, COMMAND_BUILD);
    assert_int_equal(o.operands.count, 3);
    assert_string_equal(o.operands.at[2].at, "-c");
    assert_int_equal(o.upstreams.at[0].name.len, 0);
    assert_string_equal(o.upstreams.at[0].value.at, "http://h/?a=b");
    assert_true(str_eq(o.upstreams.at[1].name, STR("pets")));
    assert_string_equal(o.upstreams.at[1].value.at, "http://p:1");
    assert_true(str_eq(o.variables.at[0].name, STR("stage")));
    assert_int_equal(o.overlays.count, 2);
    assert_int_equal(o.jobs, 4);
    assert_true(o.quiet && o.passthrough_auth && !o.mock);
    pool_close(&pool);
}

static void test_token_options(void **state)
{
    (void)state;
    struct pool pool;
    struct options o;
    pool_open(&pool, NULL);
    assert_int_equal(read_line(&o, &pool,
                               "token mint --key a --key b --claim a=b=c --claim d --audience e "
                               "--audience f --expires -1s --kid= --claims g --alg HS256"),
                     -1);
    assert_int_equal(o.command, COMMAND_TOKEN_MINT);
    assert_int_equal(o.operands.count, 0);
    assert_string_equal(o.token.key.at, "b");
    assert_int_equal(o.token.claims.count, 2);
    assert_string_equal(o.token.claims.at[0].at, "a=b=c");
    assert_int_equal(o.token.audiences.count, 2);
    assert_string_equal(o.token.expires.at, "-1s");
    assert_true(o.token.kid.at && o.token.kid.len == 0 && !o.token.typ.at && !o.token.issuer.at);
    assert_string_equal(o.token.claims_file.at, "g");
    assert_int_equal(read_line(&o, &pool, "token inspect mint --format json"), -1);
    assert_int_equal(o.command, COMMAND_TOKEN_INSPECT);
    assert_int_equal(o.operands.count, 1);
    assert_true(o.json);
    pool_close(&pool);
}

static void test_gateway_options(void **state)
{
    (void)state;
    struct pool pool;
    struct options o;
    pool_open(&pool, NULL);
    assert_int_equal(read_line(&o, &pool, "run a.yaml --mock -- --listen 127.0.0.1:0 -v"), -1);
    assert_int_equal(o.operands.count, 1);
    assert_int_equal(o.rest.count, 3);
    assert_string_equal(o.rest.at[2].at, "-v");
    assert_true(o.mock && !o.verbose);
    pool_close(&pool);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_values), cmocka_unit_test(test_token_options),
        cmocka_unit_test(test_gateway_options), cmocka_unit_test(test_status)};
    int out = dup(STDOUT_FILENO), err = dup(STDERR_FILENO);
    silent();
    int failed = cmocka_run_group_tests_name("options", tests, NULL, NULL);
    dup2(out, STDOUT_FILENO);
    dup2(err, STDERR_FILENO);
    printf("options: %d failed\n", failed);
    return failed;
}
