#include "view_flow.h"

#include "digest.h"
#include "name.h"
#include "phrase.h"
#include "view_forward_auth.h"
#include "view_ip_restriction.h"
#include "view_parts.h"
#include "view_resilience.h"
#include "view_security.h"

enum { ID_DIGITS = 8 };

/* What the constants of one flow function are made from. */
struct flow {
    struct pool *pool;
    const struct gateway *gw;
    const struct ir_operation *op;
    const struct ir_endpoint *endpoint;
};

static struct value *no(const struct flow *flow)
{
    return value_flag(flow->pool, false);
}

static struct value *pieces(const struct flow *flow, const struct ir_piece *from, size_t count)
{
    struct value *list = value_list(flow->pool);
    for (size_t i = 0; i < count; i++) {
        struct value *piece = value_map(flow->pool);
        bool literal = from[i].param < 0;
        value_set(flow->pool, piece, "literal",
                  literal ? value_text(flow->pool, from[i].literal) : no(flow));
        view_set_number(flow->pool, piece, "param", literal ? 0 : (uint64_t)from[i].param);
        view_set_text(flow->pool, piece, "param_name",
                      literal ? STR("") : flow->endpoint->params.at[from[i].param]);
        value_add(flow->pool, list, piece);
    }
    return list;
}

/* ---- forwards ---- */

static bool has_own_timeouts(const struct ir_operation *op, const struct ir_weighted *choice)
{
    return !ir_timeouts_equal(&choice->timeouts, &op->timeouts);
}

static bool has_own_retry(const struct gateway *gw, const struct ir_weighted *choice)
{
    return !ir_retry_equal(&choice->retry, &gw->upstreams.at[choice->upstream].retry);
}

bool view_forward_is_plain(const struct gateway *gw, const struct ir_operation *op,
                           const struct ir_forward *forward)
{
    const struct ir_weighted *first = forward->choices.at;
    return forward->choices.count == 1 && !forward->rewrite.set && !has_own_timeouts(op, first) &&
           !has_own_retry(gw, first) && first->hash_param < 0 &&
           ir_subset_targets(first->subset) == 0;
}

static struct str backend_symbol(const struct flow *flow, const struct ir_forward *forward,
                                 size_t choice)
{
    return flow->gw->upstreams.at[forward->choices.at[choice].upstream].symbol;
}

/* "forward", or "beta_forward" for the branch beta. */
static struct str local(const struct flow *flow, struct str prefix, const char *name)
{
    if (prefix.len == 0)
        return str_of(name);
    return pool_printf(flow->pool, "%.*s_%s", STR_ARG(prefix), name);
}

static struct value *rewrite(const struct flow *flow, struct str prefix,
                             const struct ir_rewrite *from)
{
    if (!from->set)
        return no(flow);
    struct value *map = value_map(flow->pool);
    bool whole = from->path.count > 0;
    view_set_name(flow->pool, map, "rewrite_name", local(flow, prefix, "rewrite"));
    view_set_name(flow->pool, map, "path_name", local(flow, prefix, "path"));
    view_set_text(flow->pool, map, "summary", phrase_rewrite(flow->pool, flow->gw, flow->op, from));
    value_set(flow->pool, map, "strip",
              from->strip && !whole ? value_number(flow->pool, (int64_t)from->strip) : no(flow));
    value_set(flow->pool, map, "prefix",
              whole ? no(flow) : value_text_or_false(flow->pool, from->prefix));
    value_set(flow->pool, map, "host", value_text_or_false(flow->pool, from->host));
    view_set_flag(flow->pool, map, "redirects", from->redirects);
    value_set(flow->pool, map, "pieces", pieces(flow, from->path.at, from->path.count));
    view_set_flag(flow->pool, map, "has_path", whole);
    view_set_number(flow->pool, map, "path_count", from->path.count);
    return map;
}

/* The constant of an upstream whose timeouts are not the operation's. */
static struct value *timeouts_ref(const struct flow *flow, struct str prefix,
                                  const struct ir_forward *from, size_t choice)
{
    if (!has_own_timeouts(flow->op, &from->choices.at[choice]))
        return no(flow);
    struct str name = from->choices.count == 1
                          ? STR("timeouts")
                          : pool_printf(flow->pool, "timeouts_%zu", choice + 1);
    return value_name(flow->pool, local(flow, prefix, name.at));
}

