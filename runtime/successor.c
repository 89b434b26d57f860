#include "successor.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/pool.h"
#include "base/vec.h"
#include "init.h"

enum { FIRST_FD = 3 };

extern char **environ;

static struct {
    char path[PATH_MAX];
    char **argv;
    int ready, health, secrets; /* inherited; -1: none */
} own = {.ready = -1, .health = -1, .secrets = -1};

/* ---- starting one ---- */

void successor_remember(char **argv)
{
    char folder[PATH_MAX];
    ssize_t len;

    own.argv = argv;
    if (argv[0][0] == '/') {
        snprintf(own.path, sizeof own.path, "%s", argv[0]);
    } else if (strchr(argv[0], '/') && getcwd(folder, sizeof folder)) {
        if (snprintf(own.path, sizeof own.path, "%s/%s", folder, argv[0]) >= (int)sizeof own.path)
            own.path[0] = 0;
    } else if ((len = readlink("/proc/self/exe", own.path, sizeof own.path - 1)) > 0) {
        own.path[len] = 0;
    }
}

/* What the child needs, made before fork: behind it no memory can be taken. */
struct plan {
    struct pool pool;
    VEC(int) fds; /* theirs is FIRST_FD and up, in this order */
    VEC(char *) environment;
    char *pid; /* where LISTEN_PID's number goes */
    int ready[2];
};

static bool is_ours(const char *line)
{
    static const char *const names[] = {
        "LISTEN_PID=", "LISTEN_FDS=", "LISTEN_FDNAMES=", "GW_SUCCESSOR="};

    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strncmp(line, names[i], strlen(names[i])) == 0)
            return true;
    return false;
}

static int add_fd(struct plan *plan, int fd)
{
    if (fd < 0)
        return -1;
    *vec_add(&plan->pool, &plan->fds) = fd;
    return FIRST_FD + (int)plan->fds.count - 1;
}

static void add_line(struct plan *plan, struct str line)
{
    *vec_add(&plan->pool, &plan->environment) = (char *)line.at;
}

static int secrets_file(struct str secrets)
{
    int fd = secrets.len > 0 ? memfd_create("secrets", MFD_CLOEXEC) : -1;

    if (fd >= 0 && pwrite(fd, secrets.at, secrets.len, 0) != (ssize_t)secrets.len) {
        close(fd);
        return -1;
    }
    return fd;
}

static void make_plan(struct plan *plan, const struct successor_gifts *gifts, int secrets)
{
    struct str pid = pool_printf(&plan->pool, "LISTEN_PID=%*d", 20, 0);
    int ready, health;

    for (unsigned i = 0; i < gifts->listening_count; i++)
        add_fd(plan, gifts->listening[i]);
    ready = add_fd(plan, plan->ready[1]);
    health = add_fd(plan, gifts->health);
    secrets = add_fd(plan, secrets);
    for (char **line = environ; *line; line++)
        if (!is_ours(*line))
            *vec_add(&plan->pool, &plan->environment) = *line;
    add_line(plan, pool_printf(&plan->pool, "LISTEN_FDS=%u", gifts->listening_count));
    add_line(plan, pool_printf(&plan->pool, "GW_SUCCESSOR=%d,%d,%d", ready, health, secrets));
    add_line(plan, pid);
    plan->pid = (char *)pid.at + sizeof "LISTEN_PID=" - 1;
    *vec_add(&plan->pool, &plan->environment) = NULL;
}

/* Only calls that are safe behind fork in a program with threads. */
static void become(const struct plan *plan)
{
    int count = (int)plan->fds.count, spare = FIRST_FD + count;
    pid_t pid = getpid();
    char *at = plan->pid + 20;
    sigset_t none;

    do
        *--at = (char)('0' + pid % 10);
    while ((pid /= 10) > 0);
    memmove(plan->pid, at, (size_t)(plan->pid + 21 - at));
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    signal(SIGPIPE, SIG_DFL);
    for (int i = 0; i < count; i++)
        if ((plan->fds.at[i] = fcntl(plan->fds.at[i], F_DUPFD_CLOEXEC, spare)) < 0)
            _exit(127);
    for (int i = 0; i < count; i++)
        if (dup2(plan->fds.at[i], FIRST_FD + i) < 0)
            _exit(127);
    execve(own.path, own.argv, plan->environment.at);
    _exit(127);
}

