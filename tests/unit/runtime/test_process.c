/* What surrounds the gateway: its options, the machine's limits, process 1, last words. Whole starts and
 * drains are in tests/e2e/. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "about.h"
#include "admin.h"
#include "base/reference.h"
#include "crash.h"
#include "gw.h"
#include "health.h"
#include "init.h"
#include "options.h"
#include "pid_file.h"
#include "self.h"

static const struct gw_route list_pets = {.name = STR_INIT("listPets"),
                                          .method = STR_INIT("GET"),
                                          .path = STR_INIT("/pets"),
                                          .upstream = STR_INIT("pets"),
                                          .security = STR_INIT("apiKey")};
static const struct gw_route odd = {.name = STR_INIT("a\"b"),
                                    .method = STR_INIT("DELETE"),
                                    .path = STR_INIT("/pets/{petId}"),
                                    .deprecated = true};
static const struct gw_route *const routes[] = {&list_pets, &odd};

/* With the process' number, so that runs side by side have sockets of their own. */
static char name[] = "gw-0000000";

const struct gateway gateway = {
    .abi = GW_ABI,
    .name = {name, sizeof name - 1},
    .version = STR_INIT("1.2"),
    .build_id = STR_INIT("abc"),
    .features = STR_INIT("proxy mock"),
    .routes = routes,
    .route_count = 2,
};

/* ---- options ---- */

enum { ARGS_MAX = 8 };

static const struct {
    char *args[ARGS_MAX];
    const char *error; /* NULL: fine */
    enum option_action action;
} command_lines[] = {
    {{NULL}, NULL, ACTION_RUN},
    {{"--"}, NULL, ACTION_RUN},
    {{"--check"}, NULL, ACTION_CHECK},
    {{"--routes"}, NULL, ACTION_ROUTES},
    {{"--manifest"}, NULL, ACTION_MANIFEST},
    {{"--licenses"}, NULL, ACTION_LICENSES},
    {{"--healthcheck"}, NULL, ACTION_HEALTHCHECK},
    {{"--version", "--json"}, NULL, ACTION_VERSION},
    {{"--help"}, NULL, ACTION_HELP},
    {{"--listen", ":1", "--listen=:2", "--upstream", "a=http://b", "--workers=3"},
     NULL,
     ACTION_RUN},
    {{"--unknown"}, "unknown argument --unknown", 0},
    {{"--list", "x"}, "unknown argument --list", 0},
    {{"file"}, "unknown argument file", 0},
    {{"-v"}, "unknown argument -v", 0},
    {{"--", "file"}, "unknown argument file", 0},
    {{"--check=yes"}, "--check takes no value", 0},
    {{"--listen"}, "--listen needs a value: ADDRESS:PORT", 0},
    {{"--listen="}, "--listen : must be ADDRESS:PORT", 0},
    {{"--upstream", "pets"}, "--upstream pets: must be NAME=URL", 0},
    {{"--upstream", "=http://b"}, "--upstream =http://b: must be NAME=URL", 0},
    {{"--upstream", "pets="}, "--upstream pets=: must be NAME=URL", 0},
    {{"--workers", "0"}, "--workers 0: must be a number from 1 to 1024", 0},
    {{"--workers", "-1"}, "--workers -1: must be a number from 1 to 1024", 0},
    {{"--workers", "two"}, "--workers two: must be a number from 1 to 1024", 0},
    {{"--workers", "99999"}, "--workers 99999: must be a number from 1 to 1024", 0},
};

static void test_options(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof command_lines / sizeof *command_lines; i++) {
        char *argv[ARGS_MAX + 2] = {"gw"};
        struct options options;
        struct str error = {0};
        struct pool pool;
        memcpy(argv + 1, command_lines[i].args, sizeof command_lines[i].args);
        pool_open(&pool, NULL);
        bool good = options_read(&options, &pool, argv, &error);
        if (good != (command_lines[i].error == NULL))
            fail_msg("row %zu: %.*s", i, STR_ARG(error));
        if (good)
            assert_int_equal(options.action, command_lines[i].action);
        else
            assert_string_equal(error.at, command_lines[i].error);
        pool_close(&pool);
    }
}

static void test_option_values(void **state)
{
    char *argv[] = {"gw",          "--listen", ":1", "--listen=:2",   "--upstream", "a=http://b=c",
                    "--workers=3", "--status", ":9", "--pid-file=/p", "--json",     NULL};
    struct options options;
    struct str error;
    struct pool pool;

    (void)state;
    pool_open(&pool, NULL);
    assert_true(options_read(&options, &pool, argv, &error));
    assert_int_equal(options.listen.count, 2);
    assert_true(str_eq(options.listen.at[1], STR(":2")));
    assert_true(str_eq(options.upstreams.at[0].name, STR("a")));
    assert_true(str_eq(options.upstreams.at[0].url, STR("http://b=c")));
    assert_int_equal(options.workers, 3);
    assert_true(str_eq(options.status, STR(":9")));
    assert_string_equal(options.pid_file, "/p");
    assert_true(options.json);
    pool_close(&pool);
}

