/* Tokens: which are read, which key verifies them, and the attacks of RFC 8725. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "base/base64.h"
#include "base/jwt.h"
#include "jose.h"

#define CLAIMS "{\"sub\":\"alice\"}"
#define HS256 "{\"alg\":\"HS256\"}"

/* A token that is signed with the secret, by HS256, whatever its header says. */
static struct str signed_with(struct pool *pool, struct str header, struct str claims)
{
    return jose_token(pool, "HS256", STR(JOSE_SECRET), header, claims);
}

static struct jwk_set *json_set(struct str text)
{
    char error[JWK_ERROR] = "";
    struct jwk_set *set = jwk_set_of_json(text, error);

    if (!set)
        fail_msg("%.*s: %s", STR_ARG(text), error);
    return set;
}

static struct jwk_set *pem_set(struct str text)
{
    char error[JWK_ERROR] = "";
    struct jwk_set *set = jwk_set_of_pem(text, error);

    if (!set)
        fail_msg("%s", error);
    return set;
}

static struct jwk_set *secret_set(void)
{
    char error[JWK_ERROR] = "";
    struct jwk_set *set = jwk_set_of_secret(STR(JOSE_SECRET), error);

    assert_non_null(set);
    return set;
}

/* ---- reading ---- */

struct row {
    struct str text;
    const char *wrong; /* the beginning; NULL: it is read, and its signature is good */
};

#define ROW(text, wrong)                                                                           \
    {                                                                                              \
        STR_INIT(text), wrong                                                                      \
    }

static void check_text(struct pool *pool, struct str text, const char *expected,
                       struct str described)
{
    struct jwk_set *set = secret_set();
    struct jwt_token token;
    const char *wrong = jwt_read(pool, text, JWT_SIZE, &token);

    if (!wrong != !expected || (wrong && !str_starts(str_of(wrong), str_of(expected))))
        fail_msg("%.*s: %s", STR_ARG(described), wrong ? wrong : "taken");
    if (!wrong)
        assert_int_equal(jwt_verify(&token, set, JWS_ALL), JWT_GOOD);
    jwk_set_free(set);
}

static const char no_object[] = "the token's header is not base64url of a JSON object";
static const char no_algorithm[] = "the token's algorithm is none that signs";
static const char no_extension[] = "the token asks for an extension that is not understood";
static const char no_type[] = "the token is of another type than JWT and at+jwt";
static const char no_claims[] = "the token's claims are not base64url of a JSON object";
static const char no_parts[] = "the token does not have three parts";

