#include "route.h"

#include <stdlib.h>

#include "base/map.h"
#include "base/text.h"
#include "base/urlpath.h"
#include "member.h"

/* Methods of the Allow field, in the order in which they are listed. */
static const char *const methods[] = {"GET",   "HEAD",    "POST",  "PUT",  "DELETE",
                                      "PATCH", "OPTIONS", "TRACE", "QUERY"};
enum { METHODS = sizeof methods / sizeof *methods };

struct planner {
    struct job *job;
    struct pool *pool;
    struct gateway *gw;
    struct route_plan *plan;
    struct map shapes; /* struct route_path numbers + 1 */
};

/* ---- shapes ---- */

/* What distinguishes a template: its text, with parameters and tails as bytes that no path holds. */
static struct str shape_of(struct planner *p, const struct ir_endpoint *endpoint)
{
    struct text out = {.pool = p->pool};

    for (size_t i = 0; i < endpoint->segments.count; i++) {
        const struct ir_segment *segment = &endpoint->segments.at[i];

        text_byte(&out, '/');
        for (size_t j = 0; j < segment->parts.count; j++) {
            if (segment->parts.at[j].param >= 0)
                text_byte(&out, segment->tail ? '\002' : '\001');
            else
                text_add(&out, segment->parts.at[j].literal);
        }
    }
    if (endpoint->trailing_slash)
        text_byte(&out, '/');
    if (p->gw->path.case_sensitive)
        return text_str(&out);
    return urlpath_fold(text_str(&out), pool_take(p->pool, out.len));
}

/* False after a complaint. */
static bool can_be_matched(struct planner *p, const struct ir_endpoint *endpoint)
{
    struct diags *d = &p->job->diags;

    if (endpoint->pattern.len > PATHMAP_PATH) {
        diag_error(d, endpoint->loc, "path-too-long", "a path of %zu bytes; requests can have %d",
                   endpoint->pattern.len, PATHMAP_PATH);
        return false;
    }
    if (endpoint->segments.count + endpoint->trailing_slash > PATHMAP_SEGMENTS) {
        diag_error(d, endpoint->loc, "path-too-deep", "a path of %zu segments; there can be %d",
                   endpoint->segments.count + endpoint->trailing_slash, PATHMAP_SEGMENTS);
        return false;
    }
    return true;
}

/* The path an endpoint belongs to, made when it is the first of its shape. */
static struct route_path *path_of(struct planner *p, uint32_t endpoint)
{
    struct str shape = shape_of(p, &p->gw->endpoints.at[endpoint]);
    void *known = map_get(&p->shapes, shape);
    struct route_path *path;

    if (known) {
        path = &p->plan->paths.at[(uintptr_t)known - 1];
    } else {
        path = vec_add(p->pool, &p->plan->paths);
        path->pattern = p->gw->endpoints.at[endpoint].pattern;
        map_set(&p->shapes, p->pool, shape, (void *)(uintptr_t)p->plan->paths.count);
    }
    *vec_add(p->pool, &path->endpoints) = endpoint;
    return path;
}

/* ---- variants ---- */

static int by_text(const void *a, const void *b)
{
    return str_cmp(*(const struct str *)a, *(const struct str *)b);
}

static bool same_texts(const struct str *a, size_t a_count, const struct str *b, size_t b_count)
{
    if (a_count != b_count)
        return false;
    for (size_t i = 0; i < a_count; i++)
        if (!str_eq(a[i], b[i]))
            return false;
    return true;
}

static bool same_condition(const struct ir_condition *a, const struct ir_condition *b)
{
    return a->kind == b->kind && str_eq(a->name, b->name) && a->param == b->param &&
           same_texts(a->values, a->value_count, b->values, b->value_count);
}

static bool has_condition(const struct route_variant *variant, const struct ir_condition *condition)
{
    for (size_t i = 0; i < variant->conditions.count; i++)
        if (same_condition(&variant->conditions.at[i], condition))
            return true;
    return false;
}

static bool same_conditions(const struct route_variant *a, const struct route_variant *b)
{
    if (a->conditions.count != b->conditions.count)
        return false;
    for (size_t i = 0; i < a->conditions.count; i++)
        if (!has_condition(b, &a->conditions.at[i]))
            return false;
    return true;
}

static void add_conditions(struct pool *pool, struct route_variant *variant,
                           const struct ir_condition *at, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (!has_condition(variant, &at[i]))
            *vec_add(pool, &variant->conditions) = at[i];
}