static void test_usage(void **state)
{
    struct text text;
    struct pool pool;

    (void)state;
    pool_open(&pool, NULL);
    text = (struct text){.pool = &pool};
    options_usage(&text, gateway.name);
    assert_memory_equal(text.at, "Usage: gw-", 10);
    assert_non_null(strstr(text.at, "  --upstream NAME=URL       replaces"));
    pool_close(&pool);
}

/* ---- about ---- */

static void test_about(void **state)
{
    struct text text, expected;
    struct pool pool;

    (void)state;
    pool_open(&pool, NULL);
    text = expected = (struct text){.pool = &pool};
    about_version(&text);
    about_version_json(&text);
    about_routes(&text);
    about_routes_json(&text);
    text_printf(
        &expected,
        "%s 1.2 (build abc)\n"
        "{\"name\":\"%s\",\"version\":\"1.2\",\"build\":\"abc\",\"abi\":1,\"operations\":"
        "2,"
        "\"features\":[\"proxy\",\"mock\"]}\n"
        "METHOD  PATH           OPERATION  UPSTREAM  SECURITY\n"
        "GET     /pets          listPets   pets      apiKey\n"
        "DELETE  /pets/{petId}  a\"b        -         -\n"
        "[{\"method\":\"GET\",\"path\":\"/pets\",\"operation\":\"listPets\",\"tag\":\"\","
        "\"upstream\":\"pets\",\"security\":\"apiKey\",\"internal\":false,\"deprecated\":false},\n"
        "{\"method\":\"DELETE\",\"path\":\"/pets/{petId}\",\"operation\":\"a\\\"b\",\"tag\":\"\","
        "\"upstream\":\"\",\"security\":\"\",\"internal\":false,\"deprecated\":true}]\n",
        name, name);
    assert_string_equal(text.at, expected.at);
    pool_close(&pool);
}

/* ---- CPUs ---- */

static char root[] = "/tmp/process-XXXXXX";

static void put(const char *path, const char *text)
{
    char full[512];
    FILE *file;

    snprintf(full, sizeof full, "%s%s", root, path);
    for (char *slash = full + strlen(root) + 1; (slash = strchr(slash, '/')) != NULL; slash++) {
        *slash = 0;
        mkdir(full, 0700);
        *slash = '/';
    }
    file = fopen(full, "w");
    assert_non_null(file);
    fputs(text, file);
    fclose(file);
}

static const struct {
    const char *name;
    const char *files[6]; /* path, text, … */
    unsigned limit;       /* 0: none */
} quotas[] = {
    {"nothing there", {"/none", ""}, 0},
    {"v2, no limit",
     {"/proc/self/cgroup", "0::/a\n", "/sys/fs/cgroup/a/cpu.max", "max 100000\n"},
     0},
    {"v2", {"/proc/self/cgroup", "0::/a/b\n", "/sys/fs/cgroup/a/b/cpu.max", "150000 100000\n"}, 1},
    {"v2, half", {"/proc/self/cgroup", "0::/a\n", "/sys/fs/cgroup/a/cpu.max", "50000 100000\n"}, 1},
    {"v2, a parent's",
     {"/proc/self/cgroup", "0::/a/b\n", "/sys/fs/cgroup/a/cpu.max", "100000 100000\n"},
     1},
    {"v2, in a container",
     {"/proc/self/cgroup", "0::/a/b\n", "/sys/fs/cgroup/cpu.max", "100000 100000\n"},
     1},
    {"v2, many",
     {"/proc/self/cgroup", "0::/\n", "/sys/fs/cgroup/cpu.max", "999900000 100000\n"},
     9999},
    {"v1",
     {"/proc/self/cgroup", "9:memory:/m\n4:cpu,cpuacct:/a\n",
      "/sys/fs/cgroup/cpu/a/cpu.cfs_quota_us", "100000\n", "/sys/fs/cgroup/cpu/a/cpu.cfs_period_us",
      "100000\n"},
     1},
    {"v1, no limit",
     {"/proc/self/cgroup", "4:cpu:/\n", "/sys/fs/cgroup/cpu/cpu.cfs_quota_us", "-1\n",
      "/sys/fs/cgroup/cpu/cpu.cfs_period_us", "100000\n"},
     0},
    {"nonsense", {"/proc/self/cgroup", "::::\nx\n0::/a\n", "/sys/fs/cgroup/a/cpu.max", "x y\n"}, 0},
};