static void headers(void **state)
{
    static const struct row rows[] = {
        ROW("{\"alg\":\"HS256\"}", NULL),
        ROW(" {\"alg\" : \"HS256\"}\r\n", NULL),
        ROW("{\"\\u0061lg\":\"HS256\"}", NULL),
        ROW("{\"alg\":\"\\u0048S256\"}", NULL),
        ROW("{\"alg\":\"HS256\",\"typ\":\"JWT\"}", NULL),
        ROW("{\"alg\":\"HS256\",\"typ\":\"jwt\"}", NULL),
        ROW("{\"alg\":\"HS256\",\"typ\":\"application/JWT\"}", NULL),
        ROW("{\"alg\":\"HS256\",\"typ\":\"at+jwt\"}", NULL),
        ROW("{\"alg\":\"HS256\",\"typ\":\"Application/AT+JWT\"}", NULL),
        ROW("{\"alg\":\"HS256\",\"cty\":\"json\"}", NULL),
        ROW("{\"alg\":\"HS256\",\"kid\":\"\"}", NULL),
        ROW("{\"alg\":\"HS256\",\"x\":{\"alg\":\"none\"}}", NULL),
        /* keys that the bearer brings along are not looked at */
        ROW("{\"alg\":\"HS256\",\"jku\":\"http://evil\",\"x5u\":\"http://evil\",\"x5c\":[\"x\"]}",
            NULL),
        ROW("{\"alg\":\"HS256\",\"jwk\":{\"kty\":\"oct\",\"k\":\"QUFB\"},\"x5t\":7}", NULL),
        /* none, in each of its spellings */
        ROW("{\"alg\":\"none\"}", no_algorithm),
        ROW("{\"alg\":\"None\"}", no_algorithm),
        ROW("{\"alg\":\"NONE\"}", no_algorithm),
        ROW("{\"alg\":\"nOnE\"}", no_algorithm),
        ROW("{\"alg\":\"none\\u0000\"}", no_algorithm),
        ROW("{\"alg\":\"\"}", no_algorithm),
        ROW("{\"alg\":null}", no_algorithm),
        ROW("{\"alg\":false}", no_algorithm),
        ROW("{\"alg\":256}", no_algorithm),
        ROW("{\"alg\":[\"HS256\"]}", no_algorithm),
        ROW("{}", no_algorithm),
        /* other words */
        ROW("{\"alg\":\"hs256\"}", no_algorithm),
        ROW("{\"alg\":\"Hs256\"}", no_algorithm),
        ROW("{\"alg\":\" HS256\"}", no_algorithm),
        ROW("{\"alg\":\"HS256\\u0000\"}", no_algorithm),
        ROW("{\"alg\":\"HS256,none\"}", no_algorithm),
        ROW("{\"ALG\":\"HS256\"}", no_algorithm),
        ROW("{\"alg\\u0000\":\"HS256\"}", no_algorithm),
        ROW("{\"alg\":\"A128KW\"}", no_algorithm),
        /* twice */
        ROW("{\"alg\":\"HS256\",\"alg\":\"HS256\"}", no_object),
        ROW("{\"alg\":\"none\",\"alg\":\"HS256\"}", no_object),
        ROW("{\"alg\":\"HS256\",\"\\u0061lg\":\"none\"}", no_object),
        ROW("{\"alg\":\"HS256\",\"x\":{\"y\":1,\"y\":2}}", no_object),
        /* extensions */
        ROW("{\"alg\":\"HS256\",\"crit\":[\"exp\"],\"exp\":1}", no_extension),
        ROW("{\"alg\":\"HS256\",\"crit\":[]}", no_extension),
        ROW("{\"alg\":\"HS256\",\"crit\":null}", no_extension),
        ROW("{\"alg\":\"HS256\",\"crit\":[\"b64\"],\"b64\":false}", no_extension),
        ROW("{\"alg\":\"HS256\",\"b64\":false}", no_extension),
        ROW("{\"alg\":\"HS256\",\"b64\":true}", no_extension),
        ROW("{\"alg\":\"HS256\",\"zip\":\"DEF\"}", no_extension),
        ROW("{\"alg\":\"dir\",\"enc\":\"A128GCM\"}", no_extension),
        ROW("{\"alg\":\"HS256\",\"enc\":\"A128GCM\"}", no_extension),
        /* types */
        ROW("{\"alg\":\"HS256\",\"typ\":\"\"}", no_type),
        ROW("{\"alg\":\"HS256\",\"typ\":\"JOSE\"}", no_type),
        ROW("{\"alg\":\"HS256\",\"typ\":\"JWT \"}", no_type),
        ROW("{\"alg\":\"HS256\",\"typ\":\"JWT\\u0000\"}", no_type),
        ROW("{\"alg\":\"HS256\",\"typ\":\"application/\"}", no_type),
        ROW("{\"alg\":\"HS256\",\"typ\":\"application/application/JWT\"}", no_type),
        ROW("{\"alg\":\"HS256\",\"typ\":\"logout+jwt\"}", no_type),
        ROW("{\"alg\":\"HS256\",\"typ\":\"secevent+jwt\"}", no_type),
        ROW("{\"alg\":\"HS256\",\"typ\":\"dpop+jwt\"}", no_type),
        ROW("{\"alg\":\"HS256\",\"typ\":7}", "the type of the token is not a text"),
        ROW("{\"alg\":\"HS256\",\"cty\":null}", "the type of the token is not a text"),
        ROW("{\"alg\":\"HS256\",\"cty\":\"JWT\"}", "the token has another token in it"),
        ROW("{\"alg\":\"HS256\",\"cty\":\"application/jwt\"}", "the token has another token in it"),
        ROW("{\"alg\":\"HS256\",\"kid\":7}", "the id of the token's key is not a text"),
        ROW("{\"alg\":\"HS256\",\"kid\":[\"a\"]}", "the id of the token's key is not a text"),
        /* no JSON object */
        ROW("[]", no_object),
        ROW("null", no_object),
        ROW("\"HS256\"", no_object),
        ROW("{\"alg\":\"HS256\"", no_object),
        ROW("{\"alg\":\"HS256\"}{}", no_object),
        ROW("{\"alg\":\"HS256\",}", no_object),
        ROW("{'alg':'HS256'}", no_object),
        ROW("{\"alg\":\"HS256\"}\0", no_object),
        ROW("\xef\xbb\xbf{\"alg\":\"HS256\"}", no_object),
        ROW("{\"alg\":\"HS256\",\"x\":\"\xff\"}", no_object),
        ROW("{\"alg\":\"HS256\",\"x\":\"\xc0\x80\"}", no_object),
        ROW("{\"alg\":\"HS256\",\"x\":\"\\ud800\"}", no_object),
        ROW("{\"alg\":\"HS256\",\"x\":\"\0\"}", no_object),
        ROW("{\"alg\":\"HS256\",\"x\":NaN}", no_object),
        ROW("{\"alg\":\"HS256\",\"x\":01}", no_object),
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct pool pool;
        pool_open(&pool, NULL);
        check_text(&pool, signed_with(&pool, rows[i].text, STR(CLAIMS)), rows[i].wrong,
                   rows[i].text);
        pool_close(&pool);
    }
}

