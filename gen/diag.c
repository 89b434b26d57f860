#include "diag.h"

#include "diag_print.h"
#include <stdlib.h>

/* A sentence that quotes a megabyte of somebody's name helps nobody. */
enum { LONGEST_TEXT = 1000 };

static struct str shorten(struct pool *pool, struct str text)
{
    size_t end = LONGEST_TEXT;

    if (text.len <= LONGEST_TEXT)
        return text;
    while (end > 0 && ((unsigned char)text.at[end] & 0xC0) == 0x80)
        end--;
    return pool_printf(pool, "%.*s…", (int)end, text.at);
}

__attribute__((format(printf, 3, 0))) static void add(struct diags *d, struct diag_message message,
                                                      const char *format, va_list args)
{
    message.text = shorten(d->pool, pool_vprintf(d->pool, format, args));
    *vec_add(d->pool, &d->list) = message;
}

void diag_error(struct diags *d, struct loc loc, const char *code, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    add(d, (struct diag_message){.severity = DIAG_ERROR, .loc = loc, .code = code}, format, args);
    va_end(args);
    d->errors++;
}

void diag_warn(struct diags *d, struct loc loc, const char *code, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    add(d, (struct diag_message){.severity = DIAG_WARNING, .loc = loc, .code = code}, format, args);
    va_end(args);
    d->warnings++;
}

void diag_note(struct diags *d, struct loc loc, const char *format, ...)
{
    size_t parent = d->list.count > 0 ? d->list.count - 1 : 0;
    va_list args;

    while (parent > 0 && d->list.at[parent].severity == DIAG_NOTE)
        parent--;
    va_start(args, format);
    add(d, (struct diag_message){.severity = DIAG_NOTE, .loc = loc, .code = "", .parent = parent},
        format, args);
    va_end(args);
}

bool diag_failed(const struct diags *d)
{
    return d->errors > 0 || (d->werror && d->warnings > 0);
}

static int by_number(size_t a, size_t b)
{
    return (a > b) - (a < b);
}

static int by_place(const void *left, const void *right)
{
    const struct diag_message *a = ((const struct diag_entry *)left)->message;
    const struct diag_message *b = ((const struct diag_entry *)right)->message;
    int order = by_number(a->loc.file, b->loc.file);

    if (order == 0)
        order = by_number(a->loc.line, b->loc.line);
    if (order == 0)
        order = by_number(a->loc.col, b->loc.col);
    /* All messages are items of one array, so their addresses are the order in which they were said. */
    return order != 0 ? order : by_number((size_t)(uintptr_t)a, (size_t)(uintptr_t)b);
}

static bool same_place(struct loc a, struct loc b)
{
    return a.file == b.file && a.line == b.line && a.col == b.col;
}

/* Whether one of the entries before `count` at the same place says the same. */
static bool said_before(const struct diag_entry *entries, size_t count,
                        const struct diag_message *m)
{
    while (count-- > 0) {
        const struct diag_message *other = entries[count].message;
        if (!same_place(other->loc, m->loc))
            return false;
        if (other->severity == m->severity && strcmp(other->code, m->code) == 0 &&
            str_eq(other->text, m->text))
            return true;
    }
    return false;
}

static bool is_wanted(const struct diags *d, const struct diag_message *message)
{
    return !d->quiet || d->werror || message->severity != DIAG_WARNING;
}

static size_t collect(const struct diags *d, struct diag_entry *entries)
{
    size_t all = 0, kept = 0;

    for (size_t i = 0; i < d->list.count; i++) {
        const struct diag_message *message = &d->list.at[i];
        if (message->severity == DIAG_NOTE && all > 0)
            entries[all - 1].note_count++;
        else
            entries[all++] = (struct diag_entry){.message = message, .notes = message + 1};
    }
    if (all > 0)
        qsort(entries, all, sizeof *entries, by_place);
    for (size_t i = 0; i < all; i++)
        if (is_wanted(d, entries[i].message) && !said_before(entries, kept, entries[i].message))
            entries[kept++] = entries[i];
    return kept;
}

void diag_print(const struct diags *d, FILE *out, enum diag_format format, bool colour)
{
    struct diag_entry *entries = pool_alloc(d->pool, (d->list.count + 1) * sizeof *entries);
    struct diag_report report = {d, entries, collect(d, entries), colour};
    struct text text = {.pool = d->pool};

    switch (format) {
    case DIAG_TEXT:
        diag_print_text(&report, &text);
        break;
    case DIAG_JSON:
        diag_print_json(&report, &text);
        break;
    case DIAG_SARIF:
        diag_print_sarif(&report, &text);
        break;
    case DIAG_GITHUB:
        diag_print_github(&report, &text);
        break;
    }
    if (text.len > 0)
        fwrite(text.at, 1, text.len, out);
    fflush(out);
}

struct str diag_suggest(struct pool *pool, struct str wrong, const struct str *names, size_t count)
{
    size_t best = wrong.len < 3 ? 1 : wrong.len / 3, nearest = count;

    for (size_t i = 0; i < count; i++) {
        size_t distance = str_distance(wrong, names[i], best);
        /* A distance of the whole word is no likeness: "a" is not a misspelt "b". */
        if (distance <= best && distance < wrong.len && (nearest == count || distance < best)) {
            best = distance;
            nearest = i;
        }
    }
    if (nearest == count)
        return STR("");
    return pool_printf(pool, "; did you mean '%.*s'?", STR_ARG(names[nearest]));
}
