#include "fold.h"

#include "base/utf8.h"

/* The bytes of `    .path = STR_INIT(` at the start of a line whose literal follows and ends it; 0: another
 * kind of line. */
static size_t opening(struct str line)
{
    static const struct str call = STR_INIT("STR_INIT(");
    size_t at = 0;
    while (at < line.len && line.at[at] == ' ')
        at++;
    if (at < line.len && line.at[at] == '.') {
        while (at < line.len && (line.at[at] == '.' || line.at[at] == '_' ||
                                 (line.at[at] >= 'a' && line.at[at] <= 'z')))
            at++;
        if (!str_starts(str_from(line, at), STR(" = ")))
            return 0;
        at += strlen(" = ");
    }
    if (!str_starts(str_from(line, at), call) || str_from(line, at + call.len).at[0] != '"')
        return 0;
    return str_eq(str_from(line, line.len - 3), STR("\"),")) ? at + call.len : 0;
}

void fold(struct text *out, struct str lines)
{
    while (lines.len) {
        struct str line = str_head(lines, str_find(lines, '\n'));
        size_t head = line.len > FOLD_WIDTH && utf8_count(line) > FOLD_WIDTH ? opening(line) : 0;
        size_t indent = line.len - str_trim(line, " ").len;
        if (head) {
            text_add(out, str_head(line, head));
            text_printf(out, "\n%*s", (int)indent + 4, "");
        }
        text_add(out, str_from(line, head));
        text_byte(out, '\n');
        lines = str_from(lines, line.len + 1);
    }
}
