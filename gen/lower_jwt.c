/* `jwt` on a security scheme: what its tokens are verified with, and what they tell of their bearer. */
#include "base/jws.h"
#include "base/text.h"
#include "lowering.h"
#include "member.h"

static bool carries_tokens(const struct api_scheme *api)
{
    return str_eq(api->type, STR("oauth2")) || str_eq(api->type, STR("openIdConnect")) ||
           (str_eq(api->type, STR("http")) && str_eq_nocase(api->scheme, STR("bearer")));
}

/* ---- keys ---- */

/* The provider's configuration says where its keys are, and who it is: the URL begins with its issuer (OpenID Connect
 * Discovery 1.0 section 4). */
static bool set_discovery(struct lowering *l, const struct api_scheme *api, struct jwt *jwt)
{
    static const char well_known[] = "/.well-known/openid-configuration";
    const struct node *node = node_get(api->node, "openIdConnectUrl");
    struct said url;
    size_t stem;

    if (node == NULL || !setting_text(l->job, node, "openIdConnectUrl", &url) ||
        !endpoint_read_url(l->job, url, &jwt->keys_at))
        return false;
    jwt->value.jwks.is_discovery = true;
    stem = str_find_str(url.text, str_of(well_known));
    if (stem + sizeof well_known - 1 != url.text.len) {
        diag_error(&l->job->diags, url.loc, "bad-value",
                   "'openIdConnectUrl' ends with %s, or 'jwks' says where the keys are",
                   well_known);
        return false;
    }
    if (jwt->value.issuers.count == 0)
        *vec_add(&l->job->pool, &jwt->value.issuers) = str_head(url.text, stem);
    return true;
}

static bool somebody_has_one(const struct gateway *gw)
{
    for (size_t i = 0; i < gw->consumers.count; i++)
        for (size_t c = 0; c < gw->consumers.at[i].credentials.count; c++)
            if (gw->consumers.at[i].credentials.at[c].kind == IR_CREDENTIAL_JWT)
                return true;
    return gw->consumers_file.len > 0;
}

static bool set_keys(struct lowering *l, const struct api_scheme *api, struct jwt *jwt)
{
    enum ir_jwt_source source = jwt->value.source;

    if (source == IR_JWT_JWKS_URL && !jwt->keys_at.said && str_eq(api->type, STR("openIdConnect")))
        return set_discovery(l, api, jwt);
    if (source == IR_JWT_CONSUMERS && !somebody_has_one(l->gw))
        diag_error(&l->job->diags, jwt->value.loc, "missing-key",
                   "'jwt' of '%.*s' goes by the keys of consumers, and none has 'jwt'",
                   STR_SHORT(api->name.text));
    if (source != IR_JWT_JWKS_URL || jwt->keys_at.said)
        return true;
    diag_error(&l->job->diags, jwt->value.loc, "missing-key",
               "'jwt' of '%.*s' has no keys: say 'secret', 'public_key', 'jwks' or "
               "'key_claim_name'",
               STR_SHORT(api->name.text));
    return false;
}

static bool set_place(struct lowering *l, const struct api_scheme *api, struct jwt *jwt)
{
    if (jwt->value.source != IR_JWT_JWKS_URL)
        return true;
    return lower_endpoint(l, &jwt->keys_at,
                          pool_printf(&l->job->pool, "jwt of %.*s", STR_ARG(api->name.text)),
                          &jwt->value.jwks.from);
}

/* ---- algorithms ---- */

/* The key decides in the end; what no key of the source can be good for is a slip. */
static void set_algorithms(struct lowering *l, struct ir_jwt *jwt)
{
    uint32_t could = JWS_ALL;

    if (jwt->source == IR_JWT_SECRET)
        could = JWS_ALL_HS;
    else if (jwt->source == IR_JWT_PUBLIC_KEY)
        could = JWS_ALL & ~(uint32_t)JWS_ALL_HS;
    if (jwt->algorithms != 0 && !(jwt->algorithms & could))
        diag_error(&l->job->diags, jwt->loc, "contradiction",
                   jwt->source == IR_JWT_SECRET
                       ? "a 'secret' is for HS256, HS384 and HS512, and 'algorithms' has none of "
                         "them"
                       : "a 'public_key' is not for HS256, HS384 and HS512, and 'algorithms' has "
                         "no other");
    if (jwt->algorithms != 0)
        return;
    if (jwt->source == IR_JWT_SECRET)
        jwt->algorithms = JWS_BIT(JWS_HS256);
    else if (jwt->source == IR_JWT_CONSUMERS)
        jwt->algorithms = JWS_ALL;
    else
        jwt->algorithms = JWS_ALL & ~(uint32_t)JWS_ALL_HS;
}

