#include "explain.h"

#include "base/clock.h"
#include "base/text.h"
#include "base/urlpath.h"
#include "caller.h"
#include "callers.h"
#include "escape.h"
#include "phrase.h"
#include "phrase_resilience.h"
#include "route.h"

struct question {
    struct pool *pool;
    const struct gateway *gw;
    struct text *out;
    struct str method, host, path, query;
    bool has_query;
    const struct ir_header *headers;
    size_t header_count;
    const struct caller_jwks *jwks;
    size_t jwks_count;
    struct str params[PATHMAP_PARAMS];
};

static void say(const struct question *q, const char *label, struct str text)
{
    text_printf(q->out, "%-12s %.*s\n", label, STR_ARG(text));
}

/* ---- the request ---- */

static struct str lower(struct pool *pool, struct str text)
{
    return urlpath_fold(text, pool_take(pool, text.len + 1));
}

static struct str header(const struct question *q, struct str name)
{
    for (size_t i = 0; i < q->header_count; i++)
        if (str_eq_nocase(q->headers[i].name, name))
            return q->headers[i].value;
    return (struct str){0};
}

/* The name in "name", "name:port", "[v6]:port". */
static struct str without_port(struct str authority)
{
    size_t colon = str_find(authority, ':');

    if (authority.len > 0 && authority.at[0] == '[')
        return str_head(authority, str_find(authority, ']') + 1);
    return str_head(authority, colon);
}

static void take_apart(struct question *q, struct str url)
{
    size_t scheme = str_find_str(url, STR("://"));
    struct str authority = header(q, STR("Host"));

    url = str_head(url, str_find(url, '#'));
    if (scheme < url.len && str_find(url, '/') == scheme + 1) {
        struct str rest = str_from(url, scheme + 3);
        size_t end = str_find(rest, '/');

        if (str_find(rest, '?') < end)
            end = str_find(rest, '?');
        authority = authority.len ? authority : str_head(rest, end);
        url = str_from(rest, end);
    }
    q->host = lower(q->pool, without_port(authority));
    q->path = str_head(url, str_find(url, '?'));
    q->has_query = q->path.len < url.len;
    q->query = str_from(url, q->path.len + 1);
    if (q->path.len == 0)
        q->path = STR("/");
}

static bool any_of(const struct ir_condition *condition, struct str value)
{
    for (size_t i = 0; i < condition->value_count; i++)
        if (str_eq(condition->values[i], value))
            return true;
    return false;
}

static bool header_is(const struct question *q, const struct ir_condition *condition)
{
    for (size_t i = 0; i < q->header_count; i++)
        if (str_eq_nocase(q->headers[i].name, condition->name) &&
            (condition->value_count == 0 || any_of(condition, q->headers[i].value)))
            return true;
    return false;
}

static bool host_is(const struct question *q, const struct str *hosts, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (urlpath_host_is(q->host, hosts[i]))
            return true;
    return false;
}

static bool holds(const struct question *q, const struct ir_condition *condition)
{
    switch (condition->kind) {
    case IR_IF_HOST:
        return host_is(q, condition->values, condition->value_count);
    case IR_IF_HEADER:
        return header_is(q, condition);
    case IR_IF_QUERY:
        return urlpath_query_is(q->query, condition->name, condition->values,
                                condition->value_count);
    case IR_IF_PATH_PARAM:
        return any_of(condition, q->params[condition->param]);
    case IR_IF_PREFIX:
        for (size_t i = 0; i < condition->value_count; i++)
            if (urlpath_below(q->path, condition->values[i]))
                return true;
        return false;
    }
    return false;
}

static bool all_hold(const struct question *q, const struct ir_condition *conditions, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (!holds(q, &conditions[i]))
            return false;
    return true;
}

/* ---- why not ---- */

/* Whether a segment of the request may stand for one with parameters: it has the texts that the template's
 * begins and ends with. */
static bool fits(const struct ir_segment *segment, struct str own)
{
    size_t count = segment->parts.count;

    if (count == 0 || own.len == 0 || (count == 1 && segment->parts.at[0].param < 0))
        return false;
    const struct ir_part *first = segment->parts.at, *last = first + count - 1;
    if (first->param < 0 && !str_starts(own, first->literal))
        return false;
    return last->param >= 0 || (own.len >= last->literal.len &&
                                str_eq(str_from(own, own.len - last->literal.len), last->literal));
}

