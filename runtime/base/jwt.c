#include "base/jwt.h"

#include "base/base64.h"

/* ---- reading ---- */

/* A member that is a text; false: it is something else. Absent is fine. */
static bool header_text(const struct data *header, const char *name, struct str *text)
{
    const struct data *member = data_get(header, name);

    if (!member)
        return true;
    *text = member->text;
    return member->kind == DATA_TEXT;
}

/* A media type of which "application/" may be left out (RFC 7515 section 4.1.9). */
static struct str short_type(struct str type)
{
    struct str prefix = STR("application/");

    return str_eq_nocase(str_head(type, prefix.len), prefix) ? str_from(type, prefix.len) : type;
}

static const char *read_type(const struct data *header, struct str *type)
{
    struct str content = {0};

    if (!header_text(header, "typ", type) || !header_text(header, "cty", &content))
        return "the type of the token is not a text";
    *type = short_type(*type);
    if (type->at && !str_eq_nocase(*type, STR("JWT")) && !str_eq_nocase(*type, STR("at+jwt")))
        return "the token is of another type than JWT and at+jwt";
    if (str_eq_nocase(short_type(content), STR("JWT")))
        return "the token has another token in it";
    return NULL;
}

static const char *read_header(struct jwt_token *token)
{
    static const char *const unknown[] = {"crit", "b64", "zip", "enc"};
    const struct data *alg = data_get(token->header, "alg");

    for (size_t i = 0; i < sizeof unknown / sizeof *unknown; i++)
        if (data_get(token->header, unknown[i]))
            return "the token asks for an extension that is not understood";
    if (!alg || alg->kind != DATA_TEXT || !jws_algorithm_of(alg->text, &token->algorithm))
        return "the token's algorithm is none that signs";
    if (!header_text(token->header, "kid", &token->kid) || token->kid.len > JWK_KID_MAX)
        return "the id of the token's key is not a text of at most 256 bytes";
    return read_type(token->header, &token->type);
}

/* A part that is a JSON object; NULL: it is none. */
static const struct data *read_object(struct pool *pool, struct str part)
{
    struct data_problem problem;
    const struct data *object;
    struct str json;

    if (!base64_read_url(pool, part, &json))
        return NULL;
    object = data_read_json(pool, json, &problem);
    return object && object->kind == DATA_MAP ? object : NULL;
}

const char *jwt_read(struct pool *pool, struct str text, size_t size, struct jwt_token *token)
{
    size_t first = str_find(text, '.'), second;
    struct str rest = str_from(text, first + 1), payload, signature;
    const char *wrong;

    *token = (struct jwt_token){0};
    if (text.len > size)
        return "the token is too long";
    second = str_find(rest, '.');
    payload = str_head(rest, second);
    signature = str_from(rest, second + 1);
    if (first == 0 || payload.len == 0 || signature.len == 0 ||
        str_find(signature, '.') < signature.len)
        return "the token does not have three parts";
    token->header = read_object(pool, str_head(text, first));
    if (!token->header)
        return "the token's header is not base64url of a JSON object";
    wrong = read_header(token);
    if (wrong)
        return wrong;
    if (!base64_read_url(pool, signature, &token->signature))
        return "the token's signature is not base64url";
    token->input = str_head(text, first + 1 + second);
    token->claims = read_object(pool, payload);
    return token->claims ? NULL : "the token's claims are not base64url of a JSON object";
}

/* ---- verifying ---- */

enum jwt_verdict jwt_verify(const struct jwt_token *token, const struct jwk_set *keys,
                            uint32_t algorithms)
{
    bool by_kid = token->kid.at && keys->has_kids;
    unsigned named = 0, tries = 0;

    if ((algorithms & JWS_BIT(token->algorithm)) == 0)
        return JWT_NOT_ALLOWED;
    for (size_t i = 0; i < keys->count && tries < JWT_TRIES; i++) {
        const struct jwk *jwk = &keys->keys[i];
        if (by_kid && !(jwk->kid.at && str_eq(jwk->kid, token->kid)))
            continue;
        named++;
        if ((jws_key_algorithms(jwk->key) & JWS_BIT(token->algorithm)) == 0)
            continue;
        tries++;
        if (jws_verify(jwk->key, token->algorithm, token->input, token->signature))
            return JWT_GOOD;
    }
    if (named == 0)
        return JWT_NO_KEY;
    return tries > 0 ? JWT_BAD_SIGNATURE : JWT_NOT_ALLOWED;
}

const char *jwt_verdict_text(enum jwt_verdict verdict)
{
    switch (verdict) {
    case JWT_GOOD:
        return NULL;
    case JWT_BAD_SIGNATURE:
        return "the token's signature is wrong";
    case JWT_NO_KEY:
        return "the token's key is not known";
    case JWT_NOT_ALLOWED:
        return "the token's algorithm is not allowed";
    }
    return "the token is wrong";
}

/* ---- judging ---- */

const char *jwt_check(const struct jwt_token *token, const struct jwt_rules *rules, uint64_t now,
                      uint64_t *until)
{
    *until = 0;
    if (rules->type.at && !(token->type.at && str_eq_nocase(token->type, rules->type)))
        return "the token is of another type";
    return claims_check(token->claims, &rules->claims, now, until);
}
