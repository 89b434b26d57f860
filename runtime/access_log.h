/* access_log: one line per request, JSON or Apache combined. A worker formats lines into its own buffer of
 * 64 KiB and hands full ones (or after a second, or at the end) to the one writer thread, so that neither a
 * slow disk nor a stuck reader is felt by traffic: when all buffers of a worker are waiting, lines are
 * dropped and counted. With `on_full: block` the worker waits for the writer instead, and its traffic with it. */
#ifndef ACCESS_LOG_H
#define ACCESS_LOG_H

#include "request/worker.h"

/* Opens the output and starts the writer thread. false: *error says why. A log that is off opens nothing.
 * `path` is the resolved output: "stdout", "stderr" or a file's name. */
bool access_log_start(const struct gw_access_log *config, struct str path, const char **error);

/* Writes what the closed worker logs left, waiting at most `wait_ms` for a stuck reader, and ends. */
void access_log_stop(unsigned wait_ms);

/* The log file is opened anew before the next write (USR1). Any thread. */
void access_log_reopen(void);

/* One worker's part; on its thread. NULL when the log is off. Close hands over what is buffered. */
struct access_log *access_log_open(struct worker *worker);
void access_log_close(struct access_log *log);

/* One line for a finished request, unless its route logs nothing. */
void access_log_write(struct worker *worker, const struct gw_req *rq);

/* Lines that could not be kept, so far; any thread. */
uint64_t access_log_dropped(void);

#endif
