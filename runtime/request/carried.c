#include "request/carried.h"

#include "base/percent.h"
#include "base/text.h"
#include "base/urlpath.h"
#include "http/cookie.h"

void carried_add(struct carried *carried, struct str text)
{
    if (text.len == 0)
        return;
    if (carried->text.len > 0 && !str_eq(carried->text, text))
        carried->is_twice = true;
    carried->text = text;
}

void carried_in_fields(const struct gw_req *rq, struct str name, struct carried *carried)
{
    const struct fields *fields = &rq->head.fields;

    for (const struct field *field = fields_named(fields, name, NULL); field;
         field = fields_named(fields, name, field))
        carried_add(carried, field_value(field));
}

/* Bad escapes stay as they are. */
static struct str decoded(struct pool *pool, struct str raw)
{
    char *to = pool_take(pool, raw.len + 1);
    size_t len = 0;

    for (size_t i = 0; i < raw.len; i++) {
        int byte = percent_escaped(raw, i);
        bool is_escape = byte >= 0;
        if (!is_escape)
            byte = raw.at[i] == '+' ? ' ' : raw.at[i];
        to[len++] = (char)byte;
        i += is_escape ? 2 : 0;
    }
    return (struct str){to, len};
}

struct str carried_next_pair(struct str *query)
{
    struct str pair = str_head(*query, str_find(*query, '&'));

    *query = str_from(*query, pair.len + 1);
    return pair;
}

void carried_in_query(struct gw_req *rq, struct str name, struct carried *carried)
{
    struct str query = rq->head.query;

    while (query.len > 0) {
        struct str pair = carried_next_pair(&query);
        size_t equals = str_find(pair, '=');
        if (urlpath_decodes_to(str_head(pair, equals), name))
            carried_add(carried, decoded(&rq->pool, str_from(pair, equals + 1)));
    }
}

void carried_in_cookies(const struct gw_req *rq, struct str name, struct carried *carried)
{
    struct cookie_walk walk = {0};
    struct str pair;

    while (cookie_next(&rq->head.fields, &walk, &pair))
        if (str_eq(str_head(pair, str_find(pair, '=')), name))
            carried_add(carried, str_from(pair, str_find(pair, '=') + 1));
}

static bool is_one_of(struct str raw, const struct str *names, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (urlpath_decodes_to(raw, names[i]))
            return true;
    return false;
}

void carried_drop_from_query(struct gw_req *rq, const struct str *names, size_t count)
{
    struct text kept = {.pool = &rq->pool};
    struct str query = rq->head.query;

    while (query.len > 0) {
        struct str pair = carried_next_pair(&query);
        if (is_one_of(str_head(pair, str_find(pair, '=')), names, count))
            continue;
        if (kept.len > 0)
            text_byte(&kept, '&');
        text_add(&kept, pair);
    }
    rq->head.query = text_str(&kept);
}

/* ---- tokens ---- */

/* RFC 6750 section 2.1; RFC 9110 section 11.1: the scheme by any case. Credentials of another scheme are not for us. */
static void add_bearer(struct carried *token, struct str value, bool needs_scheme)
{
    bool has_scheme =
        value.len > 7 && value.at[6] == ' ' && str_eq_nocase(str_head(value, 6), STR("Bearer"));

    if (has_scheme)
        value = str_trim(str_from(value, 7), " ");
    if (has_scheme || !needs_scheme)
        carried_add(token, value);
}

static void search_fields(const struct gw_req *rq, struct str name, struct carried *token)
{
    const struct fields *fields = &rq->head.fields;
    bool needs_scheme = str_eq_nocase(name, STR("Authorization"));

    for (const struct field *field = fields_named(fields, name, NULL); field;
         field = fields_named(fields, name, field))
        add_bearer(token, field_value(field), needs_scheme);
}

struct carried carried_token(struct gw_req *rq, const struct gw_token_places *places)
{
    struct carried token = {0};

    for (uint32_t i = 0; i < places->header_count; i++)
        search_fields(rq, places->headers[i], &token);
    for (uint32_t i = 0; i < places->cookie_count; i++)
        carried_in_cookies(rq, places->cookies[i], &token);
    for (uint32_t i = 0; i < places->param_count; i++)
        carried_in_query(rq, places->params[i], &token);
    return token;
}
