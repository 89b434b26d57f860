/* What becomes of a request: the nearest level that names an answer wins. */
#include "lower.h"
#include "lowering.h"
#include "member.h"
#include "mock.h"
#include "pathtemplate.h"

static const enum policy group[] = {POLICY_redirect, POLICY_respond,   POLICY_mock, POLICY_route,
                                    POLICY_upstream, POLICY_aggregate, POLICY_grpc};
enum { GROUP_COUNT = sizeof group / sizeof *group };

bool lower_action_is_group(enum policy key)
{
    for (size_t i = 0; i < GROUP_COUNT; i++)
        if (group[i] == key)
            return true;
    return false;
}

/* The key is there, whatever became of its value: a bad one must not look like a missing one. */
static bool is_named(const struct xgateway_block *block, enum policy key)
{
    return block->keys[key].loc.file != 0 && block->keys[key].state != XGATEWAY_OFF;
}

void lower_action_check(struct lowering *l, const struct xgateway_block *block)
{
    enum policy first = POLICY_COUNT;

    for (size_t i = 0; i < GROUP_COUNT; i++) {
        if (!is_named(block, group[i]))
            continue;
        if (first == POLICY_COUNT) {
            first = group[i];
            continue;
        }
        if (first == POLICY_route && group[i] == POLICY_upstream)
            continue; /* its default */
        diag_error(&l->job->diags, block->keys[group[i]].loc, "two-answers",
                   "'%.*s' and '%.*s' at one level: which of them answers is not said",
                   STR_ARG(policy_rows[first].key), STR_ARG(policy_rows[group[i]].key));
        diag_note(&l->job->diags, block->keys[first].loc, "the other");
    }
}

void lower_action_names(struct lowering *l, const struct xgateway_block *block)
{
    if (xgateway_says(block, POLICY_upstream))
        lower_upstream_check(l, &block->upstream);
    for (size_t i = 0; i < block->route.branches.count; i++) {
        struct upstream choice = {0};
        struct node *node = block->route.branches.at[i].upstream;
        if (setting_is_off(node))
            diag_error(&l->job->diags, node->loc, "wrong-type", "a branch needs an upstream");
        else if (xgateway_load(l->job, node, &upstream_type, &choice))
            lower_upstream_check(l, &choice);
    }
}

/* The nearest level that names an answer; NULL when none does. */
static const struct xgateway_block *find_answer(struct lowering_operation *o)
{
    bool off[GROUP_COUNT] = {false};

    o->answer = POLICY_COUNT;
    for (size_t level = 0; level < CHAIN_LEN; level++) {
        const struct xgateway_block *block = o->chain.at[level];
        for (size_t i = 0; i < GROUP_COUNT; i++) {
            if (is_named(block, group[i]) && !off[i]) {
                o->answer = group[i];
                o->answer_level = level;
                return block;
            }
        }
        for (size_t i = 0; i < GROUP_COUNT; i++)
            off[i] |= block->keys[group[i]].state == XGATEWAY_OFF;
    }
    return NULL;
}

/* ---- rewrite ---- */

static void set_rewrite(struct lowering_operation *o, const struct rewrite *said,
                        struct ir_rewrite *rewrite)
{
    struct pathtemplate_pieces pieces = {0};

    rewrite->set = true;
    rewrite->prefix = said->prefix.text.at ? said->prefix.text : STR("");
    while (rewrite->prefix.len > 0 && rewrite->prefix.at[rewrite->prefix.len - 1] == '/')
        rewrite->prefix.len--;
    rewrite->host = said->host.text;
    rewrite->redirects = said->redirects;
    if (said->strip == REWRITE_STRIP_BASE)
        rewrite->strip = o->base_path.len;
    else if (said->strip == REWRITE_STRIP_MATCH)
        rewrite->strip = pathtemplate_literal(o->endpoint);
    if (said->path.text.at == NULL ||
        !pathtemplate_fill(o->l->job, o->endpoint, said->path, &pieces))
        return;
    rewrite->path.at = pieces.list.at;
    rewrite->path.count = rewrite->path.cap = pieces.list.count;
}

static void inherit_rewrite(struct lowering_operation *o, struct ir_rewrite *rewrite)
{
    const struct xgateway_block *block = lowering_find(&o->chain, POLICY_rewrite);

    if (block != NULL)
        set_rewrite(o, &block->rewrite, rewrite);
}

