#include "policy/key_auth.h"

#include "base/urlpath.h"
#include "http/cookie.h"
#include "request/worker.h"

/* What was found of a key. */
struct search {
    struct gw_req *rq;
    struct str key; /* empty: none yet */
    bool is_twice;  /* and they differ */
};

static void find_one(struct search *search, struct str key)
{
    if (key.len == 0)
        return;
    if (search->key.len > 0 && !str_eq(search->key, key))
        search->is_twice = true;
    search->key = key;
}

/* ---- where it may stand ---- */

static void search_headers(struct search *search, struct str name)
{
    const struct fields *fields = &search->rq->head.fields;

    for (const struct field *field = fields_named(fields, name, NULL); field;
         field = fields_named(fields, name, field))
        find_one(search, field_value(field));
}

/* Percent-decoded, '+' as space: what a backend would make of it. Bad escapes stay as they are. */
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

/* The next "name=value" of a query. */
static struct str next_pair(struct str *query)
{
    struct str pair = str_head(*query, str_find(*query, '&'));

    *query = str_from(*query, pair.len + 1);
    return pair;
}

static void search_query(struct search *search, struct str name)
{
    struct str query = search->rq->head.query;

    while (query.len > 0) {
        struct str pair = next_pair(&query);
        size_t equals = str_find(pair, '=');
        if (urlpath_decodes_to(str_head(pair, equals), name))
            find_one(search, decoded(&search->rq->pool, str_from(pair, equals + 1)));
    }
}

static void search_cookies(struct search *search, struct str name)
{
    struct cookie_walk walk = {0};
    struct str pair;

    while (cookie_next(&search->rq->head.fields, &walk, &pair))
        if (str_eq(str_head(pair, str_find(pair, '=')), name))
            find_one(search, str_from(pair, str_find(pair, '=') + 1));
}

static struct search search_all(struct gw_req *rq, const struct gw_key_auth *scheme)
{
    struct search search = {.rq = rq};

    for (uint32_t i = 0; i < scheme->name_count; i++) {
        if (scheme->in_header)
            search_headers(&search, scheme->names[i]);
        if (scheme->in_query)
            search_query(&search, scheme->names[i]);
        if (scheme->in_cookie)
            search_cookies(&search, scheme->names[i]);
    }
    return search;
}

/* ---- hiding it ---- */

static bool is_one_of(const struct gw_key_auth *scheme, struct str raw)
{
    for (uint32_t i = 0; i < scheme->name_count; i++)
        if (urlpath_decodes_to(raw, scheme->names[i]))
            return true;
    return false;
}

static void hide_in_query(struct gw_req *rq, const struct gw_key_auth *scheme)
{
    struct text kept = {.pool = &rq->pool};
    struct str query = rq->head.query;

    while (query.len > 0) {
        struct str pair = next_pair(&query);
        if (is_one_of(scheme, str_head(pair, str_find(pair, '='))))
            continue;
        if (kept.len > 0)
            text_byte(&kept, '&');
        text_add(&kept, pair);
    }
    rq->head.query = text_str(&kept);
}

static bool is_cookie_of(const struct gw_key_auth *scheme, struct str pair)
{
    for (uint32_t i = 0; i < scheme->name_count; i++)
        if (str_eq(str_head(pair, str_find(pair, '=')), scheme->names[i]))
            return true;
    return false;
}

/* The other cookies go on in a line of their own. */
static void hide_in_cookies(struct gw_req *rq, const struct gw_key_auth *scheme)
{
    struct text kept = {.pool = &rq->pool};
    struct cookie_walk walk = {0};
    struct str pair;

    while (cookie_next(&rq->head.fields, &walk, &pair)) {
        if (is_cookie_of(scheme, pair))
            continue;
        text_add(&kept, kept.len > 0 ? STR("; ") : STR(""));
        text_add(&kept, pair);
    }
    fields_drop(&rq->head.fields, FIELD_COOKIE);
    if (kept.len > 0)
        identity_add_line(rq, STR("Cookie"), text_str(&kept));
}

static void hide(struct gw_req *rq, const void *config)
{
    const struct gw_key_auth *scheme = config;

    for (uint32_t i = 0; scheme->in_header && i < scheme->name_count; i++)
        fields_drop_named(&rq->head.fields, scheme->names[i]);
    if (scheme->in_query)
        hide_in_query(rq, scheme);
    if (scheme->in_cookie)
        hide_in_cookies(rq, scheme);
}

/* ---- the proof ---- */

bool gw_key(struct gw_req *rq, const struct gw_key_auth *scheme)
{
    struct search search = search_all(rq, scheme);
    const struct consumer *consumer = NULL;

    if (search.key.len == 0)
        return identity_lacks(rq, "an API key is needed");
    if (!search.is_twice)
        consumer = identity_consumers(rq)->by_key(rq->worker->live->consumers, search.key);
    if (!consumer)
        return identity_is_wrong(rq, search.is_twice ? "there are two API keys"
                                                     : "the API key is not known");
    if (scheme->hide_credentials)
        identity_hide(rq, hide, scheme);
    return identity_claim(rq, consumer);
}
