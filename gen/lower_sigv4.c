/* Schemes of AWS signatures. */
#include "base/sigv4.h"
#include "lowering.h"
#include "member.h"

/* What its signatures are called, or what exports of Amazon API Gateway make of it. */
static bool is_for_signatures(const struct api_scheme *api)
{
    return (str_eq(api->type, STR("http")) &&
            str_eq_nocase(api->scheme, STR("aws4-hmac-sha256"))) ||
           (str_eq(api->type, STR("apiKey")) && str_eq(api->in, STR("header")) &&
            str_eq_nocase(api->key_name, STR("Authorization")));
}

static bool can_be_access_key(struct str id)
{
    for (size_t i = 0; i < id.len; i++)
        if (id.at[i] <= ' ' || id.at[i] > '~' || id.at[i] == '/' || id.at[i] == ',')
            return false;
    return id.len <= SIGV4_MAX_ACCESS_KEY;
}

/* False: nobody has one. */
static bool check_access_keys(struct lowering *l)
{
    bool is_there = l->gw->consumers_file.len > 0;

    for (size_t i = 0; i < l->gw->consumers.count; i++) {
        const struct ir_consumer *consumer = &l->gw->consumers.at[i];
        for (size_t c = 0; c < consumer->credentials.count; c++) {
            const struct ir_credential *one = &consumer->credentials.at[c];
            if (one->kind != IR_CREDENTIAL_AWS)
                continue;
            is_there = true;
            if (!can_be_access_key(one->id))
                diag_error(
                    &l->job->diags, one->loc, "bad-value",
                    "'%.*s' cannot be an access key: it has a '/', a ',' or a space, or more "
                    "than %d bytes",
                    STR_SHORT(one->id), SIGV4_MAX_ACCESS_KEY);
        }
    }
    return is_there;
}

bool lower_sigv4(struct lowering *l, const struct api_scheme *api,
                 const struct xgateway_block *block, struct ir_scheme *scheme)
{
    const struct aws_sigv4 *said = &block->aws_sigv4;

    if (!xgateway_says(block, POLICY_aws_sigv4))
        return false;
    if (!is_for_signatures(api))
        diag_error(&l->job->diags, said->loc, "contradiction",
                   "'aws_sigv4' is for schemes 'type: http, scheme: aws4-hmac-sha256', and '%.*s' "
                   "is none",
                   STR_SHORT(api->name.text));
    if (xgateway_says(block, POLICY_key_auth))
        diag_error(&l->job->diags, said->loc, "contradiction",
                   "a scheme is verified by 'aws_sigv4' or by 'key_auth', not by both");
    /* Once is enough, however many schemes there are. */
    if (!(l->gw->credential_kinds & 1U << IR_CREDENTIAL_AWS) && !check_access_keys(l))
        diag_error(&l->job->diags, said->loc, "contradiction",
                   "'aws_sigv4' needs consumers that sign: give some 'aws' credentials, or say "
                   "'consumers_file'");
    l->gw->credential_kinds |= 1U << IR_CREDENTIAL_AWS;
    scheme->proof = IR_PROOF_SIGV4;
    scheme->sigv4 = said->sigv4;
    scheme->hide_credentials = said->hide_credentials;
    scheme->waits = scheme->takes_body = true;
    scheme->names_callers = scheme->asks_consumers = true;
    return true;
}
