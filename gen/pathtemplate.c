#include "pathtemplate.h"

#include "member.h"

struct reading {
    struct job *job;
    struct ir_endpoint *endpoint;
    const struct urlpath_rules *rules;
};

static bool bad(struct reading *r, const char *code, const char *why, struct str what)
{
    diag_error(&r->job->diags, r->endpoint->loc, code, "path '%.*s': %s%s%.*s%s",
               STR_SHORT(r->endpoint->pattern), why, what.len ? " '" : "", STR_SHORT(what),
               what.len ? "'" : "");
    return false;
}

int pathtemplate_param(const struct ir_endpoint *endpoint, struct str name)
{
    for (size_t i = 0; i < endpoint->params.count; i++)
        if (str_eq(endpoint->params.at[i], name))
            return (int)i;
    return -1;
}

static bool add_literal(struct reading *r, struct ir_segment *segment, struct str text)
{
    char *buf = pool_take(&r->job->pool, urlpath_room(text.len) + 1);
    struct ir_part part = {.param = -1};
    const char *wrong;

    if (memchr(text.at, '}', text.len) != NULL)
        return bad(r, "bad-template", "there is a '}' without its '{' in", text);
    wrong = urlpath_literal(text, r->rules, buf, &part.literal);
    if (wrong != NULL)
        return bad(r, "bad-path", wrong, text);
    *vec_add(&r->job->pool, &segment->parts) = part;
    return true;
}

static bool add_param(struct reading *r, struct ir_segment *segment, struct str name)
{
    struct ir_endpoint *e = r->endpoint;

    if (name.len == 0)
        return bad(r, "bad-template", "a parameter has no name", name);
    if (memchr(name.at, '{', name.len) != NULL)
        return bad(r, "bad-template", "there is a '{' inside the parameter", name);
    if (pathtemplate_param(e, name) >= 0)
        diag_warn(&r->job->diags, e->loc, "repeated-parameter",
                  "path '%.*s': there are two parameters named '%.*s', a rewrite sees the first",
                  STR_SHORT(e->pattern), STR_SHORT(name));
    if (e->params.count == PATHTEMPLATE_MAX_PARAMS)
        return bad(r, "too-many-parameters", "there are more than 32 parameters", STR(""));
    if (segment->parts.count > 0 && segment->parts.at[segment->parts.count - 1].param >= 0)
        return bad(r, "bad-template", "there is no text between two parameters, the second is",
                   name);
    *vec_add(&r->job->pool, &segment->parts) = (struct ir_part){.param = (int)e->params.count};
    *vec_add(&r->job->pool, &e->params) = name;
    return true;
}

static bool read_segment(struct reading *r, struct str text)
{
    struct ir_segment *segment = vec_add(&r->job->pool, &r->endpoint->segments);

    while (text.len > 0) {
        size_t open = str_find(text, '{');
        if (open > 0 && !add_literal(r, segment, str_head(text, open)))
            return false;
        text = str_from(text, open);
        if (text.len == 0)
            break;
        size_t end = str_find(text, '}');
        if (end == text.len)
            return bad(r, "bad-template", "there is a '{' without its '}' in", text);
        if (!add_param(r, segment, (struct str){text.at + 1, end - 1}))
            return false;
        text = str_from(text, end + 1);
    }
    if (segment->parts.count == 1 && segment->parts.at[0].param < 0 &&
        (str_eq(segment->parts.at[0].literal, STR(".")) ||
         str_eq(segment->parts.at[0].literal, STR(".."))))
        return bad(r, "bad-path", "no request can have the segment", segment->parts.at[0].literal);
    if (segment->parts.count == 0 && r->rules->merge_slashes)
        return bad(r, "bad-path", "no request has '//' when path.merge_slashes is on", STR(""));
    return true;
}

