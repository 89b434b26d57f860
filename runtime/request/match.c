#include "request/match.h"

#include "base/text.h"

/* ---- conditions ---- */

static bool any_of(const struct str *values, size_t count, struct str value)
{
    for (size_t i = 0; i < count; i++)
        if (str_eq(values[i], value))
            return true;
    return false;
}

bool gw_header_is(const struct gw_req *rq, struct str name, const struct str *values, size_t count)
{
    const struct field *field = NULL;

    while ((field = fields_named(&rq->head.fields, name, field)))
        if (count == 0 || any_of(values, count, field_value(field)))
            return true;
    return false;
}

bool gw_query_is(const struct gw_req *rq, struct str name, const struct str *values, size_t count)
{
    return urlpath_query_is(rq->head.query, name, values, count);
}

/* "Example.COM:8080" is "example.com". The parser has seen to it that the last colon outside brackets begins
 * the port. */
static struct str host_of(struct gw_req *rq, struct str authority)
{
    size_t len = 0;
    bool upper = false, inside = false;
    char *lower;

    for (; len < authority.len && (inside || authority.at[len] != ':'); len++) {
        char c = authority.at[len];
        inside = (inside || c == '[') && c != ']';
        upper = upper || (c >= 'A' && c <= 'Z');
    }
    if (!upper)
        return str_head(authority, len);
    lower = pool_take(&rq->pool, len);
    for (size_t i = 0; i < len; i++) {
        char c = authority.at[i];
        lower[i] = (char)(c >= 'A' && c <= 'Z' ? c | 0x20 : c);
    }
    return (struct str){lower, len};
}

bool gw_host_is(struct gw_req *rq, const struct str *hosts, size_t count)
{
    if (!rq->host.at)
        rq->host = host_of(rq, rq->head.authority);
    for (size_t i = 0; i < count; i++)
        if (urlpath_host_is(rq->host, hosts[i]))
            return true;
    return false;
}

bool gw_param_is(const struct gw_req *rq, unsigned param, const struct str *values, size_t count)
{
    return any_of(values, count, rq->params[param]);
}

bool gw_path_starts(const struct gw_req *rq, struct str prefix)
{
    return urlpath_below(rq->path, prefix);
}

static bool holds(struct gw_req *rq, const struct gw_condition *condition)
{
    switch (condition->kind) {
    case GW_IF_HOST:
        return gw_host_is(rq, condition->values, condition->value_count);
    case GW_IF_HEADER:
        return gw_header_is(rq, condition->name, condition->values, condition->value_count);
    case GW_IF_QUERY:
        return gw_query_is(rq, condition->name, condition->values, condition->value_count);
    case GW_IF_PARAM:
        return gw_param_is(rq, condition->param, condition->values, condition->value_count);
    case GW_IF_PREFIX:
        for (uint32_t i = 0; i < condition->value_count; i++)
            if (gw_path_starts(rq, condition->values[i]))
                return true;
        return false;
    }
    return false;
}

static bool all_hold(struct gw_req *rq, const struct gw_variant *variant)
{
    for (uint32_t i = 0; i < variant->condition_count; i++)
        if (!holds(rq, &variant->conditions[i]))
            return false;
    return true;
}

/* ---- methods ---- */

static uint32_t bits_in(uint32_t w)
{
    w -= w >> 1 & 0x5555;
    w = (w & 0x3333) + (w >> 2 & 0x3333);
    w = (w + (w >> 4)) & 0x0F0F;
    return (w + (w >> 8)) & 0x1F;
}

static const struct gw_route *route_of(const struct gw_paths *paths,
                                       const struct gw_methods *methods, enum method method)
{
    uint32_t bit = 1u << method;

    if (method == METHOD_HEAD && !(methods->methods & bit))
        bit = GW_METHOD(GET);
    if (!(methods->methods & bit))
        return NULL;
    return paths->routes[methods->first + bits_in(methods->methods & (bit - 1))];
}

static const struct gw_route *variant_route(const struct gw_paths *paths,
                                            const struct gw_variant *variant,
                                            const struct head *head)
{
    const struct gw_route *route = NULL;

    if (head->method != METHOD_OTHER)
        route = route_of(paths, &variant->methods, head->method);
    for (uint32_t i = 0; head->method == METHOD_OTHER && i < variant->custom_count; i++)
        if (str_eq(variant->customs[i].method, head->method_text))
            route = variant->customs[i].route;
    if (!route && head->method != METHOD_TRACE && head->method != METHOD_CONNECT)
        route = variant->any;
    return route;
}

/* Adds what the list does not have yet. */
static struct str allow_also(struct gw_req *rq, struct str list, struct str more)
{
    struct text text = {.pool = &rq->pool};

