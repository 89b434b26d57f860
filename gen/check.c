#include "check.h"

#include "base/map.h"
#include "base/text.h"
#include "member.h"

/* Of the values of a branch of route[]; beyond it the branch is believed to be of use. */
enum { MOST_COMBINATIONS = 1024 };

/* ---- upstreams ---- */

struct usage {
    struct job *job;
    const struct gateway *gw;
    bool *used;
};

/* One cookie cannot name an upstream and a target. */
static void check_cookies(struct usage *u, const struct ir_forward *forward)
{
    for (size_t i = 0; forward->sticky.on && i < forward->choices.count; i++) {
        const struct ir_upstream *upstream = &u->gw->upstreams.at[forward->choices.at[i].upstream];

        if (!upstream->sticky.on || !str_eq(upstream->sticky.cookie, forward->sticky.cookie))
            continue;
        diag_error(&u->job->diags, forward->sticky.loc, "contradiction",
                   "'%.*s' is the cookie of upstream '%.*s' already: it cannot name both",
                   STR_SHORT(forward->sticky.cookie), STR_SHORT(upstream->name));
        diag_note(&u->job->diags, upstream->sticky.loc, "the other");
    }
}

static void check_forward(struct usage *u, const struct ir_forward *forward)
{
    uint64_t total = 0;

    for (size_t i = 0; i < forward->choices.count; i++) {
        u->used[forward->choices.at[i].upstream] = true;
        total += forward->choices.at[i].weight;
    }
    check_cookies(u, forward);
    if (forward->choices.count > 0 && total == 0)
        diag_error(&u->job->diags, forward->loc, "no-weight",
                   "all weights are 0: no upstream would take a request");
}

static void check_subsets(struct usage *u, const struct ir_upstream *upstream)
{
    for (size_t i = 0; i < upstream->subsets.count; i++) {
        const struct ir_subset *subset = &upstream->subsets.at[i];
        uint64_t total = 0;

        for (size_t j = 0; j < upstream->targets.count; j++)
            total += subset->targets >> j & 1 ? upstream->targets.at[j].weight : 0;
        if (subset->targets && total == 0 && upstream->discovery.kind == IR_FOUND_NOT)
            diag_error(&u->job->diags, subset->loc, "no-weight",
                       "all targets of the subset '%.*s' have the weight 0",
                       STR_SHORT(subset->name));
    }
}

/* A zone is near or far only for who knows its own. */
static void check_zones(struct usage *u, const struct ir_upstream *upstream)
{
    for (size_t i = 0; i < upstream->targets.count; i++)
        if (upstream->targets.at[i].zone.len > 0 && u->gw->zone.kind == IR_TEXT_NONE) {
            diag_error(&u->job->diags, upstream->targets.at[i].loc, "missing-key",
                       "targets of upstream '%.*s' have a 'zone': say the gateway's own with "
                       "'zone: {env: NAME}' in the document",
                       STR_SHORT(upstream->name));
            return;
        }
}

static void check_upstreams(struct usage *u)
{
    for (size_t i = 0; i < u->gw->upstreams.count; i++)
        u->used[i] = u->used[i] || u->gw->upstreams.at[i].asked;
    for (size_t i = 0; i < u->gw->upstreams.count; i++)
        if (u->used[i] && u->gw->upstreams.at[i].mirror.on)
            u->used[u->gw->upstreams.at[i].mirror.upstream] = true;
    for (size_t i = 0; i < u->gw->upstreams.count; i++)
        if (u->used[i] && u->gw->upstreams.at[i].discovery.kind == IR_FOUND_CONSUL)
            u->used[u->gw->upstreams.at[i].discovery.registry] = true;
    for (size_t i = 0; i < u->gw->upstreams.count; i++) {
        const struct ir_upstream *upstream = &u->gw->upstreams.at[i];
        uint64_t total = 0;

        for (size_t j = 0; j < upstream->targets.count; j++)
            total += upstream->targets.at[j].weight;
        if (upstream->targets.count > 0 && total == 0)
            diag_error(&u->job->diags, upstream->loc, "no-weight",
                       "all targets of upstream '%.*s' have the weight 0",
                       STR_SHORT(upstream->name));
        check_subsets(u, upstream);
        check_zones(u, upstream);
        /* The default of the command line may find everything answered. */
        if (!u->used[i] && (upstream->loc.file != 0 || !str_eq(upstream->name, STR("default"))))
            diag_warn(&u->job->diags, upstream->loc, "unused-upstream",
                      "no operation uses the upstream '%.*s'", STR_SHORT(upstream->name));
    }
}

/* ---- route[] ---- */

