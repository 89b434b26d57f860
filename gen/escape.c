#include "escape.h"

#include "base/utf8.h"

static char last_of(const struct text *out)
{
    return out->len ? out->at[out->len - 1] : '\0';
}

static void octal(struct text *out, struct str bytes)
{
    for (size_t i = 0; i < bytes.len; i++)
        text_printf(out, "\\%03o", (unsigned)(unsigned char)bytes.at[i]);
}

static void ascii_c(struct text *out, char c)
{
    char last = last_of(out);
    switch (c) {
    case '\n':
        text_add(out, STR("\\n"));
        return;
    case '\r':
        text_add(out, STR("\\r"));
        return;
    case '\t':
        text_add(out, STR("\\t"));
        return;
    case '"':
    case '\\':
        text_byte(out, '\\');
        text_byte(out, c);
        return;
    default:
        break;
    }
    if (c == '?' && last == '?')
        text_add(out, STR("\\?"));
    else if (c < ' ' || (c == '/' && last == '*') || (c == '*' && last == '/'))
        octal(out, (struct str){&c, 1});
    else
        text_byte(out, c);
}

void escape_c(struct text *out, struct str s)
{
    for (size_t at = 0; at < s.len;) {
        size_t from = at;
        int32_t c = utf8_next(s, &at);
        struct str bytes = {s.at + from, at - from};
        if (c >= 0 && c < 0x7F)
            ascii_c(out, (char)c);
        else if (c < 0 || utf8_is_deceptive(c))
            octal(out, bytes);
        else
            text_add(out, bytes);
    }
}

void escape_line(struct text *out, struct str s)
{
    for (size_t at = 0; at < s.len;) {
        size_t from = at;
        int32_t c = utf8_next(s, &at);
        if (c < 0)
            text_printf(out, "\\x%02x", (unsigned)(unsigned char)s.at[from]);
        else if (c == '\n')
            text_add(out, STR("\\n"));
        else if (c == '\\')
            text_add(out, STR("\\\\"));
        else if (c < ' ' || utf8_is_deceptive(c))
            text_printf(out, "\\u{%x}", (unsigned)c);
        else
            text_add(out, (struct str){s.at + from, at - from});
    }
}