    if (list.len == 0)
        return more;
    text_add(&text, list);
    while (more.len > 0) {
        struct str method = str_head(more, str_find(more, ','));

        more = str_trim(str_from(more, method.len + 1), " ");
        if (list_has(text_str(&text), method))
            continue;
        text_add(&text, STR(", "));
        text_add(&text, method);
    }
    return text_str(&text);
}

static enum gw_match unmatched(struct gw_req *rq)
{
    if (rq->allow.len == 0)
        return GW_MATCH_NO_PATH;
    return rq->head.method == METHOD_OPTIONS ? GW_MATCH_OPTIONS : GW_MATCH_NO_METHOD;
}

static enum gw_match choose_variant(struct gw_req *rq, const struct gw_paths *paths,
                                    const struct gw_methods *variants)
{
    for (uint32_t i = 0; i < variants->allow; i++) {
        const struct gw_variant *variant = &paths->variants[variants->first + i];

        if (!all_hold(rq, variant))
            continue;
        rq->route = variant_route(paths, variant, &rq->head);
        if (rq->route && rq->head.method != METHOD_OPTIONS)
            return GW_MATCH_FOUND;
        rq->allow = allow_also(rq, rq->allow, paths->allows[variant->methods.allow]);
        if (rq->route)
            return GW_MATCH_FOUND;
    }
    return unmatched(rq);
}

static enum gw_match choose_method(struct gw_req *rq, const struct gw_paths *paths, uint32_t number)
{
    const struct gw_methods *methods = &paths->paths[number];

    if (methods->methods & GW_VARIANTS)
        return choose_variant(rq, paths, methods);
    if (rq->head.method != METHOD_OTHER)
        rq->route = route_of(paths, methods, rq->head.method);
    if (rq->route && rq->head.method != METHOD_OPTIONS)
        return GW_MATCH_FOUND;
    rq->allow = paths->allows[methods->allow];
    return rq->route ? GW_MATCH_FOUND : unmatched(rq);
}

/* ---- methods of which some are switched off ---- */

static bool is_off(const struct gw_route *route)
{
    return route && route->disabled && gw_word(route->disabled) != 0;
}

/* The methods without those whose routes are switched off; `routes` get them by method. */
static uint32_t present(const struct gw_paths *paths, const struct gw_methods *methods,
                        const struct gw_route *routes[METHOD_OTHER])
{
    uint32_t bits = 0, next = methods->first;

    for (unsigned method = 0; method < METHOD_OTHER; method++) {
        if (!(methods->methods & 1u << method))
            continue;
        routes[method] = paths->routes[next++];
        bits |= is_off(routes[method]) ? 0 : 1u << method;
    }
    return bits;
}

static void allow_one(struct text *list, struct str method)
{
    text_add(list, list->len ? STR(", ") : STR(""));
    text_add(list, method);
}

/* As the compiler makes it of a document without them. */
static struct str allow_present(struct gw_req *rq, uint32_t bits, const struct gw_variant *variant)
{
    struct text list = {.pool = &rq->pool};
    bool any = variant && variant->any && !is_off(variant->any), custom = false;

    for (uint32_t i = 0; variant && i < variant->custom_count; i++)
        custom |= !is_off(variant->customs[i].route);
    if (!bits && !any && !custom)
        return STR("");
    if (bits & GW_METHOD(GET))
        bits |= GW_METHOD(HEAD);
    bits |= GW_METHOD(OPTIONS);
    if (any)
        bits |= ~GW_METHOD(TRACE);
    for (unsigned method = 0; method < METHOD_OTHER; method++)
        if (bits & 1u << method && method != METHOD_CONNECT)
            allow_one(&list, method_name((enum method)method));
    for (uint32_t i = 0; variant && i < variant->custom_count; i++)
        if (!is_off(variant->customs[i].route))
            allow_one(&list, variant->customs[i].method);
    return text_str(&list);
}

/* The route for the request's method among those that are there. */
static const struct gw_route *route_present(const struct gw_req *rq, uint32_t bits,
                                            const struct gw_route *const routes[METHOD_OTHER],
                                            const struct gw_variant *variant)
{
    const enum method asked = rq->head.method;
    const struct gw_route *route = NULL;

    if (asked != METHOD_OTHER && bits & 1u << asked)
        return routes[asked];
    if (asked == METHOD_HEAD && bits & GW_METHOD(GET))
        return routes[METHOD_GET];
    for (uint32_t i = 0; asked == METHOD_OTHER && variant && i < variant->custom_count; i++)
        if (str_eq(variant->customs[i].method, rq->head.method_text))
            route = variant->customs[i].route;
    if (route && !is_off(route))
        return route;
    if (!variant || is_off(variant->any) || asked == METHOD_TRACE || asked == METHOD_CONNECT)
        return NULL;
    return variant->any;
}