static void payloads(void **state)
{
    static const struct row rows[] = {
        ROW("{}", NULL),
        ROW("{\"a\":{\"b\":[1,2.5e3,true,null,\"\\u0000\"]}}", NULL),
        ROW("{\"exp\":1e300}", NULL), /* a matter of the rules */
        ROW("{\"exp\":\"x\"}", NULL),
        ROW("[]", no_claims),
        ROW("\"eyJh.eyJh.AAAA\"", no_claims),
        ROW("eyJh.eyJh.AAAA", no_claims),
        ROW("", no_parts),
        ROW(" ", no_claims),
        ROW("7", no_claims),
        ROW("{\"a\":1,\"a\":1}", no_claims),
        ROW("{\"sub\":\"alice\",\"s\\u0075b\":\"bob\"}", no_claims),
        ROW("{\"a\":[{\"b\":1,\"b\":2}]}", no_claims),
        ROW("{\"a\":1}x", no_claims),
        ROW("{\"a\":\"\x80\"}", no_claims),
        ROW("{\"a\":\"\xed\xa0\x80\"}", no_claims),
        ROW("{\"a\":\"\n\"}", no_claims),
        ROW("{\"a\":-}", no_claims),
        ROW("{\"a\":Infinity}", no_claims),
        ROW("{\"a\":0x10}", no_claims),
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct pool pool;
        pool_open(&pool, NULL);
        check_text(&pool, signed_with(&pool, STR(HS256), rows[i].text), rows[i].wrong,
                   rows[i].text);
        pool_close(&pool);
    }
}

static void nesting_is_bounded(void **state)
{
    struct pool pool;
    struct str claims = STR("1");

    (void)state;
    pool_open(&pool, NULL);
    for (int depth = 1; depth <= 100; depth++) {
        claims = pool_printf(&pool, "{\"a\":%.*s}", STR_ARG(claims));
        check_text(&pool, signed_with(&pool, STR(HS256), claims),
                   depth <= DATA_DEPTH ? NULL : no_claims, claims);
    }
    pool_close(&pool);
}

