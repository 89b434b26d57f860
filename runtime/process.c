#include "process.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "access_log.h"
#include "admin.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/watched.h"
#include "crash.h"
#include "gw.h"
#include "health.h"
#include "io/listen.h"
#include "log_line.h"
#include "log_text.h"
#include "pid_file.h"
#include "request/hops.h"
#include "request/request_id.h"
#include "secure.h"
#include "self.h"
#include "setup.h"
#include "successor.h"

enum {
    LOG_WAIT_MS = 2000, /* how long a stuck reader of the access log may hold up the end */
    POLL_MAX_MS = 60 * 1000
};

enum phase { PHASE_RUN, PHASE_DELAY, PHASE_DRAIN, PHASE_END };

struct process {
    struct setup setup;
    const struct options *options;
    enum phase phase;
    uint64_t until;         /* clock_ms: end of the delay or the grace */
    uint64_t look_at;       /* clock_ms: when watched files are looked at again */
    struct watched callers; /* files by which callers are known */
    bool has_files;         /* there are some */
    int signals;            /* signalfd */
    struct successor successor;
    bool replaced; /* the successor serves */
    bool left;     /* and nobody here accepts any more */
    bool cut_off;  /* requests were not waited for */
};

/* ---- what a process sets up for itself ---- */

/* A socket that took the place of standard output would get the access log. */
static void occupy_standard_files(void)
{
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++) {
        if (fcntl(fd, F_GETFD) >= 0 || errno != EBADF)
            continue;
        /* the lowest free number; an empty root has no /dev/null */
        if (open("/dev/null", O_RDWR) < 0 && eventfd(0, 0) < 0)
            return;
    }
}

static void harden(void)
{
    signal(SIGPIPE, SIG_IGN);
    self_raise_descriptors();
#if !defined(                                                                                      \
    __SANITIZE_ADDRESS__) /* sanitizers tell more about a crash, and attach to find leaks */
    static char what[256];
    snprintf(what, sizeof what, "%.*s %.*s (build %.*s)", STR_ARG(str_head(gateway.name, 64)),
             STR_ARG(str_head(gateway.version, 64)), STR_ARG(str_head(gateway.build_id, 64)));
    crash_install(what);
    prctl(PR_SET_DUMPABLE, 0); /* secrets do not end in a core file */
#endif
}

/* Signals come through a descriptor; workers inherit the mask and see none. */
static int open_signals(void)
{
    sigset_t set;

    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGHUP);
    sigaddset(&set, SIGUSR1);
    sigaddset(&set, SIGUSR2);
    if (sigprocmask(SIG_BLOCK, &set, NULL) != 0)
        return -1;
    return signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
}

static int complain(const char *error)
{
    fprintf(stderr, "%.*s: %s\n", STR_ARG(gateway.name), error);
    return 1;
}

/* ---- signals ---- */

static void begin_drain(struct process *process)
{
    process->phase = PHASE_DRAIN;
    process->until = clock_ms() + gateway.drain_grace;
    crew_drain(process->replaced);
}

static void begin_end(struct process *process, int number)
{
    successor_notify("STOPPING=1");
    admin_set_ready(false);
    crew_wind_down();
    if (number == SIGTERM && gateway.drain_delay > 0) {
        log_info("draining, still accepting for %u ms", gateway.drain_delay);
        process->phase = PHASE_DELAY;
        process->until = clock_ms() + gateway.drain_delay;
        return;
    }
    log_info("draining");
    begin_drain(process);
}

/* Files of secrets, keys and consumers that the document names. */
struct files {
    uint64_t digest;
    bool are_some;
};

static void add_file(struct files *files, struct str path)
{
    if (path.len == 0)
        return;
    files->are_some = true;
    watched_add(&files->digest, path);
}

static void add_text(struct files *files, const struct gw_text *text)
{
    if (text->kind == GW_TEXT_FILE)
        add_file(files, text->text);
}

static void add_consumers(struct files *files, const struct gw_consumers *consumers)
{
    add_file(files, consumers->file);
    for (uint32_t i = 0; i < consumers->count; i++) {
        const struct gw_consumer *one = &consumers->at[i];
        for (uint32_t k = 0; k < one->key_count; k++)
            add_text(files, &one->keys[k]);
        for (uint32_t k = 0; k < one->credential_count; k++)
            add_text(files, &one->credentials[k].secret);
    }
}

static struct files callers_files(void)
{
    struct files files = {.digest = WATCHED_BEGIN};

    if (gateway.consumers)
        add_consumers(&files, gateway.consumers);
    for (uint32_t i = 0; gateway.jwts && i < gateway.jwts->count; i++)
        add_text(&files, &gateway.jwts->at[i]->key);
    for (uint32_t i = 0; gateway.introspections && i < gateway.introspections->count; i++)
        add_text(&files, &gateway.introspections->at[i]->client_secret);
    return files;
}

/* Before they are read: what changes meanwhile is read again. */
static void begin_to_watch(struct process *process)
{
    struct files files = callers_files();

    process->has_files = files.are_some;
    if (files.are_some)
        watched_is_read(&process->callers, files.digest);
}