/* ---- forward ---- */

static void add_choice(struct lowering_operation *o, const struct lowering_upstream *known,
                       uint32_t weight, struct ir_forward *forward)
{
    if (known != NULL)
        *vec_add(&o->l->job->pool, &forward->choices) =
            (struct ir_weighted){.upstream = known->index, .weight = weight};
}

static void add_named(struct lowering_operation *o, const struct upstream_choice *said,
                      struct str choices, struct ir_forward *forward)
{
    const struct lowering_upstream *known = lower_upstream_named(o->l, said->name.text);
    struct str owner = lowering_owner(o, o->chain.at[o->answer_level]);
    struct ir_weighted *choice;

    if (known == NULL)
        return;
    add_choice(o, known, said->weight, forward);
    choice = &forward->choices.at[forward->choices.count - 1];
    choice->turned = lower_runtime_weight(o->l, owner, choices, said);
    if (said->has_subset)
        choice->subset = lower_upstream_subset(&o->l->gw->upstreams.at[known->index], said->subset);
}

/* `branch`: of `route`, or LOWER_NO_BRANCH. */
static void set_choices(struct lowering_operation *o, const struct upstream *said, size_t branch,
                        struct ir_forward *forward)
{
    struct str choices = lower_runtime_choices(o->l, branch);
    bool strip = false;

    forward->loc = said->loc;
    forward->sticky = said->sticky;
    for (size_t i = 0; i < said->choices.count; i++)
        add_named(o, &said->choices.at[i], choices, forward);
    if (!said->servers)
        return;
    add_choice(o, lower_upstream_servers(o, said->loc, &strip), 1, forward);
    if (strip && !forward->rewrite.set)
        forward->rewrite = (struct ir_rewrite){
            .set = true, .strip = o->base_path.len, .prefix = STR(""), .host = {NULL, 0}};
}

static void set_condition(struct lowering_operation *o, struct ir_condition *c)
{
    struct job *job = o->l->job;

    if (c->kind != IR_IF_PATH_PARAM)
        return;
    c->param = pathtemplate_param(o->endpoint, c->name);
    if (c->param >= 0)
        return;
    struct str near =
        diag_suggest(&job->pool, c->name, o->endpoint->params.at, o->endpoint->params.count);
    diag_error(&job->diags, c->loc, "unknown-parameter",
               "the path '%.*s' has no parameter '%.*s'%.*s", STR_SHORT(o->endpoint->pattern),
               STR_SHORT(c->name), STR_ARG(near));
}

static void set_branch(struct lowering_operation *o, const struct route_branch *said)
{
    struct job *job = o->l->job;
    const size_t number = o->op->branches.count;
    struct ir_branch *branch = vec_add(&job->pool, &o->op->branches);
    struct match match = {0};
    struct rewrite rewrite = {0};
    struct upstream choice = {0};

    branch->loc = said->loc;
    if (said->match != NULL && !setting_is_off(said->match))
        xgateway_load(job, said->match, &match_branch_type, &match);
    for (size_t i = 0; i < match.all.count; i++) {
        struct ir_condition *c = vec_add(&job->pool, &branch->all);
        *c = match.all.at[i];
        set_condition(o, c);
    }
    if (said->rewrite == NULL)
        inherit_rewrite(o, &branch->forward.rewrite);
    else if (!setting_is_off(said->rewrite) &&
             xgateway_load(job, said->rewrite, &rewrite_type, &rewrite))
        set_rewrite(o, &rewrite, &branch->forward.rewrite);
    if (xgateway_load(job, said->upstream, &upstream_type, &choice))
        set_choices(o, &choice, number, &branch->forward);
}

static void set_route(struct lowering_operation *o, const struct xgateway_block *block)
{
    o->op->action = IR_ROUTE;
    for (size_t i = 0; i < block->route.branches.count; i++)
        set_branch(o, &block->route.branches.at[i]);
    if (!xgateway_says(block, POLICY_upstream))
        return;
    struct ir_branch *last = vec_add(&o->l->job->pool, &o->op->branches);
    last->loc = block->upstream.loc;
    inherit_rewrite(o, &last->forward.rewrite);
    set_choices(o, &block->upstream, LOWER_NO_BRANCH, &last->forward);
}

