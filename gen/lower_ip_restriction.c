/* Which clients may call an operation, and what no operation takes. */
#include "lowering.h"

static bool is_same_list(const struct ir_ip_list *a, const struct ir_ip_list *b)
{
    const struct ir_network *x = a->networks.at, *y = b->networks.at;
    bool same = a->networks.count == b->networks.count && str_eq(a->file, b->file);

    for (size_t i = 0; same && i < a->networks.count; i++)
        same = x[i].bits == y[i].bits && memcmp(x[i].address, y[i].address, 16) == 0;
    return same;
}

uint32_t lower_ip_restriction(struct lowering *l, const struct xgateway_block *block)
{
    const struct ir_ip_restriction *said = &block->ip_restriction;
    struct gateway *gw = l->gw;

    for (size_t i = 0; i < gw->ip_restrictions.count; i++) {
        const struct ir_ip_restriction *known = &gw->ip_restrictions.at[i];
        if (is_same_list(&known->allow, &said->allow) && is_same_list(&known->deny, &said->deny))
            return (uint32_t)i + 1;
    }
    *vec_add(&l->job->pool, &gw->ip_restrictions) = *said;
    return (uint32_t)gw->ip_restrictions.count;
}

void lower_ip_restriction_documents(struct lowering *l)
{
    for (size_t i = 0; i < l->document_count; i++)
        if (xgateway_says(l->documents[i].block, POLICY_ip_restriction))
            lower_ip_restriction(l, l->documents[i].block);
    l->gw->document_restrictions = (uint32_t)l->gw->ip_restrictions.count;
}