static void pattern(struct text *out, const struct ir_segment *segment)
{
    for (size_t i = 0; i < segment->parts.count; i++)
        text_add(out, segment->parts.at[i].param < 0 ? segment->parts.at[i].literal : STR("{}"));
}

/* The template with the request's own segments in place of its parameters, to be compared with the path. */
static struct str filled(const struct question *q, const struct ir_endpoint *endpoint)
{
    struct text out = {.pool = q->pool};
    struct str rest = q->path;

    for (size_t i = 0; i < endpoint->segments.count; i++) {
        const struct ir_segment *segment = &endpoint->segments.at[i];
        struct str own = str_head(str_from(rest, 1), str_find(str_from(rest, 1), '/'));

        rest = str_from(rest, 1 + own.len);
        text_byte(&out, '/');
        if (fits(segment, own))
            text_add(&out, own);
        else
            pattern(&out, segment);
    }
    if (endpoint->trailing_slash)
        text_byte(&out, '/');
    return text_str(&out);
}

static void suggest(const struct question *q)
{
    enum { NEAR = 8, LONGEST = 512 };
    const struct ir_endpoint *best = NULL;
    size_t distance = NEAR + 1;

    for (size_t i = 0; i < q->gw->endpoints.count && q->path.len <= LONGEST; i++) {
        const struct ir_endpoint *endpoint = &q->gw->endpoints.at[i];
        size_t here = str_distance(filled(q, endpoint), q->path, NEAR);

        if (here < distance && here * 3 <= q->path.len)
            best = endpoint, distance = here;
    }
    if (best)
        say(q, "nearest", best->pattern);
}

static int none(const struct question *q, unsigned status, struct str why)
{
    text_printf(q->out, "%-12s %u: %.*s\n", "no route", status, STR_ARG(why));
    for (uint32_t i = 0; i < q->gw->document_restrictions; i++)
        say(q, "addresses", phrase_ip_restriction(q->pool, q->gw, i + 1));
    return 1;
}

static int no_path(const struct question *q)
{
    int status = none(q, 404, STR("no template takes this path"));

    suggest(q);
    return status;
}

static bool is_listed(struct str list, struct str method)
{
    while (list.len > 0) {
        struct str item = str_head(list, str_find(list, ','));

        if (str_eq(item, method))
            return true;
        list = str_trim(str_from(list, item.len + 1), " ");
    }
    return false;
}

/* Adds what the list does not have yet, as the gateway does. */
static void allow_also(struct text *list, struct str more)
{
    while (more.len > 0) {
        struct str method = str_head(more, str_find(more, ','));

        more = str_trim(str_from(more, method.len + 1), " ");
        if (!is_listed(text_str(list), method))
            text_printf(list, "%s%.*s", list->len ? ", " : "", STR_ARG(method));
    }
}

/* The methods of all variants whose conditions hold. */
static int no_method(const struct question *q, const struct route_path *path)
{
    struct text allow = {.pool = q->pool};
    struct str list;
    int result;

    for (size_t i = 0; i < path->variants.count; i++) {
        const struct route_variant *variant = &path->variants.at[i];

        if ((variant->host_count && !host_is(q, variant->hosts, variant->host_count)) ||
            !all_hold(q, variant->conditions.at, variant->conditions.count))
            continue;
        allow_also(&allow, variant->allow);
    }
    list = text_str(&allow);
    if (list.len == 0)
        return none(q, 404, STR("the path is there, but no host or condition of it fits"));
    if (str_eq(q->method, STR("OPTIONS"))) {
        say(q, "answer", STR("204, since no operation declares OPTIONS"));
        say(q, "Allow", list);
        return 0;
    }
    result = none(q, 405, STR("the path has no such method"));
    say(q, "Allow", list);
    return result;
}

/* ---- what happens ---- */

