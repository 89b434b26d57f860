#include "child.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static bool is_hidden(const char *variable)
{
    static const char *const hidden[] = {
        "LC_ALL=", "MAKEFLAGS=", "MFLAGS=", "MAKELEVEL=", "GNUMAKEFLAGS="};
    for (size_t i = 0; i < sizeof hidden / sizeof *hidden; i++) {
        if (str_starts(str_of(variable), str_of(hidden[i])))
            return true;
    }
    return false;
}

static char **environment(struct pool *pool)
{
    size_t count = 0, kept = 0;
    while (environ[count])
        count++;
    char **made = pool_alloc(pool, (count + 2) * sizeof *made);
    for (size_t i = 0; i < count; i++) {
        if (!is_hidden(environ[i]))
            made[kept++] = environ[i];
    }
    made[kept] = (char *)"LC_ALL=C";
    return made;
}

static pid_t start(struct pool *pool, const char *const *argv, int output)
{
    posix_spawn_file_actions_t actions;
    pid_t pid = 0;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO);
    posix_spawn_file_actions_adddup2(&actions, output, STDERR_FILENO);
    int error = posix_spawnp(&pid, argv[0], &actions, NULL, (char *const *)argv, environment(pool));
    posix_spawn_file_actions_destroy(&actions);
    return error ? 0 : pid;
}

static struct str read_back(struct pool *pool, int fd)
{
    struct stat about;
    if (fstat(fd, &about) != 0)
        return STR("");
    size_t len = 0, size = (size_t)about.st_size;
    char *bytes = pool_take(pool, size + 1);
    ssize_t got;
    while (len < size && (got = pread(fd, bytes + len, size - len, (off_t)len)) > 0)
        len += (size_t)got;
    bytes[len] = '\0';
    return (struct str){bytes, len};
}

struct child child_run(struct pool *pool, const char *const *argv)
{
    struct child child = {0};
    struct sigaction ignore = {.sa_handler = SIG_IGN}, interrupt, quit;
    int state = 0, output = memfd_create("output", MFD_CLOEXEC);
    if (output < 0)
        return child;

    pid_t pid = start(pool, argv, output);
    if (pid > 0) {
        sigaction(SIGINT, &ignore, &interrupt);
        sigaction(SIGQUIT, &ignore, &quit);
        while (waitpid(pid, &state, 0) < 0 && errno == EINTR)
            continue;
        sigaction(SIGINT, &interrupt, NULL);
        sigaction(SIGQUIT, &quit, NULL);
        child.started = true;
        child.status = WIFEXITED(state) ? WEXITSTATUS(state) : 128 + WTERMSIG(state);
        child.interrupted = WIFSIGNALED(state) && WTERMSIG(state) != SIGSEGV;
        child.output = read_back(pool, output);
    }
    close(output);
    return child;
}