static struct value *own_timeouts(const struct flow *flow, struct str prefix,
                                  const struct ir_forward *from)
{
    struct value *list = value_list(flow->pool);
    for (size_t i = 0; i < from->choices.count; i++) {
        struct value *name = timeouts_ref(flow, prefix, from, i);
        if (name->kind == VALUE_FALSE)
            continue;
        struct value *map = view_timeouts(flow->pool, STR("own"), &from->choices.at[i].timeouts);
        value_set(flow->pool, map, "timeouts_name", name);
        value_add(flow->pool, list, map);
    }
    return list;
}

/* The constant of a retry: the upstream's, or one of the operation's own. */
static struct value *retry_ref(const struct flow *flow, struct str prefix,
                               const struct ir_forward *from, size_t choice)
{
    const struct ir_weighted *one = &from->choices.at[choice];
    if (!one->retry.said)
        return no(flow);
    if (!has_own_retry(flow->gw, one))
        return value_name(flow->pool, pool_printf(flow->pool, "retry_of_%.*s",
                                                  STR_ARG(backend_symbol(flow, from, choice))));
    struct str name =
        from->choices.count == 1 ? STR("retry") : pool_printf(flow->pool, "retry_%zu", choice + 1);
    return value_name(flow->pool, local(flow, prefix, name.at));
}

static struct value *own_retries(const struct flow *flow, struct str prefix,
                                 const struct ir_forward *from)
{
    struct value *list = value_list(flow->pool);
    for (size_t i = 0; i < from->choices.count; i++) {
        const struct ir_weighted *one = &from->choices.at[i];
        if (!one->retry.said || !has_own_retry(flow->gw, one))
            continue;
        struct str name = retry_ref(flow, prefix, from, i)->text;
        value_add(flow->pool, list, view_retry(flow->pool, name, &one->retry));
    }
    return list;
}

static struct value *hash_param(const struct flow *flow, const struct ir_weighted *choice)
{
    return choice->hash_param >= 0 ? value_number(flow->pool, choice->hash_param) : no(flow);
}

/* What the client's cookie says of a choice: the same in every build, and no name that is nobody's business. */
static struct str choice_id(struct pool *pool, struct str name)
{
    struct digest digest;
    char hex[65];

    digest_begin(&digest);
    digest_add(&digest, name);
    digest_end(&digest, hex);
    return pool_copy(pool, (struct str){hex, ID_DIGITS});
}

static struct value *weighted(const struct flow *flow, struct str prefix,
                              const struct ir_forward *from)
{
    if (from->choices.count < 2)
        return no(flow);
    struct value *map = value_map(flow->pool), *list = value_list(flow->pool);
    uint64_t total = 0;
    bool is_live = false;
    for (size_t i = 0; i < from->choices.count; i++) {
        struct value *choice = value_map(flow->pool);
        view_set_name(flow->pool, choice, "backend", backend_symbol(flow, from, i));
        view_set_text(flow->pool, choice, "name",
                      phrase_choice(flow->pool, flow->gw, &from->choices.at[i]));
        view_set_number(flow->pool, choice, "weight", from->choices.at[i].weight);
        value_set(flow->pool, choice, "timeouts_ref", timeouts_ref(flow, prefix, from, i));
        value_set(flow->pool, choice, "retry_ref", retry_ref(flow, prefix, from, i));
        value_set(flow->pool, choice, "hash_param", hash_param(flow, &from->choices.at[i]));
        value_set(flow->pool, choice, "subset",
                  view_subset(flow->pool, from->choices.at[i].subset));
        view_set_text(
            flow->pool, choice, "id",
            choice_id(flow->pool, phrase_choice(flow->pool, flow->gw, &from->choices.at[i])));
        value_set(flow->pool, choice, "turned",
                  view_turned(flow->pool, flow->gw, from->choices.at[i].turned));
        is_live |= from->choices.at[i].turned > 0;
        total += from->choices.at[i].weight;
        value_add(flow->pool, list, choice);
    }
    value_set(flow->pool, map, "choices", list);
    view_set_name(flow->pool, map, "choice_name", local(flow, prefix, "choice"));
    view_set_name(flow->pool, map, "forwards_name", local(flow, prefix, "forwards"));
    view_set_name(flow->pool, map, "weights_name", local(flow, prefix, "weights"));
    view_set_number(flow->pool, map, "count", from->choices.count);
    view_set_number(flow->pool, map, "total", total);
    struct value *sticky = view_sticky(flow->pool, &from->sticky, false);
    value_set(flow->pool, map, "sticky", sticky);
    view_set_name(flow->pool, map, "sticky_name", local(flow, prefix, "sticky"));
    view_set_flag(flow->pool, map, "live", is_live);
    view_set_name(flow->pool, map, "live_name", local(flow, prefix, "live"));
    view_set_name(flow->pool, map, "ids_name", local(flow, prefix, "ids"));
    return map;
}

