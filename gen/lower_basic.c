/* Schemes of type http, scheme basic: verified when consumers have passwords. */
#include "lowering.h"
#include "member.h"
#include "policy/basic.h"

bool lower_basic_is_known(const struct gateway *gw)
{
    for (size_t i = 0; i < gw->consumers.count; i++)
        for (size_t k = 0; k < gw->consumers.at[i].credentials.count; k++)
            if (gw->consumers.at[i].credentials.at[k].kind == IR_CREDENTIAL_BASIC)
                return true;
    return gw->consumers_file.len > 0;
}

bool lower_basic_is_of(const struct api_scheme *api)
{
    return str_eq(api->type, STR("http")) && str_eq_nocase(api->scheme, STR("basic"));
}

bool lower_basic_proof(struct lowering *l, const struct api_scheme *api,
                       const struct xgateway_block *block, struct ir_scheme *scheme)
{
    bool is_said = xgateway_says(block, POLICY_basic);

    if (!lower_basic_is_of(api)) {
        if (is_said)
            diag_error(&l->job->diags, block->basic.loc, "contradiction",
                       "'basic' is for schemes of type http, scheme basic, and '%.*s' is none",
                       STR_SHORT(api->name.text));
        return false;
    }
    if (!lower_basic_is_known(l->gw) || block->keys[POLICY_basic].state == XGATEWAY_OFF)
        return false;
    scheme->basic = is_said ? block->basic : basic_by_default();
    scheme->proof = IR_PROOF_BASIC;
    scheme->waits = scheme->names_callers = scheme->asks_consumers = true;
    l->gw->credential_kinds |= 1U << IR_CREDENTIAL_BASIC;
    return true;
}
