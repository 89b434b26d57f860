/* text: a growing piece of text in a pool, for whoever prints (dumps, emitters, manifests). The bytes are
 * text.at[0..text.len); always followed by a NUL once something was added. */
#ifndef BASE_TEXT_H
#define BASE_TEXT_H

#include "base/pool.h"

struct text {
    struct pool *pool;
    char *at;
    size_t len, cap;
};

static inline void text_add(struct text *text, struct str s);
void text_byte(struct text *text, char byte);
void text_printf(struct text *text, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* s between double quotes with JSON's escapes; bytes that are not UTF-8 become U+FFFD. */
void text_json(struct text *text, struct str s);

/* text_add when the room does not suffice. */
void text_add_growing(struct text *text, struct str s);

static inline void text_add(struct text *text, struct str s)
{
    if (text->cap - text->len <= s.len) {
        text_add_growing(text, s);
        return;
    }
    if (s.len > 0)
        memcpy(text->at + text->len, s.at, s.len);
    text->len += s.len;
    text->at[text->len] = '\0';
}

static inline struct str text_str(const struct text *text)
{
    return (struct str){text->at, text->len};
}

#endif