static struct value *single(const struct flow *flow, struct str prefix,
                            const struct ir_forward *from)
{
    if (from->choices.count != 1 || view_forward_is_plain(flow->gw, flow->op, from))
        return no(flow);
    struct value *map = value_map(flow->pool);
    view_set_name(flow->pool, map, "forward_name", local(flow, prefix, "forward"));
    view_set_name(flow->pool, map, "backend", backend_symbol(flow, from, 0));
    value_set(flow->pool, map, "timeouts_ref", timeouts_ref(flow, prefix, from, 0));
    value_set(flow->pool, map, "retry_ref", retry_ref(flow, prefix, from, 0));
    value_set(flow->pool, map, "hash_param", hash_param(flow, &from->choices.at[0]));
    value_set(flow->pool, map, "subset", view_subset(flow->pool, from->choices.at[0].subset));
    view_set_text(flow->pool, map, "name",
                  phrase_choice(flow->pool, flow->gw, &from->choices.at[0]));
    return map;
}

/* Exactly one of plain, single and weighted is set. */
static void set_forward(const struct flow *flow, struct value *map, struct str prefix,
                        const struct ir_forward *from)
{
    bool plain = view_forward_is_plain(flow->gw, flow->op, from);
    struct value *rewritten = rewrite(flow, prefix, &from->rewrite);
    value_set(flow->pool, map, "plain",
              plain ? value_name(flow->pool, backend_symbol(flow, from, 0)) : no(flow));
    value_set(flow->pool, map, "rewrite", rewritten);
    value_set(flow->pool, map, "rewrite_ref",
              rewritten->kind == VALUE_MAP ? value_get(rewritten, STR("rewrite_name")) : no(flow));
    value_set(flow->pool, map, "own_timeouts", own_timeouts(flow, prefix, from));
    value_set(flow->pool, map, "own_retries", own_retries(flow, prefix, from));
    value_set(flow->pool, map, "single", single(flow, prefix, from));
    value_set(flow->pool, map, "weighted", weighted(flow, prefix, from));
    view_set_text(flow->pool, map, "targets", phrase_forward(flow->pool, flow->gw, from));
}

static struct value *forward(const struct flow *flow)
{
    struct value *map = value_map(flow->pool);
    set_forward(flow, map, STR(""), &flow->op->forward);
    return map;
}

/* ---- route[] ---- */

static const char *const callee[] = {
    [IR_IF_HOST] = "gw_host_is",       [IR_IF_HEADER] = "gw_header_is",
    [IR_IF_QUERY] = "gw_query_is",     [IR_IF_PATH_PARAM] = "gw_param_is",
    [IR_IF_PREFIX] = "gw_path_starts",
};

/* A symbol for the values of each condition of the operation, in order. */
static struct str *condition_symbols(const struct flow *flow, size_t count)
{
    static const char *const words[] = {
        [IR_IF_HOST] = "hosts",       [IR_IF_HEADER] = "header", [IR_IF_QUERY] = "query",
        [IR_IF_PATH_PARAM] = "param", [IR_IF_PREFIX] = "prefix",
    };
    struct str *texts = pool_alloc(flow->pool, (count + 1) * sizeof *texts);
    size_t at = 0;
    for (size_t i = 0; i < flow->op->branches.count; i++) {
        const struct ir_branch *branch = &flow->op->branches.at[i];
        for (size_t c = 0; c < branch->all.count; c++) {
            const struct ir_condition *condition = &branch->all.at[c];
            texts[at++] = pool_printf(flow->pool, "%.*s %s %.*s", STR_ARG(branch->symbol),
                                      words[condition->kind], STR_ARG(condition->name));
        }
    }
    return name_unique(flow->pool, texts, count);
}

/* The columns of the call that tests a condition, as the template writes it. */
static size_t call_width(const struct ir_condition *condition, struct str symbol)
{
    size_t callee_width = strlen(callee[condition->kind]) + strlen("(rq, )");
    size_t array = symbol.len + strlen(", ") + (condition->value_count > 9 ? 2 : 1);
    switch (condition->kind) {
    case IR_IF_PREFIX:
        return callee_width + strlen("STR(\"\")") + view_width(condition->values[0]);
    case IR_IF_HOST:
        return callee_width + array;
    case IR_IF_PATH_PARAM:
        return callee_width + strlen("0, ") + array;
    default:
        return callee_width + strlen("STR(\"\"), ") + view_width(condition->name) + array;
    }
}

