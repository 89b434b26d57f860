#include "about.h"

#include "base/utf8.h"
#include "gw.h"

/* The document's words for a terminal: nothing that steers it or deceives its reader may reach it. One
 * character for each of the document's. */
static void plain(struct text *text, struct str s)
{
    for (size_t at = 0; at < s.len;) {
        size_t from = at;
        int32_t c = utf8_next(s, &at);
        if (c < 0x20 || utf8_is_deceptive(c))
            text_byte(text, '?');
        else
            text_add(text, (struct str){s.at + from, at - from});
    }
}

void about_version(struct text *text)
{
    plain(text, gateway.name);
    text_byte(text, ' ');
    plain(text, gateway.version);
    text_printf(text, " (build %.*s)\n", STR_ARG(gateway.build_id));
}

static void member(struct text *text, const char *name, struct str value)
{
    text_printf(text, "\"%s\":", name);
    text_json(text, value);
}

/* "proxy mock" as ["proxy","mock"]. */
static void words(struct text *text, struct str list)
{
    bool first = true;

    text_byte(text, '[');
    while (list.len > 0) {
        struct str word = str_head(list, str_find(list, ' '));
        list = str_from(list, word.len + 1);
        if (word.len == 0)
            continue;
        if (!first)
            text_byte(text, ',');
        first = false;
        text_json(text, word);
    }
    text_byte(text, ']');
}

void about_version_json(struct text *text)
{
    text_byte(text, '{');
    member(text, "name", gateway.name);
    text_byte(text, ',');
    member(text, "version", gateway.version);
    text_byte(text, ',');
    member(text, "build", gateway.build_id);
    text_printf(text, ",\"abi\":%u,\"operations\":%u,\"features\":", gateway.abi,
                gateway.route_count);
    words(text, gateway.features);
    text_add(text, STR("}\n"));
}

struct column {
    const char *title;
    struct str (*cell)(const struct gw_route *route);
};

static struct str cell_method(const struct gw_route *route)
{
    return route->method;
}

static struct str cell_path(const struct gw_route *route)
{
    return route->path;
}

static struct str cell_name(const struct gw_route *route)
{
    return route->name;
}

static struct str cell_upstream(const struct gw_route *route)
{
    return route->upstream.len > 0 ? route->upstream : STR("-");
}

static struct str cell_security(const struct gw_route *route)
{
    return route->security.len > 0 ? route->security : STR("-");
}

static const struct column columns[] = {
    {"METHOD", cell_method},     {"PATH", cell_path},         {"OPERATION", cell_name},
    {"UPSTREAM", cell_upstream}, {"SECURITY", cell_security},
};

enum { COLUMNS = sizeof columns / sizeof *columns };

static void row(struct text *text, const size_t widths[COLUMNS], const struct gw_route *route)
{
    for (size_t c = 0; c < COLUMNS; c++) {
        struct str cell = route ? columns[c].cell(route) : str_of(columns[c].title);
        plain(text, cell);
        for (size_t pad = utf8_count(cell); c + 1 < COLUMNS && pad < widths[c] + 2; pad++)
            text_byte(text, ' ');
    }
    text_byte(text, '\n');
}

void about_routes(struct text *text)
{
    size_t widths[COLUMNS];

    for (size_t c = 0; c < COLUMNS; c++) {
        widths[c] = strlen(columns[c].title);
        for (size_t i = 0; i < gateway.route_count; i++) {
            size_t len = utf8_count(columns[c].cell(gateway.routes[i]));
            if (len > widths[c])
                widths[c] = len;
        }
    }
    row(text, widths, NULL);
    for (size_t i = 0; i < gateway.route_count; i++)
        row(text, widths, gateway.routes[i]);
}

void about_routes_json(struct text *text)
{
    text_byte(text, '[');
    for (size_t i = 0; i < gateway.route_count; i++) {
        const struct gw_route *route = gateway.routes[i];
        text_add(text, i > 0 ? STR(",\n{") : STR("{"));
        member(text, "method", route->method);
        text_byte(text, ',');
        member(text, "path", route->path);
        text_byte(text, ',');
        member(text, "operation", route->name);
        text_byte(text, ',');
        member(text, "tag", route->tag);
        text_byte(text, ',');
        member(text, "upstream", route->upstream);
        text_byte(text, ',');
        member(text, "security", route->security);
        text_printf(text, ",\"internal\":%s,\"deprecated\":%s}", route->internal ? "true" : "false",
                    route->deprecated ? "true" : "false");
    }
    text_add(text, STR("]\n"));
}
