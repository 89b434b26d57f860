#include "request/carried.h"

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
        bool escape = raw.at[i] == '%' && i + 2 < raw.len && str_hex(raw.at[i + 1]) >= 0 &&
                      str_hex(raw.at[i + 2]) >= 0;
        int byte = raw.at[i] == '+' ? ' ' : raw.at[i];
        if (escape)
            byte = str_hex(raw.at[i + 1]) << 4 | str_hex(raw.at[i + 2]);
        to[len++] = (char)byte;
        i += escape ? 2 : 0;
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