/* The same bytes in another spelling: each is refused, so that a token that was revoked has no twin. */
static void texts_have_one_spelling(void **state)
{
    static const char *const changes[] = {
        "%1$s.%2$s.%3$s=",
        "%1$s.%2$s=.%3$s",
        "%1$s=.%2$s.%3$s",
        "%1$s==.%2$s.%3$s",
        " %1$s.%2$s.%3$s",
        "%1$s.%2$s.%3$s ",
        "%1$s.%2$s.%3$s\n",
        "%1$s. %2$s.%3$s",
        "%1$s.%2$s.\t%3$s",
        "%1$s\r\n.%2$s.%3$s",
        "%1$s.%2$s\n.%3$s",
        "%1$s.%2$s.%3$s.",
        "%1$s.%2$s.%3$s.%3$s",
        ".%1$s.%2$s.%3$s",
        "%1$s..%2$s.%3$s",
        "%1$s.%2$s..%3$s",
        "%1$s.%2$s",
        "%1$s",
        "%1$s.%2$s.",
        "%1$s..%3$s",
        ".%2$s.%3$s",
        "..",
        ".",
        "",
        "%1$s.%2$s.%3$sA",
        "%1$sA.%2$s.%3$s",
        "%1$s.%2$sA.%3$s",
        "%1$s,%2$s,%3$s",
        "Bearer %1$s.%2$s.%3$s",
        "\"%1$s.%2$s.%3$s\"",
        "%1$s.%2$s.%3$s%%00",
        "{\"protected\":\"%1$s\",\"payload\":\"%2$s\",\"signature\":\"%3$s\"}",
        "{\"payload\":\"%2$s\",\"signatures\":[{\"protected\":\"%1$s\",\"signature\":\"%3$s\"}]}",
        "%1$s.%2$s.%3$s.%2$s.%1$s",
    };
    struct jwk_set *set = secret_set();
    struct pool pool;
    struct str token;
    char part[3][200] = {"", "", ""};

    (void)state;
    pool_open(&pool, NULL);
    token = signed_with(&pool, STR(HS256), STR("{\"a\":\"~~~~???\"}"));
    assert_int_equal(sscanf(token.at, "%199[^.].%199[^.].%199[^.]", part[0], part[1], part[2]), 3);
    check_text(&pool, token, NULL, token);
    for (size_t i = 0; i < sizeof changes / sizeof *changes; i++) {
        struct jwt_token read;
        char text[1000];
        /* The formats are the rows of the table above. */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
        snprintf(text, sizeof text, changes[i], part[0], part[1], part[2]);
#pragma GCC diagnostic pop
        if (!jwt_read(&pool, str_of(text), JWT_SIZE, &read) &&
            jwt_verify(&read, set, JWS_ALL) == JWT_GOOD)
            fail_msg("%s is good", text);
    }
    jwk_set_free(set);
    pool_close(&pool);
}

