#include "token_mint.h"

#include <jwt.h>
#include <stdlib.h>

enum family { SECRET, RSA, EC };

static const struct alg {
    struct str name;
    jwt_alg_t id;
    enum family family;
    size_t bytes; /* of the shortest secret, or of an ECDSA signature */
} algs[] = {
    {STR_INIT("HS256"), JWT_ALG_HS256, SECRET, 32}, {STR_INIT("HS384"), JWT_ALG_HS384, SECRET, 48},
    {STR_INIT("HS512"), JWT_ALG_HS512, SECRET, 64}, {STR_INIT("RS256"), JWT_ALG_RS256, RSA, 0},
    {STR_INIT("RS384"), JWT_ALG_RS384, RSA, 0},     {STR_INIT("RS512"), JWT_ALG_RS512, RSA, 0},
    {STR_INIT("ES256"), JWT_ALG_ES256, EC, 64},     {STR_INIT("ES384"), JWT_ALG_ES384, EC, 96},
    {STR_INIT("ES512"), JWT_ALG_ES512, EC, 132},
};
enum { ALG_COUNT = sizeof algs / sizeof *algs };

const char token_mint_algs[] = "HS256, HS384, HS512, RS256, RS384, RS512, ES256, ES384, ES512";

static const struct alg *find_alg(struct str name)
{
    for (size_t i = 0; i < ALG_COUNT; i++)
        if (str_eq(algs[i].name, name))
            return &algs[i];
    return NULL;
}

bool token_mint_knows(struct str alg)
{
    return find_alg(alg) != NULL;
}

static bool has(struct str text, struct str what)
{
    return str_find_str(text, what) < text.len;
}

/* ---- the key ---- */

static bool is_pem(struct str key)
{
    return has(key, STR("-----BEGIN "));
}

/* NULL: it may do. libjwt would ask the terminal for the passphrase of an encrypted key. */
static const char *wrong_key(const struct token_order *order, const struct alg *alg)
{
    bool pem = is_pem(order->key);

    if (order->key.len == 0)
        return "the key is empty";
    if (alg && alg->family == SECRET && pem)
        return "HS256, HS384 and HS512 take a secret, and this key is PEM: who verifies by a public key "
               "would take its text for the secret";
    if (alg && alg->family != SECRET && !pem)
        return "RS and ES take a private key as PEM, and this one is none";
    if (!pem && has(order->key, STR("\"kty\"")))
        return "the key is a JWK: PEM is taken (or the bytes of a secret, decoded)";
    if (pem && has(order->key, STR("ENCRYPTED")))
        return "the key is encrypted: write it in the clear for this, with openssl pkey -in FILE";
    if (pem && !has(order->key, STR("PRIVATE KEY-----")))
        return "signing takes the private key, and this PEM has none";
    return NULL;
}

/* ---- the signature ---- */

/* NULL: this algorithm cannot sign with the key, or libjwt does not take the claims. */
static const char *sign(struct pool *pool, const struct token_order *order, const struct alg *alg)
{
    char *made = NULL;
    const char *kept = NULL;
    jwt_t *jwt = NULL;

    if (jwt_new(&jwt) != 0)
        return NULL;
    if (jwt_add_grants_json(jwt, pool_copy(pool, order->claims).at) == 0 &&
        (!order->kid.at || jwt_add_header(jwt, "kid", pool_copy(pool, order->kid).at) == 0) &&
        jwt_set_alg(jwt, alg->id, (const unsigned char *)order->key.at, (int)order->key.len) == 0)
        made = jwt_encode_str(jwt);
    if (made)
        kept = pool_copy(pool, str_of(made)).at;
    free(made);
    jwt_free(jwt);
    return kept;
}

/* libjwt signs ES256 with any curve; the length tells whether it was the right one. */
static bool fits(const struct alg *alg, const char *token)
{
    size_t len = strlen(strrchr(token, '.') + 1);

    return alg->family != EC || len == (alg->bytes * 4 + 2) / 3;
}

static bool takes_claims(struct pool *pool, struct str claims)
{
    jwt_t *jwt = NULL;
    bool taken = jwt_new(&jwt) == 0 && jwt_add_grants_json(jwt, pool_copy(pool, claims).at) == 0;

    jwt_free(jwt);
    return taken;
}

/* The first algorithm that fits the key; `asked` NULL: of those for keys as PEM. */
static const char *sign_somehow(struct pool *pool, const struct token_order *order,
                                const struct alg *asked, const struct alg **used)
{
    for (const struct alg *alg = algs; alg < algs + ALG_COUNT; alg++) {
        const char *made = NULL;

        if (asked ? alg == asked : alg->family != SECRET)
            made = sign(pool, order, alg);
        *used = alg;
        if (made && fits(alg, made))
            return made;
    }
    return NULL;
}

static struct str remark_on(struct pool *pool, const struct token_order *order,
                            const struct alg *alg, const char *token)
{
    size_t bits = strlen(strrchr(token, '.') + 1) * 6 / 8 * 8;

    if (alg->family == SECRET && order->key.len < alg->bytes)
        return pool_printf(pool,
                           "a secret of %zu bytes is too short for %.*s: RFC 7518 asks for %zu",
                           order->key.len, STR_ARG(alg->name), alg->bytes);
    if (alg->family == RSA && bits < 2048)
        return pool_printf(pool, "an RSA key of %zu bits is too short: RFC 7518 asks for 2048",
                           bits);
    return (struct str){0};
}

bool token_mint(struct pool *pool, const struct token_order *order, struct str *token,
                struct str *remark, struct str *error)
{
    const struct alg *asked = find_alg(order->alg), *used = NULL;
    const char *wrong = wrong_key(order, asked), *made = NULL;

    if (!asked && !is_pem(order->key))
        asked = &algs[0];
    if (!wrong && !takes_claims(pool, order->claims))
        wrong =
            "libjwt does not take these claims: an integer beyond 64 bits, a number too large or a "
            "\\u0000";
    if (!wrong)
        made = sign_somehow(pool, order, asked, &used);
    if (made) {
        *token = str_of(made);
        *remark = remark_on(pool, order, used, made);
        return true;
    }
    if (wrong)
        *error = str_of(wrong);
    else if (asked)
        *error = pool_printf(pool, "%.*s does not sign with this key", STR_ARG(asked->name));
    else
        *error = STR("libjwt signs by RSA keys and those of the curves P-256, P-384 and P-521, and "
                     "this is none");
    return false;
}
