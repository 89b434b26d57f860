/* Who else is asked whether a request may go on: somebody outside, or an internal operation of the gateway, whose upstream
 * and path are then those that its requests would have. */
#include "base/text.h"
#include "lower.h"
#include "lowering.h"
#include "member.h"

static struct str asker_of(struct lowering *l, const struct ir_operation *op)
{
    return pool_printf(&l->job->pool, "forward_auth of %.*s", STR_ARG(op->id));
}

void lower_forward_auth(struct lowering_operation *o)
{
    const struct xgateway_block *block = lowering_find(&o->chain, POLICY_forward_auth);
    struct ir_forward_auth *f = &o->op->forward_auth;

    /* Who is asked is not asked about itself. */
    if (block == NULL || (o->op->internal && block != o->chain.at[0]))
        return;
    *f = block->forward_auth.value;
    f->body_max = o->op->limits.buffer;
    for (size_t i = 0; i < f->response_headers.count; i++)
        lower_identity_field(o->l, f->response_headers.at[i]);
    if (f->operation.len == 0)
        lower_endpoint(o->l, &block->forward_auth.endpoint, asker_of(o->l, o->op), &f->asked);
}

/* ---- operations that are asked ---- */

static struct ir_operation *find_operation(struct lowering *l, const struct ir_forward_auth *f)
{
    VEC(struct str) names = {0};
    struct str near;

    for (size_t i = 0; i < l->gw->operations.count; i++) {
        struct ir_operation *op = &l->gw->operations.at[i];
        if (str_eq(op->id, f->operation))
            return op;
        *vec_add(&l->job->pool, &names) = op->id;
    }
    near = diag_suggest(&l->job->pool, f->operation, names.at, names.count);
    diag_error(&l->job->diags, f->operation_loc, "unknown-operation",
               "no operation is named '%.*s'%.*s", STR_SHORT(f->operation), STR_ARG(near));
    return NULL;
}

/* One whose requests all go to one place. */
static bool may_be_asked(struct lowering *l, const struct ir_operation *op, struct loc loc)
{
    const char *why = NULL;

    if (!op->internal)
        why = "is not 'internal': clients could call it themselves";
    else if (op->action != IR_FORWARD || op->forward.choices.count != 1)
        why = "is not sent to one upstream";
    else if (op->disabled || op->maintenance)
        why = "is switched off";
    else if (op->forward.choices.at[0].subset != NULL)
        why = "is sent to a subset of its upstream";
    else if (l->gw->endpoints.at[op->endpoint].params.count > 0)
        why = "has parameters in its path, which nobody fills";
    if (why != NULL)
        diag_error(&l->job->diags, loc, "contradiction",
                   "'%.*s' cannot be asked by 'forward_auth': it %s", STR_SHORT(op->id), why);
    return why == NULL;
}

/* As a request to it would be sent on. */
static struct str path_of(struct lowering *l, const struct ir_operation *op)
{
    const struct ir_rewrite *rewrite = &op->forward.rewrite;
    struct text path = {.pool = &l->job->pool};

    if (!rewrite->set)
        return op->path;
    for (size_t i = 0; i < rewrite->path.count; i++)
        text_add(&path, rewrite->path.at[i].literal);
    if (rewrite->path.count == 0) {
        text_add(&path, rewrite->prefix);
        text_add(&path, str_from(op->path, rewrite->strip));
    }
    return path.len > 0 ? text_str(&path) : STR("/");
}

static void ask_operation(struct lowering *l, struct ir_operation *op)
{
    struct ir_forward_auth *f = &op->forward_auth;
    struct ir_operation *asked = find_operation(l, f);
    struct lowering_upstream to;

    if (asked == NULL || !may_be_asked(l, asked, f->operation_loc))
        return;
    to = (struct lowering_upstream){.index = asked->forward.choices.at[0].upstream,
                                    .retry = asked->forward.choices.at[0].retry};
    asked->asked = true;
    f->host = asked->forward.rewrite.host;
    lower_asked(l, &to, path_of(l, asked), f->operation_loc, asker_of(l, op), &f->asked);
}

void lower_forward_auth_operations(struct lowering *l)
{
    for (size_t i = 0; i < l->gw->operations.count; i++)
        if (l->gw->operations.at[i].forward_auth.operation.len > 0)
            ask_operation(l, &l->gw->operations.at[i]);
}