static const struct ir_branch *branch_of(const struct question *q, const struct ir_operation *op)
{
    for (size_t i = 0; i < op->branches.count; i++)
        if (all_hold(q, op->branches.at[i].all.at, op->branches.at[i].all.count))
            return &op->branches.at[i];
    return NULL;
}

static struct str piece_text(const struct question *q, const struct ir_piece *pieces, size_t count)
{
    struct text out = {.pool = q->pool};

    for (size_t i = 0; i < count; i++)
        text_add(&out, pieces[i].param < 0 ? pieces[i].literal : q->params[pieces[i].param]);
    return text_str(&out);
}

static struct str rewritten(const struct question *q, const struct ir_rewrite *rewrite)
{
    struct text out = {.pool = q->pool};

    if (!rewrite->set)
        return q->path;
    if (rewrite->path.count > 0)
        return piece_text(q, rewrite->path.at, rewrite->path.count);
    text_add(&out, rewrite->prefix);
    text_add(&out, str_from(q->path, rewrite->strip));
    return out.len ? text_str(&out) : STR("/");
}

/* What the runtime file may say otherwise. */
static void say_turned(const struct question *q, uint32_t value)
{
    if (value > 0)
        say(q, "runtime", phrase_runtime_value(q->pool, &q->gw->runtime.values.at[value - 1]));
}

static void say_forward(const struct question *q, const struct ir_operation *op,
                        const struct ir_forward *forward)
{
    struct str path = rewritten(q, &forward->rewrite);
    struct str rule = phrase_rewrite(q->pool, q->gw, op, &forward->rewrite);

    if (rule.len > 0)
        say(q, "rewrite", rule);
    for (size_t i = 0; i < forward->choices.count; i++) {
        const struct ir_weighted *choice = &forward->choices.at[i];
        const struct ir_upstream *upstream = &q->gw->upstreams.at[choice->upstream];
        uint64_t targets = ir_subset_targets(choice->subset);

        text_printf(q->out, "%-12s %.*s", "upstream",
                    STR_ARG(phrase_choice(q->pool, q->gw, choice)));
        if (forward->choices.count > 1)
            text_printf(q->out, " (weight %u)", choice->weight);
        text_byte(q->out, '\n');
        say_turned(q, choice->turned);
        if (upstream->discovery.kind != IR_FOUND_NOT)
            say(q, "", phrase_discovery(q->pool, q->gw, &upstream->discovery));
        for (size_t j = 0; j < upstream->targets.count; j++) {
            const struct ir_target *target = &upstream->targets.at[j];

            if (targets && !(targets >> j & 1))
                continue;
            text_printf(
                q->out, "%-12s %s%.*s%.*s%.*s%s%.*s\n", "", target->is_unix ? "unix:" : "http://",
                STR_ARG(target->is_unix ? target->host : target->authority), STR_ARG(target->path),
                STR_ARG(path), q->has_query ? "?" : "", STR_ARG(q->query));
        }
    }
}

static void say_action(const struct question *q, const struct ir_operation *op)
{
    const struct ir_branch *branch;

    switch (op->action) {
    case IR_FORWARD:
        say_forward(q, op, &op->forward);
        return;
    case IR_ROUTE:
        branch = branch_of(q, op);
        if (!branch)
            return;
        say(q, "branch",
            branch->all.count ? phrase_conditions(q->pool, branch->all.at, branch->all.count)
                              : STR("the default"));
        say_forward(q, op, &branch->forward);
        return;
    case IR_REDIRECT:
        text_printf(q->out, "%-12s %u to %.*s%s%.*s\n", "redirect", op->answer.status,
                    STR_ARG(piece_text(q, op->answer.location.at, op->answer.location.count)),
                    op->answer.keep_query && q->has_query ? "?" : "",
                    STR_ARG(op->answer.keep_query ? q->query : STR("")));
        return;
    case IR_RESPOND:
    case IR_MOCK:
        say(q, "answer", phrase_action(q->pool, q->gw, op));
        return;
    }
}

static void say_if(const struct question *q, const char *what, struct str words)
{
    if (words.len > 0)
        say(q, what, words);
}