static bool has_value(const struct ir_condition *c, struct str value)
{
    for (size_t i = 0; i < c->value_count; i++) {
        struct str v = c->values[i];
        if (c->kind == IR_IF_PREFIX ? str_starts(value, v) : str_eq(v, value))
            return true;
        if (c->kind != IR_IF_HOST)
            continue;
        if (str_eq(v, STR("*")))
            return true;
        /* "*.example.com" takes "a.example.com" and "*.a.example.com". */
        if (str_starts(v, STR("*.")) && value.len > v.len - 1 &&
            str_eq(str_from(value, value.len - (v.len - 1)), str_from(v, 1)))
            return true;
    }
    return false;
}

/* True when every request that meets `narrow` meets `wide`. */
static bool implies(const struct ir_condition *narrow, const struct ir_condition *wide)
{
    const bool same_name = narrow->kind == IR_IF_HEADER ? str_eq_nocase(narrow->name, wide->name)
                                                        : str_eq(narrow->name, wide->name);

    if (narrow->kind != wide->kind || !same_name || narrow->value_count == 0)
        return false;
    for (size_t i = 0; i < narrow->value_count; i++)
        if (!has_value(wide, narrow->values[i]))
            return false;
    return true;
}

static bool covers(const struct ir_branch *wide, const struct ir_branch *narrow)
{
    for (size_t i = 0; i < wide->all.count; i++) {
        bool implied = false;
        for (size_t j = 0; j < narrow->all.count && !implied; j++)
            implied = implies(&narrow->all.at[j], &wide->all.at[i]);
        if (!implied)
            return false;
    }
    return true;
}

/* A request that the branch is meant for: "GET /orders?beta=1 with 'X-Tenant: a'". */
static struct str example(struct pool *pool, const struct ir_operation *op,
                          const struct ir_branch *branch)
{
    struct text query = {.pool = pool}, fields = {.pool = pool}, all = {.pool = pool};
    struct str path = op->path;

    for (size_t i = 0; i < branch->all.count; i++) {
        const struct ir_condition *c = &branch->all.at[i];
        struct str value = c->value_count > 0 ? c->values[0] : STR("");

        if (c->kind == IR_IF_QUERY)
            text_printf(&query, "%s%.*s=%.*s", query.len ? "&" : "?", STR_SHORT(c->name),
                        STR_SHORT(value));
        else if (c->kind == IR_IF_PREFIX)
            path = value;
        else if (c->kind == IR_IF_PATH_PARAM)
            text_printf(&fields, "%s {%.*s} = '%.*s'", fields.len ? " and" : " with",
                        STR_SHORT(c->name), STR_SHORT(value));
        else
            text_printf(&fields, "%s '%.*s: %.*s'", fields.len ? " and" : " with",
                        STR_SHORT(c->kind == IR_IF_HOST ? STR("Host") : c->name), STR_SHORT(value));
    }
    text_printf(&all, "%.*s %.*s", STR_SHORT(op->method), STR_SHORT(path));
    text_add(&all, text_str(&query));
    text_add(&all, text_str(&fields));
    return text_str(&all);
}

static void never_taken(struct job *job, const struct ir_operation *op,
                        const struct ir_branch *late)
{
    diag_error(&job->diags, late->loc, "unreachable-branch",
               "this branch is never taken: %.*s goes to an earlier one",
               STR_ARG(example(&job->pool, op, late)));
}

static bool is_covered(struct job *job, const struct ir_operation *op, size_t late)
{
    for (size_t i = 0; i < late; i++) {
        const struct ir_branch *early = &op->branches.at[i];
        if (!covers(early, &op->branches.at[late]))
            continue;
        never_taken(job, op, &op->branches.at[late]);
        diag_note(&job->diags, early->loc,
                  early->all.count > 0 ? "this branch takes it" : "this branch takes everything");
        return true;
    }
    return false;
}

/* Combinations of one value for each condition; 0 when they are too many to look at. */
static size_t combinations(const struct ir_branch *branch)
{
    size_t product = 1;

    for (size_t i = 0; i < branch->all.count && product > 0; i++) {
        product *= branch->all.at[i].value_count;
        if (product > MOST_COMBINATIONS)
            return 0;
    }
    return product;
}

/* The branch with the values of combination `number` alone. */
static struct ir_branch narrowed(struct pool *pool, const struct ir_branch *branch, size_t number)
{
    struct ir_branch one = {0};

    for (size_t i = 0; i < branch->all.count; i++) {
        struct ir_condition *c = vec_add(pool, &one.all);
        *c = branch->all.at[i];
        c->values += number % c->value_count;
        number /= c->value_count;
        c->value_count = 1;
    }
    return one;
}