/* ---- timeouts ---- */

static void merge_level(const struct xgateway_block *block, struct timeouts *merged)
{
    struct timeouts off;

    if (block->keys[POLICY_timeouts].state != XGATEWAY_OFF) {
        timeouts_merge(merged, &block->timeouts);
        return;
    }
    off = timeouts_off(block->keys[POLICY_timeouts].loc);
    timeouts_merge(merged, &off);
}

/* Operation, path, upstream, document, built-in: the first that says a field. */
static struct ir_timeouts effective(const struct lowering_operation *o,
                                    const struct timeouts *upstream)
{
    struct timeouts merged = {
        .connect.value = 5000,
        .send.value = 60000,
        .read.value = 60000,
        .request.value = 0,
        .idle.value = 300000,
    };

    merge_level(o->chain.at[2], &merged);
    if (upstream != NULL)
        timeouts_merge(&merged, upstream);
    merge_level(o->chain.at[1], &merged);
    merge_level(o->chain.at[0], &merged);
    return (struct ir_timeouts){
        .connect = merged.connect.value,
        .send = merged.send.value,
        .read = merged.read.value,
        .request = merged.request.value,
        .idle = merged.idle.value,
        .from_client = merged.from_client.value != 0,
    };
}

static const struct lowering_upstream *known_upstream(const struct lowering *l, uint32_t upstream)
{
    for (size_t i = 0; i < l->upstreams.count; i++) {
        const struct lowering_upstream *known = l->upstreams.at[i].value;
        if (known->index == upstream)
            return known;
    }
    return NULL;
}

/* ---- retry ---- */

static bool says_retry(const struct xgateway_block *block, const char *level, struct ir_retry *out)
{
    if (block->keys[POLICY_retry].state == XGATEWAY_ABSENT)
        return false;
    *out = block->keys[POLICY_retry].state == XGATEWAY_OFF
               ? retry_off(block->keys[POLICY_retry].loc)
               : block->retry;
    out->level = level;
    return true;
}

/* Operation, path, upstream, document: the first that says it, whole. */
static struct ir_retry retry_for(const struct lowering_operation *o,
                                 const struct lowering_upstream *known)
{
    struct ir_retry retry = {0};

    bool near = says_retry(o->chain.at[0], "operation", &retry) ||
                says_retry(o->chain.at[1], "path", &retry);

    if (!near && known != NULL && known->retry.said) {
        retry = known->retry;
        retry.level = "upstream";
    } else if (!near) {
        says_retry(o->chain.at[2], "document", &retry);
    }
    retry.buffer = o->op->limits.buffer;
    return retry;
}

/* ---- hash_key ---- */

static int hash_param(struct lowering_operation *o, const struct ir_upstream *upstream)
{
    int param = -1;

    if (upstream->balance != IR_HASH || upstream->hash_key.from != IR_KEY_PATH_PARAM)
        return -1;
    param = pathtemplate_param(o->endpoint, upstream->hash_key.name);
    if (param >= 0)
        return param;
    diag_error(&o->l->job->diags, o->op->loc, "unknown-parameter",
               "the path '%.*s' has no parameter '%.*s', by which upstream '%.*s' chooses a target",
               STR_SHORT(o->endpoint->pattern), STR_SHORT(upstream->hash_key.name),
               STR_SHORT(upstream->name));
    diag_note(&o->l->job->diags, upstream->hash_key.loc, "the 'hash_key'");
    return -1;
}

/* ---- choices ---- */

/* Each upstream by its own; the operation's are those of the first. */
static void merge_choices(struct lowering_operation *o, struct ir_forward *forward, bool *first)
{
    for (size_t i = 0; i < forward->choices.count; i++) {
        struct ir_weighted *choice = &forward->choices.at[i];
        const struct lowering_upstream *known = known_upstream(o->l, choice->upstream);

        choice->timeouts = effective(o, known ? &known->timeouts : NULL);
        choice->retry = retry_for(o, known);
        lower_upstream_retry(o->l, &choice->retry, &o->l->gw->upstreams.at[choice->upstream]);
        choice->hash_param = hash_param(o, &o->l->gw->upstreams.at[choice->upstream]);
        if (*first)
            o->op->timeouts = choice->timeouts;
        *first = false;
    }
}

