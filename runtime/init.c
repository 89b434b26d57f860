#include "init.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/log.h"

static const int forwarded[] = {SIGTERM, SIGINT, SIGHUP, SIGUSR1, SIGUSR2, SIGQUIT};

enum { FORWARDED = sizeof forwarded / sizeof *forwarded, WORD_FROM = 900 };

static const char NEWEST[] = "GW_INIT_FD"; /* where a gateway says that it is the newest */

struct init {
    pid_t newest; /* the gateway that signals are for, and whose end is ours */
    int status;
    int signals, word;
};

/* A shell's convention: 128 and the signal for a violent end. */
static int exit_status(int status)
{
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

/* Every child that has ended, gateways that were replaced among them; true when the newest was. */
static bool reap(struct init *init)
{
    bool over = false;
    int how;

    for (pid_t pid; (pid = waitpid(-1, &how, WNOHANG)) > 0;) {
        if (WIFSIGNALED(how))
            log_error("process %d was ended by signal %d (%s)", (int)pid, WTERMSIG(how),
                      strsignal(WTERMSIG(how)));
        if (pid != init->newest)
            continue;
        over = true;
        init->status = exit_status(how);
    }
    return over;
}

/* A gateway's process number, in bytes that are written at once. */
static void hear(struct init *init)
{
    pid_t pid;

    while (read(init->word, &pid, sizeof pid) == (ssize_t)sizeof pid)
        if (pid > 1)
            init->newest = pid;
}

static int mind(struct init *init)
{
    struct pollfd files[] = {{.fd = init->signals, .events = POLLIN},
                             {.fd = init->word, .events = POLLIN}};
    struct signalfd_siginfo info;

    for (;;) {
        poll(files, sizeof files / sizeof *files, -1);
        hear(init);
        while (read(init->signals, &info, sizeof info) == (ssize_t)sizeof info)
            if (info.ssi_signo != SIGCHLD)
                kill(init->newest, (int)info.ssi_signo);
        if (reap(init))
            return init->status;
    }
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

/* The end that gateways write to stays open in their successors. Far above the sockets of LISTEN_FDS. */
static void offer_word(int fd)
{
    int high = fcntl(fd, F_DUPFD, WORD_FROM);
    char number[24];

    if (high < 0)
        fcntl(fd, F_SETFD, 0);
    snprintf(number, sizeof number, "%d", high < 0 ? fd : high);
    setenv(NEWEST, number, 1);
    if (high >= 0)
        close(fd);
}

void init_tell_newest(void)
{
    const char *given = getenv(NEWEST);
    pid_t pid = getpid();

    if (given && write(atoi(given), &pid, sizeof pid) != (ssize_t)sizeof pid)
        log_warn("process 1 does not hear which gateway is the newest: %s", strerror(errno));
}

bool init_split(int *status)
{
    struct init init = {.status = 1};
    sigset_t signals, before;
    int word[2];

    sigemptyset(&signals);
    sigaddset(&signals, SIGCHLD);
    for (size_t i = 0; i < FORWARDED; i++)
        sigaddset(&signals, forwarded[i]);
    sigprocmask(SIG_BLOCK, &signals, &before);
    init.signals = signalfd(-1, &signals, SFD_NONBLOCK | SFD_CLOEXEC);
    *status = 1;
    if (init.signals < 0 || pipe2(word, O_NONBLOCK | O_CLOEXEC) != 0) {
        log_error("cannot start the gateway below process 1: %s", strerror(errno));
        return false;
    }
    init.word = word[0];
    init.newest = fork();
    if (init.newest == 0) {
        /* Process 1 takes all others with it when it ends, so that none is left as nobody's. */
        close(init.signals);
        close(word[0]);
        sigprocmask(SIG_SETMASK, &before, NULL);
        inherit_sockets();
        offer_word(word[1]);
        return true;
    }
    close(word[1]);
    if (init.newest < 0) {
        log_error("cannot start the gateway below process 1: %s", strerror(errno));
        return false;
    }
    *status = mind(&init);
    return false;
}