/* Keys that others have tokens signed with, too: who a token is for is what tells them apart (RFC 8725 section 3.9). */
static void check_audience(struct lowering *l, const struct api_scheme *api,
                           const struct ir_jwt *jwt)
{
    if (jwt->audiences.count > 0 || jwt->source == IR_JWT_CONSUMERS || jwt->source == IR_JWT_SECRET)
        return;
    diag_warn(&l->job->diags, jwt->loc, "any-audience",
              "'%.*s' takes tokens that were issued for anybody: say 'audiences'",
              STR_SHORT(api->name.text));
}

/* What a scheme's tokens tell of their bearer. */
static void set_claims(struct lowering *l, const struct ir_claims *claims, struct ir_scheme *scheme)
{
    bool are_known = l->gw->consumers.count > 0 || l->gw->consumers_file.len > 0;

    for (size_t i = 0; i < claims->fields.count; i++)
        lower_identity_field(l, claims->fields.at[i].name);
    scheme->names_callers |= claims->consumer.count > 0 || claims->groups.count > 0;
    scheme->asks_consumers |= claims->consumer.count > 0 && are_known;
}

static bool may_carry(struct lowering *l, const struct api_scheme *api, struct loc loc,
                      const char *what)
{
    if (carries_tokens(api))
        return true;
    diag_error(&l->job->diags, loc, "contradiction",
               "'%s' is for schemes of type http with scheme bearer, oauth2 and openIdConnect, and "
               "'%.*s' is none",
               what, STR_SHORT(api->name.text));
    return false;
}

bool lower_introspection(struct lowering *l, const struct api_scheme *api,
                         const struct xgateway_block *block, struct ir_scheme *scheme)
{
    const struct introspection *said = &block->introspection;

    if (!xgateway_says(block, POLICY_introspection) ||
        !may_carry(l, api, said->value.loc, "introspection"))
        return false;
    if (xgateway_says(block, POLICY_jwt))
        diag_error(&l->job->diags, said->value.loc, "contradiction",
                   "the tokens of '%.*s' are verified by 'jwt' or by 'introspection', not by both",
                   STR_SHORT(api->name.text));
    if (!said->at.said && said->at.loc.line > 0)
        diag_error(&l->job->diags, said->value.loc, "missing-key",
                   "'introspection' of '%.*s' asks nobody: say 'url', or 'upstream' and 'path'",
                   STR_SHORT(api->name.text));
    scheme->introspection = said->value;
    if (!lower_endpoint(
            l, &said->at,
            pool_printf(&l->job->pool, "introspection of %.*s", STR_ARG(api->name.text)),
            &scheme->introspection.from))
        return false;
    scheme->proof = IR_PROOF_INTROSPECTION;
    scheme->waits = true;
    set_claims(l, &said->value.claims, scheme);
    return true;
}

bool lower_jwt(struct lowering *l, const struct api_scheme *api, const struct xgateway_block *block,
               struct ir_scheme *scheme)
{
    struct jwt said = block->jwt;
    struct ir_jwt jwt;

    if (!xgateway_says(block, POLICY_jwt))
        return false;
    if (!may_carry(l, api, said.value.loc, "jwt") || !set_keys(l, api, &said) ||
        !set_place(l, api, &said))
        return false;
    jwt = said.value;
    set_algorithms(l, &jwt);
    check_audience(l, api, &jwt);
    scheme->proof = IR_PROOF_JWT;
    scheme->waits = jwt.source == IR_JWT_JWKS_URL;
    scheme->names_callers = scheme->asks_consumers = jwt.source == IR_JWT_CONSUMERS;
    set_claims(l, &jwt.claims, scheme);
    if (jwt.source == IR_JWT_CONSUMERS)
        l->gw->credential_kinds |= 1U << IR_CREDENTIAL_JWT;
    scheme->jwt = jwt;
    return true;
}
