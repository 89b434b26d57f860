#include "token_risk.h"

#include "base/map.h"

enum { DAY = 86400 };

/* By RFC 7518 section 3 and RFC 8037; ECDSA's and HMAC's signatures have one length, RSA's the key's. */
static const struct alg {
    struct str name;
    size_t signature; /* bytes; 0: the key's length */
} algs[] = {
    {STR_INIT("HS256"), 32}, {STR_INIT("HS384"), 48}, {STR_INIT("HS512"), 64},
    {STR_INIT("RS256"), 0},  {STR_INIT("RS384"), 0},  {STR_INIT("RS512"), 0},
    {STR_INIT("PS256"), 0},  {STR_INIT("PS384"), 0},  {STR_INIT("PS512"), 0},
    {STR_INIT("ES256"), 64}, {STR_INIT("ES384"), 96}, {STR_INIT("ES512"), 132},
    {STR_INIT("EdDSA"), 64},
};

static const struct alg *find_alg(struct str name)
{
    for (size_t i = 0; i < sizeof algs / sizeof *algs; i++)
        if (str_eq(algs[i].name, name))
            return &algs[i];
    return NULL;
}

static void judge_alg(struct token *token)
{
    const struct token_member *member = token_find(&token->header, "alg");

    if (!member || member->kind != JSON_STRING) {
        token_warn(token, "alg", "the header has no 'alg'");
        return;
    }
    if (str_eq_nocase(member->text, STR("none"))) {
        token_warn(token, "alg-none",
                   "'alg' is none: nobody signed this token, anybody can write it");
        return;
    }
    const struct alg *alg = find_alg(member->text);
    size_t len = token->signature.len;
    if (!alg)
        token_warn(token, "alg", "no algorithm is called '%.*s'",
                   STR_ARG(token_printable(token->pool, member->text)));
    else if (alg->signature && len != alg->signature)
        token_warn(token, "signature", "a signature by %.*s has %zu bytes, not %zu",
                   STR_ARG(member->text), alg->signature, len);
    else if (!alg->signature && len < 256)
        token_warn(token, "signature",
                   "a signature of %zu bytes is that of a key of %zu bits: RFC 7518 asks for 2048",
                   len, len * 8);
}

static void judge_kid(struct token *token)
{
    const struct token_member *kid = token_find(&token->header, "kid");
    bool odd = false;

    if (!kid)
        return;
    if (kid->kind != JSON_STRING) {
        token_warn(token, "kid", "'kid' is no string");
        return;
    }
    for (size_t i = 0; i < kid->text.len; i++)
        odd = odd || (unsigned char)kid->text.at[i] <= ' ' || strchr("'\"`;|<>", kid->text.at[i]);
    if (odd || str_find_str(kid->text, STR("../")) < kid->text.len)
        token_warn(token, "kid", "'kid' looks as if it were made for a query, a path or a shell");
}

static void judge_header(struct token *token)
{
    static const char *const keys[] = {"jku", "jwk", "x5u", "x5c"};

    judge_alg(token);
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
        if (token_find(&token->header, keys[i]))
            token_warn(token, "embedded-key",
                       "'%s' says by which key to verify: whoever forges a token would say his own",
                       keys[i]);
    if (token_find(&token->header, "crit"))
        token_warn(token, "crit", "'crit' names extensions: gateways refuse what they do not know");
    if (token_find(&token->header, "b64"))
        token_warn(token, "b64", "'b64' changes how the payload is signed: gateways refuse it");
    if (token_find(&token->header, "zip"))
        token_warn(token, "zip", "'zip' is for encrypted tokens only");
    judge_kid(token);
}

static void judge_names(struct token *token, const char *what, const struct token_object *object)
{
    struct map seen = {0};

    for (size_t i = 0; i < object->members.count; i++) {
        struct str name = object->members.at[i].name;

        if (!map_set(&seen, token->pool, name, token))
            continue;
        token_warn(token, "duplicate-member",
                   "the %s has '%.*s' twice: readers disagree on which counts", what,
                   STR_ARG(token_printable(token->pool, name)));
        return;
    }
}

/* The claim's date into *seconds; false when it has none that can be read. */
static bool judge_date(struct token *token, const char *name, int64_t *seconds)
{
    const struct token_member *member = token_find(&token->payload, name);

    if (!member)
        return false;
    if (!token_date(member, seconds)) {
        token_warn(token, "bad-date", "'%s' is no number of seconds", name);
        return false;
    }
    if (*seconds > 100000000000) {
        token_warn(token, "bad-date", "'%s' seems to be in milliseconds: seconds are meant", name);
        return false;
    }
    return true;
}

static void judge_times(struct token *token, int64_t now)
{
    int64_t exp = 0, iat = now, nbf = 0;
    bool has_exp = judge_date(token, "exp", &exp), has_iat = judge_date(token, "iat", &iat);
    int64_t life = exp - (has_iat ? iat : now);

    if (!token_find(&token->payload, "exp"))
        token_warn(token, "no-exp", "it has no 'exp': whoever finds it can use it for ever");
    else if (has_exp && life > DAY)
        token_warn(token, "lifetime", "it lives for %.*s: what is stolen can be used that long",
                   STR_ARG(token_span(token->pool, life)));
    if (has_iat && iat > now + 60)
        token_warn(token, "future", "it was issued in the future: clocks differ");
    if (judge_date(token, "nbf", &nbf) && has_exp && nbf >= exp)
        token_warn(token, "bad-date",
                   "it ends before it begins: no time lies between 'nbf' and 'exp'");
}

static void judge_claims(struct token *token)
{
    const struct token_member *iss = token_find(&token->payload, "iss");
    const struct token_member *aud = token_find(&token->payload, "aud");

    if (!iss)
        token_warn(token, "no-iss", "it has no 'iss': nobody knows whose keys to verify it by");
    else if (iss->kind != JSON_STRING)
        token_warn(token, "no-iss", "'iss' is no string");
    if (!aud)
        token_warn(token, "no-aud", "it has no 'aud': a token for one service opens all of them");
    else if (aud->kind != JSON_STRING && aud->kind != JSON_ARRAY)
        token_warn(token, "no-aud", "'aud' is neither a string nor a list");
}

void token_risks(struct token *token, int64_t now)
{
    judge_header(token);
    judge_names(token, "header", &token->header);
    judge_names(token, "payload", &token->payload);
    judge_times(token, now);
    judge_claims(token);
    if (token->compact.len > 8192)
        token_warn(token, "size", "%zu bytes are more than many servers take in a header",
                   token->compact.len);
}