/* Each character of a token, changed to each other one that base64url has: nothing is good but the token. */
static void each_character_counts(void **state)
{
    static const char letters[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.+/=\n";
    struct jwk_set *set = secret_set();
    struct pool pool, each;
    struct str token;
    char *text;

    (void)state;
    pool_open(&pool, NULL);
    token = signed_with(&pool, STR(HS256), STR(CLAIMS));
    text = (char *)pool_copy(&pool, token).at;
    for (size_t i = 0; i <= token.len; i++) {
        for (size_t l = 0; l < sizeof letters; l++) { /* the NUL, too */
            struct jwt_token read;
            bool good;

            if (i < token.len)
                text[i] = letters[l];
            pool_open(&each, NULL);
            good = !jwt_read(&each, (struct str){text, token.len}, JWT_SIZE, &read) &&
                   jwt_verify(&read, set, JWS_ALL) == JWT_GOOD;
            assert_int_equal(good, memcmp(text, token.at, token.len) == 0);
            pool_close(&each);
        }
        if (i < token.len)
            text[i] = token.at[i];
    }
    jwk_set_free(set);
    pool_close(&pool);
}

static void sizes_are_bounded(void **state)
{
    struct pool pool;
    struct jwt_token read;
    struct str token;
    char kid[300] = "";

    (void)state;
    pool_open(&pool, NULL);
    token = signed_with(&pool, STR(HS256), STR(CLAIMS));
    assert_null(jwt_read(&pool, token, token.len, &read));
    assert_string_equal(jwt_read(&pool, token, token.len - 1, &read), "the token is too long");
    token = signed_with(&pool, STR(HS256), pool_printf(&pool, "{\"a\":\"%8000d\"}", 1));
    assert_string_equal(jwt_read(&pool, token, JWT_SIZE, &read), "the token is too long");
    assert_null(jwt_read(&pool, token, 2 * JWT_SIZE, &read));
    memset(kid, 'k', 257);
    token = signed_with(&pool, pool_printf(&pool, "{\"alg\":\"HS256\",\"kid\":\"%s\"}", kid),
                        STR(CLAIMS));
    assert_non_null(jwt_read(&pool, token, JWT_SIZE, &read));
    kid[256] = 0;
    token = signed_with(&pool, pool_printf(&pool, "{\"alg\":\"HS256\",\"kid\":\"%s\"}", kid),
                        STR(CLAIMS));
    assert_null(jwt_read(&pool, token, JWT_SIZE, &read));
    assert_int_equal(read.kid.len, 256);
    pool_close(&pool);
}

static void a_token_is_taken_apart(void **state)
{
    struct pool pool;
    struct jwt_token read;
    struct str token, sub;

    (void)state;
    pool_open(&pool, NULL);
    token = signed_with(
        &pool, STR("{\"alg\":\"HS256\",\"typ\":\"application/at+JWT\",\"kid\":\"k\\u0031\"}"),
        STR(CLAIMS));
    assert_null(jwt_read(&pool, token, JWT_SIZE, &read));
    assert_int_equal(read.algorithm, JWS_HS256);
    assert_true(str_eq(read.kid, STR("k1")));
    assert_true(str_eq(read.type, STR("at+JWT")));
    assert_int_equal(read.signature.len, 32);
    assert_true(read.input.len + 1 + 43 == token.len && str_starts(token, read.input));
    assert_true(data_text(data_get(read.claims, "sub"), &sub) && str_eq(sub, STR("alice")));
    token = signed_with(&pool, STR(HS256), STR(CLAIMS));
    assert_null(jwt_read(&pool, token, JWT_SIZE, &read));
    assert_null(read.kid.at);
    assert_null(read.type.at);
    pool_close(&pool);
}

/* ---- verifying ---- */

static enum jwt_verdict verdict_of(struct str token, const struct jwk_set *set, uint32_t algorithms)
{
    struct pool pool;
    struct jwt_token read;
    enum jwt_verdict verdict;
    const char *wrong;

    pool_open(&pool, NULL);
    wrong = jwt_read(&pool, token, JWT_SIZE, &read);
    if (wrong)
        fail_msg("%.*s: %s", STR_ARG(token), wrong);
    verdict = jwt_verify(&read, set, algorithms);
    assert_true(!jwt_verdict_text(verdict) == (verdict == JWT_GOOD));
    pool_close(&pool);
    return verdict;
}

static struct str header_for(struct pool *pool, enum jws_algorithm algorithm)
{
    return pool_printf(pool, "{\"alg\":\"%s\"}", jws_algorithm_name(algorithm).at);
}

static void all_algorithms(void **state)
{
    static const char *const pems[] = {
        [JWS_RS256] = jose_rsa_pem,    [JWS_RS384] = jose_rsa_pem,  [JWS_RS512] = jose_rsa_pem,
        [JWS_PS256] = jose_rsa_pem,    [JWS_PS384] = jose_rsa_pem,  [JWS_PS512] = jose_rsa_pem,
        [JWS_ES256] = jose_p256_pem,   [JWS_ES384] = jose_p384_pem, [JWS_ES512] = jose_p521_pem,
        [JWS_EDDSA] = jose_ed25519_pem};

    (void)state;
    for (int a = 0; a < JWS_ALGORITHMS; a++) {
        enum jws_algorithm algorithm = (enum jws_algorithm)a;
        struct pool pool;
        struct jwk_set *set;
        struct str token;

        pool_open(&pool, NULL);
        token = jose_token(&pool, jws_algorithm_name(algorithm).at,
                           pems[a] ? str_of(pems[a]) : STR(JOSE_SECRET),
                           header_for(&pool, algorithm), STR(CLAIMS));
        set = pems[a] ? pem_set(jose_public_pem(&pool, pems[a])) : secret_set();
        assert_int_equal(verdict_of(token, set, JWS_ALL), JWT_GOOD);
        assert_int_equal(verdict_of(token, set, JWS_BIT(a)), JWT_GOOD);
        assert_int_equal(verdict_of(token, set, JWS_ALL & ~JWS_BIT(a)), JWT_NOT_ALLOWED);
        assert_int_equal(verdict_of(token, set, 0), JWT_NOT_ALLOWED);
        jwk_set_free(set);
        set = json_set(pool_printf(&pool, "{" JOSE_OTHER_JWK "}"));
        assert_int_equal(verdict_of(token, set, JWS_ALL),
                         JWS_ALL_RSA & JWS_BIT(a) ? JWT_BAD_SIGNATURE : JWT_NOT_ALLOWED);
        jwk_set_free(set);
        pool_close(&pool);
    }
}

/* RFC 8725 section 2.1: a token "signed" by HS256 with what everybody knows of the RSA key. */
static void an_rsa_key_is_no_secret(void **state)
{
    struct pool pool;
    struct jwk_set *sets[2];
    struct str pem, secrets[5];

    (void)state;
    pool_open(&pool, NULL);
    pem = jose_public_pem(&pool, jose_rsa_pem);
    secrets[0] = pem;
    secrets[1] = str_trim(pem, "\n");
    secrets[2] = pool_printf(&pool, "{%s}", jose_jwk(&pool, jose_rsa_pem));
    secrets[3] = STR("");
    secrets[4] = STR("AQAB");
    sets[0] = pem_set(pem);
    sets[1] = json_set(secrets[2]);
    for (size_t i = 0; i < 5; i++)
        for (size_t s = 0; s < 2; s++) {
            struct str token = jose_token(&pool, "HS256", secrets[i], STR(HS256), STR(CLAIMS));
            assert_int_equal(verdict_of(token, sets[s], JWS_ALL), JWT_NOT_ALLOWED);
            assert_int_equal(verdict_of(token, sets[s], JWS_BIT(JWS_RS256)), JWT_NOT_ALLOWED);
            /* The header says RS256, the signature is the HMAC. */
            token = jose_token(&pool, "HS256", secrets[i], STR("{\"alg\":\"RS256\"}"), STR(CLAIMS));
            assert_int_equal(verdict_of(token, sets[s], JWS_ALL), JWT_BAD_SIGNATURE);
        }
    jwk_set_free(sets[0]);
    jwk_set_free(sets[1]);
    pool_close(&pool);
}

/* The bearer's own key, sent along, signs well, and is nobody's. */
static void a_key_of_the_token_is_not_used(void **state)
{
    struct pool pool;
    struct jwk_set *set = json_set(STR("{" JOSE_OTHER_JWK ",\"kid\":\"a\"}"));
    struct str headers[3];
    const char *jwk;

    (void)state;
    pool_open(&pool, NULL);
    jwk = jose_jwk(&pool, jose_rsa_pem);
    headers[0] = pool_printf(&pool, "{\"alg\":\"RS256\",\"kid\":\"a\",\"jwk\":{%s}}", jwk);
    headers[1] = STR("{\"alg\":\"RS256\",\"jku\":\"http://127.0.0.1/\",\"kid\":\"a\"}");
    headers[2] = STR("{\"alg\":\"RS256\",\"x5u\":\"http://127.0.0.1/\",\"x5c\":[\"MAA=\"]}");
    for (size_t i = 0; i < 3; i++) {
        struct str token =
            jose_token(&pool, "RS256", str_of(jose_rsa_pem), headers[i], STR(CLAIMS));
        assert_int_equal(verdict_of(token, set, JWS_ALL), JWT_BAD_SIGNATURE);
    }
    jwk_set_free(set);
    pool_close(&pool);
}

static void an_algorithm_is_the_keys(void **state)
{
    static const struct {
        const char *header, *signer; /* what it says, what it is */
        const char *members;         /* of the RSA key */
        enum jwt_verdict verdict;
    } rows[] = {
        {"RS256", "RS256", "", JWT_GOOD},
        {"PS256", "PS256", "", JWT_GOOD},
        {"RS256", "RS256", ",\"alg\":\"RS256\"", JWT_GOOD},
        {"PS256", "PS256", ",\"alg\":\"RS256\"", JWT_NOT_ALLOWED},
        {"RS512", "RS512", ",\"alg\":\"RS256\"", JWT_NOT_ALLOWED},
        {"RS256", "PS256", "", JWT_BAD_SIGNATURE},
        {"PS256", "RS256", "", JWT_BAD_SIGNATURE},
        {"RS384", "RS256", "", JWT_BAD_SIGNATURE},
        {"ES256", "RS256", "", JWT_NOT_ALLOWED},
        {"EdDSA", "RS256", "", JWT_NOT_ALLOWED},
    };
    struct pool pool;

    (void)state;
    pool_open(&pool, NULL);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct jwk_set *set =
            json_set(pool_printf(&pool, "{%s%s}", jose_jwk(&pool, jose_rsa_pem), rows[i].members));
        struct str token =
            jose_token(&pool, rows[i].signer, str_of(jose_rsa_pem),
                       pool_printf(&pool, "{\"alg\":\"%s\"}", rows[i].header), STR(CLAIMS));
        assert_int_equal(verdict_of(token, set, JWS_ALL), rows[i].verdict);
        jwk_set_free(set);
    }
    pool_close(&pool);
}

