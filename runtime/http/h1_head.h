/* h1_head: heads on their way out, written in one pass into a scratch buffer. */
#ifndef HTTP_H1_HEAD_H
#define HTTP_H1_HEAD_H

#include "http/exchange.h"

/* Text that stops growing at its room; head_text_str is then empty. */
struct head_text {
    char *at;
    size_t len, room;
    bool full;
};

static inline void head_put(struct head_text *text, struct str s)
{
    if (s.len > text->room - text->len) {
        text->full = true;
        return;
    }
    if (s.len > 0)
        memcpy(text->at + text->len, s.at, s.len);
    text->len += s.len;
}

static inline struct str head_text_str(const struct head_text *text)
{
    return text->full ? (struct str){0} : (struct str){text->at, text->len};
}

void head_put_number(struct head_text *text, uint64_t number);
void head_put_fields(struct head_text *text, const struct fields *fields);

/* "Date: …\r\n", made anew when the second has changed. */
struct h1_date {
    uint64_t second;
    char line[40];
};
struct str h1_date_line(struct h1_date *date, uint64_t wall_us);

/* The head of an answer, without Date and Connection when those are empty. `framing` is what the client
 * gets, which need not be what head->framing says. */
struct h1_answer {
    const struct head_out *head;
    enum framing framing;
    struct str date, connection;
};
void h1_head_answer(struct head_text *text, const struct h1_answer *answer);

#endif
