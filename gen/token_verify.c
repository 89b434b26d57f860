#include "token_verify.h"

#include <stdio.h>

#include "base/jwt.h"

_Static_assert((int)TOKEN_KEY_ERROR >= (int)JWK_ERROR, "a sentence of base/jwk fits");

static bool has(struct str text, struct str what)
{
    return str_find_str(text, what) < text.len;
}

struct jwk_set *token_keys(struct str text, char error[TOKEN_KEY_ERROR])
{
    struct str bare = str_trim(text, " \t\r\n");

    if (has(text, STR("PRIVATE KEY-----"))) {
        snprintf(error, TOKEN_KEY_ERROR,
                 "verifying takes the public key: openssl pkey -in FILE -pubout writes it");
        return NULL;
    }
    if (has(text, STR("-----BEGIN ")))
        return jwk_set_of_pem(text, error);
    if (bare.len > 0 && bare.at[0] == '{')
        return jwk_set_of_json(text, error);
    return jwk_set_of_secret(text, error);
}

const char *token_refusal(struct pool *pool, struct str compact, const struct jwk_set *keys,
                          int64_t now)
{
    static const struct jwt_rules rules = {0};
    struct jwt_token token;
    uint64_t until;
    const char *why = jwt_read(pool, compact, JWT_SIZE, &token);

    if (!why)
        why = jwt_verdict_text(jwt_verify(&token, keys, JWS_ALL));
    return why ? why : jwt_check(&token, &rules, (uint64_t)now, &until);
}