/* What must hold for an operation. */
static struct route_variant wanted_by(struct planner *p, const struct ir_operation *op)
{
    const struct ir_endpoint *endpoint = &p->gw->endpoints.at[op->endpoint];
    struct route_variant variant = {.hosts = op->hosts.at, .host_count = op->hosts.count};

    if (op->hosts.count == 0) {
        variant.hosts = endpoint->hosts.at;
        variant.host_count = endpoint->hosts.count;
    }
    if (variant.host_count > 1) {
        struct str *sorted = pool_take(p->pool, variant.host_count * sizeof *sorted);

        memcpy(sorted, variant.hosts, variant.host_count * sizeof *sorted);
        qsort(sorted, variant.host_count, sizeof *sorted, by_text);
        variant.hosts = sorted;
    }
    add_conditions(p->pool, &variant, endpoint->query.at, endpoint->query.count);
    add_conditions(p->pool, &variant, op->conditions.at, op->conditions.count);
    return variant;
}

static struct route_variant *variant_of(struct planner *p, struct route_path *path,
                                        const struct route_variant *wanted)
{
    struct route_variant *variant;

    for (size_t i = 0; i < path->variants.count; i++) {
        variant = &path->variants.at[i];
        if (same_texts(variant->hosts, variant->host_count, wanted->hosts, wanted->host_count) &&
            same_conditions(variant, wanted))
            return variant;
    }
    variant = vec_add(p->pool, &path->variants);
    *variant = *wanted;
    return variant;
}

/* 0: exact hosts, 1: with a wildcard (the shortest decides), 2: any host. */
static int host_rank(const struct route_variant *variant, size_t *shortest)
{
    *shortest = SIZE_MAX;
    for (size_t i = 0; i < variant->host_count; i++)
        if (str_starts(variant->hosts[i], STR("*")) && variant->hosts[i].len < *shortest)
            *shortest = variant->hosts[i].len;
    return variant->host_count == 0 ? 2 : *shortest < SIZE_MAX;
}

/* The more particular first; else they stay in document order. */
static bool goes_before(const struct route_variant *a, const struct route_variant *b)
{
    size_t a_len, b_len;
    int a_rank = host_rank(a, &a_len), b_rank = host_rank(b, &b_len);

    if (a_rank != b_rank)
        return a_rank < b_rank;
    if (a_len != b_len)
        return a_len > b_len;
    return a->conditions.count > b->conditions.count;
}

static void sort_variants(struct route_path *path)
{
    for (size_t i = 1; i < path->variants.count; i++) {
        struct route_variant moved = path->variants.at[i];
        size_t at = i;

        for (; at > 0 && goes_before(&moved, &path->variants.at[at - 1]); at--)
            path->variants.at[at] = path->variants.at[at - 1];
        path->variants.at[at] = moved;
    }
}

/* ---- conflicts ---- */

struct str route_example(struct pool *pool, const struct ir_endpoint *endpoint)
{
    struct text out = {.pool = pool};

    for (size_t i = 0; i < endpoint->segments.count; i++) {
        const struct ir_segment *segment = &endpoint->segments.at[i];

        text_byte(&out, '/');
        for (size_t j = 0; j < segment->parts.count; j++) {
            int param = segment->parts.at[j].param;
            struct str name = param < 0 ? STR("") : endpoint->params.at[param];
            char *buf = pool_take(pool, urlpath_room(name.len) + 1);
            const struct urlpath_rules rules = {.normalize = true};

            if (param < 0)
                text_add(&out, segment->parts.at[j].literal);
            else if (!urlpath_literal(name, &rules, buf, &name))
                text_add(&out, name);
            else
                text_byte(&out, 'x');
        }
    }
    if (endpoint->trailing_slash)
        text_byte(&out, '/');
    return text_str(&out);
}

/* A URL that shows a conflict. */
static struct str example_url(struct planner *p, const struct route_variant *variant,
                              const struct ir_endpoint *endpoint, struct str host)
{
    struct text out = {.pool = p->pool};
    char join = '?';

    if (host.len > 0)
        text_printf(&out, "http://%s%.*s", str_starts(host, STR("*")) ? "www" : "",
                    STR_ARG(str_from(host, str_starts(host, STR("*")))));
    text_add(&out, route_example(p->pool, endpoint));
    for (size_t i = 0; i < variant->conditions.count; i++) {
        const struct ir_condition *condition = &variant->conditions.at[i];

        if (condition->kind != IR_IF_QUERY)
            continue;
        text_printf(&out, "%c%.*s", join, STR_ARG(condition->name));
        if (condition->value_count > 0)
            text_printf(&out, "=%.*s", STR_ARG(condition->values[0]));
        join = '&';
    }
    return text_str(&out);
}