static void remove_tree(void)
{
    char command[600];

    snprintf(command, sizeof command, "rm -rf %s/*", root);
    assert_int_equal(system(command), 0);
}

static void test_cpus(void **state)
{
    unsigned all = self_cpus("/nowhere");
    cpu_set_t set;

    (void)state;
    sched_getaffinity(0, sizeof set, &set);
    assert_int_equal(all, CPU_COUNT(&set));
    for (size_t i = 0; i < sizeof quotas / sizeof *quotas; i++) {
        unsigned expected = quotas[i].limit > 0 && quotas[i].limit < all ? quotas[i].limit : all;
        for (size_t f = 0; f < 6 && quotas[i].files[f]; f += 2)
            put(quotas[i].files[f], quotas[i].files[f + 1]);
        if (self_cpus(root) != expected)
            fail_msg("%s: %u instead of %u", quotas[i].name, self_cpus(root), expected);
        remove_tree();
    }
}

static void test_figures(void **state)
{
    uint64_t bytes = 0, count = 0;

    (void)state;
    assert_true(self_cpu_us() > 0);
    assert_true(self_resident(&bytes) && bytes > 100000);
    assert_true(self_descriptors(&count) && count >= 3);
    assert_true(self_raise_descriptors() >= 3);
}

/* ---- references ---- */

static void test_references(void **state)
{
    char path[64];
    const struct gw_text none = {.kind = GW_TEXT_NONE};
    const struct gw_text literal = {GW_TEXT_LITERAL, STR_INIT("as is\n"), {0}};
    const struct gw_text env = {GW_TEXT_ENV, STR_INIT("GW_TEST_VALUE"), {0}};
    const struct gw_text with_default = {GW_TEXT_ENV, STR_INIT("GW_TEST_UNSET"), STR_INIT("x")};
    struct gw_text file = {GW_TEXT_FILE, {0}, {0}};
    struct str value, error;
    struct pool pool;

    (void)state;
    pool_open(&pool, NULL);
    setenv("GW_TEST_VALUE", "from env", 1);
    assert_true(reference_read(&none, &pool, &value, &error) && !value.at);
    assert_true(reference_read(&literal, &pool, &value, &error) && str_eq(value, STR("as is\n")));
    assert_true(reference_read(&env, &pool, &value, &error) && str_eq(value, STR("from env")));
    assert_true(reference_read(&with_default, &pool, &value, &error) && str_eq(value, STR("x")));
    put("/token", "secret\n\n");
    snprintf(path, sizeof path, "%s/token", root);
    file.text = str_of(path);
    assert_true(reference_read(&file, &pool, &value, &error) && str_eq(value, STR("secret\n")));
    put("/token", "secret\r\n");
    assert_true(reference_read(&file, &pool, &value, &error) && str_eq(value, STR("secret")));
    put("/token", "");
    assert_true(reference_read(&file, &pool, &value, &error) && value.len == 0 && value.at);
    file.text = str_of(root);
    assert_false(reference_read(&file, &pool, &value, &error));
    assert_non_null(strstr(error.at, "Is a directory"));
    file.text = STR("/dev/zero");
    assert_false(reference_read(&file, &pool, &value, &error));
    assert_string_equal(error.at, "cannot read /dev/zero: File too large");
    pool_close(&pool);
    remove_tree();
}

/* ---- pid file ---- */

static void test_pid_file(void **state)
{
    char path[64], text[32] = "";
    FILE *file;

    (void)state;
    snprintf(path, sizeof path, "%s/gw.pid", root);
    assert_true(pid_file_write(path));
    assert_true(pid_file_write(path)); /* again, over it */
    file = fopen(path, "r");
    assert_non_null(fgets(text, sizeof text, file));
    fclose(file);
    assert_int_equal(atoi(text), getpid());
    pid_file_remove(path);
    assert_int_equal(access(path, F_OK), -1);
    put("/gw.pid", "1\n"); /* a successor's */
    pid_file_remove(path);
    assert_int_equal(access(path, F_OK), 0);
    assert_false(pid_file_write("/nowhere/gw.pid"));
    remove_tree();
}

/* ---- process 1 ---- */

