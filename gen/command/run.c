#include <errno.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "build.h"
#include "cache.h"
#include "command/command.h"
#include "compile.h"
#include "watch.h"

/* Builds unless the cache has it. `path` is empty when the spec or the machine is not fit; what there is to
 * say has been said then, and *status is set. The pools outlive the job. */
static struct str make_ready(const struct options *options, struct pool *pool, struct watch *watch,
                             int *status)
{
    struct compilation c;
    compile_begin(&c, options);
    struct emitted *files = compile_files(&c);
    if (watch)
        watch_look(watch, pool, &c.job.sources);
    struct str path = STR("");
    if (files)
        path = pool_copy(pool, cache_path(&c.job, files, c.view->program, options->release));
    if (path.len && (access(path.at, X_OK) != 0 || options->emit.len)) {
        struct build order = {
            .program = c.view->program,
            .folder = options->emit,
            .output = path,
            .jobs = options->jobs,
            .release = options->release,
            .verbose = options->verbose,
        };
        progress_stage(&c.progress, "build");
        build(&c.job, files, &order);
    }
    *status = compile_end(&c);
    return *status ? STR("") : path;
}

static char **arguments(const struct options *options, struct pool *pool, struct str path)
{
    char **argv = pool_alloc(pool, (options->rest.count + 2) * sizeof *argv);
    argv[0] = (char *)path.at;
    for (size_t i = 0; i < options->rest.count; i++)
        argv[i + 1] = (char *)options->rest.at[i].at;
    return argv;
}

static int cannot_start(struct str path, int error)
{
    fprintf(stderr, "apigw-gen: cannot start %s: %s\n", path.at, strerror(error));
    return 3;
}

/* ---- --watch ---- */

static volatile sig_atomic_t asked_to_end;

static void end_asked(int signal_number)
{
    asked_to_end = signal_number;
}

/* The gateway as our child; 0 after a message. */
static pid_t start(const struct options *options, struct pool *pool, struct str path)
{
    pid_t pid = 0;
    int error = posix_spawn(&pid, path.at, NULL, NULL, arguments(options, pool, path), environ);
    if (error)
        cannot_start(path, error);
    return error ? 0 : pid;
}

static int status_of(int state)
{
    return WIFEXITED(state) ? WEXITSTATUS(state) : 128 + WTERMSIG(state);
}

/* The old one finishes its requests, then the port is free for the new one. */
static int stop(pid_t gateway, int signal_number)
{
    int state = 0;
    kill(gateway, signal_number);
    while (waitpid(gateway, &state, 0) < 0 && errno == EINTR)
        kill(gateway, signal_number);
    return status_of(state);
}

static int watch_and_run(const struct options *options, struct pool *pool)
{
    struct sigaction action = {.sa_handler = end_asked};
    struct watch watch = {0};
    int status, state;
    pid_t gateway = 0;
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    struct str running = STR(""), path = make_ready(options, pool, &watch, &status);
    while (!asked_to_end) {
        if (path.len && !str_eq(path, running)) {
            if (gateway > 0)
                stop(gateway, SIGTERM);
            gateway = start(options, pool, path);
            running = path;
        }
        while (!asked_to_end && !watch_changed(&watch)) {
            watch_rest();
            if (gateway > 0 && waitpid(gateway, &state, WNOHANG) == gateway)
                return status_of(state);
        }
        if (!asked_to_end)
            path = make_ready(options, pool, &watch, &status);
    }
    return gateway > 0 ? stop(gateway, asked_to_end) : status;
}

int command_run(const struct options *options)
{
    if (options->operands.count == 0)
        return options_usage(options, "which SPEC?");
    if (options->watch)
        return watch_and_run(options, options->pool);
    int status;
    struct str path = make_ready(options, options->pool, NULL, &status);
    if (path.len == 0)
        return status;
    execv(path.at, arguments(options, options->pool, path));
    return cannot_start(path, errno);
}