static void conflict(struct planner *p, struct route_path *path,
                     const struct route_variant *variant, const struct ir_operation *early,
                     const struct ir_operation *late, struct str host)
{
    struct diags *d = &p->job->diags;
    struct str url = example_url(p, variant, &p->gw->endpoints.at[late->endpoint], host);

    diag_error(d, late->loc, "route-conflict",
               "%.*s %.*s takes the same requests as %.*s, such as %.*s", STR_SHORT(late->method),
               STR_SHORT(late->path), STR_SHORT(early->path), STR_SHORT(url));
    path->conflict = true;
    diag_note(d, early->loc, "%.*s %.*s is here", STR_SHORT(early->method), STR_SHORT(early->path));
}

static const struct route_method *declared(const struct route_variant *variant, struct str method)
{
    for (size_t i = 0; i < variant->methods.count; i++)
        if (str_eq(variant->methods.at[i].method, method))
            return &variant->methods.at[i];
    return NULL;
}

const struct route_method *route_find(const struct route_variant *variant, struct str method)
{
    const struct route_method *found = declared(variant, method);

    if (!found && str_eq(method, STR("HEAD")))
        found = declared(variant, STR("GET"));
    if (!found && !str_eq(method, STR("TRACE")) && !str_eq(method, STR("CONNECT")))
        found = declared(variant, STR("*"));
    return found;
}

static void add_operation(struct planner *p, struct route_path *path, uint32_t number)
{
    const struct ir_operation *op = &p->gw->operations.at[number];
    struct route_variant wanted = wanted_by(p, op), *variant;
    const struct route_method *twin;

    if (op->internal || op->disabled)
        return;
    variant = variant_of(p, path, &wanted);
    twin = declared(variant, op->method);
    if (twin)
        conflict(p, path, variant, &p->gw->operations.at[twin->operation], op,
                 variant->host_count ? variant->hosts[0] : STR(""));
    else
        *vec_add(p->pool, &variant->methods) = (struct route_method){op->method, number};
}

/* A host that two different lists share, or "". */
static struct str shared_host(const struct route_variant *a, const struct route_variant *b)
{
    for (size_t i = 0; i < a->host_count; i++)
        for (size_t j = 0; j < b->host_count; j++)
            if (str_eq(a->hosts[i], b->hosts[j]))
                return a->hosts[i];
    return STR("");
}

/* Lists of hosts that overlap without being equal: neither is the more particular. */
static void check_hosts(struct planner *p, struct route_path *path)
{
    for (size_t i = 0; i < path->variants.count; i++)
        for (size_t j = i + 1; j < path->variants.count; j++) {
            const struct route_variant *a = &path->variants.at[i], *b = &path->variants.at[j];
            struct str host = shared_host(a, b);

            if (host.len == 0 || !same_conditions(a, b))
                continue;
            for (size_t k = 0; k < b->methods.count; k++) {
                const struct route_method *twin = declared(a, b->methods.at[k].method);
                uint32_t one = twin ? twin->operation : 0, two = b->methods.at[k].operation;

                if (twin)
                    conflict(p, path, b, &p->gw->operations.at[one < two ? one : two],
                             &p->gw->operations.at[one < two ? two : one], host);
            }
        }
}

/* Templates that differ in their parameters' names only and complete each other. */
static void check_shape(struct planner *p, const struct route_path *path)
{
    const struct ir_endpoint *first = &p->gw->endpoints.at[path->endpoints.at[0]];
    struct diags *d = &p->job->diags;

    for (size_t i = 1; i < path->endpoints.count && path->variants.count == 1; i++) {
        const struct ir_endpoint *other = &p->gw->endpoints.at[path->endpoints.at[i]];

        if (str_eq(other->pattern, first->pattern))
            diag_warn(d, other->loc, "same-shape",
                      "%.*s stands twice; to the gateway it is one path",
                      STR_SHORT(other->pattern));
        else
            diag_warn(d, other->loc, "same-shape", "%.*s and %.*s are one path to the gateway",
                      STR_SHORT(other->pattern), STR_SHORT(first->pattern));
        diag_note(d, first->loc, "%.*s is here", STR_SHORT(first->pattern));
    }
}