/* Runs `child` below an init in a process of its own; the init's exit status. */
static int run_init(void (*child)(void), int signal_to_send)
{
    int how, ready[2];
    pid_t init;

    assert_int_equal(pipe(ready), 0);
    init = fork();
    if (init == 0) {
        int status = 0;
        if (init_split(&status)) {
            sigset_t set;
            sigemptyset(&set);
            sigaddset(&set, SIGHUP);
            sigprocmask(SIG_BLOCK, &set, NULL);
            if (write(ready[1], "x", 1) != 1)
                _exit(99);
            child();
        }
        _exit(status);
    }
    char byte;
    assert_int_equal(read(ready[0], &byte, 1), 1);
    if (signal_to_send)
        kill(init, signal_to_send);
    waitpid(init, &how, 0);
    close(ready[0]);
    close(ready[1]);
    assert_true(WIFEXITED(how));
    return WEXITSTATUS(how);
}

static void child_exits(void)
{
    _exit(7);
}

static void child_is_killed(void)
{
    raise(SIGKILL);
}

/* The orphan's end must not be taken for the gateway's. */
static void child_leaves_orphan(void)
{
    if (fork() == 0)
        _exit(3);
    usleep(50000);
    _exit(8);
}

static void child_waits_for_hup(void)
{
    sigset_t set;
    int number;

    sigemptyset(&set);
    sigaddset(&set, SIGHUP);
    sigwait(&set, &number);
    _exit(number);
}

static void test_init(void **state)
{
    (void)state;
    assert_int_equal(run_init(child_exits, 0), 7);
    assert_int_equal(run_init(child_is_killed, 0), 128 + SIGKILL);
    assert_int_equal(run_init(child_leaves_orphan, 0), 8);
    assert_int_equal(run_init(child_waits_for_hup, SIGHUP), SIGHUP);
}

/* ---- health ---- */

static int check(void)
{
    struct options options = {0};
    pid_t asker = fork();
    int how;

    if (asker == 0) {
        if (!freopen("/dev/null", "w", stderr))
            _exit(9);
        _exit(health_check(&options));
    }
    waitpid(asker, &how, 0);
    return WEXITSTATUS(how);
}

static int check_while_answering(int fd)
{
    struct options options = {0};
    pid_t asker = fork();
    int how = 0;

    if (asker == 0) {
        if (!freopen("/dev/null", "w", stderr))
            _exit(9);
        _exit(health_check(&options));
    }
    while (waitpid(asker, &how, WNOHANG) == 0) {
        health_answer(fd);
        usleep(1000);
    }
    return WEXITSTATUS(how);
}

static void test_health(void **state)
{
    int fd, second;

    (void)state;
    assert_int_equal(check(), 1); /* nobody is there */
    fd = health_open(gateway.name, STR("[::]:8080"));
    assert_true(fd >= 0);
    assert_int_equal(check_while_answering(fd), 1); /* not ready yet */
    admin_set_ready(true);
    assert_int_equal(check_while_answering(fd), 0);
    second = health_open(gateway.name, STR("[::]:8081"));
    assert_true(second >= 0);
    assert_int_equal(check_while_answering(fd), 0); /* the first keeps the name */
    close(second);
    close(fd);
    assert_int_equal(check(), 1);
}

/* ---- last words ---- */

static void test_crash(void **state)
{
    char text[4096];
    size_t len = 0;
    ssize_t got;
    int out[2], how;
    pid_t victim;

    (void)state;
    assert_int_equal(pipe(out), 0);
    victim = fork();
    if (victim == 0) {
        dup2(out[1], STDERR_FILENO);
        close(out[0]);
        close(out[1]);
        crash_install("gw 1.2 (build abc)");
        crash_thread_begin();
        raise(SIGSEGV);
        _exit(0);
    }
    close(out[1]);
    while ((got = read(out[0], text + len, sizeof text - 1 - len)) > 0)
        len += (size_t)got;
    text[len] = 0;
    close(out[0]);
    waitpid(victim, &how, 0);
    assert_true(WIFSIGNALED(how));
    assert_int_equal(WTERMSIG(how), SIGSEGV);
    assert_memory_equal(text, "crash: gw 1.2 (build abc) got signal 11 at address 0x", 53);
    assert_non_null(strstr(text, "\ncrash:   +0x"));
}

static int make_root(void **state)
{
    (void)state;
    snprintf(name, sizeof name, "gw-%07u", (unsigned)getpid() % 10000000);
    return mkdtemp(root) ? 0 : -1;
}

static int remove_root(void **state)
{
    (void)state;
    return rmdir(root);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_options),    cmocka_unit_test(test_option_values),
        cmocka_unit_test(test_usage),      cmocka_unit_test(test_about),
        cmocka_unit_test(test_cpus),       cmocka_unit_test(test_figures),
        cmocka_unit_test(test_references), cmocka_unit_test(test_pid_file),
        cmocka_unit_test(test_init),       cmocka_unit_test(test_health),
        cmocka_unit_test(test_crash),
    };

    return cmocka_run_group_tests(tests, make_root, remove_root);
}
