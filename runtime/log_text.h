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

/* As it is. */
void log_text_put(struct log_text *text, struct str s);
void log_text_byte(struct log_text *text, char byte);
void log_text_number(struct log_text *text, uint64_t number);

/* Escaped; cut off once `max` bytes are written. */
void log_text_escape(struct log_text *text, struct str s, size_t max);

/* A query whose credentials show as ***; and a whole URL with such a query. */
void log_text_query(struct log_text *text, struct str query, size_t max);
void log_text_url(struct log_text *text, struct str url, size_t max);

/* 0 to 15, or -1. */
int log_text_hex_value(char c);

#endif