/* Nothing is left of a branch whose every value some earlier branch takes. */
static void check_together(struct job *job, const struct ir_operation *op, size_t late)
{
    const struct ir_branch *branch = &op->branches.at[late];
    const size_t count = combinations(branch);
    bool *takes = pool_alloc(&job->pool, late * sizeof *takes);

    for (size_t n = 0; n < count; n++) {
        struct ir_branch one = narrowed(&job->pool, branch, n);
        size_t early = 0;

        while (early < late && !covers(&op->branches.at[early], &one))
            early++;
        if (early == late)
            return;
        takes[early] = true;
    }
    if (count == 0)
        return;
    never_taken(job, op, branch);
    for (size_t i = 0; i < late; i++)
        if (takes[i])
            diag_note(&job->diags, op->branches.at[i].loc, "this branch takes a part of it");
}

static bool takes_everything(const struct ir_operation *op)
{
    for (size_t i = 0; i < op->branches.count; i++)
        if (op->branches.at[i].all.count == 0)
            return true;
    return false;
}

static void check_branches(struct job *job, const struct ir_operation *op)
{
    for (size_t i = 1; i < op->branches.count; i++)
        if (!is_covered(job, op, i))
            check_together(job, op, i);
    if (op->branches.count > 0 && !takes_everything(op))
        diag_error(&job->diags, op->branches.at[op->branches.count - 1].loc, "missing-default",
                   "no branch takes the other requests of %.*s %.*s: end 'route' with one without "
                   "'match', or say 'upstream' beside it",
                   STR_SHORT(op->method), STR_SHORT(op->path));
}

/* ---- operations ---- */

/* A redirect to the very path that it answers would go in circles. */
static void check_redirect(struct job *job, const struct gateway *gw, const struct ir_operation *op)
{
    const struct ir_endpoint *e = &gw->endpoints.at[op->endpoint];
    struct text location = {.pool = &job->pool};

    if (op->action != IR_REDIRECT)
        return;
    for (size_t i = 0; i < op->answer.location.count; i++) {
        const struct ir_piece *piece = &op->answer.location.at[i];
        if (piece->param < 0)
            text_add(&location, piece->literal);
        else
            text_printf(&location, "{%.*s}", STR_ARG(e->params.at[piece->param]));
    }
    if (str_eq(text_str(&location), op->path))
        diag_error(&job->diags, op->loc, "redirect-loop", "%.*s %.*s redirects to itself",
                   STR_SHORT(op->method), STR_SHORT(op->path));
}

static void check_operation(struct usage *u, const struct ir_operation *op)
{
    check_forward(u, &op->forward);
    for (size_t i = 0; i < op->branches.count; i++)
        check_forward(u, &op->branches.at[i].forward);
    check_branches(u->job, op);
    check_redirect(u->job, u->gw, op);
    if (op->internal && !op->disabled && !op->asked)
        diag_warn(&u->job->diags, op->loc, "unreachable-operation",
                  "%.*s %.*s is internal, and nothing in the gateway calls it",
                  STR_SHORT(op->method), STR_SHORT(op->path));
}

/* ---- listeners ---- */

/* Port 0 asks for any free one: the same text twice is two ports. */
static bool is_any_port(struct str address)
{
    return address.len > 2 && str_eq(str_from(address, address.len - 2), STR(":0"));
}

static void check_address(struct job *job, struct map *seen, struct str address, struct loc loc)
{
    const struct loc *first;
    struct loc *place = pool_new(&job->pool, struct loc);

    *place = loc;
    if (address.len == 0 || is_any_port(address) ||
        (first = map_set(seen, &job->pool, address, place)) == NULL)
        return;
    diag_error(&job->diags, loc, "duplicate-listener", "two listeners have the address '%.*s'",
               STR_SHORT(address));
    diag_note(&job->diags, *first, "the other");
}

static void check_listeners(struct job *job, const struct gateway *gw)
{
    struct map seen = {0};

    for (size_t i = 0; i < gw->listeners.count; i++)
        check_address(job, &seen, gw->listeners.at[i].address, gw->listeners.at[i].loc);
    check_address(job, &seen, gw->status.address, gw->status.loc);
    check_address(job, &seen, gw->admin.address, gw->admin.loc);
}

void check(struct job *job, const struct gateway *gw)
{
    struct usage usage = {.job = job, .gw = gw};

    if (job_failed(job) || gw == NULL)
        return;
    usage.used = pool_alloc(&job->pool, gw->upstreams.count + 1);
    for (size_t i = 0; i < gw->operations.count; i++)
        check_operation(&usage, &gw->operations.at[i]);
    check_upstreams(&usage);
    check_listeners(job, gw);
    if (gw->runtime.file.kind != IR_TEXT_NONE && gw->runtime.values.count == 0)
        diag_warn(&job->diags, gw->runtime.file.loc, "unused-runtime",
                  "nothing may be overridden, so this file is never read: write a number or switch "
                  "as {default: VALUE}");
    if (gw->operations.count == 0)
        diag_warn(&job->diags, (struct loc){0}, "nothing-served",
                  "the gateway serves no operation: it answers 404 to everything");
}
