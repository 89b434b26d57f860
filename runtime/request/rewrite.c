#include "request/rewrite.h"

void rewrite_pieces(const struct gw_req *rq, const struct gw_piece *pieces, size_t count,
                    struct text *text)
{
    for (size_t i = 0; i < count; i++)
        text_add(text, pieces[i].param >= 0 ? rq->params[pieces[i].param] : pieces[i].literal);
}

static void put_pieces(const struct gw_req *rq, const struct gw_rewrite *rewrite,
                       struct head_text *text)
{
    for (uint32_t i = 0; i < rewrite->path_count; i++) {
        const struct gw_piece *piece = &rewrite->path[i];
        head_put(text, piece->param >= 0 ? rq->params[piece->param] : piece->literal);
    }
}

/* `strip` may end before or behind a slash; one slash is wanted between the parts. */
static void put_joined(struct head_text *text, struct str rest)
{
    bool slash = text->len > 0 && text->at[text->len - 1] == '/';

    if (slash && rest.len > 0 && rest.at[0] == '/')
        rest = str_from(rest, 1);
    else if (!slash && (rest.len > 0 ? rest.at[0] != '/' : text->at[text->len - 1] == ' '))
        head_put(text, STR("/"));
    head_put(text, rest);
}

void rewrite_target(const struct gw_req *rq, const struct gw_target *target, struct head_text *text)
{
    const struct gw_rewrite *rewrite = rq->forward->rewrite;

    head_put(text, target->path);
    if (!rewrite) {
        head_put(text, rq->path);
    } else if (rewrite->path) {
        put_pieces(rq, rewrite, text);
    } else {
        head_put(text, rewrite->prefix);
        put_joined(text, str_from(rq->path, rewrite->strip));
    }
    if (rq->head.query.at) {
        head_put(text, STR("?"));
        head_put(text, rq->head.query);
    }
}

/* ---- the way back ---- */

/* What of an upstream's path stands for which public one: "/v2" + "/x" ◀─▶ "/api" + "/x". */
struct mapping {
    struct str inner_target, inner_prefix; /* the target's path, then the rewrite's prefix */
    struct str outer;                      /* what was stripped */
};

static bool mapping_of(const struct gw_req *rq, struct mapping *mapping)
{
    const struct gw_rewrite *rewrite = rq->forward->rewrite;

    if (!rewrite || !rewrite->redirects || rewrite->path)
        return false;
    mapping->inner_target = rq->upstream->target->path;
    mapping->inner_prefix = rewrite->prefix;
    mapping->outer = str_head(rq->path, rewrite->strip);
    return true;
}

/* `path` without `prefix`, when that ends at a segment's end. */
static bool take_prefix(struct str *path, struct str prefix)
{
    while (prefix.len > 0 && prefix.at[prefix.len - 1] == '/')
        prefix.len--;
    if (!str_starts(*path, prefix))
        return false;
    if (path->len > prefix.len && !strchr("/?#;", path->at[prefix.len]))
        return false;
    *path = str_from(*path, prefix.len);
    return true;
}

static bool map_path(const struct mapping *mapping, struct str path, struct text *text)
{
    struct str outer = mapping->outer;

    if (path.len == 0 || path.at[0] != '/' || str_starts(path, STR("//")) ||
        !take_prefix(&path, mapping->inner_target) || !take_prefix(&path, mapping->inner_prefix))
        return false;
    while (outer.len > 0 && outer.at[outer.len - 1] == '/')
        outer.len--;
    text_add(text, outer);
    if (path.len == 0 || path.at[0] != '/')
        text_byte(text, '/');
    text_add(text, path);
    return true;
}

/* Location: the authority must be the target's own (then it goes, since only the client knows how it calls
 * us) or absent; "//host/path" names another one. */
static bool map_location(const struct gw_req *rq, const struct mapping *mapping, struct str value,
                         struct text *text)
{
    struct str authority = rq->upstream->target->authority;

    struct str scheme = rq->upstream->config->tls ? STR("https://") : STR("http://");

    if (str_starts(value, scheme)) {
        struct str rest = str_from(value, scheme.len);
        size_t end = 0;
        while (end < rest.len && !strchr("/?#", rest.at[end]))
            end++;
        if (!str_eq_nocase(str_head(rest, end), authority))
            return false;
        value = str_from(rest, end);
        if (value.len == 0)
            value = STR("/");
    }
    return map_path(mapping, value, text);
}

/* Set-Cookie: the value of its Path attribute. */
static bool map_cookie(const struct mapping *mapping, struct str value, struct text *text)
{
    size_t at = 0;

    while (at < value.len) {
        size_t start = at + str_find(str_from(value, at), ';') + 1;
        struct str rest;
        size_t end;
        while (start < value.len && value.at[start] == ' ')
            start++;
        rest = str_from(value, start);
        if (!str_eq_nocase(str_head(rest, 5), STR("path="))) {
            at = start;
            continue;
        }
        rest = str_from(rest, 5);
        end = str_find(rest, ';');
        text_add(text, str_head(value, start + 5));
        if (!map_path(mapping, str_trim(str_head(rest, end), " \t"), text))
            return false;
        text_add(text, str_from(rest, end));
        return true;
    }
    return false;
}

void rewrite_back(struct gw_req *rq, struct text *added)
{
    struct mapping mapping;

    if (!mapping_of(rq, &mapping))
        return;
    for (unsigned i = 0; i < rq->answer->fields.count; i++) {
        struct field *field = &rq->answer->fields.at[i];
        size_t before = added->len;
        bool mapped = false;
        if (field->dropped || (field->id != FIELD_LOCATION && field->id != FIELD_SET_COOKIE))
            continue;
        text_add(added, field_name(field));
        text_add(added, STR(": "));
        if (field->id == FIELD_LOCATION)
            mapped = map_location(rq, &mapping, field_value(field), added);
        else
            mapped = map_cookie(&mapping, field_value(field), added);
        if (mapped) {
            text_add(added, STR("\r\n"));
            field->dropped = true;
        } else {
            added->len = before;
        }
    }
}
