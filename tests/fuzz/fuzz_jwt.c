/* Tokens from hostile bearers, with a key of each family and rules that ask for everything. A byte says how the rest
 * becomes a token: as it is; as its header or its claims (before and behind a newline), signed well. Whatever it is:
 * read or refused with a sentence, and a token that is good is three parts of base64url with an algorithm that signs. */
#include <stdlib.h>

#include "base/grant.h"
#include "base/jwt.h"
#include "jose.h"

static struct jwk_set *set;

static void check(bool fine)
{
    if (!fine)
        abort();
}

/* The secret, and a public key of each type; the first two have an id. */
static void make_keys(void)
{
    char error[JWK_ERROR];
    struct pool pool;
    struct str secret;

    pool_open(&pool, NULL);
    secret = jose_base64url(&pool, STR(JOSE_SECRET));
    set = jwk_set_of_json(
        pool_printf(&pool,
                    "{\"keys\":[{\"kty\":\"oct\",\"kid\":\"a\",\"k\":\"%.*s\"},{%s,\"kid\":\"b\"},"
                    "{%s},{%s},{%s}]}",
                    STR_ARG(secret), jose_jwk(&pool, jose_rsa_pem), jose_jwk(&pool, jose_p256_pem),
                    jose_jwk(&pool, jose_p521_pem), jose_jwk(&pool, jose_ed25519_pem)),
        error);
    check(set != NULL);
    pool_close(&pool);
}

static struct str token_of(struct pool *pool, struct str input)
{
    struct str rest = str_from(input, 1);
    size_t line = str_find(rest, '\n');

    if (input.len == 0 || (input.at[0] & 1) == 0)
        return rest;
    if ((input.at[0] & 2) == 0)
        return jose_token(pool, "HS256", STR(JOSE_SECRET), STR("{\"alg\":\"HS256\"}"), rest);
    return jose_token(pool, "HS256", STR(JOSE_SECRET), str_head(rest, line),
                      str_from(rest, line + 1));
}

static void check_claims(struct pool *pool, const struct jwt_token *token)
{
    static const struct str issuers[] = {STR_INIT("a"), STR_INIT("b")};
    static const struct str path[] = {STR_INIT("realm_access"), STR_INIT("roles")};
    static const struct jwt_rules none = {0};
    static const struct jwt_rules all = {
        .claims = {.issuers = issuers,
                   .issuer_count = 2,
                   .audiences = issuers,
                   .audience_count = 2,
                   .exp = true,
                   .nbf = true,
                   .iat = true,
                   .leeway = 60,
                   .maximum_expiration = 3600},
        .type = STR_INIT("at+jwt"),
    };
    static const struct gw_claims meaning = {
        .consumer = issuers, .consumer_count = 1, .groups = path, .group_count = 2};
    struct grant grant;
    uint64_t until, until_by_all;
    const char *wrong = jwt_check(token, &none, 1700000000, &until);

    check(!wrong == (until > 1700000000));
    if (!jwt_check(token, &all, 1700000000, &until_by_all))
        check(!wrong && until_by_all <= 1700000000 + 3600 + 2 * 60);
    grant_read(&grant, &meaning, token->claims, pool);
    for (size_t i = 0; i < grant.group_count; i++)
        check(grant_has_group(&grant, pool_copy(pool, grant.groups[i]))); /* its bytes are there */
    check(grant_has_scopes(&grant, pool_copy(pool, grant.scopes)));
    check(str_find_str(grant.scopes, STR("  ")) == grant.scopes.len);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct pool pool;
    struct jwt_token token;
    struct str text;
    const char *wrong;

    if (!set)
        make_keys();
    pool_open(&pool, NULL);
    text = token_of(&pool, (struct str){(const char *)bytes, size});
    wrong = jwt_read(&pool, text, JWT_SIZE, &token);
    if (wrong) {
        check(wrong[0] != 0);
    } else {
        check(text.len <= JWT_SIZE && token.signature.len > 0 && token.claims->kind == DATA_MAP);
        check(str_starts(text, token.input) && text.at[token.input.len] == '.');
        if (jwt_verify(&token, set, JWS_ALL) == JWT_GOOD)
            check(!token.kid.at || str_eq(token.kid, STR("a")) || str_eq(token.kid, STR("b")));
        check(jwt_verify(&token, set, JWS_ALL & ~JWS_BIT(token.algorithm)) == JWT_NOT_ALLOWED);
        check_claims(&pool, &token);
    }
    pool_close(&pool);
    return 0;
}
