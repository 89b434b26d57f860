#include "policy/route.h"

#include "policy/type.h"

struct raw {
    char *match, *upstream, *rewrite;
};

static const cyaml_schema_field_t fields[] = {
    POLICY_CELL(struct raw, match, TYPED_OR_OFF),
    POLICY_NEEDED(struct raw, upstream, TYPED),
    POLICY_CELL(struct raw, rewrite, TYPED_OR_OFF),
    CYAML_FIELD_END,
};
static const cyaml_schema_value_t entry_schema = POLICY_ENTRY(struct raw, fields);
static const cyaml_schema_value_t schema = POLICY_SEQUENCE(struct raw, &entry_schema);

static void read_route(struct policy_reader *r, const struct node *node, const void *from,
                       size_t count, void *out)
{
    const struct raw *raw = from;
    struct route *route = out;

    route->loc = node->loc;
    if (count == 0)
        diag_error(&r->job->diags, node->loc, "bad-value", "'route' has no branch");
    for (size_t i = 0; i < count; i++) {
        struct route_branch *b = vec_add(&r->job->pool, &route->branches);

        b->match = policy_cell(r, raw[i].match);
        b->upstream = policy_cell(r, raw[i].upstream);
        b->rewrite = policy_cell(r, raw[i].rewrite);
        b->loc = b->match ? b->match->loc : b->upstream->loc;
    }
}

const struct policy_type route_type = {"route[]", &schema, read_route};
