#include "fold.h"

#include "base/utf8.h"

static const struct str call = STR_INIT("STR_INIT(");

/* The bytes before the call in `    .path = STR_INIT("…"),` or in `    STR_INIT("…"),`; line.len: another
 * kind of line. */
static size_t find_call(struct str line)
{
    size_t at = 0;
    while (at < line.len && line.at[at] == ' ')
        at++;
    if (at < line.len && line.at[at] == '.') {
        while (at < line.len &&
               (strchr("._", line.at[at]) || (line.at[at] >= 'a' && line.at[at] <= 'z')))
            at++;
        if (!str_starts(str_from(line, at), STR(" = ")))
            return line.len;
        at += strlen(" = ");
    }
    struct str rest = str_from(line, at);
    bool whole = str_starts(rest, call) && rest.len > call.len + 4 && rest.at[call.len] == '"' &&
                 str_eq(str_from(rest, rest.len - 3), STR("\"),"));
    return whole ? at : line.len;
}

/* Behind the equals sign when the rest fits a line then, else behind the bracket. */
static void break_line(struct text *out, struct str line, size_t at)
{
    size_t indent = line.len - str_trim(line, " ").len;
    bool fits = indent + 4 + utf8_count(str_from(line, at)) <= FOLD_WIDTH;
    if (at == indent || !fits)
        at += call.len;
    text_add(out, str_head(line, at));
    if (out->at[out->len - 1] == ' ')
        out->at[--out->len] = '\0';
    text_printf(out, "\n%*s", (int)indent + 4, "");
    text_add(out, str_from(line, at));
}

void fold(struct text *out, struct str lines)
{
    while (lines.len) {
        struct str line = str_head(lines, str_find(lines, '\n'));
        bool wide = line.len > FOLD_WIDTH && utf8_count(line) > FOLD_WIDTH;
        size_t at = wide ? find_call(line) : line.len;
        if (at < line.len)
            break_line(out, line, at);
        else
            text_add(out, line);
        text_byte(out, '\n');
        lines = str_from(lines, line.len + 1);
    }
}
