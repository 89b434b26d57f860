#include "child.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { NOT_FOUND = 127 };

static void become(const char *const *argv, int output)
{
    int nothing = open("/dev/null", O_RDONLY);
    if (nothing >= 0)
        dup2(nothing, STDIN_FILENO);
    dup2(output, STDOUT_FILENO);
    dup2(output, STDERR_FILENO);
    setenv("LC_ALL", "C", 1);
    unsetenv("MAKEFLAGS");
    unsetenv("MFLAGS");
    unsetenv("MAKELEVEL");
    execvp(argv[0], (char *const *)argv);
    _exit(NOT_FOUND);
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

    pid_t pid = fork();
    if (pid == 0)
        become(argv, output);
    if (pid > 0) {
        sigaction(SIGINT, &ignore, &interrupt);
        sigaction(SIGQUIT, &ignore, &quit);
        while (waitpid(pid, &state, 0) < 0 && errno == EINTR)
            continue;
        sigaction(SIGINT, &interrupt, NULL);
        sigaction(SIGQUIT, &quit, NULL);
        child.status = WIFEXITED(state) ? WEXITSTATUS(state) : 128 + WTERMSIG(state);
        child.started = child.status != NOT_FOUND;
        child.interrupted = WIFSIGNALED(state) && WTERMSIG(state) != SIGSEGV;
        child.output = read_back(pool, output);
    }
    close(output);
    return child;
}