/* Which key is asked. The set has the signer's key, an RSA key of others, and the secret. */
static void a_kid_chooses_the_key(void **state)
{
    static const struct {
        const char *signer, *other,
            *secret;     /* members of the keys in the set, NULL: it is not in it */
        const char *kid; /* a member of the token's header */
        enum jwt_verdict verdict;
    } rows[] = {
        {"", NULL, NULL, "", JWT_GOOD},
        {"", NULL, NULL, ",\"kid\":\"any\"", JWT_GOOD}, /* no key has one */
        {"", "", NULL, ",\"kid\":\"any\"", JWT_GOOD},
        {",\"kid\":\"a\"", NULL, NULL, "", JWT_GOOD},
        {",\"kid\":\"a\"", NULL, NULL, ",\"kid\":\"a\"", JWT_GOOD},
        {",\"kid\":\"a\"", NULL, NULL, ",\"kid\":\"A\"", JWT_NO_KEY},
        {",\"kid\":\"a\"", NULL, NULL, ",\"kid\":\"\"", JWT_NO_KEY},
        {",\"kid\":\"a\"", NULL, NULL, ",\"kid\":\"a\\u0000\"", JWT_NO_KEY},
        {",\"kid\":\"a\"", NULL, NULL, ",\"kid\":\"../../dev/null\"", JWT_NO_KEY},
        {",\"kid\":\"a\"", ",\"kid\":\"b\"", NULL, ",\"kid\":\"a\"", JWT_GOOD},
        {",\"kid\":\"a\"", ",\"kid\":\"b\"", NULL, ",\"kid\":\"b\"", JWT_BAD_SIGNATURE},
        {",\"kid\":\"a\"", ",\"kid\":\"b\"", NULL, ",\"kid\":\"c\"", JWT_NO_KEY},
        {",\"kid\":\"a\"", ",\"kid\":\"b\"", NULL, "", JWT_GOOD},
        {",\"kid\":\"a\"", ",\"kid\":\"a\"", NULL, ",\"kid\":\"a\"", JWT_GOOD}, /* both are asked */
        {"", ",\"kid\":\"b\"", NULL, ",\"kid\":\"a\"", JWT_NO_KEY},
        {"", ",\"kid\":\"b\"", NULL, "", JWT_GOOD},
        {NULL, ",\"kid\":\"b\"", NULL, "", JWT_BAD_SIGNATURE},
        {NULL, NULL, ",\"kid\":\"s\"", ",\"kid\":\"s\"", JWT_NOT_ALLOWED},
        {NULL, NULL, ",\"kid\":\"s\"", "", JWT_NOT_ALLOWED},
        {",\"kid\":\"a\"", NULL, ",\"kid\":\"s\"", ",\"kid\":\"s\"", JWT_NOT_ALLOWED},
        {",\"kid\":\"a\"", NULL, ",\"kid\":\"a\"", ",\"kid\":\"a\"", JWT_GOOD},
    };
    struct pool pool;
    const char *jwk;

    (void)state;
    pool_open(&pool, NULL);
    jwk = jose_jwk(&pool, jose_rsa_pem);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct text text = {.pool = &pool};
        struct jwk_set *set;
        struct str token;

        if (rows[i].other)
            text_printf(&text, "{" JOSE_OTHER_JWK "%s},", rows[i].other);
        if (rows[i].secret)
            text_printf(
                &text, "{\"kty\":\"oct\",\"k\":\"QUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUE\"%s},",
                rows[i].secret);
        if (rows[i].signer)
            text_printf(&text, "{%s%s},", jwk, rows[i].signer);
        set = json_set(pool_printf(&pool, "{\"keys\":[%.*s]}", (int)text.len - 1, text.at));
        token = jose_token(&pool, "RS256", str_of(jose_rsa_pem),
                           pool_printf(&pool, "{\"alg\":\"RS256\"%s}", rows[i].kid), STR(CLAIMS));
        if (verdict_of(token, set, JWS_ALL) != rows[i].verdict)
            fail_msg("row %zu", i);
        jwk_set_free(set);
    }
    pool_close(&pool);
}

