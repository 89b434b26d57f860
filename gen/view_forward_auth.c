#include "view_forward_auth.h"

#include "phrase.h"
#include "view_parts.h"
#include "view_resilience.h"

/* The constant NAME of texts, or false. */
static struct value *names(struct pool *pool, const char *name, const ir_texts *texts)
{
    struct value *map;

    if (texts->count == 0)
        return value_flag(pool, false);
    map = value_map(pool);
    view_set_name(pool, map, "list_name", str_of(name));
    value_set(pool, map, "names", view_texts(pool, texts->at, texts->count));
    view_set_number(pool, map, "name_count", texts->count);
    return map;
}

static struct value *number_or_false(struct pool *pool, bool is_there, uint64_t number)
{
    return is_there ? value_number(pool, (int64_t)number) : value_flag(pool, false);
}

static bool is_asked(const struct ir_operation *op)
{
    return op->forward_auth.on && !op->disabled && !op->maintenance && op->action != IR_REDIRECT;
}

struct value *view_forward_auth(struct pool *pool, const struct gateway *gw,
                                const struct ir_operation *op)
{
    const struct ir_forward_auth *from = &op->forward_auth;
    struct value *map, *lists;

    if (!is_asked(op))
        return value_flag(pool, false);
    map = value_map(pool);
    lists = value_list(pool);
    view_set_text(pool, map, "who", phrase_asked(pool, gw, &from->asked));
    value_set(pool, map, "endpoint", view_endpoint(pool, gw, STR("authority"), &from->asked));
    value_set(pool, map, "request_headers", names(pool, "request_headers", &from->request_headers));
    value_set(pool, map, "response_headers",
              names(pool, "response_headers", &from->response_headers));
    value_set(pool, map, "client_headers", names(pool, "client_headers", &from->client_headers));
    if (from->request_headers.count > 0)
        value_add(pool, lists, names(pool, "request_headers", &from->request_headers));
    if (from->response_headers.count > 0)
        value_add(pool, lists, names(pool, "response_headers", &from->response_headers));
    if (from->client_headers.count > 0)
        value_add(pool, lists, names(pool, "client_headers", &from->client_headers));
    value_set(pool, map, "lists", lists);
    value_set(pool, map, "asked_host", value_text_or_false(pool, from->host));
    view_set_flag(pool, map, "original", from->original);
    value_set(pool, map, "body_max", number_or_false(pool, from->body, from->body_max));
    value_set(pool, map, "uri_header", value_text_or_false(pool, from->uri_header));
    view_set_number(pool, map, "timeout", from->timeout);
    value_set(pool, map, "cache", number_or_false(pool, from->cache > 0, from->cache));
    view_set_flag(pool, map, "admits_on_error", from->admits_on_error);
    return map;
}

bool view_uses_forward_auth(const struct gateway *gw)
{
    for (size_t i = 0; i < gw->operations.count; i++)
        if (is_asked(&gw->operations.at[i]))
            return true;
    return false;
}