/* "a=b&c": all hold; without '=' the parameter is there. A template as value takes any value. */
static void read_query(struct reading *r, struct str text)
{
    while (text.len > 0) {
        struct str pair = str_head(text, str_find(text, '&'));
        size_t equals = str_find(pair, '=');
        struct str value = str_from(pair, equals + 1);

        text = str_from(text, pair.len + 1);
        if (pair.len == 0)
            continue;
        struct ir_condition *c = vec_add(&r->job->pool, &r->endpoint->query);
        *c = (struct ir_condition){.kind = IR_IF_QUERY,
                                   .name = str_head(pair, equals),
                                   .param = -1,
                                   .loc = r->endpoint->loc};
        if (equals < pair.len && (value.len == 0 || value.at[0] != '{')) {
            c->values = pool_alloc(&r->job->pool, sizeof *c->values);
            c->values[c->value_count++] = value;
        }
    }
}

static bool make_tail(struct reading *r)
{
    struct ir_endpoint *e = r->endpoint;
    struct ir_segment *last = e->segments.count ? &e->segments.at[e->segments.count - 1] : NULL;

    if (last == NULL || e->trailing_slash || last->parts.count != 1 || last->parts.at[0].param < 0)
        return bad(r, "bad-template",
                   "match.prefix needs a parameter as the whole last segment, such as /{rest}",
                   STR(""));
    last->tail = true;
    return true;
}

bool pathtemplate_read(struct job *job, struct ir_endpoint *endpoint,
                       const struct urlpath_rules *rules, bool prefix)
{
    struct reading r = {.job = job, .endpoint = endpoint, .rules = rules};
    struct str path = str_head(endpoint->pattern, str_find(endpoint->pattern, '?'));
    struct str rest = str_from(path, 1);

    read_query(&r, str_from(endpoint->pattern, path.len + 1));
    for (;;) {
        struct str segment = str_head(rest, str_find(rest, '/'));
        const bool last = segment.len == rest.len;

        if (last && segment.len == 0)
            break;
        if (!read_segment(&r, segment))
            return false;
        if (last)
            return !prefix || make_tail(&r);
        rest = str_from(rest, segment.len + 1);
    }
    endpoint->trailing_slash = true;
    return !prefix || make_tail(&r);
}

size_t pathtemplate_literal(const struct ir_endpoint *endpoint)
{
    size_t len = 0;

    for (size_t i = 0; i < endpoint->segments.count; i++) {
        const struct ir_segment *s = &endpoint->segments.at[i];
        for (size_t j = 0; j < s->parts.count; j++)
            if (s->parts.at[j].param >= 0)
                return len;
        len++;
        for (size_t j = 0; j < s->parts.count; j++)
            len += s->parts.at[j].literal.len;
    }
    return len;
}

bool pathtemplate_fill(struct job *job, const struct ir_endpoint *endpoint, struct said text,
                       struct pathtemplate_pieces *pieces)
{
    struct str rest = text.text;

    while (rest.len > 0) {
        size_t open = str_find(rest, '{');
        if (open > 0)
            *vec_add(&job->pool, &pieces->list) =
                (struct ir_piece){.literal = str_head(rest, open), .param = -1};
        rest = str_from(rest, open);
        if (rest.len == 0)
            break;
        size_t end = str_find(rest, '}');
        struct str name = {rest.at + 1, end - 1};
        int param = end < rest.len ? pathtemplate_param(endpoint, name) : -1;
        if (param < 0) {
            struct str near =
                diag_suggest(&job->pool, name, endpoint->params.at, endpoint->params.count);
            diag_error(&job->diags, text.loc, "unknown-parameter",
                       "the path '%.*s' has no parameter '{%.*s}'%.*s",
                       STR_SHORT(endpoint->pattern), STR_SHORT(name), STR_ARG(near));
            return false;
        }
        *vec_add(&job->pool, &pieces->list) = (struct ir_piece){.literal = STR(""), .param = param};
        rest = str_from(rest, end + 1);
    }
    return true;
}
