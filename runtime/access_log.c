#include "access_log.h"

#include <stdlib.h>

#include "log_line.h"
#include "log_writer.h"

enum { FLUSH_MS = 1000 };

struct access_log {
    struct worker *worker;
    struct log_source *source;
    struct log_buffer
        *current; /* NULL: all buffers wait for the writer, or nothing was logged yet */
    struct timer flush;
};

static bool is_on, blocks;
static bool quiet; /* about requests that no route takes */

bool access_log_start(const struct gw_access_log *config, struct str path, const char **error)
{
    is_on = config->on && log_writer_start(path, error);
    blocks = config->block_when_full;
    quiet = config->routes_only;
    return is_on || !config->on;
}

void access_log_stop(unsigned wait_ms)
{
    if (is_on)
        log_writer_stop(wait_ms);
    is_on = false;
}

void access_log_reopen(void)
{
    if (is_on)
        log_writer_reopen();
}

uint64_t access_log_dropped(void)
{
    return log_writer_lost();
}

static void hand_over(struct access_log *log)
{
    struct log_buffer *buffer = log->current;

    log->current = NULL;
    timer_clear(&log->worker->loop, &log->flush);
    if (buffer)
        log_writer_give(buffer);
}

static void flush_now(struct timer *timer)
{
    hand_over((struct access_log *)(void *)((char *)timer - offsetof(struct access_log, flush)));
}

struct access_log *access_log_open(struct worker *worker)
{
    struct access_log *log;

    if (!is_on)
        return NULL;
    log = pool_xmalloc(sizeof *log);
    *log = (struct access_log){.worker = worker, .source = log_writer_source()};
    log->flush.fire = flush_now;
    return log;
}

void access_log_close(struct access_log *log)
{
    hand_over(log);
    free(log);
}

/* Room for one line of any size, or NULL: the line is lost. */
static struct log_buffer *room(struct access_log *log, const struct gw_req *rq)
{
    const struct gw_access_log *own = rq->route ? rq->route->own_log : NULL;
    bool waits = own ? own->block_when_full : blocks;

    if (!log->current)
        log->current = waits ? log_writer_wait(log->source) : log_writer_take(log->source);
    return log->current;
}

/* Formats straight into the buffer; what does not fit is formatted once more into the next one, which
 * holds any line. */
static bool append(struct access_log *log, const struct gw_req *rq)
{
    struct log_buffer *buffer = room(log, rq);
    size_t len;

    if (!buffer)
        return false;
    len = log_line_write(buffer->bytes + buffer->len, sizeof buffer->bytes - buffer->len, rq);
    if (len == 0) {
        hand_over(log);
        buffer = room(log, rq);
        len = buffer ? log_line_write(buffer->bytes, sizeof buffer->bytes, rq) : 0;
    }
    if (len == 0)
        return false;
    if (buffer->len == 0)
        timer_set(&log->worker->loop, &log->flush, FLUSH_MS);
    buffer->len += len;
    return true;
}

void access_log_write(struct worker *worker, const struct gw_req *rq)
{
    if (!worker->log || (rq->route ? !rq->route->access_log : quiet))
        return;
    if (!append(worker->log, rq))
        log_writer_lose(1);
}