/* False: something is bad, and all of it stays as it was. */
static bool adopt_live(struct process *process)
{
    char error[SETUP_ERROR];
    struct live *live;

    begin_to_watch(process);
    live = setup_read_live(&process->setup, error);
    if (!live) {
        log_error("reload: keeping the old data: %s", error);
        return false;
    }
    live_release(process->setup.live);
    process->setup.live = live;
    crew_adopt(live);
    log_info("reloaded");
    return true;
}

static void reload(struct process *process)
{
    if (gateway.runtime)
        gateway.runtime->module->reload(gateway.runtime);
    if (gateway.jwts)
        gateway.jwts->module->refresh(gateway.jwts);
    if (adopt_live(process))
        secure_reload();
}

/* ---- replacing ---- */

static void replace(struct process *process)
{
    int listening[LISTEN_INHERITED_MAX];
    char error[SUCCESSOR_ERROR], keys[TLS_TICKET_BYTES];
    struct successor_gifts gifts = {.listening = listening, .health = process->setup.health_fd};

    if (process->successor.pid != 0 || process->phase != PHASE_RUN) {
        log_warn("USR2: a replacement is under way already, or this gateway is ending");
        return;
    }
    gifts.listening_count = setup_listening(&process->setup, listening, LISTEN_INHERITED_MAX);
    if (gateway.tls) {
        gateway.tls->tickets_export(keys);
        gifts.secrets = (struct str){keys, sizeof keys};
    }
    if (successor_start(&process->successor, &gifts, error))
        log_info("process %d is to take over", (int)process->successor.pid);
    else
        log_error("cannot be replaced, and goes on: %s", error);
    explicit_bzero(keys, sizeof keys);
}

/* The old one ends as if told to, but that nobody else has to be kept away from the sockets. */
static void give_way(struct process *process)
{
    char line[64];

    snprintf(line, sizeof line, "MAINPID=%d", (int)process->successor.pid);
    successor_notify(line);
    process->replaced = true;
    admin_set_ready(false);
    if (process->setup.health_fd >= 0)
        close(process->setup.health_fd);
    process->setup.health_fd = -1;
    begin_drain(process);
}

static void look_at_successor(struct process *process)
{
    char error[SUCCESSOR_ERROR];

    if (process->successor.pid == 0 || process->replaced)
        return;
    switch (successor_look(&process->successor, error)) {
    case SUCCESSOR_STARTS:
        return;
    case SUCCESSOR_IS_READY:
        give_way(process);
        return;
    case SUCCESSOR_FAILED:
        log_error("the successor failed, and this gateway goes on: %s", error);
        return;
    }
}

/* Said when it is true of every connection made from then on. */
static void look_at_handing_over(struct process *process)
{
    if (!process->replaced || process->left || !crew_has_handed_over())
        return;
    process->left = true;
    log_info("process %d has taken over, draining", (int)process->successor.pid);
}

static void take_signal(struct process *process, int number)
{
    switch (number) {
    case SIGHUP:
        reload(process);
        return;
    case SIGUSR1:
        access_log_reopen();
        return;
    case SIGUSR2:
        replace(process);
        return;
    default:
        break;
    }
    if (process->phase == PHASE_RUN) {
        begin_end(process, number);
        return;
    }
    log_warn("second signal: ending at once");
    process->cut_off = true;
    process->phase = PHASE_END;
}

static void read_signals(struct process *process)
{
    struct signalfd_siginfo info;

    while (read(process->signals, &info, sizeof info) == (ssize_t)sizeof info)
        take_signal(process, (int)info.ssi_signo);
}

/* ---- the main thread's days ---- */

static bool watches_files(const struct process *process)
{
    return secure_watches() || gateway.runtime || process->has_files;
}

/* Milliseconds to the end of a phase, or a part of them, for poll. */
static int time_left(const struct process *process)
{
    uint64_t now = clock_ms();

    if (process->phase == PHASE_RUN && process->successor.pid != 0)
        return SECURE_LOOK_MS;
    if (process->phase == PHASE_RUN)
        return watches_files(process) ? SECURE_LOOK_MS : -1;
    if (process->until <= now)
        return 0;
    return process->until - now < POLL_MAX_MS ? (int)(process->until - now) : POLL_MAX_MS;
}

static void check_phase(struct process *process)
{
    bool over = process->phase != PHASE_RUN && clock_ms() >= process->until;

    if (process->phase == PHASE_DELAY && over) {
        begin_drain(process);
    } else if (process->phase == PHASE_DRAIN && crew_is_idle()) {
        process->phase = PHASE_END;
    } else if (process->phase == PHASE_DRAIN && over) {
        log_warn("drain: %zu requests cut off after %u ms", crew_in_flight(), gateway.drain_grace);
        process->phase = PHASE_END;
    }
}

static void empty(int event)
{
    uint64_t count;

    if (read(event, &count, sizeof count) < 0)
        return; /* was empty */
}

