#include "servers.h"

#include "base/text.h"
#include "base/urlpath.h"
#include "member.h"
#include "setting.h"

static const struct api_server_variable *find_variable(const struct api_server *server,
                                                       struct str name)
{
    for (size_t i = 0; i < server->variables.count; i++)
        if (str_eq(server->variables.at[i].name, name))
            return &server->variables.at[i];
    return NULL;
}

static struct str value_of(struct job *job, const struct api_server_variable *v,
                           const struct map *variables)
{
    const struct str *given = map_get(variables, v->name);

    if (given == NULL)
        return v->fallback;
    for (size_t i = 0; i < v->choice_count; i++)
        if (str_eq(v->choices[i], *given))
            return *given;
    if (v->choice_count > 0)
        diag_error(&job->diags, v->loc, "bad-variable",
                   "'%.*s' is no value of server variable '%.*s', which lists its values",
                   STR_SHORT(*given), STR_SHORT(v->name));
    return *given;
}

/* Fills {variables}; *only is the one that gets `value` instead of its own, or NULL. */
static bool fill(struct job *job, const struct api_server *server, const struct map *variables,
                 const struct api_server_variable *only, struct str value, struct str *out)
{
    struct str rest = server->url.text;
    struct text text = {.pool = &job->pool};

    while (rest.len > 0) {
        size_t open = str_find(rest, '{');
        text_add(&text, str_head(rest, open));
        rest = str_from(rest, open);
        if (rest.len == 0)
            break;
        size_t end = str_find(rest, '}');
        struct str name = {rest.at + 1, end == 0 ? 0 : end - 1};
        const struct api_server_variable *v = end < rest.len ? find_variable(server, name) : NULL;
        if (v == NULL) {
            diag_error(&job->diags, server->url.loc, "unknown-variable",
                       "the server's URL uses '{%.*s}', which its variables do not declare",
                       STR_SHORT(name));
            return false;
        }
        text_add(&text, v == only ? value : value_of(job, v, variables));
        rest = str_from(rest, end + 1);
    }
    *out = text.len > 0 ? text_str(&text) : STR("");
    return true;
}

bool servers_base_path(struct job *job, struct said path, struct str *out)
{
    static const struct urlpath_rules rules = {.normalize = true, .case_sensitive = true};
    char *buf = pool_take(&job->pool, urlpath_room(path.text.len) + 1);
    const char *wrong;

    if (memchr(path.text.at, '{', path.text.len) != NULL) {
        diag_error(&job->diags, path.loc, "bad-url", "a base path takes no parameters");
        return false;
    }
    wrong = urlpath_normalise(path.text, &rules, buf, out);
    if (wrong != NULL) {
        diag_error(&job->diags, path.loc, "bad-url", "the base path '%.*s' cannot be served: %s",
                   STR_SHORT(path.text), wrong);
        return false;
    }
    while (out->len > 0 && out->at[out->len - 1] == '/')
        out->len--;
    return true;
}

/* Splits a filled URL (RFC 3986 section 3). A relative one is seen from the root. */
static bool split(struct job *job, struct loc loc, struct str url, struct servers_address *out)
{
    size_t colon = str_find_str(url, STR("://"));
    struct said path = {.loc = loc};

    *out = (struct servers_address){
        .url = url, .scheme = STR(""), .host = STR(""), .path = STR(""), .loc = loc};
    if (colon < url.len) {
        struct str rest = str_from(url, colon + 3);
        size_t end = 0;
        while (end < rest.len && rest.at[end] != '/' && rest.at[end] != '?' && rest.at[end] != '#')
            end++;
        struct str authority = str_head(rest, end);
        size_t at = str_find(authority, '@');
        if (at < authority.len)
            authority = str_from(authority, at + 1);
        out->scheme = str_head(url, colon);
        size_t port = authority.len;
        while (port > 0 && authority.at[port - 1] >= '0' && authority.at[port - 1] <= '9')
            port--;
        if (port > 0 && authority.at[port - 1] == ':')
            authority.len = port - 1;
        out->host = authority;
        path.text = str_from(rest, end);
    } else {
        while (str_starts(url, STR("./")))
            url = str_from(url, 2);
        path.text =
            url.len > 0 && url.at[0] == '/' ? url : pool_printf(&job->pool, "/%.*s", STR_ARG(url));
    }
    path.text = str_head(path.text, str_find(path.text, '?'));
    path.text = str_head(path.text, str_find(path.text, '#'));
    return path.text.len == 0 || servers_base_path(job, path, &out->path);
}

bool servers_read(struct job *job, const struct api_server *server, const struct map *variables,
                  struct servers_address *out)
{
    struct str url;

    return fill(job, server, variables, NULL, STR(""), &url) &&
           split(job, server->url.loc, url, out);
}

struct str servers_base(struct job *job, const struct api_server *servers, size_t count,
                        const struct map *variables)
{
    struct servers_address first = {.path = STR("")}, other;

    if (count == 0 || !servers_read(job, &servers[0], variables, &first))
        return STR("");
    for (size_t i = 1; i < count; i++) {
        if (!servers_read(job, &servers[i], variables, &other) || str_eq(other.path, first.path))
            continue;
        diag_warn(&job->diags, servers[i].url.loc, "servers-disagree",
                  "this server has the base path '%.*s', the first has '%.*s': the first is served",
                  STR_SHORT(other.path), STR_SHORT(first.path));
        diag_note(&job->diags, servers[0].url.loc, "the first server; x-gateway.base_path decides");
        break;
    }
    return first.path;
}

static void add_host(struct job *job, const struct api_server *server, struct str url,
                     struct servers_hosts *hosts)
{
    struct servers_address address;
    struct str host;

    if (!split(job, server->url.loc, url, &address) || address.host.len == 0 ||
        !setting_host(job, (struct said){.text = address.host, .loc = server->url.loc}, &host))
        return;
    for (size_t i = 0; i < hosts->names.count; i++)
        if (str_eq(hosts->names.at[i], host))
            return;
    *vec_add(&job->pool, &hosts->names) = host;
}

void servers_add_hosts(struct job *job, const struct api_server *servers, size_t count,
                       const struct map *variables, struct servers_hosts *hosts)
{
    struct str url;

    for (size_t i = 0; i < count; i++) {
        const struct api_server *server = &servers[i];
        if (!fill(job, server, variables, NULL, STR(""), &url))
            continue;
        add_host(job, server, url, hosts);
        for (size_t j = 0; j < server->variables.count; j++) {
            const struct api_server_variable *v = &server->variables.at[j];
            if (map_get(variables, v->name) != NULL)
                continue;
            for (size_t k = 0; k < v->choice_count; k++)
                if (fill(job, server, variables, v, v->choices[k], &url))
                    add_host(job, server, url, hosts);
        }
    }
}
