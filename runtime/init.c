#include "init.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/log.h"

static const int forwarded[] = {SIGTERM, SIGINT, SIGHUP, SIGUSR1, SIGUSR2, SIGQUIT};

enum { FORWARDED = sizeof forwarded / sizeof *forwarded };

/* A shell's convention: 128 and the signal for a violent end. */
static int exit_status(int status)
{
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

/* Every child that has ended; true when the gateway was among them. */
static bool reap(pid_t gateway, int *status)
{
    bool over = false;
    int how;

    for (pid_t pid; (pid = waitpid(-1, &how, WNOHANG)) > 0;) {
        if (pid != gateway)
            continue;
        over = true;
        *status = exit_status(how);
        if (WIFSIGNALED(how))
            log_error("the gateway was ended by signal %d (%s)", WTERMSIG(how),
                      strsignal(WTERMSIG(how)));
    }
    return over;
}

static int mind(pid_t gateway, const sigset_t *signals)
{
    int status = 1;

    while (!reap(gateway, &status)) {
        int number = sigwaitinfo(signals, NULL);
        if (number > 0 && number != SIGCHLD)
            kill(gateway, number);
    }
    return status;
}

/* Sockets handed to process 1 (systemd's protocol, as podman speaks it) are meant for the gateway. */
static void inherit_sockets(void)
{
    const char *listen_pid = getenv("LISTEN_PID");
    char own[24];

    if (!listen_pid || atoi(listen_pid) != (int)getppid())
        return;
    snprintf(own, sizeof own, "%d", (int)getpid());
    setenv("LISTEN_PID", own, 1);
}

bool init_split(int *status)
{
    sigset_t signals, before;
    pid_t gateway;

    sigemptyset(&signals);
    sigaddset(&signals, SIGCHLD);
    for (size_t i = 0; i < FORWARDED; i++)
        sigaddset(&signals, forwarded[i]);
    sigprocmask(SIG_BLOCK, &signals, &before);
    gateway = fork();
    if (gateway == 0) {
        /* without its init the process would be nobody's */
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        sigprocmask(SIG_SETMASK, &before, NULL);
        inherit_sockets();
        return true;
    }
    if (gateway < 0) {
        log_error("cannot start the gateway below process 1: %s", strerror(errno));
        *status = 1;
        return false;
    }
    *status = mind(gateway, &signals);
    return false;
}