/* ---- Allow ---- */

static void allow_one(struct text *out, struct str method)
{
    if (out->len > 0)
        text_add(out, STR(", "));
    text_add(out, method);
}

static bool is_known(struct str method)
{
    for (size_t i = 0; i < METHODS; i++)
        if (str_eq(method, str_of(methods[i])))
            return true;
    return false;
}

static struct str allow_of(struct pool *pool, const struct route_variant *variant)
{
    struct text out = {.pool = pool};

    if (variant->methods.count == 0)
        return STR("");
    for (size_t i = 0; i < METHODS; i++)
        if (route_find(variant, str_of(methods[i])) || strcmp(methods[i], "OPTIONS") == 0)
            allow_one(&out, str_of(methods[i]));
    for (size_t i = 0; i < variant->methods.count; i++)
        if (!is_known(variant->methods.at[i].method) &&
            !str_eq(variant->methods.at[i].method, STR("*")))
            allow_one(&out, variant->methods.at[i].method);
    return text_str(&out);
}

static struct str allow_all(struct planner *p)
{
    struct route_variant all = {0};

    for (size_t i = 0; i < p->plan->paths.count; i++)
        for (size_t j = 0; j < p->plan->paths.at[i].variants.count; j++) {
            const struct route_variant *variant = &p->plan->paths.at[i].variants.at[j];

            for (size_t k = 0; k < variant->methods.count; k++)
                if (!declared(&all, variant->methods.at[k].method))
                    *vec_add(p->pool, &all.methods) = variant->methods.at[k];
        }
    return all.methods.count ? allow_of(p->pool, &all) : STR("OPTIONS");
}

/* ---- the plan ---- */

static void build_tree(struct planner *p)
{
    size_t count = p->plan->paths.count;
    struct pathtree_template *templates = pool_alloc(p->pool, (count + 1) * sizeof *templates);
    struct pathtree *tree = &p->plan->tree;

    for (size_t i = 0; i < count; i++) {
        const struct ir_endpoint *first =
            &p->gw->endpoints.at[p->plan->paths.at[i].endpoints.at[0]];

        templates[i] = (struct pathtree_template){first->segments.at, first->segments.count,
                                                  first->trailing_slash};
    }
    if (pathtree_build(p->pool, templates, count, !p->gw->path.case_sensitive, tree))
        return;

    const struct route_path *path = &p->plan->paths.at[tree->crowd[0]];
    diag_error(&p->job->diags, p->gw->endpoints.at[path->endpoints.at[0]].loc, "too-ambiguous",
               "%zu paths compete for the same requests; at most %d can be told apart quickly",
               tree->crowd_count, PATHMAP_TRIALS);
    for (size_t i = 1; i < tree->crowd_count && i < 4; i++) {
        path = &p->plan->paths.at[tree->crowd[i]];
        diag_note(&p->job->diags, p->gw->endpoints.at[path->endpoints.at[0]].loc,
                  "%.*s is one of them", STR_SHORT(path->pattern));
    }
}

void route_plan(struct job *job, struct gateway *gw)
{
    struct planner p = {.job = job, .pool = &job->pool, .gw = gw};

    if (job_failed(job))
        return;
    p.plan = pool_new(p.pool, struct route_plan);
    for (uint32_t i = 0; i < gw->endpoints.count; i++) {
        const struct ir_endpoint *endpoint = &gw->endpoints.at[i];
        struct route_path *path;

        if (endpoint->operations.count == 0 || !can_be_matched(&p, endpoint))
            continue;
        path = path_of(&p, i);
        for (size_t j = 0; j < endpoint->operations.count; j++)
            add_operation(&p, path, endpoint->operations.at[j]);
    }
    for (size_t i = 0; i < p.plan->paths.count; i++) {
        struct route_path *path = &p.plan->paths.at[i];

        check_hosts(&p, path);
        if (!path->conflict)
            check_shape(&p, path);
        sort_variants(path);
        for (size_t j = 0; j < path->variants.count; j++)
            path->variants.at[j].allow = allow_of(p.pool, &path->variants.at[j]);
    }
    p.plan->allow_all = allow_all(&p);
    if (!job_failed(job))
        build_tree(&p);
    gw->routes = p.plan;
}
