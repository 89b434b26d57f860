/* log: the gateway's own messages, for whoever operates it; not the access log. One line per message on
 * standard error: time, level, sentence. A line is at most 1 KiB (longer ones end in "…"), is written by
 * one system call, and shows control characters escaped, so that no peer can forge a line. Safe from any
 * thread; never blocks on a lock. */
#ifndef BASE_LOG_H
#define BASE_LOG_H

enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARN, LOG_ERROR };

/* Messages below the level are dropped; LOG_INFO unless set. */
void log_set_level(enum log_level level);

void log_debug(const char *format, ...) __attribute__((format(printf, 1, 2)));
void log_info(const char *format, ...) __attribute__((format(printf, 1, 2)));
void log_warn(const char *format, ...) __attribute__((format(printf, 1, 2)));
void log_error(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
