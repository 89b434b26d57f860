#include "view_parts.h"

#include "base/utf8.h"
#include "name.h"

enum { LINE_WIDTH = 70 };

/* An upper bound for one character, exact for what documents are made of. */
static size_t character_width(int32_t c)
{
    if (c == '"' || c == '\\' || c == '\n' || c == '\r' || c == '\t' || c == '?')
        return 2;
    if (c < ' ' || c == 0x7F)
        return 4;
    return c < 0x80 ? 1 : 2;
}

size_t view_width(struct str text)
{
    size_t width = 0;
    for (size_t at = 0; at < text.len;)
        width += character_width(utf8_next(text, &at));
    return width;
}

/* The bytes of the next literal of a long text. */
static size_t next_line(struct str text)
{
    size_t width = 0, blank = 0, at = 0;
    while (at < text.len) {
        size_t next = at;
        int32_t c = utf8_next(text, &next);
        width += character_width(c);
        if (width > LINE_WIDTH)
            return blank ? blank : at;
        at = next;
        if (c == '\n')
            return at;
        if (c == ' ')
            blank = at;
    }
    return at;
}

struct value *view_lines(struct pool *pool, struct str text)
{
    struct value *list = value_list(pool);
    do {
        size_t len = next_line(text);
        struct value *line = value_map(pool);
        view_set_text(pool, line, "line", str_head(text, len));
        view_set_flag(pool, line, "first", list->items.count == 0);
        value_add(pool, list, line);
        text = str_from(text, len);
    } while (text.len);
    return list;
}

struct value *view_texts(struct pool *pool, const struct str *texts, size_t count)
{
    struct value *list = value_list(pool);
    for (size_t i = 0; i < count; i++) {
        struct value *item = value_map(pool);
        view_set_text(pool, item, "text", texts[i]);
        view_set_flag(pool, item, "first", i == 0);
        value_add(pool, list, item);
    }
    return list;
}

struct value *view_address_bytes(struct pool *pool, const uint8_t address[16])
{
    struct value *list = value_list(pool);
    for (size_t i = 0; i < 16; i++) {
        struct value *map = value_map(pool);
        view_set_flag(pool, map, "more", i > 0);
        view_set_number(pool, map, "byte", address[i]);
        value_add(pool, list, map);
    }
    return list;
}

struct value *view_text(struct pool *pool, const struct ir_text *text)
{
    static const char *const kinds[] = {
        [IR_TEXT_NONE] = "GW_TEXT_NONE",
        [IR_TEXT_LITERAL] = "GW_TEXT_LITERAL",
        [IR_TEXT_ENV] = "GW_TEXT_ENV",
        [IR_TEXT_FILE] = "GW_TEXT_FILE",
    };
    if (text->kind == IR_TEXT_NONE)
        return value_flag(pool, false);
    struct value *map = value_map(pool);
    view_set_name(pool, map, "kind", str_of(kinds[text->kind]));
    view_set_text(pool, map, "text", text->text);
    value_set(pool, map, "fallback",
              text->fallback.at ? value_text(pool, text->fallback) : value_flag(pool, false));
    return map;
}

struct value *view_turned(struct pool *pool, const struct gateway *gw, uint32_t value)
{
    if (value == 0)
        return value_flag(pool, false);
    return value_name(pool, name_upper(pool, gw->runtime.values.at[value - 1].symbol));
}

struct value *view_timeouts(struct pool *pool, struct str name, const struct ir_timeouts *timeouts)
{
    struct value *map = value_map(pool);
    view_set_name(pool, map, "name", name);
    view_set_number(pool, map, "connect", timeouts->connect);
    view_set_number(pool, map, "send", timeouts->send);
    view_set_number(pool, map, "read", timeouts->read);
    view_set_number(pool, map, "request", timeouts->request);
    view_set_number(pool, map, "idle", timeouts->idle);
    view_set_flag(pool, map, "from_client", timeouts->from_client);
    return map;
}

static struct value *overrides(struct pool *pool, const struct ir_errors *errors)
{
    struct value *list = value_list(pool);
    for (size_t i = 0; i < errors->overrides.count; i++) {
        const struct ir_error_override *override = &errors->overrides.at[i];
        struct value *map = value_map(pool);
        view_set_number(pool, map, "first", override->first);
        view_set_number(pool, map, "last", override->last);
        view_set_number(pool, map, "status", override->status);
        value_set(pool, map, "content_type", value_text_or_false(pool, override->content_type));
        view_set_flag(pool, map, "has_body", override->body.at != NULL);
        value_set(pool, map, "body", view_lines(pool, override->body));
        value_add(pool, list, map);
    }
    return list;
}

struct value *view_errors(struct pool *pool, struct str name, const struct ir_errors *errors)
{
    static const char *const formats[] = {
        [IR_ERRORS_PROBLEM] = "GW_ERRORS_PROBLEM",
        [IR_ERRORS_JSON] = "GW_ERRORS_JSON",
        [IR_ERRORS_TEXT] = "GW_ERRORS_TEXT",
    };
    struct value *map = value_map(pool);
    view_set_name(pool, map, "name", name);
    view_set_name(pool, map, "format", str_of(formats[errors->format]));
    view_set_flag(pool, map, "request_id", errors->request_id);
    value_set(pool, map, "type_base", value_text_or_false(pool, errors->type_base));
    value_set(pool, map, "overrides", overrides(pool, errors));
    view_set_flag(pool, map, "has_overrides", errors->overrides.count > 0);
    view_set_number(pool, map, "override_count", errors->overrides.count);
    return map;
}

bool view_errors_equal(const struct ir_errors *a, const struct ir_errors *b)
{
    if (a->format != b->format || a->request_id != b->request_id ||
        !str_eq(a->type_base, b->type_base) || a->overrides.count != b->overrides.count)
        return false;
    for (size_t i = 0; i < a->overrides.count; i++) {
        const struct ir_error_override *x = &a->overrides.at[i], *y = &b->overrides.at[i];
        if (x->first != y->first || x->last != y->last || x->status != y->status ||
            !str_eq(x->content_type, y->content_type) || !str_eq(x->body, y->body))
            return false;
    }
    return true;
}
