/* Whom the gateway asks by itself: an upstream of the document, or one that is added for a URL. */
#include "lower.h"
#include "lowering.h"
#include "member.h"

/* A connection that is introduced as one client's has none here, and gRPC is no HTTP that could be asked. */
static void check_upstream(struct lowering *l, const struct ir_upstream *upstream, struct loc loc,
                           struct str asker)
{
    if (upstream->proxy_protocol != IR_PROXY_NONE || upstream->protocol == IR_GRPC)
        diag_error(&l->job->diags, loc, "contradiction",
                   "%.*s asks upstream '%.*s' by itself, which has %s", STR_ARG(asker),
                   STR_SHORT(upstream->name),
                   upstream->protocol == IR_GRPC ? "'protocol: grpc'"
                                                 : "'proxy_protocol' to introduce clients");
}

static struct lowering_upstream *find_named(struct lowering *l, const struct endpoint *said)
{
    struct upstream_choice choice = upstream_choice_of(said->upstream, 1);
    struct upstream one = {.loc = said->upstream.loc};

    if (choice.has_subset) {
        diag_error(&l->job->diags, said->upstream.loc, "contradiction",
                   "'upstream' names whom the gateway asks: all of it, not a subset");
        return NULL;
    }
    *vec_add(&l->job->pool, &one.choices) = choice;
    lower_upstream_check(l, &one);
    return lower_upstream_named(l, choice.name.text);
}

/* One for all URLs of an origin that are called alike. */
static struct lowering_upstream *find_url(struct lowering *l, const struct endpoint *said,
                                          struct str asker)
{
    struct lowering_upstream *known;
    struct ir_upstream *upstream;
    struct str key = pool_printf(&l->job->pool, "$endpoint %.*s", STR_ARG(said->target.url));

    if (said->tls.said)
        key = pool_printf(&l->job->pool, "%.*s %u:%u:%u", STR_ARG(key), said->tls.loc.file,
                          said->tls.loc.line, said->tls.loc.col);
    known = lower_upstream_named(l, key);
    if (known != NULL)
        return known;
    known = lower_upstream_named(l, said->target.authority);
    if (known != NULL && l->gw->upstreams.at[known->index].loc.file == 0) /* --upstream names it */
        map_set(&l->upstreams, &l->job->pool, key, known);
    else
        known = lower_upstream_add(l, key, asker, &said->target);
    upstream = &l->gw->upstreams.at[known->index];
    if (said->tls.said && upstream->tls.on) {
        upstream->tls = said->tls;
        upstream->tls.on = true;
    }
    return known;
}

bool lower_endpoint(struct lowering *l, const struct endpoint *said, struct str asker,
                    struct ir_asked *asked)
{
    struct lowering_upstream *known = NULL;

    if (!said->said)
        return false;
    known = said->upstream.text.len > 0 ? find_named(l, said) : find_url(l, said, asker);
    if (known == NULL)
        return false;
    lower_asked(l, known, said->path, said->loc, asker, asked);
    return true;
}

void lower_asked(struct lowering *l, const struct lowering_upstream *known, struct str path,
                 struct loc loc, struct str asker, struct ir_asked *asked)
{
    struct ir_upstream *upstream = &l->gw->upstreams.at[known->index];

    check_upstream(l, upstream, loc, asker);
    upstream->asked = true;
    *asked = (struct ir_asked){.upstream = known->index, .path = path, .retry = known->retry};
}
