#include "base/text.h"

#include <stdio.h>

#include "base/utf8.h"

enum { FIRST_BYTES = 256 };

/* Room for `more` bytes and the NUL behind them. */
static void make_room(struct text *text, size_t more)
{
    size_t cap = text->cap > 0 ? text->cap : FIRST_BYTES;
    char *at;

    if (text->cap - text->len > more)
        return;
    while (cap - text->len <= more)
        cap *= 2;
    at = pool_take(text->pool, cap);
    if (text->len > 0)
        memcpy(at, text->at, text->len);
    text->at = at;
    text->cap = cap;
}

void text_add_growing(struct text *text, struct str s)
{
    make_room(text, s.len);
    text_add(text, s);
}

void text_byte(struct text *text, char byte)
{
    make_room(text, 1);
    text->at[text->len++] = byte;
    text->at[text->len] = '\0';
}

void text_printf(struct text *text, const char *format, ...)
{
    va_list args, again;
    int len;

    va_start(args, format);
    va_copy(again, args);
    len = vsnprintf(NULL, 0, format, args);
    if (len > 0) {
        make_room(text, (size_t)len);
        vsnprintf(text->at + text->len, (size_t)len + 1, format, again);
        text->len += (size_t)len;
    }
    va_end(again);
    va_end(args);
}

static void json_character(struct text *text, int32_t character, struct str raw)
{
    static const char *const escapes[128] = {
        ['"'] = "\\\"", ['\\'] = "\\\\", ['\b'] = "\\b", ['\f'] = "\\f",
        ['\n'] = "\\n", ['\r'] = "\\r",  ['\t'] = "\\t",
    };

    if (character < 0)
        text_add(text, STR("\xEF\xBF\xBD"));
    else if (character < 128 && escapes[character])
        text_add(text, str_of(escapes[character]));
    else if (character < 0x20 || character == 0x7F)
        text_printf(text, "\\u%04x", (unsigned)character);
    else
        text_add(text, raw);
}

void text_json(struct text *text, struct str s)
{
    size_t plain = 0; /* start of what needs no escape */

    text_byte(text, '"');
    for (size_t at = 0; at < s.len;) {
        unsigned char c = (unsigned char)s.at[at];
        size_t start = at;
        if (c >= 0x20 && c < 0x7F && c != '"' && c != '\\') {
            at++;
            continue;
        }
        text_add(text, str_head(str_from(s, plain), start - plain));
        int32_t character = utf8_next(s, &at);
        json_character(text, character, str_head(str_from(s, start), at - start));
        plain = at;
    }
    text_add(text, str_from(s, plain));
    text_byte(text, '"');
}
