#include "log_writer.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/pool.h"

/* Buffers per worker, how long one wait for a reader lasts, and how often a failure is told. */
enum { SOURCE_BUFFERS = 4, WAIT_MS = 100, COMPLAIN_MS = 60 * 1000 };

/* How the output takes bytes without ever blocking the thread for good. */
enum output_kind {
    OUTPUT_WHOLE,  /* a file: as much as there is */
    OUTPUT_PIECES, /* a pipe, a terminal: PIPE_BUF bytes fit whenever poll says so */
    OUTPUT_SOCKET  /* asked not to wait, call by call */
};

static struct {
    pthread_mutex_t lock;
    pthread_cond_t work; /* something for the writer */
    pthread_cond_t room; /* a buffer came back, or the writer ended */
    pthread_t thread;
    struct log_buffer *first, **last;
    struct log_source *sources;
    int fd;
    enum output_kind kind;
    char *path; /* NULL: stdout, stderr */
    bool running, stopping, reopen;
    bool giving_up; /* atomic */
    uint64_t lost;  /* atomic */
    uint64_t complained_ms;
} writer = {.lock = PTHREAD_MUTEX_INITIALIZER,
            .work = PTHREAD_COND_INITIALIZER,
            .room = PTHREAD_COND_INITIALIZER};

void log_writer_lose(uint64_t lines)
{
    __atomic_add_fetch(&writer.lost, lines, __ATOMIC_RELAXED);
}

uint64_t log_writer_lost(void)
{
    return __atomic_load_n(&writer.lost, __ATOMIC_RELAXED);
}

static bool is_giving_up(void)
{
    return __atomic_load_n(&writer.giving_up, __ATOMIC_RELAXED);
}

/* ---- the output ---- */

static enum output_kind kind_of(int fd)
{
    struct stat about;

    if (fstat(fd, &about) != 0)
        return OUTPUT_WHOLE;
    if (S_ISSOCK(about.st_mode))
        return OUTPUT_SOCKET;
    return S_ISFIFO(about.st_mode) || isatty(fd) ? OUTPUT_PIECES : OUTPUT_WHOLE;
}

static int open_file(const char *path)
{
    return open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY, 0640);
}

/* Waits until the reader takes something; false when the writer is to give up. */
static bool wait_writable(void)
{
    struct pollfd ready = {.fd = writer.fd, .events = POLLOUT};

    while (!is_giving_up()) {
        int count = poll(&ready, 1, WAIT_MS);
        if (count > 0)
            return true;
        if (count < 0 && errno != EINTR)
            return true; /* the write itself will tell */
    }
    return false;
}

/* The most bytes to write at once: on a pipe whole lines, at most PIPE_BUF, so that they are neither torn
 * apart nor block (pipe(7)). */
static size_t piece_len(const char *bytes, size_t len)
{
    size_t whole = PIPE_BUF;

    if (writer.kind != OUTPUT_PIECES || len <= PIPE_BUF)
        return len;
    while (whole > 0 && bytes[whole - 1] != '\n')
        whole--;
    return whole > 0 ? whole : PIPE_BUF;
}

static ssize_t write_some(const char *bytes, size_t len)
{
    if (writer.kind == OUTPUT_SOCKET)
        return send(writer.fd, bytes, len, MSG_DONTWAIT | MSG_NOSIGNAL);
    return write(writer.fd, bytes, len);
}

static uint32_t count_lines(const char *bytes, size_t len)
{
    uint32_t lines = 0;

    for (size_t i = 0; i < len; i++)
        lines += bytes[i] == '\n';
    return lines;
}

static void give_up_rest(const char *bytes, size_t len, int why)
{
    uint64_t now = clock_ms();

    log_writer_lose(count_lines(bytes, len));
    if (writer.complained_ms != 0 && now - writer.complained_ms < COMPLAIN_MS)
        return;
    writer.complained_ms = now;
    log_error("access log: cannot write to %s: %s", writer.path ? writer.path : "standard output",
              why != 0 ? strerror(why) : "nobody reads");
}

static void write_all(const char *bytes, size_t len)
{
    while (len > 0) {
        if (writer.kind != OUTPUT_WHOLE && !wait_writable()) {
            give_up_rest(bytes, len, 0);
            return;
        }
        ssize_t count = write_some(bytes, piece_len(bytes, len));
        if (count < 0 && (errno == EINTR || errno == EAGAIN))
            continue;
        if (count < 0) {
            give_up_rest(bytes, len, errno);
            return;
        }
        bytes += count;
        len -= (size_t)count;
    }
}

/* A file that cannot be opened again keeps the old one. */
static void open_again(void)
{
    int fd = writer.path ? open_file(writer.path) : -1;

    if (!writer.path)
        return;
    if (fd < 0) {
        log_error("access log: cannot reopen %s, writing to the old file: %s", writer.path,
                  strerror(errno));
        return;
    }
    close(writer.fd);
    writer.fd = fd;
    writer.kind = kind_of(fd);
    log_info("access log: reopened %s", writer.path);
}

/* ---- the thread ---- */

static struct log_buffer *next_buffer(void)
{
    struct log_buffer *buffer;

    while (!writer.first && !writer.stopping && !writer.reopen)
        pthread_cond_wait(&writer.work, &writer.lock);
    buffer = writer.first;
    if (buffer) {
        writer.first = buffer->next;
        if (!writer.first)
            writer.last = &writer.first;
    }
    return buffer;
}

static void put_back(struct log_buffer *buffer)
{
    struct log_source *source = buffer->source;

    buffer->len = 0;
    buffer->next = source->spare;
    __atomic_store_n(&source->spare, buffer, __ATOMIC_RELAXED);
    pthread_cond_broadcast(&writer.room);
}