static struct value *condition_value(const struct flow *flow, const struct ir_condition *condition,
                                     struct str symbol)
{
    struct value *map = value_map(flow->pool);
    bool prefix = condition->kind == IR_IF_PREFIX;
    bool param = condition->kind == IR_IF_PATH_PARAM;
    bool named = condition->kind == IR_IF_HEADER || condition->kind == IR_IF_QUERY;
    view_set_name(flow->pool, map, "callee", str_of(callee[condition->kind]));
    value_set(flow->pool, map, "prefix",
              prefix ? value_text(flow->pool, condition->values[0]) : no(flow));
    value_set(flow->pool, map, "named", named ? value_text(flow->pool, condition->name) : no(flow));
    value_set(flow->pool, map, "param",
              param ? value_number(flow->pool, condition->param) : no(flow));
    value_set(flow->pool, map, "array", prefix ? no(flow) : value_name(flow->pool, symbol));
    value_set(flow->pool, map, "values",
              view_texts(flow->pool, condition->values, condition->value_count));
    view_set_number(flow->pool, map, "count", condition->value_count);
    return map;
}

/* Where the line of an `if` is broken, as clang-format would. */
static struct value *conditions(const struct flow *flow, const struct ir_branch *branch,
                                const struct str *symbols, size_t start)
{
    struct value *list = value_list(flow->pool);
    size_t column = start;
    for (size_t i = 0; i < branch->all.count; i++) {
        struct value *map = condition_value(flow, &branch->all.at[i], symbols[i]);
        size_t width =
            call_width(&branch->all.at[i], symbols[i]) + (i + 1 < branch->all.count ? 3 : 1);
        bool wraps = i > 0 && column + 1 + width > 100;
        column = wraps ? start + width : column + (i > 0) + width;
        view_set_flag(flow->pool, map, "more", i > 0);
        view_set_flag(flow->pool, map, "wraps", wraps);
        value_add(flow->pool, list, map);
    }
    return list;
}

static struct value *branches(const struct flow *flow, bool *covers)
{
    struct value *list = value_list(flow->pool);
    size_t count = 0, at = 0;
    for (size_t i = 0; i < flow->op->branches.count; i++)
        count += flow->op->branches.at[i].all.count;
    struct str *symbols = condition_symbols(flow, count);

    *covers = false;
    for (size_t i = 0; i < flow->op->branches.count; i++) {
        const struct ir_branch *branch = &flow->op->branches.at[i];
        struct value *map = value_map(flow->pool);
        bool last = branch->all.count == 0;
        size_t start = strlen(i ? "        else if (" : "        if (");
        set_forward(flow, map, branch->symbol, &branch->forward);
        value_set(flow->pool, map, "conditions", conditions(flow, branch, symbols + at, start));
        view_set_flag(flow->pool, map, "conditional", !last);
        view_set_flag(flow->pool, map, "later", i > 0);
        value_add(flow->pool, list, map);
        at += branch->all.count;
        if (last) {
            *covers = true;
            break;
        }
    }
    return list;
}

static struct value *route(const struct flow *flow)
{
    struct value *map = value_map(flow->pool);
    bool covers;
    value_set(flow->pool, map, "branches", branches(flow, &covers));
    view_set_flag(flow->pool, map, "covers", covers);
    view_set_text(flow->pool, map, "targets", phrase_upstreams(flow->pool, flow->gw, flow->op));
    return map;
}

/* ---- answers ---- */

static struct value *answer(const struct flow *flow)
{
    const struct ir_answer *from = &flow->op->answer;
    struct value *map = value_map(flow->pool);
    struct text head = {.pool = flow->pool};
    for (size_t i = 0; i < from->headers.count; i++)
        text_printf(&head, "%.*s: %.*s\r\n", STR_ARG(from->headers.at[i].name),
                    STR_ARG(from->headers.at[i].value));
    view_set_number(flow->pool, map, "status", from->status);
    view_set_flag(flow->pool, map, "has_head", head.len > 0);
    value_set(flow->pool, map, "head", view_lines(flow->pool, text_str(&head)));
    view_set_flag(flow->pool, map, "has_body", from->body.len > 0);
    value_set(flow->pool, map, "body", view_lines(flow->pool, from->body));
    view_set_flag(flow->pool, map, "mocked", flow->op->action == IR_MOCK);
    return map;
}

