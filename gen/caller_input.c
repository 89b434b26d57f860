#include "caller_input.h"

#include "base/reference.h"
#include "base/urlpath.h"

static void carry(struct carried *carried, struct str text, bool is_escaped)
{
    if (text.len == 0 || (carried->count > 0 && str_eq(carried->text, text)))
        return;
    *carried = (struct carried){text, is_escaped, carried->count + 1};
}

void carried_add(struct carried *carried, struct str text)
{
    carry(carried, text, false);
}

void carried_in_query(const struct caller_request *request, struct str name,
                      struct carried *carried)
{
    struct str query = request->query;

    while (query.len > 0) {
        struct str pair = str_head(query, str_find(query, '&'));
        struct str raw = str_head(pair, str_find(pair, '='));
        if (urlpath_decodes_to(raw, name))
            carry(carried, str_from(pair, raw.len + 1), true);
        query = str_from(query, pair.len + 1);
    }
}

static void search_cookies(struct str line, struct str name, struct carried *carried)
{
    while (line.len > 0) {
        struct str piece = str_head(line, str_find(line, ';')), pair = str_trim(piece, " \t");
        if (str_eq(str_head(pair, str_find(pair, '=')), name))
            carry(carried, str_from(pair, name.len + 1), false);
        line = str_from(line, piece.len + 1);
    }
}

void carried_in_cookies(const struct caller_request *request, struct str name,
                        struct carried *carried)
{
    for (size_t i = 0; i < request->header_count; i++)
        if (str_eq_nocase(request->headers[i].name, STR("Cookie")))
            search_cookies(request->headers[i].value, name, carried);
}

bool caller_secret(const struct ir_text *text, struct pool *secrets, struct str *value,
                   struct str *error)
{
    struct gw_text reference = {.kind = text->kind == IR_TEXT_ENV    ? GW_TEXT_ENV
                                        : text->kind == IR_TEXT_FILE ? GW_TEXT_FILE
                                                                     : GW_TEXT_LITERAL,
                                .text = text->text,
                                .fallback = text->fallback};

    return reference_read(&reference, secrets, value, error);
}
