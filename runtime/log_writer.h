/* log_writer: the one thread that writes the access log, and the buffers on their way to it. It never lets a
 * full pipe or a closed reader reach the workers, and it ends on time even when nobody reads any more. */
#ifndef LOG_WRITER_H
#define LOG_WRITER_H

#include "base/str.h"

enum { LOG_BUFFER_BYTES = 64 * 1024 };

struct log_source;

struct log_buffer {
    struct log_buffer *next;
    struct log_source *source;
    size_t len;
    char bytes[LOG_BUFFER_BYTES];
};

/* One worker's buffers. Those not in the worker's hands or in the queue lie in `spare`. */
struct log_source {
    struct log_source *next;
    struct log_buffer *spare; /* atomic to peek at; changed under the writer's lock */
    struct log_buffer *buffers;
};

/* Opens "stdout", "stderr" or a file's name and starts the thread; false: *error says why. */
bool log_writer_start(struct str output, const char **error);

/* Waits at most `wait_ms` until all is written, then gives up; frees every source. */
void log_writer_stop(unsigned wait_ms);

/* The file is opened anew before the next write. Any thread, any time. */
void log_writer_reopen(void);

struct log_source *log_writer_source(void);

/* A spare buffer, or NULL: all are queued. The second one waits for it as long as the writer runs. */
struct log_buffer *log_writer_take(struct log_source *source);
struct log_buffer *log_writer_wait(struct log_source *source);

/* Queues a buffer for writing. */
void log_writer_give(struct log_buffer *buffer);

/* Lines that could not be written, and that callers gave up (added here so that one place counts). */
void log_writer_lose(uint64_t lines);
uint64_t log_writer_lost(void);

#endif