/* What becomes of a request whose upstream fails, where there is one upstream. */
static void say_failing(const struct question *q, const struct ir_operation *op)
{
    const struct ir_weighted *choice = op->forward.choices.at;
    const struct ir_upstream *upstream;

    if (op->action != IR_FORWARD || op->forward.choices.count != 1)
        return;
    upstream = &q->gw->upstreams.at[choice->upstream];
    say_if(q, "breaker", phrase_breaker(q->pool, &upstream->breaker));
    say_if(q, "balance", phrase_balance(q->pool, upstream));
    say_if(q, "checks", phrase_health_check(q->pool, upstream));
    say_if(q, "outliers", phrase_outlier(q->pool, upstream));
    say_if(q, "retry", phrase_retry(q->pool, &choice->retry));
}

/* Who may call: what the schemes look at, and whom the acl lets in. */
static void say_security(const struct question *q, const struct ir_operation *op)
{
    bool *seen = pool_alloc(q->pool, q->gw->schemes.count + 1);

    say(q, "security", op->security);
    for (size_t w = 0; w < op->ways.count; w++)
        for (size_t i = 0; i < op->ways.at[w].all.count; i++) {
            uint32_t number = op->ways.at[w].all.at[i].scheme;
            const struct ir_scheme *scheme = &q->gw->schemes.at[number];
            if (!seen[number])
                say(q, "",
                    pool_printf(q->pool, "%.*s: %s", STR_ARG(scheme->name),
                                phrase_scheme(q->pool, q->gw, scheme).at));
            seen[number] = true;
        }
    if (op->passthrough_auth)
        say(q, "", STR("not all of it is verified here, but by the upstream"));
    say_if(q, "acl", phrase_acl(q->pool, &op->acl));
    say_if(q, "callers", callers_known(q->pool, q->gw, op));
}

/* Whether this request, with what it carries, would be let in. */
static int say_caller(const struct question *q, const struct ir_operation *op)
{
    struct caller_request request = {.pool = q->pool,
                                     .gw = q->gw,
                                     .op = op,
                                     .method = q->method,
                                     .jwks = q->jwks,
                                     .jwks_count = q->jwks_count,
                                     .now = clock_wall_us() / 1000000,
                                     .headers = q->headers,
                                     .header_count = q->header_count,
                                     .query = q->query};

    return caller_explain(&request, q->out) == CALLER_REFUSED ? 1 : 0;
}

/* In the order in which the request meets them. Returns 1 when it is not let in. */
static int say_policies(const struct question *q, const struct ir_operation *op)
{
    int refused;

    if (op->correlation.generator != IR_ID_NONE)
        say(q, "request id", op->correlation.header_name);
    if (op->ip_restriction > 0)
        say(q, "addresses", phrase_ip_restriction(q->pool, q->gw, op->ip_restriction));
    say_security(q, op);
    refused = say_caller(q, op);
    if (op->maintenance)
        say(q, "maintenance", STR("503 with Retry-After"));
    say_turned(q, op->disabled_turned);
    say_turned(q, op->maintenance_turned);
    say(q, "body limit", phrase_size(q->pool, op->limits.body));
    if (op->action == IR_FORWARD || op->action == IR_ROUTE) {
        say(q, "timeouts", phrase_timeouts(q->pool, q->gw, op));
        say(q, "buffering",
            pool_printf(q->pool, "request %.*s, response %.*s",
                        STR_ARG(phrase_size(q->pool, op->buffer_request)),
                        STR_ARG(phrase_size(q->pool, op->buffer_response))));
        say_failing(q, op);
    }
    return refused;
}

static int say_route(const struct question *q, const struct route_variant *variant, uint32_t number)
{
    const struct ir_operation *op = &q->gw->operations.at[number];
    const struct ir_endpoint *endpoint = &q->gw->endpoints.at[op->endpoint];
    int refused;

    text_printf(q->out, "%-12s %.*s\n%-12s %.*s %.*s\n", "route", STR_ARG(op->id), "template",
                STR_ARG(op->method), STR_ARG(op->path));
    for (size_t i = 0; i < endpoint->params.count; i++)
        text_printf(q->out, "%-12s %.*s = %.*s\n", i ? "" : "parameters",
                    STR_ARG(endpoint->params.at[i]), STR_ARG(q->params[i]));
    for (size_t i = 0; i < variant->host_count; i++)
        say(q, i ? "" : "hosts", variant->hosts[i]);
    if (variant->conditions.count > 0)
        say(q, "where",
            phrase_conditions(q->pool, variant->conditions.at, variant->conditions.count));
    refused = say_policies(q, op);
    say_action(q, op);
    return refused;
}

