#include "base/log.h"

#include <errno.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/utf8.h"

enum { LINE_MAX_BYTES = 1024 };

static _Atomic int lowest = LOG_INFO;

void log_set_level(enum log_level level)
{
    atomic_store_explicit(&lowest, (int)level, memory_order_relaxed);
}

struct line {
    char at[LINE_MAX_BYTES];
    size_t len;
};

/* Controls and broken bytes as \xNN. False when the line is full; room for "…\n" always stays. */
static bool add_character(struct line *line, struct str message, size_t *at)
{
    size_t start = *at;
    int32_t character = utf8_next(message, at);
    struct str piece = {message.at + start, *at - start};
    char escape[5];

    if (character < 0x20 || (character >= 0x7F && character < 0xA0)) {
        /* Two bytes of a C1 control are shown as the one code they stand for. */
        unsigned code =
            character < 0 ? (unsigned char)message.at[start] : (unsigned)character & 0xFFu;
        snprintf(escape, sizeof escape, "\\x%02x", code);
        piece = (struct str){escape, 4};
    }
    if (line->len + piece.len + 4 > sizeof line->at)
        return false;
    memcpy(line->at + line->len, piece.at, piece.len);
    line->len += piece.len;
    return true;
}

static void add_message(struct line *line, struct str message)
{
    for (size_t at = 0; at < message.len;)
        if (!add_character(line, message, &at)) {
            memcpy(line->at + line->len, "…", 3);
            line->len += 3;
            break;
        }
    line->at[line->len++] = '\n';
}

static bool is_wanted(enum log_level level)
{
    return (int)level >= atomic_load_explicit(&lowest, memory_order_relaxed);
}

static void put(enum log_level level, const char *message)
{
    static const char *const names[] = {"debug", "info ", "warn ", "error"};
    char time[28];
    struct line line;

    clock_iso(clock_wall_us(), time);
    line.len = (size_t)snprintf(line.at, sizeof line.at, "%s %s ", time, names[level]);
    add_message(&line, str_of(message));
    /* Nobody is left to tell when standard error cannot take it. */
    if (write(STDERR_FILENO, line.at, line.len) < 0)
        return;
}

/* Whoever logs a failed call may still want its errno. */
#define LOG_FUNCTION(name, level)                                                                  \
    void name(const char *format, ...)                                                             \
    {                                                                                              \
        char message[2 * LINE_MAX_BYTES];                                                          \
        int before = errno;                                                                        \
        va_list args;                                                                              \
                                                                                                   \
        if (!is_wanted(level))                                                                     \
            return;                                                                                \
        va_start(args, format);                                                                    \
        vsnprintf(message, sizeof message, format, args);                                          \
        va_end(args);                                                                              \
        put(level, message);                                                                       \
        errno = before;                                                                            \
    }

LOG_FUNCTION(log_debug, LOG_DEBUG)
LOG_FUNCTION(log_info, LOG_INFO)
LOG_FUNCTION(log_warn, LOG_WARN)
LOG_FUNCTION(log_error, LOG_ERROR)
