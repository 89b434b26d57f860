#include "request/errors.h"

static const struct gw_error_override *override_for(const struct gw_errors *errors, unsigned status)
{
    for (uint32_t i = 0; i < errors->override_count; i++)
        if (status >= errors->overrides[i].first && status <= errors->overrides[i].last)
            return &errors->overrides[i];
    return NULL;
}

/* "https://errors.example.com/not-found", or RFC 9457's about:blank. */
static void put_type(struct text *text, const struct gw_errors *errors, struct str title)
{
    struct str type = STR("about:blank");

    if (errors->type_base.len > 0) {
        char *slug = pool_take(text->pool, errors->type_base.len + title.len + 1);
        size_t len = errors->type_base.len;
        memcpy(slug, errors->type_base.at, len);
        for (size_t i = 0; i < title.len; i++) {
            char c = title.at[i];
            bool letter =
                (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
            if (letter)
                slug[len++] = (char)(c >= 'A' && c <= 'Z' ? c | 0x20 : c);
            else if (len > 0 && slug[len - 1] != '-' && c != '\'')
                slug[len++] = '-';
        }
        type = (struct str){slug, len};
    }
    text_json(text, type);
}

static void put_member(struct text *text, const char *name, struct str value)
{
    text_printf(text, ",\"%s\":", name);
    text_json(text, value);
}

static void put_problem(struct text *text, const struct gw_req *rq, unsigned status,
                        const char *reason)
{
    struct str title = status_reason(status);

    text_add(text, STR("{\"type\":"));
    put_type(text, rq->errors, title);
    put_member(text, "title", title);
    text_printf(text, ",\"status\":%u", status);
    if (reason)
        put_member(text, "detail", str_of(reason));
    if (rq->head.path.len > 0 && rq->head.path.at[0] == '/')
        put_member(text, "instance", rq->head.path);
    if (rq->errors->request_id && rq->request_id.len > 0)
        put_member(text, "request_id", rq->request_id);
    text_add(text, STR("}\n"));
}

static void put_json(struct text *text, const struct gw_req *rq, unsigned status,
                     const char *reason)
{
    text_add(text, STR("{\"message\":"));
    text_json(text, reason ? str_of(reason) : status_reason(status));
    text_printf(text, ",\"status\":%u", status);
    if (rq->errors->request_id && rq->request_id.len > 0)
        put_member(text, "request_id", rq->request_id);
    text_add(text, STR("}\n"));
}

static void put_text(struct text *text, const struct gw_req *rq, unsigned status,
                     const char *reason)
{
    text_printf(text, "%u %.*s", status, STR_ARG(status_reason(status)));
    if (reason)
        text_printf(text, ": %s", reason);
    text_byte(text, '\n');
    if (rq->errors->request_id && rq->request_id.len > 0)
        text_printf(text, "request id: %.*s\n", STR_ARG(rq->request_id));
}

struct error_body error_body_make(struct gw_req *rq, unsigned status, const char *reason)
{
    const struct gw_error_override *override = override_for(rq->errors, status);
    struct error_body made = {.status = status};
    struct text text = {.pool = &rq->pool};

    if (override && override->status)
        made.status = override->status;
    if (override && override->content_type.len > 0) {
        made.content_type = override->content_type;
        made.body = override->body;
        return made;
    }
    switch (rq->errors->format) {
    case GW_ERRORS_PROBLEM:
        made.content_type = STR("application/problem+json");
        put_problem(&text, rq, made.status, reason);
        break;
    case GW_ERRORS_JSON:
        made.content_type = STR("application/json");
        put_json(&text, rq, made.status, reason);
        break;
    case GW_ERRORS_TEXT:
        made.content_type = STR("text/plain; charset=utf-8");
        put_text(&text, rq, made.status, reason);
        break;
    }
    made.body = text_str(&text);
    return made;
}