bool successor_start(struct successor *successor, const struct successor_gifts *gifts,
                     char error[SUCCESSOR_ERROR])
{
    struct plan plan = {.pid = NULL};
    int secrets = secrets_file(gifts->secrets);
    bool good = false;

    pool_open(&plan.pool, NULL);
    if (own.path[0] == 0) {
        snprintf(error, SUCCESSOR_ERROR, "its path is not known");
    } else if (access(own.path, X_OK) != 0) {
        snprintf(error, SUCCESSOR_ERROR, "%.200s: %s", own.path, strerror(errno));
    } else if (pipe2(plan.ready, O_CLOEXEC | O_NONBLOCK) != 0) {
        snprintf(error, SUCCESSOR_ERROR, "%s", strerror(errno));
    } else {
        make_plan(&plan, gifts, secrets);
        successor->pid = fork();
        if (successor->pid == 0)
            become(&plan);
        good = successor->pid > 0;
        if (!good)
            snprintf(error, SUCCESSOR_ERROR, "%s", strerror(errno));
        close(plan.ready[1]);
        if (!good)
            close(plan.ready[0]);
    }
    if (secrets >= 0)
        close(secrets);
    if (good) {
        successor->ready = plan.ready[0];
        successor->until = clock_ms() + SUCCESSOR_WAIT_MS;
    } else {
        successor->pid = 0;
    }
    pool_close(&plan.pool);
    return good;
}

static void describe_end(int status, char error[SUCCESSOR_ERROR])
{
    if (WIFEXITED(status) && WEXITSTATUS(status) == 127)
        snprintf(error, SUCCESSOR_ERROR, "%.200s cannot be run", own.path);
    else if (WIFEXITED(status))
        snprintf(error, SUCCESSOR_ERROR, "it ended with status %d", WEXITSTATUS(status));
    else
        snprintf(error, SUCCESSOR_ERROR, "it was ended by signal %d (%s)", WTERMSIG(status),
                 strsignal(WTERMSIG(status)));
}

static enum successor_state give_up(struct successor *successor, bool kills,
                                    char error[SUCCESSOR_ERROR])
{
    int status = 0;

    if (kills)
        kill(successor->pid, SIGKILL);
    waitpid(successor->pid, &status, 0);
    if (kills)
        snprintf(error, SUCCESSOR_ERROR, "it was not ready after %d s", SUCCESSOR_WAIT_MS / 1000);
    else
        describe_end(status, error);
    close(successor->ready);
    *successor = (struct successor){.ready = -1};
    return SUCCESSOR_FAILED;
}

enum successor_state successor_look(struct successor *successor, char error[SUCCESSOR_ERROR])
{
    char said;
    ssize_t len = read(successor->ready, &said, 1);

    if (len == 1) {
        close(successor->ready);
        successor->ready = -1;
        return SUCCESSOR_IS_READY;
    }
    /* Nobody holds the other end any more. */
    if (len == 0)
        return give_up(successor, false, error);
    return clock_ms() >= successor->until ? give_up(successor, true, error) : SUCCESSOR_STARTS;
}

/* ---- being one ---- */

static int keep(int fd)
{
    if (fd < FIRST_FD || fcntl(fd, F_SETFD, FD_CLOEXEC) != 0)
        return -1;
    return fd;
}

void successor_inherit(void)
{
    const char *given = getenv("GW_SUCCESSOR");
    int ready = -1, health = -1, secrets = -1;

    if (given && sscanf(given, "%d,%d,%d", &ready, &health, &secrets) == 3) {
        own.ready = keep(ready);
        own.health = keep(health);
        own.secrets = keep(secrets);
    }
    unsetenv("GW_SUCCESSOR");
}

int successor_inherited_health(void)
{
    int fd = own.health;

    own.health = -1;
    return fd;
}

size_t successor_inherited_secrets(char *to, size_t room)
{
    ssize_t len = own.secrets >= 0 ? pread(own.secrets, to, room, 0) : 0;

    if (own.secrets >= 0)
        close(own.secrets);
    own.secrets = -1;
    return len > 0 ? (size_t)len : 0;
}

void successor_notify(const char *line)
{
    const char *path = getenv("NOTIFY_SOCKET");
    struct sockaddr_un to = {.sun_family = AF_UNIX};
    size_t len = path ? strlen(path) : 0;
    int fd;

    if (len == 0 || len >= sizeof to.sun_path || (path[0] != '/' && path[0] != '@'))
        return;
    memcpy(to.sun_path, path, len);
    if (path[0] == '@')
        to.sun_path[0] = 0;
    fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return;
    sendto(fd, line, strlen(line), MSG_NOSIGNAL, (const struct sockaddr *)&to,
           (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len));
    close(fd);
}

void successor_say_ready(void)
{
    init_tell_newest();
    if (own.ready >= 0) {
        ssize_t said = write(own.ready, "r", 1);
        (void)said; /* who waited for it may have gone */
        close(own.ready);
        own.ready = -1;
    }
    successor_notify("READY=1");
}
