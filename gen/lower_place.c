/* Places that the gateway itself asks over HTTP: a URL, or a path at an upstream of the document. A URL gives its host an
 * upstream of its own, named after it, so that it is seen, measured and replaced like any other. */
#include "lowering.h"
#include "member.h"

/* What may stand in a request line. */
static bool is_request_path(struct str path)
{
    for (size_t i = 0; i < path.len; i++)
        if (path.at[i] <= ' ' || path.at[i] > '~' || strchr("#\"<>\\^`{|}", path.at[i]) != NULL)
            return false;
    return path.len > 0 && path.at[0] == '/';
}

static struct lowering_upstream *host_of(struct lowering *l, struct said origin)
{
    struct lowering_upstream *known = lower_upstream_named(l, origin.text);
    struct ir_target target = {0};

    if (known != NULL)
        return known;
    if (!setting_target(l->job, origin, &target))
        return NULL;
    return lower_upstream_add(l, &target, origin.text);
}

static const struct lowering_upstream *read_url(struct lowering *l, const struct place_said *said,
                                                struct str *path)
{
    struct str url = said->url.text;
    size_t start = str_find_str(url, STR("://")) + 3;
    size_t end = start < url.len ? start + str_find(str_from(url, start), '/') : url.len;

    if (start >= url.len || !(str_eq_nocase(str_head(url, start), STR("http://")) ||
                              str_eq_nocase(str_head(url, start), STR("https://")))) {
        diag_error(&l->job->diags, said->url.loc, "bad-url",
                   "'%.*s' is no URL: write http://host:port/path or https://…", STR_SHORT(url));
        return NULL;
    }
    *path = end < url.len ? str_from(url, end) : STR("/");
    return host_of(l, (struct said){str_head(url, end), said->url.loc});
}

static const struct lowering_upstream *
read_upstream(struct lowering *l, const struct place_said *said, struct str *path)
{
    struct upstream choice = {0};

    *vec_add(&l->job->pool, &choice.choices) = upstream_choice_of(said->upstream, 1);
    lower_upstream_check(l, &choice);
    *path = said->path.text;
    return lower_upstream_named(l, said->upstream.text);
}

bool lower_place(struct lowering *l, const struct place_said *said, uint32_t *place)
{
    struct str path;
    const struct lowering_upstream *upstream =
        said->upstream.text.len > 0 ? read_upstream(l, said, &path) : read_url(l, said, &path);

    if (upstream == NULL)
        return false;
    if (!is_request_path(path)) {
        diag_error(&l->job->diags, said->url.text.len > 0 ? said->url.loc : said->path.loc,
                   "bad-url", "'%.*s' is no path: it begins with '/' and has visible characters",
                   STR_SHORT(path));
        return false;
    }
    *place = (uint32_t)l->gw->places.count;
    *vec_add(&l->job->pool, &l->gw->places) =
        (struct ir_place){.upstream = upstream->index, .path = path};
    return true;
}