static void set_timeouts(struct lowering_operation *o)
{
    bool first = true;

    o->op->timeouts = effective(o, NULL);
    merge_choices(o, &o->op->forward, &first);
    for (size_t i = 0; i < o->op->branches.count; i++)
        merge_choices(o, &o->op->branches.at[i].forward, &first);
}

/* ---- answers ---- */

static void set_redirect(struct lowering_operation *o, const struct redirect *said)
{
    struct pathtemplate_pieces pieces = {0};

    o->op->action = IR_REDIRECT;
    o->op->answer.status = said->status;
    o->op->answer.body = STR("");
    o->op->answer.keep_query = said->keep_query;
    if (said->location.text.at == NULL ||
        !pathtemplate_fill(o->l->job, o->endpoint, said->location, &pieces))
        return;
    o->op->answer.location.at = pieces.list.at;
    o->op->answer.location.count = o->op->answer.location.cap = pieces.list.count;
}

static void set_mock(struct lowering_operation *o, struct said status)
{
    o->op->action = IR_MOCK;
    mock_answer(o->l->job, o->api, status, &o->op->answer);
}

static void set_default(struct lowering_operation *o)
{
    struct lowering_upstream *known = lower_upstream_named(o->l, STR("default"));
    bool given = false;

    for (size_t i = 0; i < o->l->options->upstream_count; i++)
        given |= o->l->options->upstreams[i].name.len == 0;
    o->op->action = IR_FORWARD;
    inherit_rewrite(o, &o->op->forward.rewrite);
    if (given && known != NULL) {
        add_choice(o, known, 1, &o->op->forward);
        return;
    }
    if (o->op->disabled) { /* never reached; but something must stand there */
        o->op->action = IR_RESPOND;
        o->op->answer = (struct ir_answer){.status = 404, .body = STR("")};
        return;
    }
    if (o->l->options->mock || given)
        return;
    if (o->document->unanswered_count++ == 0) {
        o->document->unanswered = o->api;
        o->document->unanswered_path = o->path;
    }
}

static void set_answer(struct lowering_operation *o)
{
    const struct xgateway_block *block = find_answer(o);
    const enum policy key = o->answer;

    if (block == NULL) {
        set_default(o);
        return;
    }
    if (!xgateway_says(block, key))
        return; /* complained about already */
    if (key == POLICY_redirect) {
        set_redirect(o, &block->redirect);
    } else if (key == POLICY_respond) {
        o->op->action = IR_RESPOND;
        o->op->answer = block->respond.answer;
        if (o->op->answer.body.at == NULL)
            o->op->answer.body = STR("");
    } else if (key == POLICY_mock) {
        set_mock(o, (struct said){.text = block->mock.status, .loc = block->mock.loc});
    } else if (key == POLICY_route) {
        set_route(o, block);
    } else {
        o->op->action = IR_FORWARD;
        inherit_rewrite(o, &o->op->forward.rewrite);
        set_choices(o, &block->upstream, LOWER_NO_BRANCH, &o->op->forward);
    }
}

void lower_action(struct lowering_operation *o)
{
    set_answer(o);
    set_timeouts(o);
    if (o->l->options->mock && (o->op->action == IR_FORWARD || o->op->action == IR_ROUTE))
        set_mock(o, (struct said){0});
}

void lower_action_missing(struct lowering *l, struct lowering_document *document)
{
    const struct api_operation *op = document->unanswered;
    size_t others = document->unanswered_count - 1;

    if (document->unanswered_count == 0)
        return;
    if (others == 0)
        diag_error(&l->job->diags, op->loc, "no-upstream", "%.*s %.*s has no upstream",
                   STR_SHORT(op->method), STR_SHORT(document->unanswered_path->pattern.text));
    else
        diag_error(&l->job->diags, op->loc, "no-upstream",
                   "%.*s %.*s and %zu more operation%s have no upstream", STR_SHORT(op->method),
                   STR_SHORT(document->unanswered_path->pattern.text), others,
                   others == 1 ? "" : "s");
    diag_note(
        &l->job->diags, document->api->loc,
        "say 'x-gateway: {upstream: NAME}' or '{upstream: $servers}' here, or try the document "
        "with --upstream URL or --mock");
}