/* ---- the matcher ---- */

/* The document's rule decides before the route is known, the operation's afterwards. */
static const char *normalise(struct question *q)
{
    struct urlpath_rules rules = {
        .normalize = q->gw->path.normalize,
        .merge_slashes = q->gw->path.merge_slashes,
        .case_sensitive = q->gw->path.case_sensitive,
        .encoded_slash = q->gw->path.encoded_slash == IR_SLASH_DECODE ? URLPATH_SLASH_DECODE
                                                                      : URLPATH_SLASH_KEEP,
    };

    return urlpath_normalise(q->path, &rules, pool_take(q->pool, urlpath_room(q->path.len)),
                             &q->path);
}

static const struct route_path *find_path(struct question *q)
{
    const struct pathmap *map = &q->gw->routes->tree.map;
    struct str asked = q->gw->path.case_sensitive ? q->path : lower(q->pool, q->path);
    int32_t number = pathmap_find(map, asked, q->params);

    for (uint32_t i = 0; number >= 0 && i < pathmap_params(map, (uint32_t)number); i++)
        q->params[i].at = q->path.at + (q->params[i].at - asked.at);
    return number < 0 ? NULL : &q->gw->routes->paths.at[number];
}

static bool slash_refused(const struct question *q, const struct ir_operation *op)
{
    enum ir_slash rule = op ? op->encoded_slash : q->gw->path.encoded_slash;

    return rule == IR_SLASH_REJECT && urlpath_has_encoded_slash(q->path);
}

static int answer(struct question *q)
{
    struct str asked = q->path;
    const char *wrong = normalise(q);
    const struct route_path *path;

    if (wrong)
        return none(q, 400, str_of(wrong));
    if (!str_eq(asked, q->path))
        say(q, "normalised", q->path);
    path = find_path(q);
    for (size_t i = 0; path && i < path->variants.count; i++) {
        const struct route_variant *variant = &path->variants.at[i];
        const struct route_method *found = route_find(variant, q->method);

        if (!found || (variant->host_count && !host_is(q, variant->hosts, variant->host_count)) ||
            !all_hold(q, variant->conditions.at, variant->conditions.count))
            continue;
        if (slash_refused(q, &q->gw->operations.at[found->operation]))
            return none(q, 400, STR("the path has an encoded slash or backslash"));
        return say_route(q, variant, found->operation);
    }
    if (slash_refused(q, NULL))
        return none(q, 400, STR("the path has an encoded slash or backslash"));
    return path ? no_method(q, path) : no_path(q);
}

/* Whatever documents and users write, each line is harmless text. */
static void print(const struct question *q, FILE *out)
{
    struct str rest = text_str(q->out);

    while (rest.len > 0) {
        struct str line = str_head(rest, str_find(rest, '\n'));
        struct text safe = {.pool = q->pool};

        rest = str_from(rest, line.len + 1);
        escape_line(&safe, line);
        fprintf(out, "%.*s\n", (int)safe.len, safe.len ? safe.at : "");
    }
}

int explain(struct job *job, struct gateway *gw, const struct explain_request *request, FILE *out)
{
    struct text text = {.pool = &job->pool};
    struct question q = {
        .pool = &job->pool,
        .gw = gw,
        .out = &text,
        .method = request->method,
        .headers = request->headers,
        .header_count = request->header_count,
        .jwks = request->jwks,
        .jwks_count = request->jwks_count,
    };

    int result;

    take_apart(&q, request->url);
    text_printf(&text, "%-12s %.*s %.*s%s%.*s\n", "request", STR_ARG(request->method),
                STR_ARG(q.path), q.has_query ? "?" : "", STR_ARG(q.query));
    if (q.host.len > 0)
        say(&q, "host", q.host);
    result = answer(&q);
    print(&q, out);
    return result;
}