static void so_many_keys_are_tried(void **state)
{
    struct pool pool;
    struct str token;
    const char *jwk;

    (void)state;
    pool_open(&pool, NULL);
    jwk = jose_jwk(&pool, jose_rsa_pem);
    token =
        jose_token(&pool, "RS256", str_of(jose_rsa_pem), STR("{\"alg\":\"RS256\"}"), STR(CLAIMS));
    for (int before = JWT_TRIES - 1; before <= JWT_TRIES; before++) {
        struct text text = {.pool = &pool};
        struct jwk_set *set;

        for (int i = 0; i < before; i++)
            text_printf(&text, "{" JOSE_OTHER_JWK "},{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":"
                               "\"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo\"},");
        set = json_set(pool_printf(&pool, "{\"keys\":[%s{%s}]}", text.at, jwk));
        assert_int_equal(verdict_of(token, set, JWS_ALL),
                         before < JWT_TRIES ? JWT_GOOD : JWT_BAD_SIGNATURE);
        jwk_set_free(set);
    }
    pool_close(&pool);
}

/* A token of RFC 7515, appendix A.1, with the claims and the time of its day. */
static void the_token_of_the_standard(void **state)
{
    static const struct str issuer = STR_INIT("joe");
    static const struct jwt_rules rules = {
        .claims = {.exp = true, .issuers = &issuer, .issuer_count = 1}};
    struct jwk_set *set =
        json_set(STR("{\"kty\":\"oct\",\"k\":\"AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-"
                     "1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow\"}"));
    struct jwt_token token;
    struct pool pool;
    uint64_t until;

    (void)state;
    pool_open(&pool, NULL);
    assert_null(
        jwt_read(&pool,
                 STR("eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9."
                     "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlL"
                     "mNvbS9pc19yb290Ijp0cnVlfQ.dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"),
                 JWT_SIZE, &token));
    assert_int_equal(jwt_verify(&token, set, JWS_BIT(JWS_HS256)), JWT_GOOD);
    assert_null(jwt_check(&token, &rules, 1300819379, &until));
    assert_int_equal(until, 1300819380);
    assert_string_equal(jwt_check(&token, &rules, 1300819380, &until), "the token has expired");
    assert_int_equal(until, 0);
    jwk_set_free(set);
    pool_close(&pool);
}