static bool look_among_present(struct gw_req *rq, const struct gw_paths *paths,
                               const struct gw_methods *methods, const struct gw_variant *variant)
{
    const struct gw_route *routes[METHOD_OTHER] = {0};
    uint32_t bits = present(paths, methods, routes);

    rq->route = route_present(rq, bits, routes, variant);
    if (!rq->route || rq->head.method == METHOD_OPTIONS)
        rq->allow = allow_also(rq, rq->allow, allow_present(rq, bits, variant));
    return rq->route != NULL;
}

static enum gw_match choose_present(struct gw_req *rq, const struct gw_paths *paths,
                                    uint32_t number)
{
    const struct gw_methods *methods = &paths->paths[number];
    enum gw_match found = choose_method(rq, paths, number);

    if (rq->route && !is_off(rq->route) && rq->head.method != METHOD_OPTIONS)
        return found;
    rq->route = NULL;
    rq->allow = (struct str){0};
    if (!(methods->methods & GW_VARIANTS))
        return look_among_present(rq, paths, methods, NULL) ? GW_MATCH_FOUND : unmatched(rq);
    for (uint32_t i = 0; i < methods->allow; i++) {
        const struct gw_variant *variant = &paths->variants[methods->first + i];
        if (all_hold(rq, variant) && look_among_present(rq, paths, &variant->methods, variant))
            return GW_MATCH_FOUND;
    }
    return unmatched(rq);
}

/* ---- paths ---- */

/* Operations may differ about encoded slashes: they are only refused when the route is known. */
static const char *settle_path(struct gw_req *rq, const struct gw_paths *paths)
{
    struct urlpath_rules rules = paths->rules;

    if (rules.encoded_slash == URLPATH_SLASH_REJECT)
        rules.encoded_slash = URLPATH_SLASH_KEEP;
    return urlpath_normalise(rq->head.path, &rules,
                             pool_take(&rq->pool, urlpath_room(rq->head.path.len)), &rq->path);
}

/* Bytes that may be read from the path on: it stands in the request's head, as a rule. Two empty lines may have come
 * before the head, and count in its length. */
static size_t readable_at(const struct head *head, struct str path)
{
    enum { EMPTY_LINES = 4 };
    size_t before = (size_t)((uintptr_t)path.at - (uintptr_t)head->method_text.at);

    if (before >= head->head_len || head->head_len - before <= EMPTY_LINES + path.len)
        return path.len;
    return head->head_len - before - EMPTY_LINES;
}

/* A case-insensitive map is asked in lower case; the path itself stays as the client wrote it. */
static int32_t find_folded(struct gw_req *rq, const struct gw_paths *paths)
{
    struct str folded = urlpath_fold(rq->path, pool_take(&rq->pool, rq->path.len));
    int32_t number = pathmap_find(&paths->map, folded, rq->params);
    uint32_t count = number < 0 ? 0 : pathmap_params(&paths->map, (uint32_t)number);

    for (uint32_t i = 0; i < count; i++)
        rq->params[i].at = rq->path.at + (rq->params[i].at - folded.at);
    return number;
}

static inline __attribute__((always_inline)) enum gw_match
match(struct gw_req *rq, const struct gw_paths *paths,
      enum gw_match (*choose)(struct gw_req *rq, const struct gw_paths *paths, uint32_t number))
{
    bool normal = urlpath_is_normal(rq->head.path, &paths->rules);
    enum gw_match found;
    int32_t number;

    rq->route = NULL;
    rq->path = rq->head.path;
    rq->allow = (struct str){0};
    if (str_eq(rq->path, STR("*")) && rq->head.method == METHOD_OPTIONS) {
        rq->allow = paths->allow_all;
        return GW_MATCH_OPTIONS;
    }
    if (!normal && (rq->reason = settle_path(rq, paths)))
        return GW_MATCH_BAD_PATH;
    number = paths->rules.case_sensitive
                 ? pathmap_find_ahead(&paths->map, rq->path, readable_at(&rq->head, rq->path),
                                      rq->params)
                 : find_folded(rq, paths);
    found = number < 0 ? GW_MATCH_NO_PATH : choose(rq, paths, (uint32_t)number);
    if (normal || !urlpath_has_encoded_slash(rq->path))
        return found;
    if ((rq->route ? rq->route->encoded_slash : paths->rules.encoded_slash) != URLPATH_SLASH_REJECT)
        return found;
    rq->route = NULL;
    rq->reason = "the path has an encoded slash or backslash";
    return GW_MATCH_BAD_PATH;
}

enum gw_match gw_match(struct gw_req *rq, const struct gw_paths *paths)
{
    return match(rq, paths, choose_method);
}

enum gw_match gw_match_present(struct gw_req *rq, const struct gw_paths *paths)
{
    return match(rq, paths, choose_present);
}

struct str gw_allow(const struct gw_req *rq)
{
    return rq->allow;
}
