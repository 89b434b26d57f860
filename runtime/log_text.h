/* log_text: text on its way into a log line: a bounded place that is written once, front to back. What others
 * wrote (URLs, user agents) is escaped, cut off at a bound, and rid of credentials. */
#ifndef LOG_TEXT_H
#define LOG_TEXT_H

#include "base/str.h"

struct log_text {
    char *at, *end;
    bool apache; /* Apache's escapes, else JSON's */
    bool full;   /* something did not fit: the line is not to be used */
};

/* memcpy for the few bytes that most pieces have: no call. */
static inline void log_text_copy(char *to, const char *from, size_t len)
{
    uint64_t first8, last8;
    uint32_t first4, last4;

    if (len > 16) {
        memcpy(to, from, len);
    } else if (len >= 8) {
        memcpy(&first8, from, 8);
        memcpy(&last8, from + len - 8, 8);
        memcpy(to, &first8, 8);
        memcpy(to + len - 8, &last8, 8);
    } else if (len >= 4) {
        memcpy(&first4, from, 4);
        memcpy(&last4, from + len - 4, 4);
        memcpy(to, &first4, 4);
        memcpy(to + len - 4, &last4, 4);
    } else {
        for (size_t i = 0; i < len; i++)
            to[i] = from[i];
    }
}

/* As it is. */
static inline void log_text_put(struct log_text *text, struct str s)
{
    if (s.len > (size_t)(text->end - text->at)) {
        text->full = true;
        return;
    }
    log_text_copy(text->at, s.at, s.len);
    text->at += s.len;
}

static inline void log_text_byte(struct log_text *text, char byte)
{
    if (text->at == text->end)
        text->full = true;
    else
        *text->at++ = byte;
}

void log_text_number(struct log_text *text, uint64_t number);

/* Escaped; cut off once `max` bytes are written. */
void log_text_escape(struct log_text *text, struct str s, size_t max);

/* Parameters of these names are credentials, besides those that are always taken for some. At start. */
void log_text_credentials(const struct str *names, uint32_t count);

/* A query whose credentials show as ***; and a whole URL with such a query. */
void log_text_query(struct log_text *text, struct str query, size_t max);
void log_text_url(struct log_text *text, struct str url, size_t max);

#endif
