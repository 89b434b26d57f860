#include "diag_print.h"

#include "base/utf8.h"

/* How much of a long line is shown, in characters. */
enum { SHOWN = 100, SHOWN_BEFORE = 60 };

static const char BOLD[] = "\033[1m", RED[] = "\033[1;31m", MAGENTA[] = "\033[1;35m",
                  CYAN[] = "\033[1;36m", GREEN[] = "\033[1;32m", PLAIN[] = "\033[0m";

const char *diag_print_severity(const struct diags *d, const struct diag_message *message)
{
    if (message->severity == DIAG_NOTE)
        return "note";
    return message->severity == DIAG_WARNING && !d->werror ? "warning" : "error";
}

static bool is_treacherous(int32_t c)
{
    return c < 0x20 || utf8_is_deceptive(c);
}

/* The character at *at, moved behind it, as it may be shown. */
static struct str safe_character(struct str s, size_t *at, char escape[16], int32_t *character)
{
    size_t start = *at;

    *character = utf8_next(s, at);
    if (!is_treacherous(*character))
        return (struct str){s.at + start, *at - start};
    if (*character < 0)
        snprintf(escape, 16, "<%02X>", (unsigned)(unsigned char)s.at[start]);
    else
        snprintf(escape, 16, "<U+%04X>", (unsigned)*character);
    return str_of(escape);
}

void diag_print_safe(struct text *out, struct str s)
{
    char escape[16];
    int32_t character;

    for (size_t at = 0; at < s.len;)
        text_add(out, safe_character(s, &at, escape, &character));
}

static void paint(const struct diag_report *report, struct text *out, const char *colour)
{
    if (report->colour)
        text_add(out, str_of(colour));
}

static void print_place(const struct diag_report *report, struct loc loc, struct text *out)
{
    const struct source *source = source_get(report->diags->sources, loc.file);

    paint(report, out, BOLD);
    if (source)
        diag_print_safe(out, source->name);
    else
        text_add(out, STR("apigw-gen"));
    if (source && loc.line > 0)
        text_printf(out, ":%u:%u", loc.line, loc.col);
    text_add(out, STR(": "));
    paint(report, out, PLAIN);
}

static void print_line(const struct diag_report *report, const struct diag_message *message,
                       struct text *out)
{
    const char *severity = diag_print_severity(report->diags, message);

    print_place(report, message->loc, out);
    paint(report, out, *severity == 'e' ? RED : *severity == 'w' ? MAGENTA : CYAN);
    text_printf(out, "%s: ", severity);
    paint(report, out, PLAIN);
    diag_print_safe(out, message->text);
    if (message->code[0] != '\0')
        text_printf(out, " [%s]", message->code);
    text_byte(out, '\n');
}

/* East Asian wide characters and emoji take two columns of a terminal. */
static size_t columns(int32_t c)
{
    bool wide = (c >= 0x1100 && c <= 0x115F) || (c >= 0x2E80 && c <= 0xA4CF) ||
                (c >= 0xAC00 && c <= 0xD7A3) || (c >= 0xF900 && c <= 0xFAFF) ||
                (c >= 0xFE30 && c <= 0xFE6F) || (c >= 0xFF00 && c <= 0xFF60) ||
                (c >= 0x1F300 && c <= 0x1FAFF) || (c >= 0x20000 && c <= 0x3FFFD);
    bool none = (c >= 0x300 && c <= 0x36F) || (c >= 0xFE00 && c <= 0xFE0F);

    return none ? 0 : wide ? 2 : 1;
}

/* Blanks as wide as what stands above them; a tab stays a tab. */
static void pad(struct text *out, struct str shown, int32_t character)
{
    size_t width = is_treacherous(character) ? shown.len : columns(character);

    if (character == '\t')
        text_byte(out, '\t');
    else
        while (width-- > 0)
            text_byte(out, ' ');
}

/* The line and, for the caret below, blanks up to the column; only a window of a long line. */
static void print_window(struct str line, size_t col, struct text *out, struct text *below)
{
    size_t first = col > SHOWN_BEFORE && utf8_count(line) > SHOWN ? col - SHOWN_BEFORE : 1;
    size_t at = 0, now = 1;
    char escape[16];

    for (; at < line.len && now < first; now++)
        utf8_next(line, &at);
    if (first > 1) {
        text_add(out, STR("…"));
        text_byte(below, ' ');
    }
    for (; at < line.len && now < first + SHOWN; now++) {
        int32_t character;
        struct str shown = safe_character(line, &at, escape, &character);
        if (character == '\t')
            shown = STR("\t");
        text_add(out, shown);
        if (now < col)
            pad(below, shown, character);
    }
    if (at < line.len)
        text_add(out, STR("…"));
    text_byte(out, '\n');
}

static void print_excerpt(const struct diag_report *report, struct loc loc, struct text *out)
{
    struct str line = source_line(report->diags->sources, loc);
    struct text below = {.pool = out->pool};
    size_t from = out->len;

    if (str_trim(line, " \t").len == 0)
        return;
    text_printf(out, "%5u | ", loc.line);
    int gutter = (int)(out->len - from) - 2;
    print_window(line, loc.col, out, &below);
    text_printf(out, "%*s| ", gutter, "");
    text_add(out, text_str(&below));
    paint(report, out, GREEN);
    text_byte(out, '^');
    paint(report, out, PLAIN);
    text_byte(out, '\n');
}

static void print_count(struct text *out, size_t count, const char *what)
{
    text_printf(out, "%zu %s%s", count, what, count == 1 ? "" : "s");
}

static void print_summary(const struct diag_report *report, struct text *out)
{
    size_t errors = 0, warnings;

    for (size_t i = 0; i < report->count; i++)
        errors += *diag_print_severity(report->diags, report->entries[i].message) == 'e';
    warnings = report->count - errors;
    if (report->count < 2)
        return;
    if (errors > 0)
        print_count(out, errors, "error");
    if (errors > 0 && warnings > 0)
        text_add(out, STR(", "));
    if (warnings > 0)
        print_count(out, warnings, "warning");
    text_byte(out, '\n');
}

void diag_print_text(const struct diag_report *report, struct text *out)
{
    for (size_t i = 0; i < report->count; i++) {
        const struct diag_entry *entry = &report->entries[i];
        print_line(report, entry->message, out);
        print_excerpt(report, entry->message->loc, out);
        for (size_t j = 0; j < entry->note_count; j++)
            print_line(report, &entry->notes[j], out);
    }
    print_summary(report, out);
}