static struct value *redirect(const struct flow *flow)
{
    const struct ir_answer *from = &flow->op->answer;
    struct value *map = value_map(flow->pool);
    view_set_number(flow->pool, map, "status", from->status);
    view_set_text(
        flow->pool, map, "location",
        phrase_pieces(flow->pool, flow->endpoint, from->location.at, from->location.count));
    value_set(flow->pool, map, "pieces", pieces(flow, from->location.at, from->location.count));
    view_set_number(flow->pool, map, "piece_count", from->location.count);
    view_set_flag(flow->pool, map, "keep_query", from->keep_query);
    return map;
}

static struct value *websocket(const struct flow *flow)
{
    const struct ir_websocket *from = &flow->op->websocket;
    struct value *map;
    if (!from->on)
        return no(flow);
    map = value_map(flow->pool);
    value_set(flow->pool, map, "upgrades",
              view_texts(flow->pool, from->upgrades.at, from->upgrades.count));
    view_set_number(flow->pool, map, "upgrade_count", from->upgrades.count);
    view_set_flag(flow->pool, map, "has_origins", from->origins.count > 0);
    value_set(flow->pool, map, "origins",
              view_texts(flow->pool, from->origins.at, from->origins.count));
    view_set_number(flow->pool, map, "origin_count", from->origins.count);
    view_set_flag(flow->pool, map, "has_protocols", from->protocols.count > 0);
    value_set(flow->pool, map, "protocols",
              view_texts(flow->pool, from->protocols.at, from->protocols.count));
    view_set_number(flow->pool, map, "protocol_count", from->protocols.count);
    view_set_number(flow->pool, map, "idle_timeout", from->idle_timeout);
    return map;
}

static struct value *maintenance(const struct flow *flow)
{
    struct value *map = value_map(flow->pool);
    view_set_number(flow->pool, map, "retry_after", flow->op->retry_after);
    value_set(flow->pool, map, "turned",
              view_turned(flow->pool, flow->gw, flow->op->maintenance_turned));
    return map;
}

/* ---- the function ---- */

struct value *view_flow(struct job *job, const struct gateway *gw, const struct ir_operation *op)
{
    struct flow flow = {&job->pool, gw, op, &gw->endpoints.at[op->endpoint]};
    struct value *map = value_map(flow.pool);
    bool open = !op->disabled && !op->maintenance;
    bool answers = op->action == IR_RESPOND || op->action == IR_MOCK;

    view_set_name(flow.pool, map, "symbol", op->symbol);
    view_set_text(flow.pool, map, "method",
                  str_eq(op->method, STR("*")) ? STR("any method") : op->method);
    view_set_text(flow.pool, map, "path", op->path);
    value_set(flow.pool, map, "ip_restriction", view_ip_restriction_of(flow.pool, op));
    view_set_flag(flow.pool, map, "disabled", op->disabled);
    view_set_flag(flow.pool, map, "internal", op->internal && !op->disabled);
    value_set(flow.pool, map, "maintenance",
              op->maintenance && !op->disabled ? maintenance(&flow) : no(&flow));
    value_set(flow.pool, map, "forward",
              open && op->action == IR_FORWARD ? forward(&flow) : no(&flow));
    value_set(flow.pool, map, "route", open && op->action == IR_ROUTE ? route(&flow) : no(&flow));
    value_set(flow.pool, map, "may_close",
              open && op->maintenance_turned > 0 ? maintenance(&flow) : no(&flow));
    value_set(flow.pool, map, "security", open ? view_security(flow.pool, gw, op) : no(&flow));
    view_set_flag(flow.pool, map, "guarded", open && (op->ways.count > 0 || op->forward_auth.on));
    value_set(flow.pool, map, "forward_auth",
              open ? view_forward_auth(flow.pool, gw, op) : no(&flow));
    value_set(flow.pool, map, "acl", open ? view_acl(flow.pool, &op->acl) : no(&flow));
    view_set_flag(flow.pool, map, "falls",
                  op->ways.count > 0 || op->forward_auth.on || op->websocket.on ||
                      op->maintenance_turned > 0);
    value_set(flow.pool, map, "websocket", open ? websocket(&flow) : no(&flow));
    value_set(flow.pool, map, "answer", open && answers ? answer(&flow) : no(&flow));
    value_set(flow.pool, map, "redirect",
              open && op->action == IR_REDIRECT ? redirect(&flow) : no(&flow));
    view_set_flag(flow.pool, map, "waits",
                  open && (op->action == IR_FORWARD || op->action == IR_ROUTE));
    return map;
}
