/* The formats that programs read. */
#include "diag_print.h"

static struct str safe(const struct diag_report *report, struct str s)
{
    struct text text = {.pool = report->diags->pool};

    diag_print_safe(&text, s);
    return text_str(&text);
}

static void json_member(struct text *out, const char *name, struct str value)
{
    text_printf(out, "\"%s\":", name);
    text_json(out, value);
}

static void json_place(const struct diag_report *report, struct loc loc, struct text *out)
{
    const struct source *source = source_get(report->diags->sources, loc.file);

    if (!source)
        return;
    text_byte(out, ',');
    json_member(out, "file", source->name);
    if (loc.line > 0)
        text_printf(out, ",\"line\":%u,\"column\":%u", loc.line, loc.col);
}

static void json_notes(const struct diag_report *report, const struct diag_entry *entry,
                       struct text *out)
{
    text_add(out, STR(",\"notes\":["));
    for (size_t i = 0; i < entry->note_count; i++) {
        text_add(out, i > 0 ? STR(",{") : STR("{"));
        json_member(out, "message", safe(report, entry->notes[i].text));
        json_place(report, entry->notes[i].loc, out);
        text_byte(out, '}');
    }
    text_byte(out, ']');
}

void diag_print_json(const struct diag_report *report, struct text *out)
{
    text_byte(out, '[');
    for (size_t i = 0; i < report->count; i++) {
        const struct diag_entry *entry = &report->entries[i];
        text_add(out, i > 0 ? STR(",\n {") : STR("\n {"));
        json_member(out, "severity", str_of(diag_print_severity(report->diags, entry->message)));
        text_byte(out, ',');
        json_member(out, "code", str_of(entry->message->code));
        text_byte(out, ',');
        json_member(out, "message", safe(report, entry->message->text));
        json_place(report, entry->message->loc, out);
        json_notes(report, entry, out);
        text_byte(out, '}');
    }
    text_add(out, report->count > 0 ? STR("\n]\n") : STR("]\n"));
}

/* A file name as a URI reference (RFC 3986): what is not unreserved or a slash is a %XX. */
static struct str uri_of(const struct diag_report *report, struct str name)
{
    struct text text = {.pool = report->diags->pool};

    if (str_starts(name, STR("/")))
        text_add(&text, STR("file://"));
    for (size_t i = 0; i < name.len; i++) {
        unsigned char c = (unsigned char)name.at[i];
        bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                     strchr("-._~/", c);
        if (plain && c != '\0')
            text_byte(&text, (char)c);
        else
            text_printf(&text, "%%%02X", c);
    }
    return text_str(&text);
}

static void sarif_location(const struct diag_report *report, const struct diag_message *message,
                           struct text *out)
{
    const struct source *source = source_get(report->diags->sources, message->loc.file);

    text_byte(out, '{');
    if (source) {
        text_add(out, STR("\"physicalLocation\":{\"artifactLocation\":{"));
        json_member(out, "uri", uri_of(report, source->name));
        text_byte(out, '}');
        if (message->loc.line > 0)
            text_printf(out, ",\"region\":{\"startLine\":%u,\"startColumn\":%u}", message->loc.line,
                        message->loc.col);
        text_byte(out, '}');
    }
    if (message->severity == DIAG_NOTE) {
        text_add(out, source ? STR(",\"message\":{") : STR("\"message\":{"));
        json_member(out, "text", safe(report, message->text));
        text_byte(out, '}');
    }
    text_byte(out, '}');
}

static void sarif_result(const struct diag_report *report, const struct diag_entry *entry,
                         struct text *out)
{
    text_byte(out, '{');
    json_member(out, "ruleId", str_of(entry->message->code));
    text_byte(out, ',');
    json_member(out, "level", str_of(diag_print_severity(report->diags, entry->message)));
    text_add(out, STR(",\"message\":{"));
    json_member(out, "text", safe(report, entry->message->text));
    text_add(out, STR("},\"locations\":["));
    if (entry->message->loc.file > 0)
        sarif_location(report, entry->message, out);
    text_byte(out, ']');
    for (size_t i = 0; i < entry->note_count; i++) {
        text_add(out, i > 0 ? STR(",") : STR(",\"relatedLocations\":["));
        sarif_location(report, &entry->notes[i], out);
    }
    text_add(out, entry->note_count > 0 ? STR("]}") : STR("}"));
}

static bool code_seen(const struct diag_report *report, size_t before, const char *code)
{
    for (size_t i = 0; i < before; i++)
        if (strcmp(report->entries[i].message->code, code) == 0)
            return true;
    return false;
}

static void sarif_rules(const struct diag_report *report, struct text *out)
{
    const char *between = "";

    for (size_t i = 0; i < report->count; i++) {
        const char *code = report->entries[i].message->code;
        if (code_seen(report, i, code))
            continue;
        text_printf(out, "%s{", between);
        json_member(out, "id", str_of(code));
        text_byte(out, '}');
        between = ",";
    }
}

void diag_print_sarif(const struct diag_report *report, struct text *out)
{
    text_add(out, STR("{\"$schema\":\"https://json.schemastore.org/sarif-2.1.0.json\",\n"
                      " \"version\":\"2.1.0\",\n"
                      " \"runs\":[{\"tool\":{\"driver\":{\"name\":\"apigw-gen\",\"rules\":["));
    sarif_rules(report, out);
    text_add(out, STR("]}},\n  \"columnKind\":\"unicodeCodePoints\",\n  \"results\":["));
    for (size_t i = 0; i < report->count; i++) {
        text_add(out, i > 0 ? STR(",\n   ") : STR("\n   "));
        sarif_result(report, &report->entries[i], out);
    }
    text_add(out, STR("]}]}\n"));
}

/* The escapes of workflow commands: a property ends at ':' or ',', a message only at the end of line. */
static void github_escape(struct text *out, struct str s, const char *special)
{
    for (size_t i = 0; i < s.len; i++) {
        unsigned char c = (unsigned char)s.at[i];
        if (c != '\0' && strchr(special, c))
            text_printf(out, "%%%02X", c);
        else
            text_byte(out, (char)c);
    }
}

static void github_place(const struct diag_report *report, struct loc loc, struct text *out)
{
    const struct source *source = source_get(report->diags->sources, loc.file);

    if (!source)
        return;
    text_add(out, STR("file="));
    github_escape(out, source->name, "%\r\n:,");
    if (loc.line > 0)
        text_printf(out, ",line=%u,col=%u", loc.line, loc.col);
    text_byte(out, ',');
}

static void github_note(const struct diag_report *report, const struct diag_message *note,
                        struct text *out)
{
    const struct source *source = source_get(report->diags->sources, note->loc.file);

    text_add(out, STR("%0A"));
    if (source)
        github_escape(out, safe(report, source->name), "%\r\n");
    if (source && note->loc.line > 0)
        text_printf(out, ":%u:%u", note->loc.line, note->loc.col);
    text_add(out, source ? STR(": note: ") : STR("note: "));
    github_escape(out, safe(report, note->text), "%\r\n");
}

void diag_print_github(const struct diag_report *report, struct text *out)
{
    for (size_t i = 0; i < report->count; i++) {
        const struct diag_entry *entry = &report->entries[i];
        text_printf(out, "::%s ", diag_print_severity(report->diags, entry->message));
        github_place(report, entry->message->loc, out);
        text_printf(out, "title=%s::", entry->message->code);
        github_escape(out, safe(report, entry->message->text), "%\r\n");
        for (size_t j = 0; j < entry->note_count; j++)
            github_note(report, &entry->notes[j], out);
        text_byte(out, '\n');
    }
}