static void a_type_is_asked_for(void **state)
{
    static const struct {
        const char *header;
        struct str type;
        bool good;
    } rows[] = {
        {"{\"alg\":\"HS256\"}", {NULL, 0}, true},
        {"{\"alg\":\"HS256\",\"typ\":\"JWT\"}", {NULL, 0}, true},
        {"{\"alg\":\"HS256\",\"typ\":\"at+jwt\"}", STR_INIT("at+jwt"), true},
        {"{\"alg\":\"HS256\",\"typ\":\"application/AT+JWT\"}", STR_INIT("at+jwt"), true},
        {"{\"alg\":\"HS256\",\"typ\":\"JWT\"}", STR_INIT("at+jwt"), false},
        {"{\"alg\":\"HS256\"}", STR_INIT("at+jwt"), false},
        {"{\"alg\":\"HS256\",\"typ\":\"at+jwt\"}", STR_INIT("JWT"), false},
    };
    struct pool pool;

    (void)state;
    pool_open(&pool, NULL);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct jwt_rules rules = {.type = rows[i].type};
        struct jwt_token token;
        uint64_t until = 7;
        const char *wrong;

        assert_null(jwt_read(&pool, signed_with(&pool, str_of(rows[i].header), STR(CLAIMS)),
                             JWT_SIZE, &token));
        wrong = jwt_check(&token, &rules, 1, &until);
        assert_int_equal(!wrong, rows[i].good);
        assert_true(until == (rows[i].good ? UINT64_MAX : 0));
    }
    pool_close(&pool);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(headers),
        cmocka_unit_test(payloads),
        cmocka_unit_test(nesting_is_bounded),
        cmocka_unit_test(texts_have_one_spelling),
        cmocka_unit_test(each_character_counts),
        cmocka_unit_test(sizes_are_bounded),
        cmocka_unit_test(a_token_is_taken_apart),
        cmocka_unit_test(all_algorithms),
        cmocka_unit_test(an_rsa_key_is_no_secret),
        cmocka_unit_test(a_key_of_the_token_is_not_used),
        cmocka_unit_test(an_algorithm_is_the_keys),
        cmocka_unit_test(a_kid_chooses_the_key),
        cmocka_unit_test(so_many_keys_are_tried),
        cmocka_unit_test(the_token_of_the_standard),
        cmocka_unit_test(a_type_is_asked_for),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
