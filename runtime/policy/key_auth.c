#include "policy/key_auth.h"

#include "http/cookie.h"
#include "request/carried.h"

static struct carried search(struct gw_req *rq, const struct gw_key_auth *scheme)
{
    struct carried key = {0};

    for (uint32_t i = 0; i < scheme->name_count; i++) {
        if (scheme->in_header)
            carried_in_fields(rq, scheme->names[i], &key);
        if (scheme->in_query)
            carried_in_query(rq, scheme->names[i], &key);
        if (scheme->in_cookie)
            carried_in_cookies(rq, scheme->names[i], &key);
    }
    return key;
}

/* ---- hiding it ---- */

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
        carried_drop_from_query(rq, scheme->names, scheme->name_count);
    if (scheme->in_cookie)
        hide_in_cookies(rq, scheme);
}

/* ---- the proof ---- */

bool gw_key(struct gw_req *rq, const struct gw_key_auth *scheme)
{
    struct carried key = search(rq, scheme);
    const struct consumer *consumer = NULL;

    if (key.text.len == 0)
        return identity_lacks(rq, "an API key is needed");
    if (!key.is_twice)
        consumer = identity_consumers(rq)->by_key(identity_all(rq), key.text);
    if (!consumer)
        return identity_is_wrong(rq, key.is_twice ? "there are two API keys"
                                                  : "the API key is not known");
    if (scheme->hide_credentials)
        identity_hide(rq, hide, scheme);
    return identity_claim(rq, consumer);
}