static void *run(void *unused)
{
    bool over = false;

    (void)unused;
    pthread_mutex_lock(&writer.lock);
    while (!over) {
        struct log_buffer *buffer = next_buffer();
        bool reopen = writer.reopen;
        over = !buffer && writer.stopping;
        writer.reopen = false;
        pthread_mutex_unlock(&writer.lock);
        if (reopen)
            open_again();
        if (buffer)
            write_all(buffer->bytes, buffer->len);
        pthread_mutex_lock(&writer.lock);
        if (buffer)
            put_back(buffer);
    }
    writer.running = false;
    pthread_cond_broadcast(&writer.room);
    pthread_mutex_unlock(&writer.lock);
    return NULL;
}

static bool start_thread(const char **error)
{
    int why;

    writer.kind = kind_of(writer.fd);
    writer.last = &writer.first;
    writer.stopping = writer.reopen = writer.giving_up = false;
    writer.running = true;
    why = pthread_create(&writer.thread, NULL, run, NULL);
    if (why != 0) {
        writer.running = false;
        *error = strerror(why);
    }
    return why == 0;
}

bool log_writer_start(struct str output, const char **error)
{
    if (str_eq(output, STR("stdout"))) {
        writer.fd = STDOUT_FILENO;
    } else if (str_eq(output, STR("stderr"))) {
        writer.fd = STDERR_FILENO;
    } else {
        writer.path = pool_xmalloc(output.len + 1);
        memcpy(writer.path, output.at, output.len);
        writer.path[output.len] = 0;
        writer.fd = open_file(writer.path);
    }
    if (writer.fd >= 0 && fcntl(writer.fd, F_GETFD) >= 0 && start_thread(error))
        return true;
    *error = strerror(errno);
    free(writer.path);
    writer.path = NULL;
    return false;
}

/* With the lock held: true when the thread ended within the time. */
static bool wait_end(unsigned wait_ms)
{
    struct timespec until;

    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += wait_ms / 1000;
    until.tv_nsec += wait_ms % 1000 * 1000000l;
    if (until.tv_nsec >= 1000000000) {
        until.tv_sec++;
        until.tv_nsec -= 1000000000;
    }
    while (writer.running) {
        if (pthread_cond_timedwait(&writer.room, &writer.lock, &until) == ETIMEDOUT)
            return !writer.running;
    }
    return true;
}

void log_writer_stop(unsigned wait_ms)
{
    bool ended;

    pthread_mutex_lock(&writer.lock);
    writer.stopping = true;
    pthread_cond_signal(&writer.work);
    ended = wait_end(wait_ms);
    __atomic_store_n(&writer.giving_up, true, __ATOMIC_RELAXED);
    if (!ended)
        ended = wait_end(5 * WAIT_MS);
    pthread_mutex_unlock(&writer.lock);
    if (!ended) /* inside a write that never returns: its memory stays until the process is gone */
        return;
    pthread_join(writer.thread, NULL);
    while (writer.sources) {
        struct log_source *source = writer.sources;
        writer.sources = source->next;
        free(source->buffers);
        free(source);
    }
    if (writer.path)
        close(writer.fd);
    free(writer.path);
    writer.path = NULL;
}

void log_writer_reopen(void)
{
    pthread_mutex_lock(&writer.lock);
    writer.reopen = true;
    pthread_cond_signal(&writer.work);
    pthread_mutex_unlock(&writer.lock);
}

/* ---- the workers' side ---- */

struct log_source *log_writer_source(void)
{
    struct log_source *source = pool_xmalloc(sizeof *source);

    source->spare = NULL;
    source->buffers = pool_xmalloc(SOURCE_BUFFERS * sizeof *source->buffers);
    for (size_t i = SOURCE_BUFFERS; i > 0; i--) {
        struct log_buffer *buffer = &source->buffers[i - 1];
        buffer->source = source;
        buffer->len = 0;
        buffer->next = source->spare;
        source->spare = buffer;
    }
    pthread_mutex_lock(&writer.lock);
    source->next = writer.sources;
    writer.sources = source;
    pthread_mutex_unlock(&writer.lock);
    return source;
}

static struct log_buffer *pop_spare(struct log_source *source)
{
    struct log_buffer *buffer = source->spare;

    if (buffer)
        __atomic_store_n(&source->spare, buffer->next, __ATOMIC_RELAXED);
    return buffer;
}

struct log_buffer *log_writer_take(struct log_source *source)
{
    struct log_buffer *buffer;

    /* While the reader is stuck this is asked for every line: look before locking. */
    if (!__atomic_load_n(&source->spare, __ATOMIC_RELAXED))
        return NULL;
    pthread_mutex_lock(&writer.lock);
    buffer = pop_spare(source);
    pthread_mutex_unlock(&writer.lock);
    return buffer;
}

struct log_buffer *log_writer_wait(struct log_source *source)
{
    struct log_buffer *buffer;

    pthread_mutex_lock(&writer.lock);
    while (!source->spare && writer.running && !writer.stopping)
        pthread_cond_wait(&writer.room, &writer.lock);
    buffer = pop_spare(source);
    pthread_mutex_unlock(&writer.lock);
    return buffer;
}

void log_writer_give(struct log_buffer *buffer)
{
    pthread_mutex_lock(&writer.lock);
    buffer->next = NULL;
    *writer.last = buffer;
    writer.last = &buffer->next;
    pthread_cond_signal(&writer.work);
    pthread_mutex_unlock(&writer.lock);
}