/* They are read with all else that is live. */
static void look_at_callers(struct process *process)
{
    if (watched_has_rested(&process->callers, callers_files().digest))
        adopt_live(process);
}

/* Signals may wake the loop earlier: files rest for a whole look. */
static void look_at_files(struct process *process)
{
    uint64_t now = clock_ms();

    if (now < process->look_at)
        return;
    process->look_at = now + SECURE_LOOK_MS;
    secure_look();
    if (gateway.runtime)
        gateway.runtime->module->look(gateway.runtime);
    if (process->has_files)
        look_at_callers(process);
}

static void mind(struct process *process)
{
    while (process->phase != PHASE_END) {
        struct pollfd files[] = {
            {.fd = process->signals, .events = POLLIN},
            {.fd = crew_event(), .events = POLLIN},
            {.fd = process->setup.health_fd, .events = POLLIN},
            {.fd = process->successor.pid != 0 ? process->successor.ready : -1, .events = POLLIN}};
        poll(files, sizeof files / sizeof *files, time_left(process));
        read_signals(process);
        empty(crew_event());
        if (files[2].revents)
            health_answer(process->setup.health_fd);
        look_at_successor(process);
        look_at_handing_over(process);
        if (watches_files(process))
            look_at_files(process);
        check_phase(process);
    }
}

/* ---- start and end ---- */

static bool start_log(struct process *process, char error[SETUP_ERROR])
{
    const char *why = NULL;
    struct str unknown;

    log_text_credentials(gateway.key_names, gateway.key_name_count);
    if (!log_line_setup(&gateway.access_log, gateway.routes, gateway.route_count, &unknown)) {
        snprintf(error, SETUP_ERROR, "access log: unknown field %.*s", STR_ARG(unknown));
        return false;
    }
    if (!access_log_start(&gateway.access_log, process->setup.log_output, &why)) {
        snprintf(error, SETUP_ERROR, "access log: cannot write to %.*s: %s",
                 STR_ARG(process->setup.log_output), why);
        return false;
    }
    return true;
}

/* Ids are made only where something shows them. */
static bool ids_are_shown(void)
{
    bool shown = gateway.errors && gateway.errors->request_id;

    for (size_t i = 0; !shown && i < gateway.route_count; i++)
        shown = gateway.routes[i]->correlation ||
                (gateway.routes[i]->errors && gateway.routes[i]->errors->request_id);
    return shown || (gateway.access_log.on && log_line_has_id());
}

static bool start_workers(struct process *process, char error[SETUP_ERROR])
{
    hops_setup(gateway.name);
    request_id_setup(&gateway.correlation, ids_are_shown());
    return setup_listen(&process->setup, error) &&
           crew_start(process->setup.workers, setup_posts(&process->setup), process->setup.live,
                      error);
}

static bool write_pid_file(const struct process *process, char error[SETUP_ERROR])
{
    const char *path = process->options->pid_file;

    if (!path || pid_file_write(path))
        return true;
    snprintf(error, SETUP_ERROR, "cannot write %s: %s", path, strerror(errno));
    return false;
}

static enum log_level wanted_log_level(void)
{
    if (gateway.runtime && gateway.runtime->log_level)
        return (enum log_level)gw_word(gateway.runtime->log_level);
    return gateway.log_level;
}

static int serve_until_told(struct process *process)
{
    char error[SETUP_ERROR];

    if (!start_log(process, error))
        return complain(error);
    if (!start_workers(process, error)) {
        access_log_stop(LOG_WAIT_MS);
        return complain(error);
    }
    if (write_pid_file(process, error)) {
        admin_set_ready(true);
        log_info("ready");
        successor_say_ready();
        log_set_level(wanted_log_level());
        mind(process);
    } else {
        complain(error);
        process->cut_off = true;
    }
    admin_set_ready(false);
    crew_stop();
    access_log_stop(LOG_WAIT_MS);
    if (process->options->pid_file)
        pid_file_remove(process->options->pid_file);
    return process->cut_off ? 1 : 0;
}

int process_run(const struct options *options)
{
    struct process process = {.options = options};
    char error[SETUP_ERROR];
    int status;

    successor_inherit();
    occupy_standard_files();
    harden();
    process.signals = open_signals();
    crash_thread_begin();
    begin_to_watch(&process);
    if (setup_read(&process.setup, options, error))
        status = serve_until_told(&process);
    else
        status = complain(error);
    setup_close(&process.setup);
    crash_thread_end();
    close(process.signals);
    return status;
}

int process_check(const struct options *options)
{
    struct setup setup;
    struct str unknown;
    char error[SETUP_ERROR];
    int status = 0;

    if (!setup_read(&setup, options, error))
        status = complain(error);
    else if (!log_line_setup(&gateway.access_log, gateway.routes, gateway.route_count, &unknown))
        status = complain("access log: unknown field");
    else
        fprintf(stderr, "%.*s: everything it needs is there\n", STR_ARG(gateway.name));
    setup_close(&setup);
    return status;
}
